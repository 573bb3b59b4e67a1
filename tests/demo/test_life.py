"""What the demo's desk has on it: people with skills, who is told, outages and tickets, all by the usual doors."""

from __future__ import annotations

import itertools

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.models import Delivery
from boss.platform.demo import building
from boss.platform.demo.trilakes import life, people, places, talents
from boss.tenancy import selectors as tenancy
from catalog import selectors as catalog
from ipservices import outages as reads
from ipservices.models import Outage
from subscribers.contact import ContactDetails
from subscribers.models import Account, Subscription
from subscribers.services import accounts
from tests.cast import make_user
from tests.furniture import TRI_LAKES
from ticketing.models import CategoryNeed, PolicyUse, PoolMember, Ticket, TimeEntry


@pytest.fixture
def furniture():
    return TRI_LAKES


@pytest.fixture
def realm_id(real_db) -> int:
    """The provider with its first accounts, as the seed makes them; the four who ask can sign in."""
    tenancy.forget_cached()
    found = tenancy.find_realm_id_by_host("localhost")
    asking = []
    with scoping.realm_transaction(found):
        system = Actor.system(found)
        realm = tenancy.get_realm(found)
        version = catalog.get_plan_version("internet-300")
        owners = building.make_organizations(system, places.ORGANIZATIONS)
        for index, place in enumerate(itertools.islice(places.occupied(), life.NEEDED)):
            site = building.make_site(system, place, owners)
            account = accounts.open(actor=system, contact=ContactDetails(*people.subscriber(index)), site=site)
            Subscription.objects.create(account=account, site=site, plan_version=version, state="active")
            asking += [account] if index in (0, 18, 19, 20) else []
    for account in asking:
        user = make_user(realm, account.email, account.name, "subscriber", kind="subscriber", own=True)
        with scoping.realm_transaction(found):
            Account.objects.filter(pk=account.pk).update(user=user)
    return found


def test_one_outage_is_over_one_is_open_and_some_tickets_are_worked_on(realm_id):
    def picture():
        with scoping.realm_transaction(realm_id):
            over = Outage.objects.get(ticket__title=life.OVER)
            counts = reads.count(over)
            assert not over.is_open and (counts.members, counts.told, counts.tickets) == (9, 27, 1)
            assert (counts.yes, counts.no, counts.waiting) == (5, 1, 3)
            still = Outage.objects.get(ticket__title=life.OPEN)
            counts = reads.count(still, live=True)
            assert still.is_open and (counts.members, counts.affected_now, counts.open_tickets) == (9, 9, 1)
            states = Ticket.objects.filter(category__key__in=["trouble-internet", "trouble-tv", "billing"])
            assert TimeEntry.objects.count() == 2
            return sorted(states.values_list("title", "state")), Delivery.objects.count()

    life.happen(realm_id)
    before = picture()
    assert ("Slow in the evening", "waiting_customer") in before[0]
    assert ("Installation charged twice", "resolved") in before[0]
    life.happen(realm_id)
    assert picture() == before


def test_the_desk_has_skills_room_and_its_own_rule_of_who_is_told(realm_id):
    with scoping.realm_transaction(realm_id):
        tessa = PoolMember.objects.get(pool__key="field", user__full_name="Tessa Lund")
        assert (tessa.skills, tessa.capacity) == ({"fibre": 5}, 4)
        used = PolicyUse.objects.filter(policy__key=talents.POLICY, kind="notification")
        assert set(used.values_list("category__key", flat=True)) == set(talents.TOLD_BY_IT)
        asked = CategoryNeed.objects.get(category__key="trouble-voice")
        assert asked.skill is not None and (asked.skill.key, asked.level) == ("voice", 2)
