"""Rule O6: an answer to the customer can be taken back for some seconds after it was sent.

Until they are over nothing is said: no message, no clock, no mail. The answer waits in the database, so a process that
dies loses none; whoever sweeps next says it. What cannot be said any more by then (the ticket was closed, a right was
taken away) goes back to its author as text, and he is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core import files as files_kept
from boss.core.actors import Actor
from boss.core.files import Source, Upload
from boss.core.problems import Problem
from boss.core.scoping import ScopedQuerySet
from boss.core.services import service
from boss.tenancy.selectors import actor_for_user
from ticketing.choices import MessageKind
from ticketing.errors import AnswerHasGone, AnswerIsGoing, OnlyPeopleWrite
from ticketing.models import KeptFile, StaffNotice, TextDraft, Ticket, WaitingAnswer, WaitingFile
from ticketing.services import attaching, keeping, notices
from ticketing.services.tickets import journal, talking

LONGEST_SECONDS = 60
FILES = "files"
"""The box of a message's files, in the form it is typed in."""


def can_be_taken_back() -> bool:
    """Whether answers wait at all: an installation may have them go at once."""
    return bool(settings.BOSS_UNDO_SECONDS > 0)


@service
def send(
    *,
    actor: Actor,
    ticket: Ticket,
    body: str,
    files: Sequence[Source | Upload] = (),
    expected_version: int | None = None,
) -> WaitingAnswer:
    """Send an answer that goes in ``BOSS_UNDO_SECONDS``, if its author does not take it back before.

    What would be refused then is refused now: raises what ``tickets.add_message`` raises, and :class:`AnswerIsGoing`
    when another person's answer on the ticket is about to go, :class:`OnlyPeopleWrite`.
    """
    locked = journal.locked_survivor(ticket, expected_version=expected_version)

    if actor.kind != "user" or actor.user_id is None or journal.is_customer(actor):
        raise OnlyPeopleWrite
    uploads = attaching.wrapped(files)
    talking.refuse(locked, actor=actor, body=body, kind=MessageKind.PUBLIC, uploads=uploads)
    others = WaitingAnswer.objects.filter(ticket=ticket).exclude(user_id=actor.user_id).select_related("user")
    if (first := others.first()) is not None:
        raise AnswerIsGoing(_("%(name)s has just answered.") % {"name": first.user.full_name})

    now = clock.now()
    answer: WaitingAnswer = WaitingAnswer.objects.create(
        user_id=actor.user_id, ticket=ticket, body=body.strip(), sent_at=now,
        due_at=now + dt.timedelta(seconds=min(settings.BOSS_UNDO_SECONDS, LONGEST_SECONDS)),
    )  # fmt: skip
    for each in uploads:
        stored = files_kept.store(each.content, each.media_type)
        WaitingFile.objects.create(answer=answer, file=stored, name=each.name)
    TextDraft.objects.filter(user_id=actor.user_id, ticket=ticket, kind=MessageKind.PUBLIC).delete()

    after = {"due_at": answer.due_at.isoformat(), "files": len(uploads)}
    audit.record(actor=actor, action="answer.sent", subject=answer, after=after)
    return answer


@service
def take_back(*, actor: Actor, ticket: Ticket, public_id: str, form: str = "") -> tuple[list[KeptFile], list[str]]:
    """Say it after all not: its text is what its author had typed and not sent.

    Gives its files as they are kept for the next try of ``form`` (see ``keeping``), and the names of those that have to
    be chosen again: all of them without a form, and what its author has no room for.

    Raises :class:`AnswerHasGone` for one that has gone, or is somebody else's.
    """
    waiting = WaitingAnswer.objects.select_for_update(of=("self",)).filter(ticket=ticket, public_id=public_id)
    answer: WaitingAnswer | None = waiting.filter(user_id=actor.user_id or 0).select_related("ticket").first()
    if answer is None:
        raise AnswerHasGone

    kept: list[KeptFile] = []
    lost: list[str] = []
    for each in answer.files.order_by("pk"):
        upload = Upload.made(each.name, files_kept.content_of(each.file_id))
        again = keeping.keep(actor=actor, form=form, place=FILES, uploads=[upload]) if form else []
        kept += again
        lost += [] if again else [each.name]
    _give_back(answer)
    audit.record(actor=actor, action="answer.taken_back", subject=answer, after={"files": len(kept) + len(lost)})
    answer.delete()
    return kept, lost


