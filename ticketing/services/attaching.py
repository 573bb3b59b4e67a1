"""Files put on tickets: looked at before anything is done, then kept with the words or the field they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from boss.core import audit, files
from boss.core.actors import Actor
from boss.core.files import Source, Upload
from boss.core.models import StoredFile
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Realm
from ticketing import file_limits
from ticketing.file_limits import DEFAULT, KEY, MIB, MOST, FileLimits
from ticketing.models import Attachment, Message, Ticket

MANAGE = "ticketing.manage_categories"


def wrapped(sources: Iterable[Source | Upload]) -> list[Upload]:
    """What a form or a request brought, as uploads."""
    return [each if isinstance(each, Upload) else Upload.of(each) for each in sources]


def wrapped_values(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of fields with the files among them as uploads."""
    return {
        key: Upload.of(value) if isinstance(value, UploadedFile) else value for key, value in (values or {}).items()
    }


def check(uploads: Sequence[Upload], *, realm_id: int, place: str = "files") -> None:
    """Raise :class:`InvalidInput` at ``place`` for what is not taken: too many, too large, empty, a program.

    Sizes are looked at first: what is too large is never read.
    """
    if not uploads:
        return
    limits = file_limits.of_realm(realm_id)
    wrong: list[str] = []
    if len(uploads) > limits.count:
        wrong.append(_("At most %(n)s files at a time.") % {"n": limits.count})
    for each in uploads:
        if each.size == 0:
            wrong.append(_("%(name)s is empty.") % {"name": each.name})
        elif each.size > limits.file_mib * MIB:
            told = _("%(name)s is too large: at most %(n)s MiB for one file.")
            wrong.append(told % {"name": each.name, "n": limits.file_mib})
    if not wrong and sum(each.size for each in uploads) > limits.total_mib * MIB:
        wrong.append(_("Too large together: at most %(n)s MiB at a time.") % {"n": limits.total_mib})
    if not wrong:
        told = _("%(name)s is a program, which is not taken. Send it in another way, or describe it.")
        wrong = [told % {"name": each.name} for each in uploads if each.is_executable]
    if wrong:
        raise InvalidInput(fields={place: wrong})


def keep(
    uploads: Iterable[Upload],
    *,
    actor: Actor,
    ticket: Ticket,
    message: Message | None = None,
    field: str = "",
    by_mail: bool = False,
) -> list[Attachment]:
    """Write files that were checked on a locked ticket, as part of what is said or filled in (and audited) there."""
    rows = []
    for each in uploads:
        stored = files.store(each.content, each.media_type)
        rows.append(
            Attachment(
                public_id=each.public_id, ticket=ticket, message=message, field=field, file=stored, name=each.name,
                size=stored.size, media_type=each.media_type, sha256=stored.sha256, scan=stored.scan,
                by_mail=by_mail, added_by=actor.label[:200],
            )
        )  # fmt: skip
    kept: list[Attachment] = Attachment.objects.bulk_create(rows)
    return kept


def keep_values(ticket: Ticket, given: Mapping[str, Any], *, actor: Actor) -> None:
    """Keep the files among ``given`` that the ticket's fields now hold."""
    for key, value in given.items():
        if isinstance(value, Upload) and ticket.data.get(key) == value.public_id:
            keep([value], actor=actor, ticket=ticket, field=key)


def note_scan(file_id: int) -> int:
    """Copy what the scanner said of a content to the files that are it. How many."""
    known = StoredFile.objects.values_list("scan", flat=True).get(pk=file_id)
    return int(Attachment.objects.filter(file=file_id).exclude(scan=known).update(scan=known))


@service
def set_limits(*, actor: Actor, count: int, file_mib: int, total_mib: int, mail_mib: int) -> FileLimits:
    """Say how many files, and how large, tickets take. Raises :class:`InvalidInput` beyond the house's own limits."""
    realm: Realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, MANAGE)

    wanted = FileLimits(count=count, file_mib=file_mib, total_mib=total_mib, mail_mib=mail_mib)
    most = MOST.to_json()
    wrong = {
        name: [_("Choose between %(least)s and %(most)s.") % {"least": least, "most": most[name]}]
        for name, value in wanted.to_json().items()
        for least in [0 if name == "mail_mib" else 1]
        if not least <= value <= most[name]
    }
    if not wrong and wanted.total_mib < wanted.file_mib:
        wrong = {"total_mib": [_("No less than one file may have.")]}
    if wrong:
        raise InvalidInput(fields=wrong)

    before, after = realm.settings.get(KEY, DEFAULT.to_json()), wanted.to_json()
    if before == after:
        return wanted
    realm.settings = realm.settings | {KEY: after}
    realm.save(update_fields=["settings"])
    tenancy.forget_cached()

    audit.record(actor=actor, action="realm.file_limits_changed", subject=realm, before=before, after=after)
    return wanted
