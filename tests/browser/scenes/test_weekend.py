"""Scenario 11: a promise given on a Friday evening, over a weekend on which the clocks go forward."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.models import Delivery
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Realm
from boss.tenancy.services import calendars
from tests.browser.portal_look import Look
from tests.browser.scenes.conftest import Hand
from tests.cast import Cast, make_user
from ticketing import tasks
from ticketing.models import EscalationTimer, SlaClock, Ticket
from ticketing.services import categories, policies, pools

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOUR = 3600
ZONE = ZoneInfo("America/New_York")
# On Sunday the 14th of March 2027 it is three o'clock after two.
FRIDAY, MONDAY = dt.date(2027, 3, 12), dt.date(2027, 3, 15)
WEEK = {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ZONE).astimezone(dt.UTC)


def _promise(actor: Actor, cast: Cast) -> None:
    """Fibre faults: answered within one hour, solved within four, of the desk's hours. Two hours before the answer is
    due the pool is told, by day; at 80 % of the solution's time who is on call is told at once."""
    calendars.define(actor=actor, key="desk", name="Desk hours", time_zone=ZONE.key, weekly=WEEK)
    pool = pools.create(actor=actor, key="noc", name="Network")
    pools.add_member(actor=actor, pool=pool, user=cast.bob)
    pools.add_member(actor=actor, pool=pool, user=cast.alice)
    pools.add_shift(actor=actor, pool=pool, user=cast.alice, starts_at=at(FRIDAY, 0), ends_at=at(MONDAY, 23))
    fault = categories.create(actor=actor, key="fault", name="Fault", default_pool=pool, portal_visible=True)
    for kind, rules in (
        (
            "sla",
            {
                "rows": [{"calendar": "desk", "targets": {"first": HOUR, "resolve": 4 * HOUR}}],
                "pauses": {"waiting_customer": ["resolve"]},
            },
        ),
        (
            "escalation",
            {
                "hours": "desk",
                "steps": [
                    {"clock": "first", "minutes": -120, "acts": [{"act": "notify", "to": "pool"}]},
                    {"clock": "resolve", "percent": 80, "page": True, "acts": [{"act": "notify", "to": "on_call"}]},
                ],
            },
        ),
    ):
        policy = policies.create(actor=actor, kind=kind, key=kind, name=kind.title())
        policies.draft(actor=actor, policy=policy, rules=rules)
        policies.publish(actor=actor, policy=policy)
        policies.use(actor=actor, policy=policy, category=fault)


def test_a_promise_over_the_weekend_of_the_change_of_clocks(
    cast: Cast, here: str, person: Callable[..., Page], hand: Hand
) -> None:
    realm_id = cast.alpha.pk
    with scoping.system_transaction("test"):
        Realm.objects.filter(pk=realm_id).update(time_zone=ZONE.key)
    tenancy.forget_cached()
    with scoping.realm_transaction(realm_id, "test"):
        _promise(Actor.system(realm_id), cast)
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)

    def due(kind: str) -> dt.datetime | None:
        with scoping.realm_transaction(realm_id, "test"):
            found: dt.datetime | None = SlaClock.objects.get(kind=kind).due_at
            return found

    def mailed() -> list[str]:
        """Who of the staff has been written to by the sweep of this moment or before."""
        tasks.escalate()
        with scoping.realm_transaction(realm_id, "test"):
            return sorted(Delivery.objects.filter(address__endswith="@alpha.example").values_list("address", flat=True))

    hand.set(at(FRIDAY, 17, 50))
    hers = person(dana.email, "/my/tickets/new/")
    with hers.expect_response("**/my/tickets/new/**"):  # its questions come
        hers.get_by_label("What is it about?").select_option(label="Fault")
    hers.wait_for_load_state("networkidle")
    hers.get_by_label("In a few words").fill("No light")
    hers.get_by_label("Tell us more").fill("Since the storm")
    hers.get_by_role("button", name="Send to us").click()
    hers.get_by_role("heading", name="No light").wait_for()
    # Ten minutes of Friday; the rest of it on Monday, whose hours are an hour earlier by the sun.
    assert (due("first"), due("resolve")) == (at(MONDAY, 8, 50), at(MONDAY, 11, 50))

    # Two hours before it is due it is night, and nobody is told before eight.
    hand.set(at(MONDAY, 6, 51))
    assert mailed() == []
    hand.set(at(MONDAY, 8, 0))
    assert mailed() == ["alice@alpha.example", "bob@alpha.example"]

    hand.set(at(MONDAY, 8, 30))
    with scoping.realm_transaction(realm_id, "test"):
        ticket = Ticket.objects.get()
    page = person(cast.bob.email, f"/console/tickets/{ticket.public_id}/")
    look = Look(page, "scene-weekend")
    look.desktop()
    page.get_by_label("The customer", exact=True).check()
    page.get_by_label("Text", exact=True).fill("Is the little box plugged in?")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".talk", has_text="plugged in?").wait_for()

    # The next move is Dana's from nine to ten: an hour that does not count.
    hand.set(at(MONDAY, 9))
    page.get_by_text("Put it aside").click()
    page.get_by_label("Waiting for").select_option("customer")
    page.get_by_role("button", name="Put aside").click()
    page.get_by_role("heading", name="No light").wait_for()
    page.locator("section[aria-labelledby=promises-h]").get_by_text("stands still", exact=True).wait_for()
    page.close()  # it would ask who is here, hours later, and be told to sign in again
    hand.set(at(MONDAY, 10))
    hers = person(dana.email, f"/my/tickets/{ticket.public_id}/")
    hers.get_by_label("Your message").fill("It was not. It is now, and still no light.")
    hers.get_by_role("button", name="Send", exact=True).click()
    hers.get_by_text("still no light.").first.wait_for()
    assert due("resolve") == at(MONDAY, 12, 50)

    # 80 % of four hours: ten minutes of Friday, an hour and two of Monday, and the hour that did not count.
    hand.set(at(MONDAY, 12, 1))
    before = mailed()
    hand.set(at(MONDAY, 12, 3))
    assert sorted(set(mailed()) ^ set(before)) == [] and len(mailed()) == len(before) + 1
    with scoping.realm_transaction(realm_id, "test"):
        assert mailed().count("alice@alpha.example") == 2
        assert EscalationTimer.objects.filter(fired_at__isnull=False).count() == 2

    page = person(cast.bob.email, f"/console/tickets/{ticket.public_id}/")
    seen = Look(page, "scene-weekend")
    promises = page.locator("section[aria-labelledby=promises-h]")
    for why in promises.get_by_text("Why?").all():
        why.click()
    told = promises.inner_text()
    assert "Mar 15" in told and "12:50" in told and "1 h" in told, told
    seen.at("why")
    assert look.errors == []
