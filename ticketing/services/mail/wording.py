"""Writing the texts of ticket mails (rule O3): kept in versions, looked at before, tried on oneself, taken back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.notify.rendering import Rendered, home_of, render
from boss.notify.services import messages
from boss.tenancy.models import User
from ticketing import desk, mail_limits, mail_texts, upload_links
from ticketing.choices import OutboundKind
from ticketing.errors import MailTextChanged, OnlyPeopleWrite
from ticketing.mail import composing, language
from ticketing.models import Category, MailText, Ticket

SAMPLE_NUMBER = "NF-10482"


@dataclass(frozen=True, slots=True)
class Place:
    """Which text: of one kind of mail, in one language, for all tickets or those of one category."""

    kind: str
    language: str
    category: Category | None = None


@service
def keep(*, actor: Actor, place: Place, body: str, note: str = "", version: int | None = None) -> MailText:
    """Write like this from now on; an empty ``body`` takes the text above again. The same again makes no new version.

    Raises :class:`InvalidInput` with ``body`` (one sentence for each fault, with its line), ``kind`` or ``language``;
    with ``version`` :class:`MailTextChanged` when another one holds.
    """
    require(actor, mail_texts.MANAGE)

    body = body.replace("\r\n", "\n").strip()
    _refuse(actor, place)
    _refuse_body(place.kind, body)
    locks.hold(f"ticketing.mail_text:{place.kind}:{place.language}")
    last = _last(place)
    if version is not None and version != (last.number if last else 0):
        raise MailTextChanged(version=last.number if last else 0)
    if last is not None and last.body == body:
        return last

    kept: MailText = MailText.objects.create(
        kind=place.kind, language=place.language, category=place.category, number=(last.number if last else 0) + 1,
        body=body, note=" ".join(note.split())[:200], kept_by=actor.label[:200],
    )  # fmt: skip

    audit.record(
        actor=actor, action="mail_text.kept", subject=kept, before={"body": last.body if last else ""},
        after={"kind": place.kind, "language": place.language, "version": kept.number, "body": body},
    )  # fmt: skip
    return kept


@service
def revert(*, actor: Actor, to: MailText) -> MailText:
    """Write as in an earlier version again: it becomes the newest one."""
    place = Place(to.kind, to.language, to.category)
    return keep(actor=actor, place=place, body=to.body, note=_("As in version %(n)s") % {"n": to.number})


def preview(*, actor: Actor, place: Place, body: str, ticket: Ticket | None = None) -> Rendered:
    """The mail as it would be, of an invented ticket or of ``ticket``. Changes nothing. Raises as :func:`keep`."""
    require(actor, mail_texts.MANAGE)

    _refuse(actor, place)
    body = body.replace("\r\n", "\n").strip()
    _refuse_body(place.kind, body)
    return _rendered(actor, place, body, ticket)


@service
def send_test(*, actor: Actor, place: Place, body: str, ticket: Ticket | None = None) -> str:
    """Mail it to oneself, and to nobody else. Gives the address. Raises as :func:`keep`."""
    require(actor, mail_texts.MANAGE)

    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleWrite
    me: User = User.objects.get(pk=actor.user_id)
    shown = preview(actor=actor, place=place, body=body, ticket=ticket)
    messages.send(
        actor=actor,
        template="ticket_written",
        to=[(me.email, me.full_name)],
        context={"subject": f"{_('Test')}: {shown.subject}", "written": shown.text},
        key=f"ticketing.mail_text:{secrets.token_hex(12)}",
        language=place.language,
    )
    return me.email


def _rendered(actor: Actor, place: Place, body: str, ticket: Ticket | None) -> Rendered:
    shown = ticket or _sample(actor, place)
    context: dict[str, Any] = {
        "name": shown.requester.get_short_name() if shown.requester else _("Dana"),
        "link": f"{home_of(actor.realm_id)}my/tickets/{shown.public_id}/",
        "subject": composing.subject(shown.title, shown.number),
        "number": shown.number,
        "title": shown.title,
        "author": actor.label,
        "body": _("We have replaced the modem. Please restart your computer."),
        "quoted": composing.quoted(_("Dana"), _("Pages take minutes to load.")),
        "by_mail": True,
        "most": mail_limits.of_realm(actor.realm_id).raw_mib,
        "days": upload_links.VALID_FOR.days,
        "upload_link": f"{home_of(actor.realm_id)}upload/…/",
    }
    if body:
        context["written"] = mail_texts.fill(body, shown, context)
    template = "ticket_written" if body else f"ticket_{place.kind}"
    return render(template, context, realm_id=actor.realm_id, language=place.language)


def _sample(actor: Actor, place: Place) -> Ticket:
    """A ticket that is nowhere: enough to see how a text reads."""
    category = place.category or Category(name=_("Support"), key="support")
    return Ticket(
        realm_id=actor.realm_id, number=SAMPLE_NUMBER, title=_("Internet is slow since this morning"), category=category
    )


def _last(place: Place) -> MailText | None:
    found: MailText | None = (
        MailText.objects.filter(kind=place.kind, language=place.language, category=place.category)
        .order_by("-number")
        .first()
    )
    return found


def _refuse(actor: Actor, place: Place) -> None:
    wrong: dict[str, list[str]] = {}
    if place.kind not in OutboundKind.values:
        wrong["kind"] = [_("There is no such mail.")]
    if place.language not in desk.languages_of(actor.realm_id):
        wrong["language"] = [_("This language is not one of the provider's.")]
    if wrong:
        raise InvalidInput(fields=wrong)


def _refuse_body(kind: str, body: str) -> None:
    if not body:
        return
    found = [str(each) for each in language.faults(body, mail_texts.names_of(kind))]
    if not found and kind == OutboundKind.ANSWER and not language.uses(body, "answer", always=True):
        found = [_("The answer itself is missing. Put {{ answer }} in, outside of any condition.")]
    if found:
        raise InvalidInput(fields={"body": found})
