"""Setting up which existing mailbox is fetched for one of our addresses."""

from __future__ import annotations

import re
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from boss.core import audit, crypto
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing.choices import SourceAfter, SourceSecurity, SourceSignIn
from ticketing.models import Mailbox, MailGrant, MailSource
from ticketing.services.mail import grants

SHORTEST, LONGEST = 15, 3600
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,198}[A-Za-z0-9])?\Z")


@service
def define(*, actor: Actor, mailbox: Mailbox, password: str = "", **given: Any) -> MailSource:
    """Fetch this mailbox's mail from there from now on; ``given`` are the fields of :class:`MailSource`.

    An empty ``password`` keeps the one there is, as long as server and user name stay; what OAuth 2 gave for it is kept
    alike. Another server, user or folder is looked at as for the first time. Raises :class:`InvalidInput` with the
    fields.
    """
    require(actor, "ticketing.manage_mailboxes")

    source: MailSource = MailSource.objects.select_for_update().filter(mailbox=mailbox).first() or MailSource(
        mailbox=mailbox
    )
    place_before = (source.host, source.username)
    folder_before = (*place_before, source.folder)
    for name in _FIELDS:
        setattr(source, name, given.get(name, getattr(source, name)))
    source.certificate_sha256 = re.sub(r"[\s:]", "", source.certificate_sha256).lower()
    made, moved = source.pk is None, place_before != (source.host, source.username)
    _refuse(source, needs_password=not source.by_oauth and not password and (moved or not source.password_sealed))

    if source.by_oauth:
        source.password_sealed = ""
    elif password:
        source.password_sealed = crypto.seal(password, bound_to=place(source))
    if folder_before != (source.host, source.username, source.folder):
        source.uid_validity, source.last_uid, source.marked_uid, source.reads_since = None, 0, 0, None
    source.error, source.failures = "", 0
    # Whoever listens there by the settings of before notices that it is his no more.
    source.listener = source.listened_until = source.tells = None
    source.due_at = Now()
    source.save()
    if not source.by_oauth:
        MailGrant.objects.filter(source=source).delete()
    elif moved:
        grants.forget_secrets(source)

    after = {name: getattr(source, name) for name in _FIELDS}
    audit.record(actor=actor, action="mail_source.defined", subject=source, before={"is_new": made}, after=after)
    return source


@service
def remove(*, actor: Actor, mailbox: Mailbox) -> None:
    """Fetch it no more. What was fetched stays, and so does the mail at the server."""
    require(actor, "ticketing.manage_mailboxes")

    source = MailSource.objects.filter(mailbox=mailbox).first()
    if source is None:
        return
    audit.record(actor=actor, action="mail_source.removed", subject=source, after={"host": source.host})
    source.delete()


def place(source: MailSource) -> str:
    """What the sealed password is bound to: the mailbox it is for."""
    return f"ticketing.mailsource:{source.realm_id}:{source.mailbox_id}:password"


def password_of(source: MailSource) -> str:
    return crypto.open_sealed(source.password_sealed, bound_to=place(source))


_FIELDS = (
    "host", "port", "security", "certificate_sha256", "username", "sign_in", "folder", "after", "move_to", "takes_old",
    "every_seconds", "is_active",
)  # fmt: skip


def _refuse(source: MailSource, *, needs_password: bool) -> None:
    wrong: dict[str, list[Any]] = {}
    if not _HOST.match(source.host):
        wrong["host"] = [_("Enter the name of a mail server.")]
    if not 1 <= source.port <= 65535:
        wrong["port"] = [_("A port is a number from 1 to 65535.")]
    if source.security not in SourceSecurity.values:
        wrong["security"] = [_("Choose how the connection is encrypted.")]
    if source.certificate_sha256 and not re.fullmatch(r"[0-9a-f]{64}", source.certificate_sha256):
        wrong["certificate_sha256"] = [_("The SHA-256 of a certificate has 64 digits from 0 to f.")]
    elif source.certificate_sha256 and source.security == SourceSecurity.NONE:
        wrong["certificate_sha256"] = [_("Without encryption there is no certificate.")]
    if not source.username:
        wrong["username"] = [_("Enter the user name at the mail server.")]
    if source.sign_in not in SourceSignIn.values:
        wrong["sign_in"] = [_("Choose how BOSS signs in there.")]
    if needs_password:
        wrong["password"] = [_("Enter the password at the mail server.")]
    for name in ("folder", "move_to"):
        if not getattr(source, name).isascii():
            wrong[name] = [_("Write the folder as the server spells it (letters of ASCII).")]
    if not source.folder:
        wrong["folder"] = [_("Enter a folder, usually INBOX.")]
    if source.after == SourceAfter.MOVE and (not source.move_to or source.move_to == source.folder):
        wrong["move_to"] = [_("Say which other folder mail is moved to.")]
    if not SHORTEST <= source.every_seconds <= LONGEST:
        wrong["every_seconds"] = [_("From %(a)s to %(b)s seconds.") % {"a": SHORTEST, "b": LONGEST}]
    if wrong:
        raise InvalidInput(fields=wrong)
