"""Pages of a list without count(*): one row more than shown tells whether there is a next page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Q, QuerySet

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page. ``older`` is the cursor of the next page, or empty on the last one."""

    rows: Sequence[Row]
    older: str = ""
    is_first: bool = True

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def map(self, present: Callable[[Row], Any]) -> Page[Any]:
        """The same page with every row presented."""
        return self.map_all(lambda rows: [present(row) for row in rows])

    def map_all(self, present: Callable[[Sequence[Row]], Sequence[Any]]) -> Page[Any]:
        """The same page with its rows presented together, where one statement can ask for all of them."""
        return Page(present(self.rows), self.older, self.is_first)


def newest_first(rows: QuerySet[Any], cursor: str, size: int = 50) -> Page[Any]:
    """One page by falling primary key. A forged or stale ``cursor`` shows the first page."""
    rows = rows.order_by("-pk")
    last: int | None = None
    if cursor:
        try:
            last = int(signing.loads(cursor, salt="boss.look.pages"))
        except (signing.BadSignature, ValueError, TypeError):
            last = None
    if last is not None:
        rows = rows.filter(Q(pk__lt=last))
    found = list(rows[: size + 1])
    more = len(found) > size
    shown = found[:size]
    older = signing.dumps(shown[-1].pk, salt="boss.look.pages") if more else ""
    return Page(shown, older, last is None)
