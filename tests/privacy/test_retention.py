"""A realm deletes what it switched on, never sooner than the floor, never what is held, and says so in the trail."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from boss.core import audit, clock, holdings, scoping, sealing
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.retention import record_classes
from boss.privacy.models import LegalHold, Retention
from boss.privacy.services import retaining
from boss.tenancy.models import SignInFailure
from subscribers.contact import ContactDetails
from subscribers.services import accounts
from tests import patience
from tests.cast import actor_of
from ticketing.models import RuleRun, Ticket, TicketEvent
from ticketing.services import categories, policies, tickets

LONG_AGO = dt.timedelta(days=400)


def test_every_class_says_what_is_old_of_it():
    for key, kind in record_classes:
        assert kind.floor_days <= kind.usual_days, key
        str(kind.model.unscoped.filter(kind.older(timezone.now())).query)  # the columns exist
        assert kind.model._meta.label_lower in holdings.holdings, key


def test_nothing_is_due_until_the_realm_switches_it_on(real_db, cast):
    assert retaining.due() == []


def test_below_the_floor_and_without_the_right_nothing_is_set(alpha, alice, bob):
    with pytest.raises(InvalidInput):
        retaining.set_days(actor=alice, record_class="address_history", days=30)
    with pytest.raises(InvalidInput):
        retaining.set_days(actor=alice, record_class="nonsense", days=30)
    with pytest.raises(PermissionDenied):
        retaining.set_days(actor=bob, record_class="messages", days=900)
    assert not Retention.objects.exists()
    assert not AuditEntry.objects.filter(action="retention.changed").exists()


def test_what_is_old_goes_in_batches_and_what_is_held_stays(real_db, cast, monkeypatch):
    monkeypatch.setattr(retaining, "BATCH", 2)
    with scoping.realm_transaction(cast.alpha.pk):
        alice, system = actor_of(cast.alice), Actor.system(cast.alpha.pk)
        held = accounts.open(actor=system, contact=ContactDetails("Held Hal", "hal@home.example", "+1 512 555 0111"))
        retaining.hold(actor=alice, account=held, case="2026-17")
        retaining.set_days(actor=alice, record_class="sign_in_failures", days=90)
    with scoping.realm_transaction(cast.alpha.pk):
        for number in range(5):
            SignInFailure.objects.create(account_norm=f"{number}@home.example", address="192.0.2.1")
        SignInFailure.objects.create(account_norm="hal@home.example", address="192.0.2.1")
    with scoping.realm_transaction(cast.beta.pk):
        SignInFailure.objects.create(account_norm="b@home.example", address="192.0.2.1")
    with clock.moved(dt.timedelta(days=89)):
        assert retaining.run(cast.alpha.pk, "sign_in_failures") == 0
    with clock.moved(dt.timedelta(days=91)):
        assert retaining.due() == [(cast.alpha.pk, "sign_in_failures")]
        assert retaining.run(cast.alpha.pk, "sign_in_failures") == 5
        assert retaining.due() == []
    with scoping.realm_transaction(cast.alpha.pk):
        assert list(SignInFailure.objects.values_list("account_norm", flat=True)) == ["hal@home.example"]
        assert AuditEntry.objects.get(action="retention.deleted").after["rows"] == 5
        assert Retention.objects.get().last_count == 5
        retaining.release(actor=alice, hold=LegalHold.objects.get())
    with scoping.realm_transaction(cast.beta.pk):
        assert SignInFailure.objects.count() == 1
    with clock.moved(dt.timedelta(days=91)):
        assert retaining.run(cast.alpha.pk, "sign_in_failures") == 1


def test_what_rules_saw_ends_with_its_time_and_stays_of_whoever_is_held(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        alice, system = actor_of(cast.alice), Actor.system(cast.alpha.pk)
        held = accounts.open(actor=system, contact=ContactDetails("Held Hal", "hal@home.example", "+1 512 555 0111"))
        retaining.hold(actor=alice, account=held, case="2026-17")
        with pytest.raises(InvalidInput):
            retaining.set_days(actor=alice, record_class="rule_runs", days=29)
        retaining.set_days(actor=alice, record_class="rule_runs", days=30)
        categories.create(actor=system, key="fault", name="Fault")
        policy = policies.create(actor=system, kind="automation", key="rules", name="Rules")
        told = {"name": "Urgent", "event": "priority", "steps": [{"do": "note", "text": "Look"}]}
        policies.draft(actor=system, policy=policy, rules={"rules": [told]})
        version = policies.publish(actor=system, policy=policy)
        opened = [
            tickets.open(actor=system, category_key="fault", title="Slow", links=links)
            for links in ((), [("subscribers.account", held.pk)])
        ]
        for ticket in opened:
            RuleRun.objects.create(
                ticket=ticket, event=TicketEvent.objects.filter(ticket=ticket).earliest("pk"), policy_version=version,
                position=0, name="Urgent", kind="priority", result="not_met", at=clock.now(),
            )  # fmt: skip
    with clock.moved(dt.timedelta(days=29)):
        assert retaining.run(cast.alpha.pk, "rule_runs") == 0
    with clock.moved(dt.timedelta(days=31)):
        assert retaining.run(cast.alpha.pk, "rule_runs") == 1
    with scoping.realm_transaction(cast.alpha.pk):
        assert RuleRun.objects.get().ticket == opened[1], "the other's record is stopped from ending by the hold"
        assert Ticket.objects.count() == 2 and TicketEvent.objects.filter(ticket=opened[0]).exists()


def test_the_audit_trail_is_pruned_by_whole_seals_and_still_verifies(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        retaining.set_days(actor=actor_of(cast.alice), record_class="audit", days=365)
    patience.seal()
    with scoping.realm_transaction(cast.alpha.pk):
        audit.record(actor=Actor.system(cast.alpha.pk), action="not.sealed", subject=AuditEntry)
    with clock.moved(LONG_AGO):
        assert retaining.run(cast.alpha.pk, "audit") > 0
    with scoping.realm_transaction(cast.alpha.pk):
        actions = set(AuditEntry.objects.values_list("action", flat=True))
        assert actions == {"not.sealed", "retention.deleted"}
    patience.seal()
    assert sealing.verify() == []


def test_the_page_shows_and_sets(cast, alpha, browser_of):
    client = browser_of(cast.alice)
    assert "for ever" in client.get("/console/retention/").content.decode()
    client.post("/console/retention/", {"record_class": "messages", "days": "700"})
    assert Retention.objects.get().days == 700
    client.post("/console/retention/", {"record_class": "messages", "days": "1"})
    assert Retention.objects.get().days == 700
    assert "At least 30 days." in client.get("/console/retention/").content.decode()
    client.post("/console/retention/", {"record_class": "messages", "days": ""})
    assert not Retention.objects.exists()
    assert browser_of(cast.bob).get("/console/retention/").status_code == 403
