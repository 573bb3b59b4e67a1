"""The kinds of endpoints there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from boss.automation.contracts import Kind

_MODULES = ("http", "sql", "ldap", "ssh", "ticket")


class _Kinds(Mapping[str, Kind]):
    """By key. A kind's module is read when it is first asked for: the libraries some of them bring take a second, which
    most processes never need."""

    def __getitem__(self, key: str) -> Kind:
        if key not in _MODULES:
            raise KeyError(key)
        kind: Kind = import_module(f"{__name__}.{key}").KIND
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


KINDS: Mapping[str, Kind] = _Kinds()
