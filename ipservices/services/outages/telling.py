"""Telling the members of an outage what is new: page by page, each of them exactly once.

A page of members is one transaction: their mails (in the outbox), the messages on their tickets, the notes that they
were told, and how far it has come. A worker that dies leaves nothing of its page, and the next one begins at the
same member. A member whose mail cannot be written, or would come back as one before it did, is noted as such and keeps
nobody else waiting.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import Problem
from boss.core.services import service
from boss.notify.models import Message
from boss.notify.rendering import home_of
from boss.tenancy.selectors import get_realm
from ipservices.choices import NoticeState, OutageUpdateKind
from ipservices.errors import OutageIsOver
from ipservices.models import Outage, OutageMember, OutageNotice, OutageUpdate
from ipservices.services import turns
from ipservices.services.outages import opening, saying
from ticketing.models import Ticket
from ticketing.services import tickets
from ticketing.services.mail import returning

PAGE = 50
"""Members told in one transaction."""
LABEL = "Outage"
_SALT = "boss.ipservices.outage_answer"
_TEMPLATES: dict[str, str] = {OutageUpdateKind.OVER: "outage_over", OutageUpdateKind.FALSE: "outage_false"}
_OVER = ("closed", "cancelled", "merged")


@service
def update(
    *, actor: Actor, outage: Outage, text: str, eta_at: dt.datetime | None = None, by_mail: bool = True
) -> OutageUpdate:
    """Say what is new. Who came into scope since becomes a member first; then everybody is told, once.

    Raises :class:`OutageIsOver`, :class:`InvalidInput` with fields ``text`` and ``eta_at``.
    """
    outage = locked(outage)

    require(actor, "ipservices.manage_outages")

    if not outage.is_open:
        raise OutageIsOver
    before = {"text": outage.public_text, "eta_at": outage.eta_at}

    outage.public_text = saying.checked(text, eta_at)
    outage.eta_at = eta_at
    outage.save()
    count = opening.take_in(outage)

    after = {"text": outage.public_text, "eta_at": eta_at, "new_members": count}
    audit.record(actor=actor, action="outage.updated", subject=outage, before=before, after=after)
    return saying.say(outage, actor=actor, kind=OutageUpdateKind.NEWS, by_mail=by_mail)


def locked(outage: Outage) -> Outage:
    """A fresh copy, locked to the end of the transaction. Lock order: outage, links, tickets."""
    fresh: Outage = Outage.objects.select_for_update(of=("self",)).get(pk=outage.pk)
    return fresh


def go_on(*, realm_id: int, update_id: int) -> bool:
    """Tell on for a turn; True when everybody has been told. False too when another worker is at it."""
    token = turns.take(OutageUpdate, realm_id, update_id, seconds=turns.TURN_SECONDS + turns.MARGIN_SECONDS)
    if not token:
        return False
    ends = time.monotonic() + turns.TURN_SECONDS
    with scoping.enter(scoping.Scope(realm_id, "outage")):
        while time.monotonic() < ends:
            with transaction.atomic():
                if not turns.is_held(OutageUpdate, update_id, token):
                    return False
                done = _page(OutageUpdate.objects.select_related("outage__ticket").get(pk=update_id))
            if done:
                turns.leave(OutageUpdate, realm_id, update_id, token, again_in=None)
                return True
    turns.leave(OutageUpdate, realm_id, update_id, token, again_in=turns.RING_AGAIN_SECONDS)
    turns.ring_now(saying.TASK, realm_id, update_id)
    return False


def _page(update: OutageUpdate) -> bool:
    """Tell the next members; True when there are no more. In the caller's transaction."""
    if _is_behind(update):
        return False
    actor = Actor.system(update.realm_id, LABEL)
    rows = list(
        OutageMember.objects.filter(outage=update.outage, pk__gt=update.cursor, taken_out_at=None)
        .select_related("account__user")
        .prefetch_related("tickets__ticket__requester")
        .order_by("pk")[:PAGE]
    )
    done = {row.pk for row in rows} & set(
        OutageNotice.objects.filter(update=update, member__in=rows).values_list("member_id", flat=True)
    )
    mails = _begin_mails(update, rows) if update.by_mail else None
    notices = [tell(update, row, actor=actor, mails=mails) for row in rows if row.pk not in done]
    OutageNotice.objects.bulk_create(notices)
    if rows:
        update.cursor = rows[-1].pk
    if len(rows) < PAGE:
        update.finished_at = clock.now()
    update.save(update_fields=["cursor", "finished_at"])
    if notices:
        states = [each.state for each in notices]
        told = {each: states.count(each) for each in dict.fromkeys(states)}
        audit.record(actor=actor, action="outage.told", subject=update.outage, after={"update": update.seq, **told})
    return update.finished_at is not None


