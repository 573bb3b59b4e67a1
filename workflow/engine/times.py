"""How long from now: by the clock, or by the hours in which the provider works."""

from __future__ import annotations

import datetime as dt

from boss.tenancy import selectors as ground
from workflow.engine.ledger import Book


class BadTime(ValueError):
    """``until`` did not give a time: an ISO date and time with zone, or a number of seconds from now; or the business
    calendar to count by is gone."""


def after(book: Book, seconds: float, calendar_key: str) -> dt.datetime:
    """The instant ``seconds`` from the book's now, counting open hours only where a calendar is named."""
    if not calendar_key:
        return book.after(seconds)
    calendar = ground.find_calendar(calendar_key)
    if calendar is None:
        raise BadTime(f"there is no business calendar {calendar_key!r}")
    return calendar.add(book.now, dt.timedelta(seconds=seconds))
