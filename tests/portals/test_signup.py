"""Sign-up keeps its promises to a visitor."""

from __future__ import annotations

import json

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.models import Message as Mail
from boss.tenancy.models import User
from boss.tenancy.services import roles, users
from catalog import pricing
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from catalog.services import plans
from subscribers.adapters.sandbox import SandboxPayment
from subscribers.models import Account, Order, Subscription
from tests.cast import PASSWORD, Cast
from tests.portals.conftest import SET_UP, Shop
from tests.portals.visiting import ANA, CARD, OPTIONS, Visitor, hidden, message_beside, text, words
from tests.workflow.driving import drive
from ticketing.models import Message, Ticket
from workflow.models import Run
from workflow.services import definitions, runs

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def ana(cast: Cast) -> Visitor:
    return Visitor(cast.alpha.pk)


def written(cast: Cast) -> list[int]:
    """How much of everything a sign-up could write is there."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        return [model.objects.count() for model in (Account, Order, Subscription, Run, Ticket, Message, User)]


def test_a_visitor_orders_without_an_account(ana: Visitor, cast: Cast):
    progress = ana.place()
    page = ana.get(progress)
    assert page.status_code == 200
    assert "Ordered" in words(page)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        order = Order.objects.get()
        assert order.contact_name == "Ana Duarte"
        assert order.channel == "portal"
        assert order.items.get().subscription.chosen == {"mail.mailbox": {"address": "ana.duarte"}}
        assert order.items.get().options == {"self-install": 1}
        assert Run.objects.count() == 1


def test_the_draft_is_gone_once_the_order_is_placed(ana: Visitor):
    ana.place()
    assert "signup" not in ana.session()
    assert "tok_ok" not in json.dumps(ana.session())


def test_a_page_ahead_of_an_open_question_leads_back_to_it(ana: Visitor):
    assert ana.get("/signup/plan/")["Location"] == "/signup/"
    ana.until("plan")
    assert ana.get("/signup/review/")["Location"] == "/signup/plan/"


def test_going_back_finds_every_answer(ana: Visitor):
    ana.until("review")
    assert 'value="internet-300" checked' in text(ana.get("/signup/plan/"))
    options = text(ana.get("/signup/options/"))
    assert 'value="ana.duarte"' in options
    assert 'value="self-install"' in options
    assert "checked" in options
    you = text(ana.get("/signup/you/"))
    for value in ANA.values():
        assert f'value="{value}"' in you
    assert "14 Elm St" in words(ana.get("/signup/review/"))


def test_another_address_asks_for_the_plan_again_and_keeps_the_person(ana: Visitor):
    ana.until("review").send("/signup/", address="14 Elm St, Unit 2")
    assert ana.get("/signup/review/")["Location"] == "/signup/plan/"
    ana.send("/signup/plan/", plan="internet-100")
    ana.send("/signup/options/")
    assert "Unit 2" in words(ana.get("/signup/review/")) or "14 Elm St 2" in words(ana.get("/signup/review/"))


def test_somebody_who_comes_back_goes_on_where_he_was(ana: Visitor):
    ana.until("you")
    page = ana.get("/signup/")
    assert "We kept your answers" in words(page)
    assert 'href="/signup/you/"' in text(page)


def test_starting_again_forgets_everything(ana: Visitor):
    ana.until("you").client.post("/signup/start-again/")
    assert "We kept your answers" not in words(ana.get("/signup/"))
    assert ana.get("/signup/you/")["Location"] == "/signup/"


# Addresses


def test_a_house_with_several_units_asks_which(ana: Visitor):
    page = ana.send("/signup/", address="14 Elm St")
    assert page.status_code == 200
    assert "Which one is yours?" in words(page)
    assert text(page).count('name="site"') == 2
    assert 'value="14 Elm St"' in text(page)


def test_choosing_a_suggestion_goes_on_to_the_plans(ana: Visitor, shop: Shop):
    response = ana.send("/signup/", address="14 el", site=shop.elm_2.public_id)
    assert response["Location"] == "/signup/plan/"


def test_suggestions_come_from_three_letters_on_and_from_this_realm_only(ana: Visitor, cast: Cast):
    assert "14 Elm St" in words(ana.get("/signup/addresses/", address="14 e"))
    assert words(ana.get("/signup/addresses/", address="14")) == ""
    assert words(Visitor(cast.beta.pk, "beta.localhost").get("/signup/addresses/", address="14 elm")) == ""


def test_a_site_of_another_realm_is_no_address_here(cast: Cast, shop: Shop):
    charlie = Visitor(cast.beta.pk, "beta.localhost")
    response = charlie.send("/signup/", address="14 Elm St", site=shop.elm_1.public_id)
    assert response["Location"] == "/signup/not-yet/"


@pytest.mark.parametrize("address", ["1 Nowhere Lane", "99 Far Rd, Springfield"])
def test_an_address_without_service_becomes_a_lead(ana: Visitor, cast: Cast, address: str):
    assert ana.send("/signup/", address=address)["Location"] == "/signup/not-yet/"
    done = ana.send("/signup/not-yet/", follow=True, full_name="Ana Duarte", email="ana@example.com", note="Please!")
    assert "we have your request" in words(done)
    assert "portals/portals" in text(done), "the page has its stylesheet"
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        lead = Ticket.objects.get()
        assert lead.category.key == "lead"
        body = Message.objects.get(ticket=lead).body
    for part in ("ana@example.com", "Please!", address.split(",")[0]):
        assert part in body


def test_a_lead_sent_twice_is_one_lead(ana: Visitor, cast: Cast):
    ana.send("/signup/", address="1 Nowhere Lane")
    form = hidden(ana.get("/signup/not-yet/")) | {"full_name": "Ana", "email": "ana@example.com"}
    first = ana.client.post("/signup/not-yet/", form)
    second = ana.client.post("/signup/not-yet/", form)
    assert first["Location"] == second["Location"]
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Ticket.objects.count() == 1


# Bad input

BAD = [
    ("address", "/signup/", {"address": ""}, "address", "Please type the address"),
    ("address", "/signup/", {"address": "x" * 300}, "address", "longer than an address"),
    ("plan", "/signup/plan/", {}, "plan", "Please choose a plan"),
    ("plan", "/signup/plan/", {"plan": "fibre-1000"}, "plan", "not sold at your address"),
    ("plan", "/signup/plan/", {"plan": "' OR 1=1"}, "plan", "not sold at your address"),
    ("options", "/signup/options/", OPTIONS | {"choice.installation": ""}, "choice.installation", "Choose one"),
    ("options", "/signup/options/", OPTIONS | {"option.outlet": "4"}, "option.outlet", "between 0 and 3"),
    ("options", "/signup/options/", OPTIONS | {"option.outlet": "-1"}, "option.outlet", "between 0 and 3"),
    ("options", "/signup/options/", OPTIONS | {"option.outlet": "two"}, "option.outlet", "whole number"),
    ("options", "/signup/options/", OPTIONS | {"option.recording": "on"}, "option.recording", "needs Television"),
    ("options", "/signup/options/", OPTIONS | {"mail.mailbox.address": "a b"}, "mail.mailbox.address", ""),
    ("you", "/signup/you/", CARD | {"full_name": "  "}, "full_name", "your name"),
    ("you", "/signup/you/", CARD | {"email": "ana@"}, "email", "not an e-mail address"),
    ("you", "/signup/you/", CARD | {"phone": "call me"}, "phone", "phone number"),
    ("you", "/signup/you/", ANA | {"method": ""}, "method", "how you want to pay"),
    ("you", "/signup/you/", ANA | {"method": "gold"}, "method", ""),
    ("you", "/signup/you/", CARD | {"card_token": ""}, "card_token", "card token"),
    ("you", "/signup/you/", CARD | {"card_token": "a b;c"}, "card_token", "card"),
    ("you", "/signup/you/", CARD | {"card_token": "tok_okay"}, "card_token", "not known to the payment provider"),
    ("review", "/signup/review/", {}, "agree", "tick this box"),
]


@pytest.mark.parametrize(("step", "path", "typed", "field", "message"), BAD)
def test_bad_input_is_answered_beside_its_field_and_kept_and_writes_nothing(
    ana: Visitor, cast: Cast, step: str, path: str, typed: dict[str, str], field: str, message: str
):
    if step != "address":
        ana.until(step)
    before = written(cast)
    response = ana.send(path, **typed)
    assert response.status_code == 422
    assert message in message_beside(response, field)
    shown = text(response)
    for name, value in typed.items():
        if value and name not in ("method", "plan", "choice.installation"):
            assert value.strip() in shown, f"{name} was cleared"
    assert written(cast) == before


def test_what_was_refused_is_still_there_after_leaving_the_page(ana: Visitor):
    ana.until("you").send("/signup/you/", **CARD | {"email": "ana@"})
    assert 'value="ana@"' in text(ana.get("/signup/you/"))


def test_what_is_typed_is_kept_while_it_is_typed(ana: Visitor):
    ana.until("you")
    assert ana.client.post("/signup/you/keep/", {"full_name": "Ana D", "card_token": "tok_ok"}).status_code == 204
    assert 'value="Ana D"' in text(ana.get("/signup/you/"))
    assert "tok_ok" not in json.dumps(ana.session())


def test_a_card_number_is_thrown_away_wherever_it_is_typed(ana: Visitor):
    number = "4242 4242 4242 4242"
    response = ana.until("you").send("/signup/you/", **CARD | {"card_token": number})
    assert response.status_code == 422
    assert "Never type a card number" in message_beside(response, "card_token")
    assert number not in text(response)
    assert number not in json.dumps(ana.session())


def test_markup_in_a_name_stays_words(ana: Visitor):
    ana.until("you").send("/signup/you/", **CARD | {"full_name": "<script>alert(1)</script> Ana"})
    assert "<script>alert(1)" not in ana.get("/signup/review/").content.decode()


def test_that_an_email_signs_in_already_is_told_by_mail_alone_and_the_draft_is_kept(ana: Visitor, cast: Cast):
    ana.until("you").send("/signup/you/", **CARD | {"email": cast.alice.email})
    before = written(cast)
    page = ana.send("/signup/review/", follow=True, agree="on")
    assert "look into your mail" in words(page)
    assert not any(word in words(page) for word in ("already", "signs in", "customer", "account"))
    assert written(cast) == before
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        told = Mail.objects.get(template="order_known")
        assert told.deliveries.get().address == cast.alice.email
        assert "/login/?next=%2Fsignup%2Freview%2F" in told.text and "Ana" not in told.text
    ana.send("/signup/review/", agree="on")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Mail.objects.filter(template="order_known").count() == 1
    assert f'value="{cast.alice.email}"' in text(ana.get("/signup/you/"))


def test_a_customer_who_signs_in_then_orders_for_his_account(ana: Visitor, cast: Cast):
    ana.place()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        account = Account.objects.get()
        user = users.create(
            actor=Actor.system(cast.alpha.pk), email=ANA["email"], full_name="Ana Duarte", kind="subscriber",
            password=PASSWORD,
        )  # fmt: skip
        roles.grant(actor=Actor.system(cast.alpha.pk), user=user, role_key="subscriber", own=True)
        Account.objects.filter(pk=account.pk).update(user=user)
    again = Visitor(ana.realm_id).until("review")
    assert "look into your mail" in words(again.send("/signup/review/", agree="on"))
    entered = again.client.post("/login/?next=/signup/review/", {"email": ANA["email"], "password": PASSWORD})
    assert entered["Location"] == "/signup/review/"
    assert again.send("/signup/review/", agree="on")["Location"].startswith("/signup/order/")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Account.objects.get() == account and account.orders.count() == 2


def test_a_card_that_has_become_unknown_is_asked_for_again_and_the_rest_is_kept(
    ana: Visitor, cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    ana.until("review")
    before = written(cast)
    monkeypatch.setattr(SandboxPayment, "knows", lambda port, token: False)
    page = ana.send("/signup/review/", follow=True, agree="on")
    assert "not known" in message_beside(page, "card_token") or "token" in message_beside(page, "card_token")
    assert 'value="Ana Duarte"' in text(page) and "already here" not in words(page)
    assert written(cast) == before


# Prices


def test_the_total_on_every_step_is_the_catalogs_quote(ana: Visitor, cast: Cast):
    extras = {"option.outlet": "2", "option.wifi": "on", "wifi.network.ssid": "Home"}
    response = ana.until("options").send("/signup/options/", **OPTIONS | extras)
    assert response.status_code == 302, words(response)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        version = catalog.get_plan_version("internet-300")
        taken = [OptionChoice("self-install", 1), OptionChoice("outlet", 2), OptionChoice("wifi", 1)]
        quote = pricing.quote(version, taken)
    for path in ("/signup/plan/", "/signup/options/", "/signup/you/"):
        assert f"${quote.monthly} a month" in words(ana.get(path))
        assert f"First month in total ${quote.monthly + quote.once}" in words(ana.get(path))


def test_the_running_total_follows_what_is_ticked(ana: Visitor):
    ana.until("options")
    fragment = ana.client.post("/signup/options/price/", OPTIONS | {"option.outlet": "3"})
    assert "First month in total $159.90" in words(fragment)  # type: ignore[arg-type]
    assert "First month in total $84.90" in words(ana.get("/signup/options/"))


def test_the_total_of_a_plan_is_shown_as_soon_as_it_is_ticked(ana: Visitor):
    ana.until("plan")
    assert "First month in total $84.90" in words(ana.get("/signup/plan/price/", plan="internet-300"))
    assert "No price yet" in words(ana.get("/signup/plan/price/", plan="fibre-1000"))
    assert "No price yet" in words(Visitor(ana.realm_id).get("/signup/plan/price/", plan="internet-300"))


def test_a_price_that_changed_meanwhile_is_read_again_before_it_is_agreed_to(ana: Visitor, cast: Cast):
    ana.until("review")
    before = written(cast)
    response = ana.send("/signup/review/", agree="on", seen="0123456789abcdef")
    assert response.status_code == 422
    assert "price has changed" in words(response)
    assert written(cast) == before


def test_a_plan_taken_off_sale_meanwhile_leads_back_to_the_plans(ana: Visitor, cast: Cast, system: Actor):
    ana.until("review")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        plans.retire(actor=system, version=catalog.get_plan_version("internet-300"))
    response = ana.get("/signup/review/")
    assert response["Location"] == "/signup/plan/"
    assert "no longer sold" in words(ana.get("/signup/plan/"))


# Once and only once


def test_a_form_sent_twice_makes_one_order(ana: Visitor, cast: Cast):
    form = hidden(ana.until("review").get("/signup/review/")) | {"agree": "on"}
    first = ana.client.post("/signup/review/", form)
    after_first = written(cast)
    second = ana.client.post("/signup/review/", form)
    assert second.status_code == 302
    assert second["Location"] == first["Location"]
    assert written(cast) == after_first


def test_two_requests_at_once_make_one_order(ana: Visitor, cast: Cast):
    """The second request read the session before the first had written it."""
    ana.until("review")
    as_it_was = ana.session()["signup"]
    form = hidden(ana.get("/signup/review/")) | {"agree": "on"}
    ana.client.post("/signup/review/", form)
    after_first = written(cast)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        session = ana.client.session
        session["signup"] = as_it_was
        del session["signup_placed"]
        session.save()
    response = ana.client.post("/signup/review/", form)
    assert response.status_code == 302
    assert written(cast) == after_first


def test_a_second_order_after_the_first_is_another_order(ana: Visitor, cast: Cast):
    first = ana.place()
    ana.until("you").send("/signup/you/", **CARD | {"email": "leo@example.com"})
    second = ana.send("/signup/review/", agree="on")
    assert second["Location"] != first
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Order.objects.count() == 2


def test_a_session_that_ended_loses_nothing(ana: Visitor):
    form = hidden(ana.until("you").get("/signup/you/")) | CARD
    ana.forget_session()
    response = ana.client.post("/signup/you/", form)
    assert response["Location"] == "/signup/review/"
    page = words(ana.get("/signup/review/"))
    assert "Ana Duarte" in page
    assert "We kept your answers" in page


def test_after_the_session_ended_the_card_is_asked_for_again(ana: Visitor, cast: Cast):
    form = hidden(ana.until("review").get("/signup/review/")) | {"agree": "on"}
    ana.forget_session()
    before = written(cast)
    response = ana.client.post("/signup/review/", form)
    assert response["Location"] == "/signup/you/"
    assert 'value="Ana Duarte"' in text(ana.get("/signup/you/"))
    assert written(cast) == before


def test_a_draft_of_one_realm_opens_in_no_other(ana: Visitor, cast: Cast):
    form = hidden(ana.until("you").get("/signup/you/")) | CARD
    charlie = Visitor(cast.beta.pk, "beta.localhost")
    assert charlie.client.post("/signup/you/", form)["Location"] == "/signup/"


# The progress page


def test_the_progress_link_works_in_any_browser_and_needs_its_seal(ana: Visitor, cast: Cast):
    path = ana.place()
    friend = Visitor(cast.alpha.pk)
    assert friend.get(path).status_code == 200
    assert friend.get(f"{path}state/").status_code == 200
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        order = Order.objects.get()
    assert friend.get(f"/signup/order/{order.public_id}/").status_code == 404
    assert friend.get(path[:-3] + "xx/").status_code == 404


def test_charlie_gets_404_for_the_progress_page_of_alices_realm(ana: Visitor, cast: Cast):
    path = ana.place()
    charlie = Visitor(cast.beta.pk, "beta.localhost")
    assert charlie.get(path).status_code == 404
    assert charlie.get(f"{path}state/").status_code == 404
    assert charlie.client.post(f"{path}sign-in/").status_code == 404


def test_only_the_browser_that_ordered_may_set_up_the_sign_in(ana: Visitor, cast: Cast, system: Actor):
    path = ana.place()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        account = Order.objects.get().account
        account.user = users.create(actor=system, email="ana@example.com", full_name="Ana", kind="subscriber")
        account.save()
    friend = Visitor(cast.alpha.pk)
    assert "Create a password" not in words(friend.get(path))
    assert friend.client.post(f"{path}sign-in/")["Location"] == path
    assert "Create a password" in words(ana.get(path))
    invitation = ana.client.post(f"{path}sign-in/")["Location"]
    assert invitation.startswith("/invitation/")
    done = ana.client.post(invitation, {"password": "a few good words"})
    assert done["Location"] == "/my/"
    assert "Create a password" not in words(ana.get(path))


def test_the_progress_page_names_nobody(ana: Visitor):
    page = text(ana.get(ana.place()))
    assert "tok_ok" not in page
    assert "0142" not in page


def test_the_bar_fills_while_the_order_goes_forward_and_is_gone_when_it_is_taken_back(ana: Visitor, cast: Cast):
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        visit = {"key": "visit", "title": "Visit", "kind": "manual", "pool": "csr", "undo": "none", "after": ["users"]}
        definitions.publish(actor=Actor.system(cast.alpha.pk), document={**SET_UP, "tasks": [*SET_UP["tasks"], visit]})
    path = ana.place()
    drive(cast.alpha.pk)
    assert "<progress" in text(ana.get(path))
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        runs.reverse(actor=Actor.system(cast.alpha.pk), run=Run.objects.get(), reason="Changed her mind")
    assert "is being taken back" in words(ana.get(path)) and "<progress" not in text(ana.get(path))
    drive(cast.alpha.pk)
    assert "This order was cancelled" in words(ana.get(path)) and "<progress" not in text(ana.get(path))
