"""How long what is kept: classes of records, declared by the rooms, limited by law below and by each realm above.

Nothing is ever deleted unless a realm switches it on, and never sooner than the floor. ``boss.privacy`` runs it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise

from boss.core.registry import Registry
from boss.core.scoping import RealmScoped


@dataclass(frozen=True, slots=True)
class RecordClass:
    """One class of records.

    ``older(cut)`` finds the rows of ``model`` whose time ended before ``cut``. ``floor_days`` is the shortest time a
    realm may set; ``usual_days`` what the page proposes. ``dependents`` (model, look-up of the row) go with each row.
    ``erase`` runs instead of deleting, for what only another role may delete; it takes the realm and the cut and
    returns how many rows went. The numbers are proposals for a lawyer, who knows the country.
    """

    title: str | Promise
    model: type[RealmScoped]
    older: Callable[[dt.datetime], Q]
    usual_days: int
    floor_days: int = 1
    dependents: tuple[tuple[type[RealmScoped], str], ...] = ()
    erase: Callable[[int, dt.datetime], int] | None = None

    def rows(self, realm_id: int, cut: dt.datetime) -> Any:
        return self.model.objects.filter(self.older(cut), realm_id=realm_id)


record_classes: Registry[RecordClass] = Registry("record classes", RecordClass)
