"""Plans on sale: complete, frozen, dated, and only where they can be delivered."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from boss.core import clock
from boss.core.models import Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from catalog import preload, selectors, templates
from catalog.errors import PlanFrozen, PlanNotComplete, UnknownFeature, UnknownPlan
from catalog.models import Plan, PlanPrice, PlanVersion
from catalog.services import plans
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft
from tests.catalog.conftest import WORKFLOWS, small, triple


def test_a_published_plan_is_on_sale_to_a_visitor(on_sale, visitor):
    on_sale()
    assert [version.plan.key for version in selectors.list_plans_on_sale(visitor)] == ["internet-100"]


def test_a_draft_is_not_on_sale(features, system, visitor):
    plan = plans.create(actor=system, key="p", title="P")
    plans.draft(actor=system, plan=plan, version=small())
    assert selectors.list_plans_on_sale(visitor) == []
    with pytest.raises(UnknownPlan):
        selectors.get_plan_on_sale(visitor, "p")


def test_a_plan_is_sold_only_where_its_technology_is(on_sale, visitor):
    on_sale()
    assert selectors.list_plans_on_sale(visitor, SimpleNamespace(technology="fibre"))
    assert selectors.list_plans_on_sale(visitor, SimpleNamespace(technology="wireless")) == []


def test_a_plan_is_sold_only_in_its_days(on_sale, visitor):
    today = clock.today()
    on_sale(sold_from=today, sold_until=today + dt.timedelta(days=1))
    assert len(selectors.list_plans_on_sale(visitor)) == 1
    with clock.moved(dt.timedelta(days=1)):
        assert selectors.list_plans_on_sale(visitor) == []
    with clock.moved(dt.timedelta(days=-1)):
        assert selectors.list_plans_on_sale(visitor) == []


def test_a_new_version_takes_the_place_of_the_old_one(on_sale, system, visitor):
    old = on_sale()
    new = on_sale(monthly={"Internet 100": "59.95"})
    assert [version.pk for version in selectors.list_plans_on_sale(visitor)] == [new.pk]
    old = PlanVersion.objects.get(pk=old.pk)
    assert (old.state, old.number, new.number) == ("retired", 1, 2)
    assert Fact.objects.filter(name="catalog.plan_retired", payload={"plan_version_id": old.pk}).exists()


def test_a_retired_plan_is_no_longer_sold_but_still_known(on_sale, alice, visitor):
    version = on_sale()
    plans.retire(actor=alice, version=version)
    assert selectors.list_plans_on_sale(visitor) == []
    assert selectors.get_version(version.pk).title == "Internet 100"


@pytest.mark.parametrize(
    "change",
    [
        lambda version: PlanVersion.objects.filter(pk=version.pk).update(currency="EUR"),
        lambda version: PlanVersion.objects.filter(pk=version.pk).update(workflows={}),
        lambda version: PlanPrice.objects.filter(plan_version=version).update(amount=1),
        lambda version: PlanPrice.objects.filter(plan_version=version).delete(),
        lambda version: version.features.all().delete(),
        lambda version: version.options.create(key="late", title="Late"),
        lambda version: PlanVersion.objects.filter(pk=version.pk).delete(),
    ],
)
def test_the_database_itself_refuses_to_change_what_is_sold(on_sale, change):
    version = on_sale()
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        change(version)


def test_what_is_published_cannot_be_published_again(on_sale, alice):
    version = on_sale()
    with pytest.raises(PlanFrozen):
        plans.publish(actor=alice, version=version)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"features": []}, "contains no feature"),
        ({"workflows": {}}, "names no workflow"),
        ({"monthly": {}, "options": []}, "no price"),
        ({"features": [FeaturePart("ip.static", {"size": "32"})]}, "needs Internet access"),
    ],
)
def test_an_incomplete_plan_is_not_published(features, alice, changes, sentence):
    plan = plans.create(actor=alice, key="p", title="P")
    draft = plans.draft(actor=alice, plan=plan, version=small(**changes))
    with pytest.raises(PlanNotComplete, match=sentence):
        plans.publish(actor=alice, version=draft)
    assert PlanVersion.objects.get(pk=draft.pk).state == "draft"


def test_a_refused_publication_leaves_no_half_written_plan(features, alice):
    with pytest.raises(PlanNotComplete):
        plans.publish_version(actor=alice, key="p", title="P", version=small(workflows={}))
    assert not Plan.objects.filter(key="p").exists()


def test_a_plan_of_unknown_features_or_characteristics_is_refused(features, alice):
    plan = plans.create(actor=alice, key="p", title="P")
    with pytest.raises(UnknownFeature):
        plans.draft(actor=alice, plan=plan, version=small(features=[FeaturePart("no.such")]))
    with pytest.raises(InvalidInput):
        plans.draft(actor=alice, plan=plan, version=small(features=[FeaturePart("data.access", {"sideways": 1})]))
    assert not PlanVersion.objects.filter(plan=plan).exists()


def test_a_secret_is_never_asked_for_in_an_order(features, alice):
    plan = plans.create(actor=alice, key="p", title="P")
    with pytest.raises(InvalidInput):
        plans.draft(actor=alice, plan=plan, version=small(features=[FeaturePart("wifi.network", choosable=["key"])]))


def test_bob_publishes_nothing_and_charlie_sees_nothing(on_sale, bob, system, charlie, in_beta):
    version = on_sale()
    plan = plans.create(actor=system, key="p", title="P")
    draft = plans.draft(actor=system, plan=plan, version=small())
    with pytest.raises(PermissionDenied):
        plans.publish(actor=bob, version=draft)
    assert PlanVersion.objects.get(pk=draft.pk).state == "draft"
    with in_beta():
        assert selectors.list_plans_on_sale(charlie) == []
        with pytest.raises(UnknownPlan):
            selectors.get_version(version.pk)


def test_every_template_can_be_published(features, system):
    for template in templates.TEMPLATES:
        draft = templates.draft_from(template, workflows=WORKFLOWS)
        version = plans.publish_version(actor=system, key=template.key, title=template.title, version=draft)
        assert version.state == "published"


def test_the_plans_on_sale_cost_the_same_statements_however_many_there_are(features, system, visitor):
    preload.load(system)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            for version in selectors.list_plans_on_sale(visitor):
                [row.feature.title for row in version.features.all()]
                [option.title for option in version.options.all()]
                [price.option for price in version.prices.all()]
        return len(queries)

    plans.publish_version(actor=system, key="one", title="One", version=triple())
    first = statements()
    for key in ("two", "three", "four"):
        plans.publish_version(actor=system, key=key, title=key, version=triple())
    assert statements() == first <= 6


def test_an_option_may_bring_its_own_feature(features, system):
    option = OptionPart("zone", "Your domain", "dns.zone", once="5.00", choosable=["domain"])
    version = plans.publish_version(actor=system, key="p", title="P", version=small(options=[option]))
    assert selectors.get_version(version.pk).options.get().feature.key == "dns.zone"


def test_money_is_of_the_realm_unless_said_otherwise(features, system):
    draft = VersionDraft(features=[FeaturePart("game.boost"), FeaturePart("data.access")], monthly={"Boost": "1"})
    plan = plans.create(actor=system, key="p", title="P")
    assert plans.draft(actor=system, plan=plan, version=draft).currency == "USD"
