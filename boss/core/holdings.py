"""What each table holds of a person: declared by the rooms, read by copies and erasures of ``boss.privacy``.

A model with text of any kind declares a :class:`Holding`, be it to say that there is nothing of a person in it. A test
fails for a model that does not, so no table can be forgotten when somebody asks for his data or for their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise

from boss.core.registry import Registry
from boss.core.scoping import RealmScoped

SCRUBBED = object()
"""A replacement: the text stays, but the person's name, e-mail, phone and address in it are blotted out."""

BLOT = "[erased]"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person as the tables know him: ids by kind ("account", "user", "order", "run", "ticket", …) and texts.

    ``texts`` are what names him, longest first: names, e-mails, phones, streets. ``emails`` are the e-mails alone.
    """

    realm_id: int
    ids: Mapping[str, tuple[int, ...]]
    texts: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[int, ...]:
        return self.ids.get(kind, ())


@dataclass(frozen=True, slots=True)
class Holding:
    """What ``model`` holds of a person.

    ``of`` finds a person's rows; None with ``nobody`` saying why there are none. ``erased`` maps a column to what
    stands in it after an erasure (``{pk}`` in a text is the row's key), or SCRUBBED. ``deleted`` rows go as a whole.
    ``kept`` says why something stays after an erasure; it is told to whoever asked for it. ``hidden`` columns (secrets,
    search forms of other columns) and ``withheld`` rows (what staff write among themselves) are in no copy.
    ``bytes_of`` gives the name of the file that a row stands for and the id of its content, for the copy; None where
    the file is handed out to nobody.
    """

    model: type[RealmScoped]
    of: Callable[[Subject], Q] | None = None
    erased: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    kept: str | Promise = ""
    nobody: str = ""
    hidden: tuple[str, ...] = ()
    bytes_of: Callable[[Any], tuple[str, int] | None] | None = None
    withheld: Q | None = None


holdings: Registry[Holding] = Registry("holdings of personal data", Holding)


def declare(*rows: Holding) -> None:
    """Register what a room's tables hold, each under its model's label."""
    for row in rows:
        holdings.register(row.model._meta.label_lower, row)
