"""One description of an attribute gives the validator, the JSON Schema and the form, and they agree."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from boss.core import schema
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic

MAILBOX = [
    Characteristic("address", "email", required=True),
    Characteristic("quota_mb", "integer", minimum=100, maximum=50_000, default=5000, unit="MB"),
    Characteristic("spam", "choice", choices=(("off", "Off"), ("mild", "Mild"))),
    Characteristic("forward", "boolean"),
]


def test_form_text_becomes_typed_values_and_defaults_are_filled_in():
    values = {"address": " Ann@Example.COM ", "forward": "on", "spam": ""}
    assert schema.validate(MAILBOX, values) == {"address": "ann@example.com", "quota_mb": 5000, "forward": True}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({}, "address", "Please fill this in."),
        ({"address": "ann"}, "address", "e-mail"),
        ({"address": "a@b.example", "quota_mb": "12"}, "quota_mb", "from 100 to 50000"),
        ({"address": "a@b.example", "quota_mb": "many"}, "quota_mb", "number"),
        ({"address": "a@b.example", "quota_mb": "9" * 400}, "quota_mb", "number"),
        ({"address": "a@b.example", "spam": "hot"}, "spam", "Choose one"),
        ({"address": "a@b.example", "extra": 1}, "extra", "no such field"),
    ],
)
def test_a_bad_value_is_named_in_words_at_its_field(values, field, words):
    with pytest.raises(InvalidInput) as caught:
        schema.validate(MAILBOX, values, prefix="mail.")
    assert words in caught.value.fields[f"mail.{field}"][0]


@pytest.mark.parametrize("spelling", ["00-11-22-AA-BB-CC", "001122aabbcc", "0011.22aa.bbcc", "00:11:22:aa:bb:cc"])
def test_every_spelling_of_a_mac_address_is_the_same(spelling):
    assert schema.validate([Characteristic("mac", "mac")], {"mac": spelling}) == {"mac": "00:11:22:aa:bb:cc"}


def test_characteristics_survive_being_stored():
    assert schema.from_json([item.to_json() for item in MAILBOX]) == MAILBOX


@pytest.mark.parametrize(
    ("asked", "typed", "told"),
    [
        ({"pattern": "^x?y{2}$", "expects": "an x or not, then two y"}, "z", "Enter an x or not, then two y."),
        ({"pattern": "^[A-Z0-9-]{4,8}$"}, "abc", "Enter 4 to 8 capital letters, digits or -."),
        ({"pattern": "^[0-9]{5}$"}, "abc", "Enter 5 digits."),
        ({"pattern": r"^\d{5}$"}, "abc", "Enter 5 digits."),
        ({"pattern": "^[a-zA-Z ]+$"}, "7", "Enter letters or spaces."),
        ({"pattern": "^[A-Za-z0-9 .,'&-]*$"}, "é", "Enter letters, digits, spaces or the signs . , ' & -."),
        ({"pattern": "^[a-f0-9]+$"}, "z", "This is not in the expected form, which is ^[a-f0-9]+$."),
        ({"pattern": "^(a|b)$", "help": "Side a or b."}, "c", "This is not in the expected form. Side a or b."),
        ({"pattern": "^(a|b)$"}, "c", "This is not in the expected form, which is ^(a|b)$."),
        ({"max_length": 3}, "abcd", "Enter at most 3 characters; this has 4."),
        ({"pattern": "^[a-z]+$", "max_length": 3}, "ab7", "Enter lower-case letters."),
        ({}, 7, "Enter text."),
    ],
)
def test_a_refusal_says_which_form_is_expected(asked, typed, told):
    with pytest.raises(InvalidInput) as caught:
        schema.validate([Characteristic("code", **asked)], {"code": typed})
    assert caught.value.fields["code"] == [told]


def test_the_expected_form_is_said_before_anything_is_typed():
    code = Characteristic("code", pattern="^[0-9]{5}$", help="On the back of the box.")
    assert schema.form_fields([code])["code"].help_text == "On the back of the box. 5 digits."
    assert schema.json_schema([code])["properties"]["code"]["description"] == "On the back of the box. 5 digits."


def test_nought_and_no_survive_being_stored():
    items = [
        Characteristic("amount", "decimal", minimum=0, default=0),
        Characteristic("spam", "boolean", default=False),
    ]
    assert schema.from_json([item.to_json() for item in items]) == items
    assert items[0].to_json() == {"key": "amount", "type": "decimal", "minimum": 0, "default": 0}


def test_what_is_the_staffs_does_not_exist_for_customers():
    fields = [Characteristic("reason"), Characteristic("credit", "decimal", staff_only=True, required=True)]
    assert schema.from_json([item.to_json() for item in fields]) == fields
    assert schema.json_schema(fields)["properties"]["credit"]["x-staff-only"] is True
    assert schema.validate(schema.for_customers(fields), {"reason": "Late"}) == {"reason": "Late"}
    with pytest.raises(InvalidInput) as caught:
        schema.validate(schema.for_customers(fields), {"credit": 5, "made_up": 5})
    assert caught.value.fields["credit"] == caught.value.fields["made_up"]


@pytest.mark.parametrize(
    "item", [{"key": "X"}, {"key": "x", "type": "colour"}, {"key": "x", "type": "choice"}, {"key": "x", "sort": 1}]
)
def test_a_description_that_makes_no_sense_is_refused(item):
    with pytest.raises(ImproperlyConfigured):
        schema.from_json([item])


def test_the_form_and_the_schema_ask_the_same():
    fields = schema.form_fields(MAILBOX)
    rules = schema.json_schema(MAILBOX)
    assert set(fields) == set(rules["properties"])
    assert isinstance(fields["quota_mb"], forms.IntegerField) and fields["quota_mb"].max_value == 50_000
    assert rules["required"] == ["address"] and rules["additionalProperties"] is False


@given(
    st.dictionaries(st.sampled_from(["address", "quota_mb", "spam", "forward"]), st.text() | st.integers() | st.none())
)
def test_whatever_is_typed_is_either_cleaned_or_refused_with_words(values):
    try:
        cleaned = schema.validate(MAILBOX, values)
    except InvalidInput as problem:
        assert problem.fields and all(messages for messages in problem.fields.values())
    else:
        assert schema.validate(MAILBOX, cleaned) == cleaned


TREE = (("lan", "Home network"), ("lan/wifi", "Wi-Fi"), ("lan/cable", "Cable"), ("line", "Line"))


@pytest.mark.parametrize(
    ("item", "typed", "kept"),
    [
        (Characteristic("x", "money", unit="USD"), "12.50", 12.5),
        (Characteristic("x", "duration"), "1 h 30 min", 5_400),
        (Characteristic("x", "duration"), "1:30", 5_400),
        (Characteristic("x", "duration"), "2D", 172_800),
        (Characteristic("x", "duration"), 90, 90),
        (Characteristic("x", "url"), "https://example.com/a?b", "https://example.com/a?b"),
        (Characteristic("x", "prefix"), "2001:DB8::/48", "2001:db8::/48"),
        (Characteristic("x", "rating"), "5", 5),
        (Characteristic("x", "tree_choice", choices=TREE), "lan/wifi", "lan/wifi"),
        (Characteristic("x", "tree_choice", choices=TREE), "line", "line"),
    ],
)
def test_every_type_takes_what_people_type(item, typed, kept):
    assert schema.validate([item], {"x": typed}) == {"x": kept}
    assert schema.validate([item], {"x": kept}) == {"x": kept}


@pytest.mark.parametrize(
    ("item", "typed", "told"),
    [
        (Characteristic("x", "money"), "12.505", "an amount"),
        (Characteristic("x", "money", minimum=0), "-1", "at least 0"),
        (Characteristic("x", "duration"), "soon", "1 h 30 min"),
        (Characteristic("x", "duration"), -5, "1 h 30 min"),
        (Characteristic("x", "url"), "javascript:alert(1)", "https://example.com/page"),
        (Characteristic("x", "url"), "https://bank@evil.example/", "https://example.com/page"),
        (Characteristic("x", "prefix"), "192.0.2.10/24", "192.0.2.0/24"),
        (Characteristic("x", "prefix"), "192.0.2.10", "192.0.2.0/24"),
        (Characteristic("x", "rating"), "6", "from 1 to 5"),
        (Characteristic("x", "tree_choice", choices=TREE), "lan", "Choose one"),
    ],
)
def test_every_type_says_what_it_wants(item, typed, told):
    with pytest.raises(InvalidInput) as caught:
        schema.validate([item], {"x": typed})
    assert told in caught.value.fields["x"][0]


def test_a_tree_shows_the_whole_path_and_has_no_loose_branch():
    item = Characteristic("x", "tree_choice", choices=TREE)
    assert [label for _key, label in item.options] == ["Home network › Wi-Fi", "Home network › Cable", "Line"]
    with pytest.raises(ImproperlyConfigured, match="nothing stands above"):
        Characteristic("x", "tree_choice", choices=(("lan/wifi", "Wi-Fi"),))
