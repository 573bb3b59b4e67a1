"""The keys that sign reply addresses and message ids: made when they are first needed, sealed like every secret."""

from __future__ import annotations

import base64
import secrets

from boss.core import audit, crypto, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ticketing.mail.tokens import Keyring
from ticketing.models import MailKey

_KEY_BYTES = 32


def keyring() -> Keyring:
    """The keys of the realm entered; its first one is made here."""
    rows = list(MailKey.objects.all())
    if not rows:
        locks.hold("ticketing.mail_key")
        rows = list(MailKey.objects.all()) or [_made(1)]
    return Keyring(scoping.current_realm_id(), {row.version: _opened(row) for row in rows})


@service
def renew(*, actor: Actor) -> MailKey:
    """Sign with a new key from now on. Addresses in mails that are out stay good."""
    require(actor, "ticketing.manage_mailboxes")

    locks.hold("ticketing.mail_key")
    last = MailKey.objects.order_by("-version").first()
    made = _made(last.version + 1 if last else 1)

    audit.record(actor=actor, action="mail_key.renewed", subject=made, after={"version": made.version})
    return made


def place(key: MailKey) -> str:
    """What a key's sealed text is bound to."""
    return f"ticketing.mailkey:{key.realm_id}:{key.version}:secret"


def _made(version: int) -> MailKey:
    key = MailKey(version=version)
    key.secret_sealed = crypto.seal(base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(), bound_to=place(key))
    key.save()
    return key


def _opened(key: MailKey) -> bytes:
    return base64.b64decode(crypto.open_sealed(key.secret_sealed, bound_to=place(key)))
