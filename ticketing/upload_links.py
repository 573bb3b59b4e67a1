"""The link in the notice about a mail that was too large: by it its reader puts files on that ticket, and no more.

Signed for this purpose alone, for one participant of one ticket, and good for a week. It shows nothing of the ticket
but its number and title, which stand in the same mail.
"""

from __future__ import annotations

import datetime as dt

from django.core import signing

from boss.core import clock
from boss.notify.rendering import home_of
from ticketing.models import Participant

_SALT = "ticketing.upload"
VALID_FOR = dt.timedelta(days=7)


def link(participant: Participant) -> str:
    """The absolute address, on the realm's own host."""
    return f"{home_of(participant.realm_id)}upload/{token(participant)}/"


def token(participant: Participant) -> str:
    until = int((clock.now() + VALID_FOR).timestamp())
    return signing.dumps([participant.realm_id, participant.public_id, until], salt=_SALT, compress=False)


def read(presented: str) -> tuple[int, str] | None:
    """Realm and participant that a link was made for; None for what we have not signed, and for what has run out."""
    try:
        realm_id, public_id, until = signing.loads(presented, salt=_SALT)
        if clock.now().timestamp() >= int(until):
            return None
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return int(realm_id), str(public_id)
