"""Which members of a row its customer is shown: each is named, and what is not named is the staff's own."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.serializers import ModelSerializer

from boss.api.urls import ROOMS
from boss.core.api.permissions import PUBLIC, declared
from boss.core.api.serializers import RowSerializer
from boss.tenancy.policies import BUILT_IN
from tests.architecture import world as worlds
from tests.cast import make_user

STAFF_ONLY = {
    "tenancy/sites": {"access_node"},
    "tenancy/users": set(),
    "tenancy/organizations": set(),
    "subscribers/accounts": set(),
    "subscribers/subscriptions": set(),
    "subscribers/orders": {"run"},
    "subscribers/charges": set(),
    "subscribers/statements": set(),
    "subscribers/payments": set(),
    "subscribers/leases": {"order"},
    "ipservices/services": {"server", "desired", "observed", "observed_at", "drift", "restriction_reason"},
    "privacy/copies": {"asked_by"},
    "ticketing/tickets": {
        "assignee", "pool", "opened_by", "subject_kind", "outcome", "outcome_values", "resolved_by",
        "status",
    },
    "ticketing/attachments": {"field", "added_by", "sha256", "by_mail"},
}  # fmt: skip
"""By resource, what its customers do not see. Decided member by member; a new resource is decided here, too."""


def read_by_customers() -> dict[str, Any]:
    """Every resource that some role reads which is no member of the staff, and in which it may have rows of its own."""
    theirs = frozenset[str]().union(
        *(role.permissions for role in BUILT_IN.values() if not role.permissions & {"core.use_console", "core.search"})
    )
    found = {}
    for room, resources in ROOMS.items():
        for resource in resources:
            viewset: Any = resource.viewset
            if declared(viewset, "list") in theirs - {PUBLIC} and viewset.model.scope_paths:
                found[f"{room}/{resource.prefix}"] = viewset
    return found


def test_each_resource_that_customers_read_names_what_they_are_shown():
    unnamed = [
        name
        for name, viewset in read_by_customers().items()
        if not (issubclass(viewset.serializer_class, RowSerializer) and viewset.serializer_class.for_customers)
    ]
    assert unnamed == [], "make its serializer a RowSerializer and name the members in for_customers"


def test_what_customers_are_not_shown_is_decided_for_each_resource():
    hidden = {}
    for name, viewset in read_by_customers().items():
        serializer: Any = viewset.serializer_class
        assert issubclass(serializer, ModelSerializer)
        assert set(serializer.for_customers) <= set(serializer.Meta.fields), name
        hidden[name] = set(serializer.Meta.fields) - set(serializer.for_customers)
    assert hidden == STAFF_ONLY, "say in tests/api/test_fields.py what the customers of a new resource do not see"


@pytest.fixture
def readers(cast: Any, alpha: Any, system: Any, browser_of: Any) -> dict[str, Any]:
    world = worlds.build(system)
    manager = make_user(cast.alpha, "mia@alpha.example", "Mia Manager", "realm_admin")
    return {"staff": browser_of(manager), "customer": browser_of(world.sam), "ids": world.ids}


def test_sam_is_shown_his_own_rows_without_what_is_the_staffs(readers):
    seen = {}
    for name in STAFF_ONLY:
        answers = [readers[who].get(f"/api/v1/{name}/?limit=200") for who in ("staff", "customer")]
        if answers[1].status_code in (403, 404) or not answers[1].json()["results"]:
            continue  # nothing of the kind is a subscriber's, or it has no list
        rows = [{row.get("public_id", row.get("id")): row for row in answer.json()["results"]} for answer in answers]
        for key, row in rows[1].items():
            # The organization a house belongs to is no row of its subscriber's: the database says that there is none.
            told = {**rows[0][key], "organization": row.get("organization")}
            assert row == {member: value for member, value in told.items() if member in row}, name
            seen[name] = set(rows[0][key]) - set(row)
    assert seen == {name: STAFF_ONLY[name] for name in seen}
    assert {"ipservices/services", "subscribers/orders", "ticketing/tickets", "tenancy/sites"} <= set(seen)


def test_the_overview_of_his_account_tells_sam_no_more_than_the_lists_do(readers):
    account = readers["ids"]["subscribers/accounts"]
    shown = readers["customer"].get(f"/api/v1/overview/accounts/{account}/").json()
    assert shown["services"] and "desired" not in shown["services"][0]
    assert shown["orders"] and "run" not in shown["orders"][0]
    assert shown["runs"] == []
