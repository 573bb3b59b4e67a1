"""A message is written with what caused it, said once however often it is asked for, and shown to staff only."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import ProgrammingError, transaction

from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from boss.core.scoping import Scope, enter
from boss.notify import bell, selectors
from boss.notify.errors import MessageNotFound
from boss.notify.models import Delivery, Message
from boss.notify.services import messages
from tests.cast import actor_of, make_user
from tests.notify.conftest import WELCOME


def test_the_same_key_says_it_once(alpha, say):
    first = say("k1")
    again = say("k1", template="welcome", context=WELCOME)
    assert again == first and Message.objects.count() == 1 and Delivery.objects.count() == 1
    assert AuditEntry.objects.filter(action="message.queued").count() == 1


def test_one_delivery_for_each_recipient_however_spelled(alpha, say):
    message = say(to=[("dana@home.example", "Dana"), ("Dana@Home.Example", "D."), ("erin@home.example", "Erin")])
    assert sorted(message.deliveries.values_list("address", flat=True)) == ["dana@home.example", "erin@home.example"]


@pytest.mark.parametrize("to", [[], [("nobody", "N")], [("dana@home.example", "D"), ("a@b\r\nBcc: x@y.z", "X")]])
def test_a_bad_address_is_refused_and_nothing_is_written(alpha, say, to):
    with pytest.raises(InvalidInput) as refused:
        say(to=to)
    assert list(refused.value.fields) == ["to"]
    assert not Message.objects.exists() and not Delivery.objects.exists()


def test_what_is_rolled_back_is_never_said(alpha, say, monkeypatch):
    rung: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda realm_id, delivery_id: rung.append(delivery_id))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        say()
        _ = 1 / 0
    assert not Message.objects.exists() and not rung and not mail.outbox


def test_workers_are_rung_for_after_commit(alpha, say, monkeypatch, django_capture_on_commit_callbacks):
    rung: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda realm_id, delivery_id: rung.append(delivery_id))
    with django_capture_on_commit_callbacks(execute=True):
        message = say()
        assert not rung
    assert rung == [message.deliveries.get().pk]


def test_a_dead_broker_does_not_disturb_the_caller(alpha, say, monkeypatch, django_capture_on_commit_callbacks):
    from kombu.exceptions import OperationalError

    def dead(realm_id: int, delivery_id: int) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(bell, "ring", dead)
    with django_capture_on_commit_callbacks(execute=True):
        say()
    assert Delivery.objects.get().state == "queued"


def test_a_link_that_lets_its_reader_in_is_sealed_and_shown_to_nobody(alpha, system, say):
    welcome = messages.send(
        actor=system, template="welcome", to=[("dana@home.example", "Dana")], context=WELCOME, key="w"
    )
    assert welcome.sealed
    stored = Message.objects.values_list("subject", "text", "html").get(key="w")
    assert "token-of-dana" not in repr(stored)
    assert selectors.shown_text(welcome) == ""
    assert "token-of-dana" in messages.bodies_of(welcome)[0]
    plain = say()
    assert not plain.sealed and "AL-1001" in selectors.shown_text(plain)


def test_staff_see_what_was_sent_and_charlie_sees_nothing(alpha, say, alice, charlie, in_beta):
    message = say()
    assert list(selectors.list_messages(alice)) == [message]
    assert [d.message for d in selectors.list_deliveries_to(alice, "dana@home.example")] == [message]
    with in_beta():
        assert not selectors.list_messages(charlie).exists()
        with pytest.raises(MessageNotFound):
            selectors.get_message(charlie, message.public_id)


def test_a_subscriber_reads_nobodys_mail_here(cast, alpha, say):
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    say()
    assert not selectors.list_messages(actor_of(dana)).exists()
    assert not selectors.list_deliveries_to(actor_of(dana), "dana@home.example").exists()


def test_the_key_of_another_realm_is_another_key(alpha, say, cast, charlie):
    say("k1")
    with enter(Scope(cast.beta.pk)), transaction.atomic():
        theirs = messages.send(
            actor=charlie, template="password_link", to=[("x@beta.example", "X")], context=WELCOME, key="k1"
        )
        assert Message.objects.get() == theirs


def test_what_was_said_cannot_be_rewritten(alpha, say):
    say()
    for attempt in (lambda: Message.objects.update(subject="x"), lambda: Delivery.objects.all().delete()):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            attempt()


def test_lists_ask_a_fixed_number_of_questions(alpha, say, alice, django_assert_num_queries):
    for index in range(4):
        say(f"k{index}")
    with django_assert_num_queries(2):
        assert len([list(message.deliveries.all()) for message in selectors.list_messages(alice)]) == 4
