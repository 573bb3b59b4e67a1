"""What services write into the audit trail has words, and only that has: one vocabulary for all pages."""

from __future__ import annotations

import ast
import functools

import pytest

from boss.core import reads
from boss.look import deeds
from boss.notify.models import DeliveryState
from boss.privacy.models import Erasure
from ipservices.choices import FindingResolution, FindingWay
from subscribers.choices import CollectionState, HoldState, LeaseState, OrderState
from tests.architecture.sources import trees, walk
from workflow.choices import BulkKind

PASSED_ON = {"boss/core/audit.py", "boss/core/reads.py"}
"""Here the action is what somebody else named."""


def named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@functools.cache
def keyword_texts(folder: str, name: str) -> set[str]:
    """The texts given by this keyword anywhere below the folder."""
    return {
        keyword.value.value
        for path, tree in trees() if path.startswith(folder)
        for call in walk(tree) if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == name and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }  # fmt: skip


@functools.cache
def told_factors() -> set[str]:
    """What ``factors.tell`` is called with."""
    return {
        call.args[2].value
        for path, tree in trees() if path.startswith("boss/tenancy/")
        for call in walk(tree)
        if isinstance(call, ast.Call) and named(call) == "tell" and len(call.args) > 2
        and isinstance(call.args[2], ast.Constant)
    }  # fmt: skip


# How actions end whose first part alone stands in the code.
ENDINGS = {
    "sign_in.": told_factors,
    "ticket.": lambda: keyword_texts("ticketing/services/", "event"),
    "delivery.": lambda: set(DeliveryState) - {DeliveryState.QUEUED, DeliveryState.SENDING},
    "order.": lambda: {OrderState.COMPLETED, OrderState.CANCELLED},
    "lease.": lambda: set(LeaseState) - {LeaseState.ANNOUNCED},
    "collection.": lambda: set(CollectionState) - {CollectionState.OPEN},
    "card_hold.": lambda: set(HoldState),
    "privacy.erasure_": lambda: {Erasure.State.DONE, Erasure.State.REFUSED},
    "bulk.": lambda: set(BulkKind),
    "finding.": lambda: (
        {f"{way}_asked" for way in FindingWay} | set(FindingResolution) - {FindingResolution.GONE} | {"left_open"}
    ),
}


def spelled(value: ast.expr, where: str) -> set[str]:
    """The actions an expression can be. One that cannot be read fails: then this test would prove nothing."""
    if isinstance(value, ast.Constant):
        return {str(value.value)}
    if isinstance(value, ast.IfExp):
        return spelled(value.body, where) | spelled(value.orelse, where)
    if isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        begins = str(value.values[0].value)
        assert begins in ENDINGS, f"{where}: say in ENDINGS how {begins}… can end"
        return {f"{begins}{end}" for end in ENDINGS[begins]()}
    pytest.fail(f"{where}: an action this test cannot read: {ast.unparse(value)}")


@functools.cache
def recorded() -> dict[str, str]:
    """Every action any room writes down, and where."""
    found: dict[str, str] = {}
    for path, tree in trees():
        for call in walk(tree):
            if not isinstance(call, ast.Call) or path in PASSED_ON:
                continue
            wanted = {"record": "action", "record_many": "action", "note": "read"}.get(named(call))
            for keyword in call.keywords:
                if wanted and keyword.arg == wanted:
                    found |= dict.fromkeys(spelled(keyword.value, f"{path}:{call.lineno}"), path)
    return found


def test_every_action_a_service_records_has_words():
    missing = {action: path for action, path in recorded().items() if action not in deeds.WORDS}
    assert missing == {}, "say it in boss/look/deeds.py"


def test_every_noted_read_has_words():
    assert [read for read, _what in reads.sensitive if read not in deeds.WORDS] == []


def test_there_are_no_words_for_what_nobody_records():
    assert sorted(set(deeds.WORDS) - set(recorded())) == []
    assert sorted(set(deeds.YOURS) - set(recorded())) == [], "a customer would wait for it in vain"


def test_words_take_the_name_and_an_unknown_action_says_its_own():
    for action in deeds.WORDS:
        text = deeds.said(action, "Elm 14 %s")
        assert text and "%(" not in text and action not in text
    assert deeds.said("order.submitted", "4711") == "Order 4711 placed"
    assert deeds.said("nms.port_opened", "Elm") == "Nms port opened: Elm"
    assert deeds.said("nms.port_opened") == "Nms port opened"
