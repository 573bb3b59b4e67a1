"""The shapes in which a demo provider's data are written down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boss.core.schema import Characteristic as Field
from catalog.services.plans import VersionDraft
from ticketing.choices import CategoryKind, Priority

PoolSeed = tuple[str, str, str]
"""Key, name and description of a talent pool."""


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff. ``pools`` are the talent pools whose tickets this person takes."""

    name: str
    role: str
    pools: tuple[str, ...] = ()
    what: str = ""

    def email(self, domain: str) -> str:
        return f"{self.name.split()[0].lower()}@{domain}"


@dataclass(frozen=True, slots=True)
class Place:
    """One service location as it is written down."""

    street: str
    city: str
    postal_code: str
    unit: str = ""
    organization: str = ""
    technology: str = "hfc"
    access_node: str = ""


@dataclass(frozen=True, slots=True)
class CategorySeed:
    """One category. Targets are in hours."""

    key: str
    name: str
    pool: str
    kind: str = CategoryKind.SUPPORT
    reply_hours: float | None = None
    resolve_hours: float | None = None
    fields: tuple[Field, ...] = ()
    portal_visible: bool = False
    priority: int = Priority.NORMAL

    @property
    def reply(self) -> dt.timedelta | None:
        return None if self.reply_hours is None else dt.timedelta(hours=self.reply_hours)

    @property
    def resolve(self) -> dt.timedelta | None:
        return None if self.resolve_hours is None else dt.timedelta(hours=self.resolve_hours)


@dataclass(frozen=True, slots=True)
class PlanSeed:
    """A plan with its first version."""

    key: str
    title: str
    summary: str
    category: str
    version: VersionDraft