def _is_behind(update: OutageUpdate) -> bool:
    """Two updates written one after the other reach everybody in that order: the later one waits."""
    earlier = OutageUpdate.objects.filter(outage=update.outage_id, seq__lt=update.seq, finished_at=None)
    waits: bool = earlier.exists()
    return waits


def _begin_mails(update: OutageUpdate, members: Sequence[OutageMember]) -> returning.Round:
    """Reports about what does not arrive go to the mailbox of the outage's category, else the realm's first."""
    assert update.outage.ticket is not None
    return returning.begin(update.outage.ticket, [each.address for member in members for each in _recipients(member)])


def tell(
    update: OutageUpdate, member: OutageMember, *, actor: Actor, mails: returning.Round | None
) -> OutageNotice:  # fmt: skip
    """Tell one member, by mail (``mails`` None: not) and on his tickets: all of it, or, where it cannot be, none and
    why."""
    notice = OutageNotice(update=update, member=member, state=NoticeState.TOLD, at=clock.now())
    try:
        with transaction.atomic():
            if mails is not None:
                _write(notice, mails, actor=actor)
            for place in member.tickets.all():
                _say_on(update, place.ticket, actor=actor)
            if update.kind == OutageUpdateKind.OVER:
                member.asked_at = notice.at
                member.save(update_fields=["asked_at"])
    except Problem as problem:
        notice.message, notice.state, notice.reason = None, NoticeState.FAILED, str(problem)[:300]
    return notice


def _write(notice: OutageNotice, mails: returning.Round, *, actor: Actor) -> None:
    """The mail, or why there is none: no address, or none that mail does not come back from."""
    known = _recipients(notice.member)
    to = next((each for each in known if mails.reaches(each.address)), None)
    if to is not None:
        notice.message = _mail(notice.update, notice.member, to, mails, actor=actor)
    elif known:
        notice.state, notice.reason = (
            NoticeState.FAILED,
            _("Mail to %(address)s has come back.") % {"address": known[0].address},
        )
    else:
        notice.state = NoticeState.NO_ADDRESS


def _mail(
    update: OutageUpdate, member: OutageMember, to: Recipient, mails: returning.Round, *, actor: Actor
) -> Message:  # fmt: skip
    over = update.kind == OutageUpdateKind.OVER
    with translation.override(to.language or None):
        context = {
            "name": to.name,
            "text": update.text,
            "eta_at": update.eta_at,
            "opened": update.kind == OutageUpdateKind.OPENED,
            "link": answer_link(update, member) if over else f"{home_of(update.realm_id)}my/",
            "until": update.outage.answer_until,
        }
    return returning.send(
        mails,
        actor=actor,
        template=_TEMPLATES.get(update.kind, "outage_update"),
        to=(to.address, to.name),
        context=context,
        key=f"outage:{update.public_id}:{member.public_id}",
        language=to.language or None,
    )


class Recipient(NamedTuple):
    name: str
    address: str
    language: str


def _recipients(member: OutageMember) -> list[Recipient]:
    """Who can be written to, the first that mail reaches is: who signs in for the account, or asked; the account."""
    account = member.account
    people = [place.ticket.requester for place in member.tickets.all()]
    if account is not None:
        people.insert(0, account.user)
    found = [
        Recipient(person.full_name, person.email, person.language)
        for person in people
        if person is not None and person.is_active
    ]
    if account is not None:
        found.append(Recipient(account.name, account.email, account.language))
    return [each for each in found if _is_address(each.address)]


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _say_on(update: OutageUpdate, ticket: Ticket, *, actor: Actor) -> None:
    """The same words on his ticket. They are not mailed from there: the machine's words never are."""
    ticket.refresh_from_db()
    if ticket.state in _OVER:
        return
    tickets.add_message(actor=actor, ticket=ticket, body=words(update), kind="public")
    if update.kind == OutageUpdateKind.OVER and ticket.is_open:
        tickets.resolve(actor=actor, ticket=ticket, children="leave", told=True)


def words(update: OutageUpdate) -> str:
    """What is said on a ticket."""
    if update.eta_at is None:
        return str(update.text)
    at = update.eta_at.astimezone(ZoneInfo(get_realm(update.realm_id).time_zone)).strftime("%Y-%m-%d %H:%M")
    return f"{update.text}\n\n" + _("We expect it to be back at %(at)s.") % {"at": at}


def answer_link(update: OutageUpdate, member: OutageMember) -> str:
    """The absolute address of the question "is it back?", for this member alone: signed, on the realm's own host."""
    return f"{home_of(update.realm_id)}outage/{token(member)}/"


def token(member: OutageMember) -> str:
    return signing.dumps([member.realm_id, member.public_id], salt=_SALT, compress=False)


def read_token(presented: str) -> tuple[int, str] | None:
    """Realm and member that a link was made for; None for what we have not signed."""
    try:
        realm_id, public_id = signing.loads(presented, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return int(realm_id), str(public_id)
