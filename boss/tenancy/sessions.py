"""Django's database sessions on our scoped table: a session belongs to the realm of the host that made it.

Of a session that somebody is signed in with, ``ABOUT`` holds whose it is, since when, and how well that was proven. It
ends by itself: after some time without a visit, and at the latest some time after signing in (``sign_in_rules``).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from boss.core import clock, scoping
from boss.tenancy import sign_in_rules
from boss.tenancy.models import Session, User

ABOUT = "boss"
SECONDS_BETWEEN_NOTES = 60


def about(
    *, kind: str, address: str = "", agent: str = "", second: bool = False, proven: bool = False
) -> dict[str, Any]:
    """What a session says of its sign-in. ``second``: with a second factor; ``proven``: just now, by the person."""
    now = clock.now().timestamp()
    return {
        "id": scoping.new_public_id(),
        "kind": kind,
        "since": now,
        "proven": now if proven else 0,
        "second": second,
        "address": address[:45],
        "agent": agent[:300],
    }


class SessionStore(DatabaseStore):
    row: Session | None = None
    """The row it was read from, with when it was last seen."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        # The realm is named because the platform's host runs in system scope, which sees the sessions of all.
        row: Session | None = Session.objects.filter(
            realm_id=scoping.current_realm_id(), session_key=self.session_key, expire_date__gt=clock.now()
        ).first()
        if row is not None and _is_over(row, self.decode(row.session_data)):
            row.delete()
            row = None
        if row is None:
            self._session_key = None
        self.row = row
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        if SESSION_KEY in data and ABOUT not in data:  # signed in by Django's own means
            kind = User.objects.filter(pk=data[SESSION_KEY]).values_list("kind", flat=True).first()
            data[ABOUT] = about(kind=kind or "staff")
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.realm_id = scoping.current_realm_id()
        row.last_seen_at = clock.now()
        if SESSION_KEY in data:
            told = data[ABOUT]
            row.public_id, row.user_id = told["id"], int(data[SESSION_KEY])
            row.since = dt.datetime.fromtimestamp(told["since"], dt.UTC)
            row.address, row.agent = told["address"], told["agent"]
        return row

    def get_session_cookie_age(self) -> int:
        """Seconds the cookie and the row may live: for somebody signed in, what is left until the absolute limit."""
        told = self.get(ABOUT) if SESSION_KEY in self else None
        if told is None:
            return int(settings.SESSION_COOKIE_AGE)
        absolute = sign_in_rules.lasting(scoping.current_realm_id(), told["kind"]).absolute
        return max(1, int(told["since"] + absolute.total_seconds() - clock.now().timestamp()))

    def note_visit(self) -> None:
        """Remember that somebody was here, at most once a minute; give the session another key if that is due."""
        if self.row is None or self.row.user_id is None or SESSION_KEY not in self:
            return
        if self.row.rotate:
            self.cycle_key()
            self.row = None
        elif self.row.last_seen_at is None or (
            clock.now() - self.row.last_seen_at > dt.timedelta(seconds=SECONDS_BETWEEN_NOTES)
        ):
            Session.objects.filter(pk=self.row.pk).update(last_seen_at=clock.now())


def _is_over(row: Session, data: dict[str, Any]) -> bool:
    if SESSION_KEY not in data:
        return False
    told = data.get(ABOUT)
    if told is None or row.last_seen_at is None:  # from before sessions had limits
        return True
    limits, now = sign_in_rules.lasting(row.realm_id, told["kind"]), clock.now()
    return now - row.last_seen_at > limits.idle or now.timestamp() - told["since"] > limits.absolute.total_seconds()