@service
def let_own_go(*, actor: Actor, ticket: Ticket, seen: int | None) -> int | None:
    """Whoever ends a ticket lets his answers on it go first, so that the customer reads them first.

    ``seen`` is the version of the ticket he looks at; given is the one he then looks at, as his own words are no news.
    """
    rows = WaitingAnswer.objects.select_for_update(of=("self",)).filter(ticket=ticket, user_id=actor.user_id or 0)
    answers = list(rows.select_related("user", "ticket").order_by("pk"))
    if not answers:
        return seen
    before = journal.locked_survivor(ticket).version
    for answer in answers:
        _say(answer)
    return Ticket.objects.values_list("version", flat=True).get(pk=ticket.pk) if seen == before else seen


def sweep(limit: int = 500) -> int:
    """Say in all realms what nobody has taken back in time. Any number of sweepers may run at once."""
    with scoping.dispatch_transaction("answers"):
        due = WaitingAnswer.objects.filter(due_at__lte=clock.now()).order_by("due_at", "pk")
        found = list(due.values_list("realm_id", "pk")[:limit])
    return sum(let_go(realm_id, answer_id) for realm_id, answer_id in found)


def let_go(realm_id: int, answer_id: int) -> bool:
    """Say one answer whose time has come. False when it is not there any more, or another worker has it."""
    with scoping.realm_transaction(realm_id, "answers"):
        rows = WaitingAnswer.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user", "ticket")
        answer: WaitingAnswer | None = rows.filter(pk=answer_id, due_at__lte=clock.now()).first()
        if answer is None:
            return False
        _say(answer)
    return True


def list_waiting(ticket: Ticket) -> ScopedQuerySet:
    """Answers on a ticket that are about to go, oldest first. The caller has found ``ticket`` among what he may see."""
    rows: ScopedQuerySet = WaitingAnswer.objects.filter(ticket=ticket).select_related("user").order_by("pk")
    return rows


def why_given_back(actor: Actor, public_id: str) -> str:
    """Why an answer of this person could not be said; "" when it was, or waits still."""
    told = StaffNotice.objects.filter(user_id=actor.user_id or 0, key=_key(public_id))
    return str(told.values_list("text", flat=True).first() or "")


def _say(answer: WaitingAnswer) -> None:
    """In its author's name and with his rights as they are now; its row is locked."""
    uploads = [
        Upload.made(each.name, files_kept.content_of(each.file_id)) for each in answer.files.order_by("pk")
    ]  # fmt: skip
    try:
        talking.add_message(
            actor=actor_for_user(answer.user), ticket=answer.ticket, body=answer.body, files=uploads,
            clears_draft=False,
        )  # fmt: skip
    except Problem as refusal:
        _give_back(answer)
        _tell(answer, refusal)
    answer.delete()


def _give_back(answer: WaitingAnswer) -> None:
    """Its text stands before what its author has typed in the meantime."""
    mine = {"user_id": answer.user_id, "ticket": answer.ticket, "kind": MessageKind.PUBLIC}
    typed = TextDraft.objects.filter(**mine).values_list("body", flat=True).first()
    body = f"{answer.body}\n\n{typed}" if typed else answer.body
    if body:
        TextDraft.objects.update_or_create(**mine, defaults={"body": body, "kept_at": clock.now()})


def _tell(answer: WaitingAnswer, refusal: Problem) -> None:
    text = _("Your answer has not gone: %(why)s It stands in your text again.") % {"why": refusal}
    now = clock.now()
    notices.tell(
        answer.ticket, answer.user, key=_key(answer.public_id), text=text, due_at=now, gathers=False, by_mail=True,
        in_app=True, after_end=True,
    )  # fmt: skip


def _key(public_id: str) -> str:
    return f"answer_given_back:{public_id}"
