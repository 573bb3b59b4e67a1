"""Going into a mailbox at its mail server, with a password or with an access token."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from boss.core.outbound import Policy
from boss.tenancy.selectors import get_realm
from boss.tenancy.services import driver_networks
from ticketing.mail import imap
from ticketing.models import MailSource
from ticketing.services.mail import grants, sources


@dataclass(frozen=True, slots=True)
class Entrance:
    """What is needed outside of any transaction. ``password`` is "" where tokens are used."""

    source: MailSource
    password: str = field(repr=False)
    policy: Policy


def entrance_of(source: MailSource) -> Entrance:
    """Read it in the realm's transaction."""
    policy = Policy(driver_networks.reachable_from(get_realm(source.realm_id)), most_bytes=imap.LARGEST)
    return Entrance(source, "" if source.by_oauth else sources.password_of(source), policy)


@contextlib.contextmanager
def entered(entrance: Entrance) -> Iterator[imap.Folder]:
    """Signed in, with the folder open. A token that the mail server takes no more is replaced once.

    Raises :class:`~ticketing.mail.imap.Refused`, also inside, and :class:`~ticketing.mail.oauth.NoToken`.
    """
    source = entrance.source
    if not source.by_oauth:
        with _opened(entrance, password=entrance.password) as folder:
            yield folder
        return
    token = grants.token_for(source.realm_id, source.pk)
    with contextlib.ExitStack() as doors:
        try:
            folder = doors.enter_context(_opened(entrance, token=token))
        except imap.TokenRefused:
            anew = grants.token_for(source.realm_id, source.pk, not_this=token)
            folder = doors.enter_context(_opened(entrance, token=anew))
        yield folder


def _opened(
    entrance: Entrance, *, password: str = "", token: str = ""
) -> contextlib.AbstractContextManager[imap.Folder]:
    source = entrance.source
    return imap.opened(
        host=source.host, port=source.port, security=source.security, username=source.username, folder=source.folder,
        policy=entrance.policy, password=password, token=token, certificate=source.certificate_sha256,
    )  # fmt: skip
