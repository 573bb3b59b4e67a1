"""First files of new zones: BIND makes a zone only from a file, and no command of its can write one.

The directory is the realm's setting; that files may be written there at all is the platform operator's word
(``BOSS_DRIVER_DIRECTORIES``). Every file has a name of its own, so none is ever overwritten: BIND deletes the files
of a removed zone some time after it said that the zone is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

from ipservices.contracts import Invalid

_OURS = re.compile(r"(?P<zone>.+)\.(?P<ref>[A-Za-z0-9_-]+)\.[0-9a-f]{8}\.db")
_PLAIN = re.compile(r"/[A-Za-z0-9._/-]+")
MOST_LETTERS = 190
"""A longer zone name leaves no room for the rest of a file's name."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whose a zone file is, by its name: ``example.test.svc-1a2b3c.0f3a9c12.db``."""

    zone: str
    service_ref: str


def named(path: str) -> Named | None:
    """What the name of a zone's file says; None when BOSS did not choose it."""
    found = _OURS.fullmatch(PurePosixPath(path).name)
    return None if found is None else Named(unquote(found["zone"]), found["ref"])


class ZoneFiles:
    """The directory of one binding. ``seen_as`` is its path on the name server, where that is another machine's."""

    def __init__(self, directory: str, seen_as: str, allowed: Sequence[str]) -> None:
        self._directory = directory.rstrip("/")
        self._seen_as = (seen_as or directory).rstrip("/")
        self._allowed = allowed

    def write(self, zone: str, service_ref: str, content: str) -> str:
        """Write a new file; its path as the name server sees it. Raises :class:`Invalid`."""
        if not _PLAIN.fullmatch(self._seen_as) or "/.." in self._seen_as:
            raise Invalid("the directory of zone files is not a plain absolute path", directory=self._seen_as)
        name = f"{quote(zone, safe='')}.{service_ref}.{secrets.token_hex(4)}.db"
        with self._opened() as directory:
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=directory)
            with os.fdopen(handle, "w") as written:
                os.fchmod(handle, 0o644)  # the name server is another user
                written.write(content)
                written.flush()
                os.fsync(handle)
        return f"{self._seen_as}/{name}"

    def forget(self, path: str) -> None:
        """Delete a file that no zone was made from."""
        with self._opened() as directory, contextlib.suppress(FileNotFoundError):
            os.unlink(PurePosixPath(path).name, dir_fd=directory)

    def listed(self) -> list[str]:
        """Every file here that BOSS named, as the name server sees it; none when there is no directory."""
        if not self._directory:
            return []
        with self._opened() as directory:
            names = os.listdir(directory)  # noqa: PTH208 - of a handle: the path may lead elsewhere by now
        return sorted(f"{self._seen_as}/{name}" for name in names if named(name) is not None)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The directory itself, reached from an allowed one over no symbolic link."""
        if not self._directory:
            raise Invalid("new zones need a directory of zone files", fields={"zone_directory": ["this is needed"]})
        wanted = Path(self._directory)
        roots = [Path(root) for root in self._allowed if wanted.is_relative_to(root)]
        if not wanted.is_absolute() or ".." in wanted.parts or not roots:
            raise Invalid(
                f"zone files may not be written in {self._directory}; the platform operator can allow it"
                " (BOSS_DRIVER_DIRECTORIES)",
                directory=self._directory,
            )
        opened: list[int] = []
        try:
            opened.append(os.open(roots[0], os.O_RDONLY | os.O_DIRECTORY))
            for part in wanted.relative_to(roots[0]).parts:
                opened.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
            yield opened[-1]
        except OSError as error:
            raise Invalid(f"zone files cannot be written in {self._directory}: {error.strerror}") from error
        finally:
            for handle in opened:
                os.close(handle)
