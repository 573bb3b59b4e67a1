"""Orders changed, plans changed, numbers brought along and ends ordered on pages: seen first, then done, once."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.models import AuditEntry
from catalog import preload
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from catalog.services import features, plans
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order, OrderItem, Subscription
from subscribers.services import amending, orders
from tests.cast import Cast, make_user
from tests.portals.conftest import SET_UP, Shop, shop
from tests.portals.visiting import hidden, message_beside, words
from tests.workflow.driving import drive
from workflow.errors import AlreadyGoingBack
from workflow.models import Run
from workflow.services import definitions

__all__ = ["shop"]

VISIT = {
    "key": "visit", "title": "Visit", "kind": "manual", "pool": "csr", "instructions": "Go there.",
    "undo": "none", "after": ["verify"],
}  # fmt: skip
LATER = {**SET_UP, "key": "later", "title": "Later", "tasks": [SET_UP["tasks"][0], VISIT]}  # type: ignore[index]
SLOW = {**SET_UP, "key": "slow", "title": "Slow", "tasks": [*SET_UP["tasks"], {**VISIT, "after": ["users"]}]}  # type: ignore[misc]
NAMES = dict.fromkeys(("change", "port_in", "disconnect"), "later")


def sell(system: Actor, key: str, price: str, activate: str = "set-up") -> None:
    plans.publish_version(
        actor=system, key=key, title=key.capitalize().replace("-", " "),
        version=VersionDraft(
            features=(
                FeaturePart("data.access", {"down": 50, "up": 5, "cap": 0}),
                FeaturePart("cpe.router"),
                FeaturePart("voice.line"),
            ),
            monthly={key: price},
            options=(
                OptionPart("wifi", "Managed Wi-Fi", "wifi.network", monthly="6.00", choosable=("ssid",)),  # type: ignore[arg-type]
                OptionPart("outlet", "Extra outlet", maximum=3, once="25.00"),  # type: ignore[arg-type]
            ),
            workflows={"activate": activate, **NAMES},
        ),
    )  # fmt: skip


@pytest.fixture
def market(shop: Shop, alpha: Any, system: Actor) -> Shop:
    """Two plans with a line, one of which takes its time to be set up, and workflows for what comes later."""
    for feature in preload.STANDARD:
        if feature.key in ("voice.line", "voice.portin"):
            features.define(
                actor=system, key=feature.key, family=feature.family, title=feature.title,
                characteristics=feature.characteristics, driver_family=feature.driver_family,
                depends_on=feature.depends_on,
            )  # fmt: skip
    for document in (LATER, SLOW):
        definitions.publish(actor=system, document=document)
    sell(system, "basic-50", "30.00")
    sell(system, "basic-100", "40.00", activate="slow")
    return shop


def place(system: Actor, market: Shop, plan: str) -> Order:
    return orders.submit(
        actor=system, site=market.elm_1, plan_version=catalog.get_plan_version(plan),
        options=[OptionChoice("wifi")], chosen={"wifi.network": {"ssid": "Ortiz"}},
        contact=ContactDetails("Maria Ortiz", "maria@home.example", "+1 512 555 0142"),
        payment=PaymentChoice("card", "tok_ok"),
    )  # fmt: skip


@pytest.fixture
def moving(market: Shop, alpha: Any, system: Actor) -> Order:
    """Maria's order, under way: it waits for a visit."""
    order = place(system, market, "basic-100")
    drive(alpha.pk)
    return order


@pytest.fixture
def served(market: Shop, alpha: Any, system: Actor) -> Subscription:
    """What Maria has, in service."""
    order = place(system, market, "basic-50")
    drive(alpha.pk)
    return Subscription.objects.get(items__order=order)


