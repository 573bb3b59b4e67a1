"""Scenario 12: thirty tickets find their owners, and "Next ticket" never gives two people the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from boss.core import relay, scoping
from boss.core.actors import Actor
from tests.browser.portal_look import Look
from tests.cast import Cast, make_user
from ticketing.models import Ticket
from ticketing.services import categories, pools, skills, tickets

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_thirty_tickets_three_members_and_the_next_ticket(cast: Cast, here: str, person: Callable[..., Page]) -> None:
    realm_id, system = cast.alpha.pk, Actor.system(cast.alpha.pk)
    ana, ben, cleo, olaf = (
        make_user(cast.alpha, f"{name.split()[0].lower()}@alpha.example", name, "noc")
        for name in ("Ana Ash", "Ben Birch", "Cleo Cox", "Olaf Oak")
    )
    with scoping.realm_transaction(realm_id, "test"):
        noc = pools.create(actor=system, key="noc", name="Network")
        fibre = skills.define(actor=system, key="fibre", name="Fibre")
        splice = categories.create(actor=system, key="splice", name="Splice", default_pool=noc)
        categories.create(actor=system, key="fault", name="Fault", default_pool=noc)
        skills.ask(actor=system, category=splice, skill=fibre, level=3)
        # Ana can do everything; Ben has no fibre; Cleo has room for four; Olaf is not here.
        for user, change in (
            (ana, {"skills": {"fibre": 4}, "capacity": 40}),
            (ben, {"capacity": 40}),
            (cleo, {"skills": {"fibre": 4}, "capacity": 4}),
            (olaf, {"skills": {"fibre": 5}, "capacity": 40}),
        ):
            pools.add_member(actor=system, pool=noc, user=user)
            pools.change_member(actor=system, pool=noc, user=user, **change)
        pools.configure(actor=system, pool=noc, name="Network", strategy="round_robin")

    # They say where they are in the head of every page.
    pages = {user: person(user.email, "/console/tickets/") for user in (ana, ben, cleo)}
    for page in pages.values():
        page.locator("#my-presence summary").click()
        page.locator("#my-presence select").first.select_option("available")
        page.locator("#my-presence").get_by_role("button", name="Set").click()
        page.locator("#my-presence summary", has_text="Available").wait_for()
    look = Look(pages[ana], "scene-assigning")

    with scoping.realm_transaction(realm_id, "test"):
        for n in range(30):
            tickets.open(actor=system, category_key="splice" if n % 3 == 0 else "fault", title=f"Matter {n}")
    relay.deliver_due(realm_id)
    with scoping.realm_transaction(realm_id, "test"):
        given = Counter(Ticket.objects.values_list("category__key", "assignee__full_name"))
    assert given["splice", "Ben Birch"] == 0, "he has not the skill"
    assert given["splice", "Cleo Cox"] + given["fault", "Cleo Cox"] == 4, "she has no more room"
    assert given["splice", "Ana Ash"] + given["splice", "Cleo Cox"] == 10
    assert not any(name in ("Olaf Oak", None) for _category, name in given), "he is not here"
    assert sum(given.values()) == 30 and given["fault", "Ben Birch"] > 0

    # The same on the board of the pool, for whoever leads it.
    lead = person(cast.alice.email, "/console/pools/of/noc/workload/")
    lead.get_by_role("row", name="Cleo Cox").get_by_text("Full", exact=True).wait_for()
    shown = Look(lead, "scene-workload")
    lead.wait_for_load_state("networkidle")
    shown.at("workload")

    # By hand again, two ask for the next one until nothing is left.
    with scoping.realm_transaction(realm_id, "test"):
        pools.configure(actor=system, pool=noc, name="Network", strategy="manual")
        late = [tickets.open(actor=system, category_key="fault", title=f"Late {n}") for n in range(6)]
    relay.deliver_due(realm_id)
    for _turn in range(3):
        for user in (ana, ben):
            pages[user].goto(f"{here}/console/tickets/", wait_until="commit")
        buttons = [pages[user].get_by_role("button", name="Next ticket") for user in (ana, ben)]
        for button in buttons:
            button.click(no_wait_after=True)
        for user in (ana, ben):
            pages[user].get_by_text("is yours.").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        owners = Counter(Ticket.objects.filter(pk__in=[each.pk for each in late]).values_list("assignee__full_name"))
    assert owners == {("Ana Ash",): 3, ("Ben Birch",): 3}
    pages[ana].goto(f"{here}/console/tickets/{late[0].public_id}/")
    look.at("mine")
    assert look.errors == []
