"""The parts of BOSS a realm may do without. What is switched off is not there: no menu entry, page, route or right.

The rows stay, and the machine's own work (runs under way, mail already queued) goes on; only people and programs
find nothing. Switched on again, everything is as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.tenancy import policies


@dataclass(frozen=True, slots=True)
class Component:
    """``apps`` are the rooms whose permissions go with it, ``doors`` single permissions, ``pages`` URL namespaces."""

    name: str | Promise
    about: str | Promise
    apps: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


COMPONENTS: dict[str, Component] = {
    "ticketing": Component(_("Tickets"), _("Requests and work for people, pools, my work."), apps=("ticketing",)),
    "workflow": Component(_("Workflows"), _("Runs, their board and the workflow editor."), apps=("workflow",)),
    "subscribers": Component(
        _("Subscribers"), _("Accounts, orders, charges and the sign-up and self-help portals."),
        apps=("subscribers",), doors=("core.use_selfhelp",), pages=("signup", "selfhelp"),
    ),
    "ipservices": Component(
        _("Network services"), _("Provisioned services, servers, addresses and numbers."), apps=("ipservices",)
    ),
    "catalog": Component(
        _("Catalog"), _("Features and plans, and what is on sale."), apps=("catalog",), pages=("signup",)
    ),
    "notify": Component(_("Messages"), _("The list of mail that was sent."), apps=("notify",)),
    "signup": Component(_("Sign-up portal"), _("Visitors order by themselves."), pages=("signup",)),
    "selfhelp": Component(
        _("Self-help portal"), _("Subscribers see their service and ask for help."),
        doors=("core.use_selfhelp",), pages=("selfhelp",),
    ),
    "owner": Component(
        _("Owner portal"), _("Owners and contacts of organizations see their buildings."),
        doors=("core.use_owner",), pages=("owner",),
    ),
}  # fmt: skip


def off(switched_on: Iterable[str]) -> list[Component]:
    """The components that a realm with these switched on does without."""
    on = set(switched_on)
    return [component for key, component in COMPONENTS.items() if key not in on]


def permissions_off(switched_on: Iterable[str]) -> frozenset[str]:
    """The permissions nobody holds in a realm with these components."""
    gone = off(switched_on)
    if not gone:
        return frozenset()
    apps = {app for component in gone for app in component.apps}
    doors = {door for component in gone for door in component.doors}
    known = policies.every_permission() | policies.VISITOR
    return frozenset(each for each in known if each.partition(".")[0] in apps or each in doors)


def is_off(switched_on: Iterable[str], permission: str, namespaces: Iterable[str], room: str = "") -> bool:
    """Whether an address is not there: by the permission its view declares, its namespaces, or its room of the API."""
    spaces = set(namespaces)
    for component in off(switched_on):
        if permission.partition(".")[0] in component.apps or permission in component.doors or room in component.apps:
            return True
        if spaces & set(component.pages):
            return True
    return False
