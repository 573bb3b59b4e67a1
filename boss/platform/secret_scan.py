"""`python -m boss.platform.secret_scan`: no secret lies in a file that is committed.

Looks for shapes that are secrets and nothing else: private keys, keys of well-known services, our own API keys,
passwords in addresses. What only looks like one is allowed by a line of its own, with its reason, below.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from boss.platform.addresses import ROOT

SHAPES = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*\n?[A-Za-z0-9+/=]{20,}"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "service token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,}|xox[abpr]-[\w-]{20,}|sk_live_\w{20,})"
    ),
    "web token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    "API key of ours": re.compile(r"\bboss_[0-9a-z]{12}_(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{43}\b"),
    "password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|redis|amqp|https?)://[^\s:/@\"'{}<>$]+:[^\s/@\"'{}<>$]{6,}@"
    ),
}

ALLOWED = {
    # Addresses with made-up passwords, in the tests of what must not be shown of them.
    ("password in an address", "tests/"),
}

_BINARY = {".png", ".ico", ".woff", ".woff2", ".gz", ".jpg", ".pdf"}
_LARGEST = 2_000_000


def files() -> list[Path]:
    """What is committed or would be."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    named = [ROOT / name.decode() for name in asked.stdout.split(b"\0") if name]
    return named or [path for path in ROOT.rglob("*.py") if ".venv" not in path.parts]


def secrets_in(text: str) -> Iterator[tuple[str, int]]:
    """What a text holds: the shape, and the line."""
    for shape, pattern in SHAPES.items():
        for match in pattern.finditer(text):
            yield shape, text.count("\n", 0, match.start()) + 1


def found() -> list[str]:
    """Every secret, as file:line shape."""
    lines = []
    for path in files():
        if path.suffix in _BINARY or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        name = path.relative_to(ROOT).as_posix()
        for shape, line in secrets_in(path.read_text(errors="replace")):
            if not any(shape == allowed and name.startswith(place) for allowed, place in ALLOWED):
                lines.append(f"{name}:{line}: {shape}")
    return lines


def main() -> int:
    lines = found()
    print("\n".join(lines) or "no secret found")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
