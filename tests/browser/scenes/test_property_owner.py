"""Scenario 15: of a resident's requests a property owner sees what she shares, while she does, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import User
from boss.tenancy.services import roles, sites, users
from tests.browser.portal_look import Look
from tests.cast import PASSWORD, Cast, actor_of, make_user
from ticketing.services import categories, tickets

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_resident_shares_one_of_her_requests_and_takes_it_back(
    cast: Cast, here: str, person: Callable[..., Page]
) -> None:
    realm_id, system = cast.alpha.pk, Actor.system(cast.alpha.pk)
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    with scoping.realm_transaction(realm_id, "test"):
        pinecrest = sites.create_organization(actor=system, name="Pinecrest", kind="property_owner")
        elm = sites.create(actor=system, street="1 Elm", unit="1", city="Lake", organization=pinecrest)
        for unit in "23":
            sites.create(actor=system, street="1 Elm", unit=unit, city="Lake", organization=pinecrest)
        User.objects.filter(pk=dana.pk).update(site=elm)
        categories.create(actor=system, key="fault", name="Fault", portal_visible=True)
        riser = tickets.open(
            actor=system, category_key="fault", title="New riser", site=elm, organization=pinecrest
        )  # fmt: skip
        olga = users.create(
            actor=system, email="olga@pinecrest.example", full_name="Olga", kind="contact", password=PASSWORD,
            organization=pinecrest,
        )  # fmt: skip
        roles.grant(actor=system, user=olga, role_key="property_owner", organization=pinecrest)
    with scoping.realm_transaction(realm_id, "test"):
        hers_actor = actor_of(User.objects.get(pk=dana.pk))
        stairs, quarrel = (
            tickets.open(actor=hers_actor, category_key="fault", title=title, body=body)
            for title, body in (("Dark stairs", "No light on the third floor"), ("My quarrel", "With the neighbour"))
        )

    owner = person(olga.email, "/owner/")
    look = Look(owner, "scene-owner")
    owner.get_by_text("0 of 3 units connected").wait_for()
    beside = owner.context.new_page()  # what is not there is said in a page's console as well
    beside.goto(f"{here}/owner/")

    def asked(path: str) -> tuple[int, str]:
        answer = beside.evaluate("path => fetch(path).then(async (one) => [one.status, await one.text()])", path)
        return answer[0], answer[1]

    def sees() -> dict[str, bool]:
        """Where the shared request shows itself to the owner; her other one, and her name, nowhere."""
        found = {}
        for name, path in (
            ("home", "/owner/"),
            ("list", "/owner/tickets/"),
            ("building", f"/owner/buildings/{elm.public_id}/"),
            ("page", f"/owner/tickets/{stairs.public_id}/"),
            ("api list", "/api/v1/ticketing/tickets/"),
            ("api ticket", f"/api/v1/ticketing/tickets/{stairs.public_id}/"),
        ):
            text = asked(path)[1]
            found[name] = "Dark stairs" in text
            assert "quarrel" not in text, name
            # Who she is she tells with what she shares, and nothing else does.
            assert "Dana" not in text or found[name], name
        assert asked(f"/owner/tickets/{quarrel.public_id}/")[0] == 404
        assert "New riser" in asked("/owner/tickets/")[1]
        return found

    assert not any(sees().values())
    look.at("buildings")

    hers = person(dana.email, f"/my/tickets/{stairs.public_id}/")
    resident = Look(hers, "scene-resident")
    hers.get_by_role("button", name="Share with Pinecrest").click()
    hers.get_by_role("button", name="Stop sharing").wait_for()
    resident.at("shared")
    assert all(sees().values()), sees()
    owner.goto(f"{here}/owner/tickets/{stairs.public_id}/")
    owner.get_by_text("No light on the third floor").wait_for()
    owner.get_by_label("Your message").fill("The electrician comes on Tuesday.")
    owner.get_by_role("button", name="Send", exact=True).click()
    owner.get_by_text("The electrician comes on Tuesday.").wait_for()
    look.at("answered")

    hers.get_by_role("button", name="Stop sharing").click()
    hers.get_by_role("button", name="Share with Pinecrest").wait_for()
    hers.get_by_text("The electrician comes on Tuesday.").wait_for()
    assert not any(sees().values()), sees()
    assert asked(f"/owner/tickets/{stairs.public_id}/")[0] == 404
    assert riser.public_id in asked("/owner/tickets/")[1]
