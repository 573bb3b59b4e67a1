"""Permissions in words, for the people who put them into roles. A permission without words fails a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ROOMS: dict[str, str | Promise] = {
    "core": _("Console and audit"),
    "tenancy": _("Realm, places and people"),
    "subscribers": _("Subscribers and orders"),
    "ticketing": _("Tickets"),
    "workflow": _("Workflows"),
    "catalog": _("Catalog"),
    "ipservices": _("Network services"),
    "automation": _("Scripts and endpoints"),
    "privacy": _("Personal data"),
    "notify": _("Messages"),
}

WORDS: dict[str, str | Promise] = {
    "core.use_console": _("Use the console"),
    "core.use_selfhelp": _("Use the self-help portal"),
    "core.use_owner": _("Use the owner portal"),
    "core.search": _("Search"),
    "core.view_auditentry": _("Read the audit trail"),
    "tenancy.view_realm": _("See the realm's settings"),
    "tenancy.change_realm": _("Change the realm's settings"),
    "tenancy.manage_components": _("Switch components on and off"),
    "tenancy.view_brand": _("See the brand"),
    "tenancy.change_brand": _("Change the brand"),
    "tenancy.view_calendar": _("See business calendars"),
    "tenancy.change_calendar": _("Change business calendars"),
    "tenancy.view_organization": _("See organizations"),
    "tenancy.add_organization": _("Add organizations"),
    "tenancy.change_organization": _("Change organizations"),
    "tenancy.view_site": _("See sites"),
    "tenancy.add_site": _("Add sites"),
    "tenancy.change_site": _("Change sites"),
    "tenancy.view_user": _("See people"),
    "tenancy.add_user": _("Invite people"),
    "tenancy.change_user": _("Change, deactivate and reactivate people"),
    "tenancy.grant_role": _("Give and take roles"),
    "tenancy.view_role": _("See roles and who holds them"),
    "tenancy.manage_roles": _("Make and change roles"),
    "tenancy.act_as": _("See self-help as a subscriber sees it"),
    "tenancy.view_apikey": _("See API keys"),
    "tenancy.add_apikey": _("Make and rotate API keys"),
    "tenancy.revoke_apikey": _("Revoke API keys"),
    "subscribers.view_account": _("See accounts"),
    "subscribers.open_account": _("Open accounts"),
    "subscribers.change_account": _("Change accounts"),
    "subscribers.close_account": _("Close accounts"),
    "subscribers.view_accountcontact": _("See the people of an account"),
    "subscribers.view_subscription": _("See subscriptions"),
    "subscribers.view_order": _("See orders"),
    "subscribers.view_orderitem": _("See what was ordered"),
    "subscribers.place_order": _("Place orders"),
    "subscribers.view_charge": _("See charges"),
    "subscribers.view_statement": _("See statements"),
    "subscribers.view_payment": _("See payments"),
    "subscribers.view_collection": _("See collection cases"),
    "subscribers.collect": _("Take payments and collect"),
    "subscribers.view_lease": _("See leases"),
    "subscribers.announce_lease": _("Announce leases"),
    "ticketing.view_ticket": _("See tickets"),
    "ticketing.view_message": _("Read what was said on tickets"),
    "ticketing.view_internal_message": _("Read internal notes"),
    "ticketing.view_attachment": _("Open files attached to tickets"),
    "ticketing.view_category": _("See ticket categories"),
    "ticketing.view_talentpool": _("See talent pools"),
    "ticketing.add_ticket": _("Open tickets"),
    "ticketing.add_lead": _("Leave a request as a visitor"),
    "ticketing.add_message": _("Answer on tickets"),
    "ticketing.add_internal_message": _("Write internal notes"),
    "ticketing.change_ticket": _("Change tickets"),
    "ticketing.claim_ticket": _("Take tickets"),
    "ticketing.resolve_ticket": _("Resolve, reopen and close tickets"),
    "ticketing.assign_ticket": _("Give tickets to somebody"),
    "ticketing.view_timeentry": _("See the time spent on tickets"),
    "ticketing.add_timeentry": _("Write down time spent on tickets"),
    "ticketing.correct_timeentry": _("Correct the time of others"),
    "ticketing.view_costrate": _("See what working time costs"),
    "ticketing.add_costrate": _("Set what an hour of work costs"),
    "ticketing.view_savedview": _("Use and keep views of tickets"),
    "ticketing.share_savedview": _("Share views of tickets with all staff"),
    "ticketing.view_ticketbulk": _("See what became of one's own actions on many tickets"),
    "ticketing.view_savedreport": _("See reports about tickets"),
    "ticketing.manage_categories": _("Configure ticket categories"),
    "ticketing.manage_policies": _("Write and publish policies of tickets"),
    "ticketing.manage_macros": _("Write macros and the texts that all may insert"),
    "ticketing.manage_pools": _("Configure talent pools"),
    "ticketing.view_mailbox": _("See mailboxes"),
    "ticketing.manage_mailboxes": _("Set up mailboxes"),
    "ticketing.view_inboundmail": _("See held mail and mail in quarantine"),
    "ticketing.settle_inboundmail": _("Let held mail in, split it, block senders"),
    "workflow.view_run": _("See runs"),
    "workflow.view_taskrun": _("See the tasks of runs"),
    "workflow.view_definition": _("See workflows"),
    "workflow.view_definitionversion": _("See versions of workflows"),
    "workflow.view_definitiondraft": _("See drafts of workflows"),
    "workflow.view_bulk": _("See what was done to many runs at once"),
    "workflow.publish_definition": _("Draw and publish workflows"),
    "workflow.start_run": _("Start runs"),
    "workflow.reverse_run": _("Reverse runs"),
    "workflow.move_run": _("Move runs to another version"),
    "workflow.signal_run": _("Signal runs"),
    "workflow.retry_task": _("Try tasks again"),
    "workflow.complete_task": _("Complete tasks"),
    "workflow.skip_task": _("Skip tasks"),
    "workflow.view_limit": _("See limits"),
    "workflow.change_limit": _("Change limits"),
    "catalog.view_feature": _("See features"),
    "catalog.add_feature": _("Add features"),
    "catalog.change_feature": _("Change features"),
    "catalog.view_plan": _("See plans"),
    "catalog.view_planversion": _("See versions of plans"),
    "catalog.view_plans_on_sale": _("See what is on sale"),
    "catalog.add_plan": _("Add plans"),
    "catalog.change_plan": _("Change plans"),
    "catalog.publish_plan": _("Publish plans"),
    "ipservices.view_service": _("See services"),
    "ipservices.change_service": _("Change services"),
    "ipservices.observe_service": _("Read services back from the servers"),
    "ipservices.view_drivercall": _("See what was done at the servers"),
    "ipservices.view_comparison": _("See comparisons of servers"),
    "ipservices.view_migration": _("See migrations between servers"),
    "ipservices.view_outage": _("See outages"),
    "ipservices.manage_outages": _("Open outages, tell of them and end them"),
    "ipservices.add_to_outage": _("Add tickets and accounts to outages"),
    "ipservices.view_finding": _("See in what servers differ"),
    "ipservices.view_binding": _("See servers"),
    "ipservices.manage_bindings": _("Configure servers"),
    "ipservices.set_fault": _("Make simulated servers fail"),
    "ipservices.view_addressassignment": _("See assigned addresses"),
    "ipservices.view_prefix": _("See prefixes"),
    "ipservices.manage_addresses": _("Manage addresses"),
    "ipservices.see_address_holder": _("See who had an address"),
    "ipservices.view_phonenumber": _("See phone numbers"),
    "ipservices.manage_numbers": _("Manage phone numbers"),
    "ipservices.view_portrequest": _("See number ports"),
    "automation.view_script": _("See scripts"),
    "automation.edit_script": _("Write scripts"),
    "automation.publish_script": _("Publish what somebody else wrote"),
    "automation.view_endpoint": _("See endpoints"),
    "automation.manage_endpoints": _("Set up endpoints and their secrets"),
    "privacy.view_personalexport": _("See copies of personal data"),
    "privacy.export_person": _("Make copies of personal data"),
    "privacy.erase_person": _("Erase personal data"),
    "privacy.hold_records": _("Place and release legal holds"),
    "privacy.view_retention": _("See how long records are kept"),
    "privacy.change_retention": _("Set how long records are kept"),
    "notify.view_message": _("See sent mail"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """The permissions of one room, with their words."""

    name: str | Promise
    permissions: list[tuple[str, str | Promise]]


def in_words(permission: str) -> str | Promise:
    """What a permission lets people do; its own name when it is one this version has no words for."""
    return WORDS.get(permission, permission)


def grouped(permissions: Iterable[str]) -> list[Group]:
    """Permissions by room, in the order of this page."""
    wanted = set(permissions)
    ordered = [each for each in WORDS if each in wanted] + sorted(wanted - set(WORDS))
    rooms = [*ROOMS, *sorted({each.partition(".")[0] for each in ordered} - set(ROOMS))]
    groups = [
        Group(ROOMS.get(room, room), [(each, in_words(each)) for each in ordered if each.startswith(f"{room}.")])
        for room in rooms
    ]
    return [group for group in groups if group.permissions]
