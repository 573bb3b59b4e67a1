"""What a choice costs, and whether it may be chosen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from catalog import pricing, selectors
from catalog.configuration import choosable, configure
from catalog.pricing import OptionChoice, Price, PriceSheet, quote_sheet
from catalog.services.features import define
from catalog.services.plans import FeaturePart

KIT = OptionChoice("self-install")
MAIL = {"mail.mailbox": {"address": "maria"}}


def faults(version, *options, chosen=None):
    with pytest.raises(InvalidInput) as refused:
        configure(version, options, chosen)
    return set(refused.value.fields)


@pytest.fixture
def version(on_sale):
    return selectors.get_version(on_sale().pk)


def test_a_quote_adds_what_is_monthly_and_what_is_once(version):
    quote = pricing.quote(version, [KIT, OptionChoice("mailbox", 3)])
    assert (quote.monthly, quote.once, quote.currency) == (Decimal("59.45"), Decimal("14.95"), "USD")


def test_a_line_says_what_one_costs_and_how_many_there_are(version):
    line = pricing.quote(version, [OptionChoice("mailbox", 2)]).lines[1]
    assert (line.code, line.quantity, line.amount, line.total) == ("mailbox:0", 2, Decimal("1.50"), Decimal("3.00"))


money = st.decimals(min_value=0, max_value=9999, places=2)
prices = st.lists(
    st.builds(
        Price,
        code=st.uuids().map(str),
        kind=st.sampled_from(["recurring", "one_time", "usage"]),
        label=st.just("x"),
        amount=money,
        option=st.sampled_from(["", "a", "b"]),
    ),
    max_size=8,
)
quantities = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 20))


@given(prices, quantities)
def test_the_sums_are_the_sums_of_the_lines_to_the_cent(listed, chosen):
    quote = quote_sheet(PriceSheet("USD", tuple(listed)), chosen)
    assert quote.monthly == sum((line.total for line in quote.of_kind("recurring")), Decimal(0))
    assert quote.once == sum((line.total for line in quote.of_kind("one_time")), Decimal(0))
    for line in quote.lines:
        assert line.total == (line.amount * line.quantity if line.kind != "usage" else 0)
        assert line.total == line.total.quantize(Decimal("0.01"))


@given(prices, quantities)
def test_more_of_an_option_never_costs_less(listed, chosen):
    sheet = PriceSheet("USD", tuple(listed))
    before, after = quote_sheet(sheet, chosen), quote_sheet(sheet, {**chosen, "a": chosen.get("a", 0) + 1})
    assert after.monthly >= before.monthly
    assert after.once >= before.once


@given(prices, quantities)
def test_an_option_without_a_price_changes_nothing(listed, chosen):
    sheet = PriceSheet("USD", tuple(listed))
    assert quote_sheet(sheet, {**chosen, "c": 7}) == quote_sheet(sheet, chosen)


def test_a_configuration_says_what_to_deliver(version):
    configuration = configure(version, [KIT, OptionChoice("static-ip")], MAIL)
    assert configuration.keys == ["data.access", "mail.mailbox", "ip.static"]
    assert configuration.driver_families == ["access", "mail", "ip"]
    access, mail, address = configuration.features
    assert (access.characteristics, address.characteristics) == ({"down": 100, "up": 10}, {"size": "32"})
    assert (mail.quantity, mail.characteristics) == (2, {"address": "maria"})


def test_an_option_of_a_feature_already_there_adds_to_its_number(version):
    mail = configure(version, [KIT, OptionChoice("mailbox", 2)]).features[1]
    assert mail.quantity == 4


def test_the_form_asks_only_what_the_buyer_chooses(version):
    assert {key: [c.key for c in asked] for key, asked in choosable(version).items()} == {"mail.mailbox": ["address"]}


def test_every_fault_is_told_beside_its_field(version):
    options = (OptionChoice("mailbox", 4), OptionChoice("no-such"))
    chosen = {"mail.mailbox": {"address": "Not an address!", "quota": 5}, "tv.tier": {"tier": "max"}}
    assert faults(version, *options, chosen=chosen) == {
        "option.mailbox",
        "option.no-such",
        "choice.installation",
        "mail.mailbox.address",
        "mail.mailbox.quota",
        "tv.tier.tier",
    }


def test_one_of_two_alternatives_is_taken_never_both(version):
    assert faults(version) == {"choice.installation"}
    assert faults(version, KIT, OptionChoice("install")) == {"choice.installation"}


def test_less_than_nothing_cannot_be_ordered(version):
    assert faults(version, KIT, OptionChoice("mailbox", -1)) == {"option.mailbox"}


def test_what_needs_something_else_is_refused_without_it(features, system):
    from catalog.services import plans
    from catalog.services.plans import FeaturePart
    from tests.catalog.conftest import small

    plan = plans.create(actor=system, key="tv", title="TV")
    draft = plans.draft(actor=system, plan=plan, version=small(features=[FeaturePart("tv.dvr")], options=[]))
    assert faults(selectors.get_version(draft.pk)) == {"tv.dvr"}


@pytest.fixture
def with_line_profile(on_sale, system):
    """A line whose profile only the staff choose."""
    asked = [Characteristic("name"), Characteristic("profile", required=True, staff_only=True)]
    define(actor=system, key="own.line", family="access", title="Line", characteristics=asked)
    return on_sale(features=[FeaturePart("own.line", choosable=("name", "profile"))], options=[])


def test_what_the_staff_choose_is_not_asked_of_the_buyer_and_refused_from_him(with_line_profile):
    version = with_line_profile
    assert [item.key for item in choosable(version)["own.line"]] == ["name", "profile"]
    assert [item.key for item in choosable(version, by_customer=True)["own.line"]] == ["name"]
    sold = configure(version, (), {"own.line": {"name": "maria"}}, by_customer=True)
    assert sold.features[0].characteristics == {"name": "maria"}
    with pytest.raises(InvalidInput) as caught:
        configure(version, (), {"own.line": {"profile": "vip", "made_up": "vip"}}, by_customer=True)
    refused = caught.value.fields
    assert refused["own.line.profile"] == refused["own.line.made_up"]
    configure(version, (), {"own.line": {"profile": "vip"}})
