"""The hashed requirement files for pip, written from `uv.lock`: `python -m boss.platform.requirements [--check]`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from boss.platform import bootstrap

FILES = {"requirements.txt": ["--no-dev"], "requirements-dev.txt": []}
HEADER = "# Written by `python -m boss.platform.requirements` from uv.lock: the fall-back where uv cannot install.\n"


def main(arguments: Sequence[str]) -> int:
    """Write both files, or with `--check` only compare. The exit status."""
    status = 0
    for name, options in FILES.items():
        path = bootstrap.ROOT / name
        wanted = HEADER + export(options)
        if "--check" not in arguments:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            print(f"{name} does not fit uv.lock; run: python -m boss.platform.requirements", file=sys.stderr)
            status = 1
    return status


def export(options: Sequence[str]) -> str:
    """What the lock holds, in pip's format."""
    command = [str(bootstrap.uv_program()), "export", "--frozen", "--quiet", "--no-header", "--no-emit-project"]
    return subprocess.run([*command, *options], cwd=bootstrap.ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