def test_an_amendment_is_seen_before_it_is_confirmed_and_done_once(moving: Order, cast: Cast, browser_of: Any) -> None:
    bob, path = browser_of(cast.bob), f"/console/orders/{moving.public_id}/amend/"
    assert path in bob.get(f"/console/orders/{moving.public_id}/").content.decode()
    assert 'value="Ortiz"' in bob.get(path).content.decode(), "what was ordered is filled in"
    wish = {"option.outlet": "2", "reason": "Two more rooms.", **hidden(bob.get(path))}

    seen = bob.post(path, wish)
    page = words(seen)
    assert seen.status_code == 200
    for told in ("Managed Wi-Fi Yes —", "Extra outlet — 2 ×", "A month $46.00 $40.00", "Once $0.00 $50.00"):
        assert told in page, told
    item = OrderItem.objects.get(order=moving)
    assert item.options == {"wifi": 1} and not AuditEntry.objects.filter(action="order.amended").exists()

    again = dict(seen.context["typed"]) | {"confirmed": "yes"}
    for _click in range(2):
        assert bob.post(path, again)["Location"] == f"/console/orders/{moving.public_id}/"
    item.refresh_from_db()
    assert item.options == {"outlet": 2} and str(item.once) == "50.00"
    assert AuditEntry.objects.get(action="order.amended").after["reason"] == "Two more rooms."


