"""A plan is given another workflow on a page: a new version goes on sale, what was sold keeps its own."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from catalog import selectors as catalog
from catalog.errors import PlanFrozen
from catalog.models import Plan, PlanVersion
from catalog.services import redrafting
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.services import orders
from tests.cast import Cast
from tests.portals.conftest import SET_UP, Shop, shop
from tests.portals.visiting import message_beside, words
from workflow.models import Run
from workflow.services import definitions

__all__ = ["shop"]


@pytest.fixture
def drawn(alpha: Any, shop: Shop, system: Actor) -> Any:
    """A workflow somebody has published, which no plan uses yet."""
    return definitions.publish(actor=system, document={**SET_UP, "key": "drawn", "title": "Drawn"}).definition


def plan_of(key: str) -> Plan:
    found: Plan = Plan.objects.get(key=key)
    return found


def sheet(version: PlanVersion) -> Any:
    """Everything a buyer sees of a version."""
    return (
        [(row.feature.key, row.quantity, row.fixed, row.choosable) for row in version.features.all()],
        [(row.key, row.maximum, row.choice_group, row.choosable) for row in version.options.all()],
        [
            (row.kind, row.label, row.amount, row.option and row.option.key, row.unit_size, row.most)
            for row in version.prices.all()
        ],
        (version.currency, version.term_months, version.technologies),
    )


def test_a_published_workflow_is_let_activate_a_plan_on_pages(
    drawn: Any, shop: Shop, cast: Cast, browser_of: Any, system: Actor
) -> None:
    alice, before = browser_of(cast.alice), catalog.get_plan_version("internet-300")
    offer = "/console/plans/?workflow=drawn"
    assert offer in alice.get(f"/console/workflows/{drawn.public_id}/").content.decode()
    path = f"/console/plans/{before.plan.public_id}/"
    assert f"{path}?workflow=drawn" in alice.get(offer).content.decode()
    form = alice.get(f"{path}?workflow=drawn").context["form"]
    assert form["activate"].value() == "drawn" and form["change"].value() == ""

    assert alice.post(path, {"activate": "drawn"})["Location"] == path
    after = catalog.get_plan_version("internet-300")
    assert after.number == before.number + 1 and after.workflows == {"activate": "drawn"}
    assert sheet(after) == sheet(before), "nothing else has changed"
    assert "Version 2" in words(alice.get(path)) and "Drawn (drawn)" in words(alice.get("/console/plans/"))


def test_what_was_sold_keeps_its_workflow_and_new_orders_run_on_the_new_one(
    drawn: Any, shop: Shop, alice: Actor, system: Actor
) -> None:
    version = catalog.get_plan_version("internet-100")
    redrafting.use_workflows(actor=alice, version=version, workflows={"activate": "drawn"})
    order = orders.submit(
        actor=system, site=shop.elm_1, plan_version=catalog.get_plan_version("internet-100"),
        contact=ContactDetails("Maria Ortiz", "maria@home.example", "+1 512 555 0142"),
        payment=PaymentChoice("card", "tok_ok"),
    )  # fmt: skip
    assert Run.objects.get(pk=order.run_id).version.definition_id == drawn.pk
    old = PlanVersion.objects.get(pk=version.pk)
    assert old.state == "retired" and old.workflows == {"activate": "set-up"}


def test_nothing_changed_makes_no_version_and_what_is_not_on_sale_none_either(
    drawn: Any, shop: Shop, alice: Actor
) -> None:
    version = catalog.get_plan_version("internet-100")
    same = redrafting.use_workflows(actor=alice, version=version, workflows={"activate": "set-up", "change": ""})
    assert same.pk == version.pk
    redrafting.use_workflows(actor=alice, version=version, workflows={"activate": "drawn"})
    with pytest.raises(PlanFrozen):
        redrafting.use_workflows(actor=alice, version=version, workflows={"activate": "set-up"})


def test_a_workflow_that_is_archived_or_missing_is_refused_beside_its_process(
    drawn: Any, shop: Shop, cast: Cast, browser_of: Any, system: Actor
) -> None:
    alice, version = browser_of(cast.alice), catalog.get_plan_version("internet-100")
    path = f"/console/plans/{version.plan.public_id}/"
    answer = alice.post(path, {"activate": ""})
    assert answer.status_code == 422 and "needs a workflow" in message_beside(answer, "activate")
    definitions.archive(actor=system, definition=drawn)
    assert alice.post(path, {"activate": "drawn"}).status_code == 422
    refused = alice.post(
        f"/api/v1/catalog/plan-versions/{version.public_id}/workflows/", {"workflows": {"activate": "drawn"}},
        content_type="application/json",
    )  # fmt: skip
    assert refused.status_code == 422 and "workflows.activate" in str(refused.json())
    assert catalog.get_plan_version("internet-100").pk == version.pk


def test_a_csr_changes_no_plan_and_charlie_finds_none(
    drawn: Any, shop: Shop, cast: Cast, browser_of: Any, bob: Actor
) -> None:
    version = catalog.get_plan_version("internet-100")
    path = f"/console/plans/{version.plan.public_id}/"
    assert browser_of(cast.bob).post(path, {"activate": "drawn"}).status_code == 403
    assert path not in browser_of(cast.bob).get("/console/plans/").content.decode()
    assert browser_of(cast.charlie).post(path, {"activate": "drawn"}).status_code == 404
    with pytest.raises(PermissionDenied):
        redrafting.use_workflows(actor=bob, version=version, workflows={"activate": "drawn"})
    assert catalog.get_plan_version("internet-100").pk == version.pk


def test_the_list_of_plans_asks_a_fixed_number_of_statements(
    shop: Shop, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    assert len(asked := statements_of(browser_of(cast.alice), "/console/plans/")) <= 8, "\n".join(asked)
