"""Rule O6: an answer can be taken back for ten seconds, and who would read it is looked at before it is sent."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from boss.celery import BEAT
from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery
from boss.tenancy.services import roles, sites, users
from tests.cast import actor_of
from tests.mail.conftest import dana, erin, make_post, pass_on, post, thread  # noqa: F401 - fixtures
from tests.ticketing.test_notification import decide, row
from ticketing import tasks
from ticketing.choices import ParticipantRole
from ticketing.errors import AnswerHasGone, AnswerIsGoing, OnlyPeopleWrite, TicketChanged, TicketClosed
from ticketing.mail.neutral import Address
from ticketing.models import KeptFile, Message, Participant, StaffNotice, TextDraft, WaitingAnswer
from ticketing.services import answers, drafts_of_text, reach, tickets
from ticketing.services.mail import participants
from ticketing.services.tickets import talking

TEN = dt.timedelta(seconds=10)


@pytest.fixture(autouse=True)
def _ten_seconds(settings):
    settings.BOSS_UNDO_SECONDS = 10


@pytest.fixture
def ticket(thread):  # noqa: F811
    thread.ticket.refresh_from_db()
    return thread.ticket


def said(ticket) -> list[str]:
    return list(Message.objects.filter(ticket=ticket, from_customer=False).values_list("body", flat=True))


def go() -> int:
    """What the sweep does with each answer it finds due in any realm."""
    found = WaitingAnswer.objects.order_by("due_at").values_list("realm_id", "pk")
    return sum(answers.let_go(realm_id, pk) for realm_id, pk in list(found))


def send(cast, ticket, body="Try the other socket.", **more) -> WaitingAnswer:
    return answers.send(actor=actor_of(cast.bob), ticket=ticket, body=body, **more)


def test_O6_nothing_is_said_and_no_mail_is_written_before_ten_seconds_are_over(ticket, cast):
    before = said(ticket), Delivery.objects.count(), ticket.version
    send(cast, ticket)
    with clock.moved(TEN - dt.timedelta(seconds=1)):
        assert go() == 0
    ticket.refresh_from_db()
    assert (said(ticket), Delivery.objects.count(), ticket.version) == before
    with clock.moved(TEN):
        assert go() == 1
        assert go() == 0
    assert said(ticket) == [*before[0], "Try the other socket."]
    assert not WaitingAnswer.objects.exists()
    sent = pass_on(Message.objects.get(body="Try the other socket."))
    assert "dana@home.example" in {each.address for each in sent}


def test_O6_a_worker_that_is_killed_loses_no_answer_and_none_is_said_twice(real_db, cast, monkeypatch):
    """No timer of a process holds it: real commits, and a task by the clock that looks for what is due."""
    realm = cast.alpha.pk
    with scoping.realm_transaction(realm):
        system = Actor.system(realm)
        make_post(system)
        ticket = tickets.open(actor=system, category_key="care", title="Slow")
        send(cast, ticket)
    assert tasks.let_answers_go() == 0
    entry = BEAT["ticketing.let_answers_go"]
    assert entry["task"] == "ticketing.let_answers_go" and entry["schedule"] <= 5

    def killed(*_fact: object) -> None:
        raise SystemExit

    with clock.moved(TEN):
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(talking.events, "publish", killed)
            tasks.let_answers_go()
        with scoping.realm_transaction(realm):
            assert said(ticket) == [] and WaitingAnswer.objects.count() == 1
        assert tasks.let_answers_go() == 1
        assert tasks.let_answers_go() == 0
    with scoping.realm_transaction(realm):
        assert said(ticket) == ["Try the other socket."] and not WaitingAnswer.objects.exists()


def test_O6_taken_back_it_is_never_said_and_stands_in_the_text_again(ticket, cast):
    before = said(ticket)
    answer = send(cast, ticket, files=[SimpleUploadedFile("plan.txt", b"plan")])
    drafts_of_text.keep(actor=actor_of(cast.bob), ticket=ticket, kind="public", body="Also this.")
    assert answers.take_back(actor=actor_of(cast.bob), ticket=ticket, public_id=answer.public_id) == ([], ["plan.txt"])
    with clock.moved(10 * TEN):
        assert go() == 0
    assert said(ticket) == before
    assert TextDraft.objects.get(ticket=ticket).body == "Try the other socket.\n\nAlso this."
    actions = set(AuditEntry.objects.filter(action__startswith="answer.").values_list("action", flat=True))
    assert actions == {"answer.sent", "answer.taken_back"}


def test_O6_nobody_takes_back_what_another_has_sent_or_what_has_gone(ticket, cast):
    answer = send(cast, ticket)
    with pytest.raises(AnswerHasGone):
        answers.take_back(actor=actor_of(cast.alice), ticket=ticket, public_id=answer.public_id)
    assert WaitingAnswer.objects.count() == 1
    with clock.moved(TEN):
        go()
    with pytest.raises(AnswerHasGone):
        answers.take_back(actor=actor_of(cast.bob), ticket=ticket, public_id=answer.public_id)
    assert said(ticket)[-1] == "Try the other socket."


def test_O6_its_files_go_with_it(ticket, cast):
    send(cast, ticket, files=[SimpleUploadedFile("plan.txt", b"the plan")])
    with clock.moved(TEN):
        go()
    (kept,) = Message.objects.get(body="Try the other socket.").attachments.all()
    assert (kept.name, bytes(kept.file.content)) == ("plan.txt", b"the plan")


def test_O6_what_was_typed_meanwhile_is_not_lost_when_it_goes(ticket, cast):
    send(cast, ticket)
    drafts_of_text.keep(actor=actor_of(cast.bob), ticket=ticket, kind="public", body="And another thing")
    with clock.moved(TEN):
        go()
    assert TextDraft.objects.get(ticket=ticket).body == "And another thing"


def test_O6_what_could_not_be_said_is_refused_at_once(ticket, cast, dana):  # noqa: F811
    with pytest.raises(InvalidInput):
        send(cast, ticket, body="  ")
    with pytest.raises(TicketChanged):
        send(cast, ticket, expected_version=ticket.version - 1)
    with pytest.raises(OnlyPeopleWrite):
        answers.send(actor=actor_of(dana), ticket=ticket, body="I am the customer")
    tickets.resolve(actor=actor_of(cast.bob), ticket=ticket)
    tickets.close(actor=actor_of(cast.bob), ticket=ticket)
    with pytest.raises(TicketClosed):
        send(cast, ticket)
    assert not WaitingAnswer.objects.exists()


def test_O6_what_cannot_be_said_any_more_goes_back_to_its_author_who_is_told(ticket, cast):
    before = said(ticket)
    answer = send(cast, ticket)
    tickets.resolve(actor=actor_of(cast.alice), ticket=ticket)
    tickets.close(actor=actor_of(cast.alice), ticket=ticket)
    with clock.moved(TEN):
        go()
    assert said(ticket) == before and not WaitingAnswer.objects.exists()
    assert TextDraft.objects.get(user=cast.bob).body == "Try the other socket."
    assert "has not gone" in StaffNotice.objects.get(user=cast.bob).text
    assert answers.why_given_back(actor_of(cast.bob), answer.public_id)
    assert not answers.why_given_back(actor_of(cast.alice), answer.public_id)


def test_O6_who_has_lost_his_rights_meanwhile_says_nothing(ticket, cast):
    before = said(ticket)
    send(cast, ticket)
    users.deactivate(actor=actor_of(cast.alice), user=cast.bob)
    with clock.moved(TEN):
        go()
    assert said(ticket) == before and not WaitingAnswer.objects.exists()


def test_O6_of_two_who_answer_at_once_the_second_reads_the_first(ticket, cast):
    send(cast, ticket)
    with pytest.raises(AnswerIsGoing, match="Bob"):
        answers.send(actor=actor_of(cast.alice), ticket=ticket, body="Mine", expected_version=ticket.version)
    with clock.moved(TEN):
        go()
        with pytest.raises(TicketChanged):
            answers.send(actor=actor_of(cast.alice), ticket=ticket, body="Mine", expected_version=ticket.version)


# On the page


def at(ticket, rest: str = "") -> str:
    return f"/console/tickets/{ticket.public_id}/{rest}"


def answer_on(page, ticket, body="Try the other socket.", **more):
    ticket.refresh_from_db()
    return page.post(at(ticket, "say/"), {"kind": "public", "body": body, "version": ticket.version, **more})


def test_O6_the_page_shows_what_is_about_to_go_and_its_author_takes_it_back(ticket, cast, browser_of):
    bob, before = browser_of(cast.bob), said(ticket)
    assert answer_on(bob, ticket).status_code == 302
    shown = bob.get(at(ticket)).content.decode()
    answer = WaitingAnswer.objects.get()
    assert "Take it back" in shown and "Try the other socket." in shown
    assert shown.count("load delay:") == 1  # it is asked for once, after it must have gone
    others = browser_of(cast.alice).get(at(ticket)).content.decode()
    assert "Bob Baker has just answered" in others and "Take it back" not in others
    assert browser_of(cast.charlie).post(at(ticket, f"answers/{answer.public_id}/")).status_code == 404
    assert bob.post(at(ticket, f"answers/{answer.public_id}/")).status_code == 302
    shown = bob.get(at(ticket)).content.decode()
    assert said(ticket) == before and "Taken back" in shown and ">\nTry the other socket.</textarea>" in shown


def test_O6_the_files_of_an_answer_taken_back_need_not_be_chosen_again(ticket, cast, browser_of):
    bob = browser_of(cast.bob)
    answer_on(bob, ticket, files=SimpleUploadedFile("plan.txt", b"the plan"))
    answer = WaitingAnswer.objects.get()

    page = bob.post(at(ticket, f"answers/{answer.public_id}/"), follow=True)

    kept = KeptFile.objects.get()
    assert f'name="kept" value="{kept.public_id}"' in page.content.decode() and "Choose its files" not in str(page)
    theirs = browser_of(cast.alice).get(f"{at(ticket)}?kept={kept.public_id}")
    assert "plan.txt" not in theirs.content.decode()  # nobody else's form knows them
    assert answer_on(bob, ticket, body="The right one.", kept=kept.public_id).status_code == 302
    with clock.moved(TEN):
        go()
    (file,) = Message.objects.get(body="The right one.").attachments.all()
    assert (file.name, bytes(file.file.content)) == ("plan.txt", b"the plan")
    assert not KeptFile.objects.exists()


def test_O6_a_page_goes_on_with_the_version_its_own_answer_made_and_with_no_other(ticket, cast, browser_of):
    bob = browser_of(cast.bob)
    answer_on(bob, ticket)
    seen = ticket.version
    waiting = f"answers/?version={seen}&answer={WaitingAnswer.objects.get().public_id}"
    assert "Take it back" in bob.get(at(ticket, waiting)).content.decode()
    with clock.moved(TEN):
        go()
    told = bob.get(at(ticket, waiting)).content.decode()
    assert "It has gone." in told and f'data-seen-version="{seen + 1}"' in told and "hx-get" not in told
    assert "Try the other socket." in told
    tickets.add_message(actor=actor_of(cast.alice), ticket=ticket, body="Note", kind="internal")
    assert "data-seen-version" not in bob.get(at(ticket, waiting)).content.decode()


def test_O6_who_resolves_a_ticket_at_once_lets_his_answer_go_first(ticket, cast, browser_of):
    bob = browser_of(cast.bob)
    answer_on(bob, ticket)
    done = bob.post(at(ticket, "resolve/"), {"version": ticket.version, "note": ""})
    ticket.refresh_from_db()
    assert (done.status_code, ticket.state) == (302, "resolved")
    assert said(ticket)[-1] == "Try the other socket." and not WaitingAnswer.objects.exists()


def test_O6_a_note_waits_for_nobody(ticket, cast, browser_of):
    browser_of(cast.bob).post(at(ticket, "say/"), {"kind": "internal", "body": "Only us"})
    assert said(ticket)[-1] == "Only us" and not WaitingAnswer.objects.exists()


def test_O6_the_api_sends_lists_and_takes_back(ticket, cast, browser_of):
    bob, path = browser_of(cast.bob), f"/api/v1/ticketing/tickets/{ticket.public_id}"
    made = bob.post(f"{path}/waiting_answers/", {"body": "By API"}, "application/json")
    assert made.status_code == 201 and [each["body"] for each in bob.get(f"{path}/waiting_answers/").json()] == [
        "By API"
    ]
    taken = {"answer": made.json()["public_id"]}
    assert browser_of(cast.alice).post(f"{path}/take_back/", taken, "application/json").status_code == 409
    assert bob.post(f"{path}/take_back/", taken, "application/json").json() == {"files": []}
    assert bob.get(f"{path}/waiting_answers/").json() == []
    assert browser_of(cast.charlie).get(f"{path}/waiting_answers/").status_code == 404


# Whom it reaches


def test_O6_the_composer_warns_when_others_read_it_than_last_time(ticket, cast, system, browser_of):
    bob = actor_of(cast.bob)
    assert reach.of_answer(ticket, user_id=cast.bob.pk) == reach.Reach()
    participants.join(ticket, Address("leo@home.example", "Leo"), actor=system, role=ParticipantRole.CC)
    assert reach.of_answer(ticket, user_id=cast.bob.pk).added == ("leo@home.example",)
    shown = browser_of(cast.bob).get(at(ticket, "told/")).content.decode()
    assert "Not the same people as last time." in shown and "<b>leo@home.example</b>" in shown
    api = browser_of(cast.bob).get(f"/api/v1/ticketing/tickets/{ticket.public_id}/recipients/").json()
    assert api["reach"] == {"added": ["leo@home.example"], "gone": [], "outside": []}

    pass_on(tickets.add_message(actor=bob, ticket=ticket, body="For both"))
    assert reach.of_answer(ticket, user_id=cast.bob.pk) == reach.Reach()
    Participant.objects.filter(email="leo@home.example").update(state="removed")
    assert reach.of_answer(ticket, user_id=cast.bob.pk).gone == ("leo@home.example",)


def test_O6_it_is_asked_before_an_answer_goes_to_somebody_outside_the_ticket(ticket, cast, system, browser_of):
    decide(system, row("staff_reply", "requester"), row("staff_reply", "owner"))
    house = sites.create_organization(actor=system, name="Elm Court", kind="owner")
    olga = users.create(
        actor=system, email="olga@elm.example", full_name="Olga Owner", kind="contact", organization=house
    )
    roles.grant(actor=system, user=olga, role_key="organization_contact", organization=house)
    type(ticket).objects.filter(pk=ticket.pk).update(organization=house)
    bob, before = browser_of(cast.bob), said(ticket)
    assert "Not on the ticket:" in bob.get(at(ticket, "told/")).content.decode()

    asked = answer_on(bob, ticket)
    text = asked.content.decode()
    assert asked.status_code == 422 and f'name="outside" value="{olga.email}"' in text
    assert "Try the other socket.</textarea>" in text  # nothing typed is lost
    assert said(ticket) == before and not WaitingAnswer.objects.exists()
    assert answer_on(bob, ticket, outside="somebody@else.example").status_code == 422
    assert bob.post(at(ticket, "say/"), {"kind": "internal", "body": "A note asks nothing"}).status_code == 302
    assert answer_on(bob, ticket, outside=olga.email).status_code == 302
    with clock.moved(TEN):
        go()
    pass_on(Message.objects.get(body="Try the other socket."))
    assert reach.of_answer(ticket, user_id=cast.bob.pk).outside == ()  # she was written to: the next is not asked about