def test_a_confirmation_that_was_refused_can_be_sent_once_more(
    moving: Order, cast: Cast, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, path = browser_of(cast.bob), f"/console/orders/{moving.public_id}/amend/"
    wish = {"option.outlet": "1", "confirmed": "yes", **hidden(bob.get(path))}
    with monkeypatch.context() as patched:
        patched.setattr(amending, "_carry_out", _going_back)
        assert bob.post(path, wish).status_code == 409
    assert OrderItem.objects.get(order=moving).options == {"wifi": 1}
    assert bob.post(path, wish).status_code == 302
    assert OrderItem.objects.get(order=moving).options == {"outlet": 1}


def _going_back(*_given: Any) -> Any:
    raise AlreadyGoingBack


def test_a_wrong_wish_keeps_what_was_typed_and_says_beside_the_field_what_is_wrong(
    moving: Order, cast: Cast, browser_of: Any
) -> None:
    path = f"/console/orders/{moving.public_id}/amend/"
    answer = browser_of(cast.bob).post(path, {"option.outlet": "9", "reason": "More of it.", "confirmed": "yes"})
    assert answer.status_code == 422 and "between 0 and 3" in message_beside(answer, "option.outlet")
    assert 'value="9"' in answer.content.decode() and "More of it." in answer.content.decode()
    assert OrderItem.objects.get(order=moving).options == {"wifi": 1}


def test_an_order_that_is_closed_is_not_amended(served: Subscription, cast: Cast, browser_of: Any) -> None:
    order = Order.objects.get()
    bob, path = browser_of(cast.bob), f"/console/orders/{order.public_id}/amend/"
    assert path not in bob.get(f"/console/orders/{order.public_id}/").content.decode()
    assert bob.get(path, follow=True).context["order"].pk == order.pk
    assert bob.post(path, {"option.outlet": "1", "confirmed": "yes"}).status_code == 302
    assert OrderItem.objects.get().options == {"wifi": 1}


def test_another_plan_is_compared_and_then_ordered(served: Subscription, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    path = f"/console/subscriptions/{served.public_id}/change/"
    assert path in bob.get(f"/console/accounts/{served.account.public_id}/").content.decode()
    page = bob.get(f"{path}?plan=basic-100")
    assert page.context["plans"] == [("basic-100", "Basic 100")], "what names no workflow for changes is not offered"
    wish = {"option.wifi": "on", "wifi.network.ssid": "Ortiz", **hidden(page)}
    seen = bob.post(f"{path}?plan=basic-100", wish)
    told = words(seen)
    assert "Plan Basic 50 Basic 100" in told and "A month $36.00 $46.00" in told
    assert Order.objects.count() == 1 and Run.objects.filter(version__definition__key="later").count() == 0

    again = dict(seen.context["typed"]) | {"confirmed": "yes"}
    first, second = (bob.post(f"{path}?plan=basic-100", again)["Location"] for _click in range(2))
    order = Order.objects.latest("id")
    assert first == second == f"/console/orders/{order.public_id}/" and Order.objects.count() == 2
    assert order.channel == "console" and order.items.get().plan_version.plan.key == "basic-100"
    # While it is under way nothing else can be ordered, and no button says so.
    assert path not in bob.get(f"/console/accounts/{served.account.public_id}/").content.decode()
    refused = bob.post(f"/console/subscriptions/{served.public_id}/disconnect/", {"confirmed": "on"})
    assert refused.status_code == 409 and Order.objects.count() == 2


def test_an_end_is_ordered_and_the_customer_won_back(
    served: Subscription, cast: Cast, browser_of: Any, alpha: Any
) -> None:
    bob, path = browser_of(cast.bob), f"/console/subscriptions/{served.public_id}/disconnect/"
    assert path in bob.get(f"/console/accounts/{served.account.public_id}/").content.decode()
    unsure = bob.post(path, {"reason": "price"})
    assert unsure.status_code == 422 and "Please confirm" in message_beside(unsure, "confirmed")
    late = bob.post(path, {"wanted_on": "2001-01-01", "confirmed": "on"})
    assert late.status_code == 422 and "passed" in message_beside(late, "wanted_on")
    assert 'value="2001-01-01"' in late.content.decode() and Order.objects.count() == 1

    address = bob.post(path, {"reason": "price", "confirmed": "on", **hidden(bob.get(path))})["Location"]
    order = Order.objects.latest("id")
    assert address == f"/console/orders/{order.public_id}/" and order.reason == "price"
    assert f"{address}win-back/" in bob.get(address).content.decode()
    assert bob.get(f"{address}win-back/").status_code == 200
    assert bob.post(f"{address}win-back/", {"reason": "A better price."})["Location"] == address
    drive(alpha.pk)
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert bob.get(f"{address}win-back/").status_code == 302


def test_a_number_is_brought_along(served: Subscription, cast: Cast, browser_of: Any) -> None:
    bob, path = browser_of(cast.bob), f"/console/subscriptions/{served.public_id}/bring-number/"
    assert path in bob.get(f"/console/accounts/{served.account.public_id}/").content.decode()
    typed = {"number": "+13125550177", "losing_carrier": "RegionalVoice", "account_number": ""}
    missing = bob.post(path, typed)
    assert missing.status_code == 422 and message_beside(missing, "account_number")
    assert 'value="RegionalVoice"' in missing.content.decode() and Order.objects.count() == 1
    answer = bob.post(path, {**typed, "account_number": "ACC-1", **hidden(bob.get(path))})
    order = Order.objects.latest("id")
    assert answer["Location"] == f"/console/orders/{order.public_id}/"
    assert order.items.get().chosen["voice.portin"]["number"] == "+13125550177"


def test_who_may_not_order_sees_no_button_and_changes_nothing(
    served: Subscription, cast: Cast, browser_of: Any
) -> None:
    tom = make_user(cast.alpha, "tom@alpha.example", "Tom Field", "field_technician", kind="staff")
    account = f"/console/accounts/{served.account.public_id}/"
    for who, status in ((tom, 403), (cast.charlie, 404)):
        browser = browser_of(who)
        assert "/console/subscriptions/" not in browser.get(account).content.decode()
        for verb in ("change", "disconnect", "bring-number"):
            answer = browser.post(f"/console/subscriptions/{served.public_id}/{verb}/", {"confirmed": "on"})
            assert answer.status_code == status, (who, verb)
    assert Order.objects.count() == 1


def test_the_pages_of_a_change_ask_a_fixed_number_of_statements(
    served: Subscription, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    bob, base = browser_of(cast.bob), f"/console/subscriptions/{served.public_id}"
    for verb, most in (("change", 24), ("disconnect", 8), ("bring-number", 9)):
        assert len(asked := statements_of(bob, f"{base}/{verb}/")) <= most, "\n".join(asked)
