"""The console's menu: who sees which entry is asked of the actor, never of a role's name."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """``key`` names the section a page belongs to; ``on_phone`` entries stand in the bar at the bottom of a phone, the
    others behind its "More"."""

    key: str
    label: str | Promise
    icon: str
    view: str
    permission: str
    on_phone: bool = True


ENTRIES = (
    Entry("home", _("Home"), "home", "console:home", "core.use_console"),
    Entry("inbox", _("My work"), "inbox", "console:inbox", "ticketing.claim_ticket"),
    Entry("tasks", _("My tasks"), "checklist", "console:my_tasks", "ticketing.claim_ticket", on_phone=False),
    Entry("accounts", _("Accounts"), "users", "console:accounts", "subscribers.view_account"),
    Entry("orders", _("Orders"), "route", "console:orders", "subscribers.view_order"),
    Entry("runs", _("Runs"), "list-check", "console:runs", "workflow.view_run", on_phone=False),
    Entry("tickets", _("Tickets"), "ticket", "console:tickets", "ticketing.view_ticket"),
    Entry("pools", _("Pools"), "briefcase", "console:pools", "ticketing.view_talentpool", on_phone=False),
    Entry("time", _("My time"), "clock", "console:my_time", "ticketing.add_timeentry", on_phone=False),
    Entry("services", _("Services"), "server-bolt", "console:services", "ipservices.view_service", on_phone=False),
    Entry("practice", _("Network"), "topology-star-3", "console:practice", "ipservices.view_binding", on_phone=False),
    Entry("plans", _("Plans"), "package", "console:plans", "catalog.publish_plan", on_phone=False),
    Entry("workflows", _("Workflows"), "git-branch", "console:workflows", "workflow.view_definition", on_phone=False),
    Entry("scripts", _("Scripts"), "adjustments", "console:scripts", "automation.view_script", on_phone=False),
    Entry("categories", _("Categories"), "tags", "console:categories", "ticketing.manage_categories", on_phone=False),
    Entry("people", _("People"), "user-circle", "console:people", "tenancy.view_user", on_phone=False),
    Entry("audit", _("Audit"), "shield-check", "console:audit", "core.view_auditentry", on_phone=False),
)


def entries_for(actor: Actor) -> list[Entry]:
    return [entry for entry in ENTRIES if actor.holds(entry.permission)]
