#!/usr/bin/env python3
"""BOSS's command line. It needs only Python 3.11: what is locked is installed on first use, then the command runs."""

import os
import sys

from boss.platform import bootstrap


def main() -> None:
    """Install what is missing, then hand over to Django inside `.venv`."""
    bootstrap.ensure(sys.argv)

    from boss.platform import commands

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", commands.settings_module(sys.argv))
    commands.run(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # Ctrl-C while packages are installed or a command is at work: somebody meant it, a traceback says nothing.
        sys.exit(130)
