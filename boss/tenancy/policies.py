"""What each built-in role may do: role → permission strings. The rows they reach come from the grant's scope.

A subscriber's permissions are granted on his *own* rows, an organization contact's on the organization, staff's on
the realm. Nothing is implied: a permission not named here is not held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Audience = Literal["staff", "organization", "subscriber", "program"]


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """A built-in role. ``audience`` says whom it is meant for: only staff get a role of staff, for instance."""

    name: str | Promise
    permissions: frozenset[str]
    audience: Audience = "staff"


def _set(*groups: str) -> frozenset[str]:
    """Permission strings, several to a line for reading."""
    return frozenset(word for group in groups for word in group.split())


_READ_REALM = _set(
    "tenancy.view_realm tenancy.view_brand tenancy.view_calendar",
    "tenancy.view_organization tenancy.view_site tenancy.view_user",
    "catalog.view_feature catalog.view_plan catalog.view_planversion catalog.view_plans_on_sale",
)
_READ_CUSTOMERS = _set(
    "subscribers.view_account subscribers.view_subscription subscribers.view_order subscribers.view_orderitem",
    "subscribers.view_charge subscribers.view_accountcontact subscribers.view_statement subscribers.view_payment",
    "subscribers.view_collection subscribers.view_lease ipservices.view_portrequest",
    "ipservices.view_service ipservices.view_drivercall ipservices.view_addressassignment ipservices.view_phonenumber",
)
_READ_WORK = _set(
    "ticketing.view_ticket ticketing.view_message ticketing.view_internal_message ticketing.view_category",
    "ticketing.view_attachment ticketing.view_talentpool ticketing.view_timeentry ticketing.view_inboundmail",
    "workflow.view_run workflow.view_taskrun",
    "workflow.view_definition workflow.view_definitionversion workflow.view_definitiondraft",
    "workflow.view_bulk ticketing.view_savedview ticketing.view_ticketbulk ipservices.view_outage",
)
_DO_TICKETS = _set(
    "ticketing.add_ticket ticketing.change_ticket ticketing.claim_ticket ticketing.resolve_ticket",
    "ticketing.add_message ticketing.add_internal_message ticketing.add_timeentry",
)
_STAFF = _READ_REALM | _READ_CUSTOMERS | _READ_WORK | _DO_TICKETS | _set("core.use_console core.search")

# Of an organization its people see places and what was said to them in tickets that are theirs: never an account, a
# service or a resident. Accounts at a building carry its owner's organization, so no right to read them is in here.
_ORGANIZATION = _set(
    "tenancy.view_organization tenancy.view_site core.use_owner",
    "ticketing.view_ticket ticketing.view_message ticketing.add_ticket ticketing.add_message",
    "ticketing.view_attachment",
)
_ITS_PEOPLE = _set("tenancy.view_user tenancy.add_user tenancy.change_user tenancy.grant_role")

BUILT_IN: dict[str, RolePolicy] = {
    "realm_admin": RolePolicy(
        _("Realm administrator"),
        _STAFF
        | _set(
            "tenancy.change_realm tenancy.change_brand tenancy.change_calendar",
            "tenancy.add_organization tenancy.change_organization",
            "tenancy.add_site tenancy.change_site tenancy.add_user tenancy.change_user tenancy.grant_role",
            "tenancy.view_role tenancy.manage_roles tenancy.manage_components tenancy.act_as",
            "tenancy.view_apikey tenancy.add_apikey tenancy.revoke_apikey core.view_auditentry",
            "catalog.add_feature catalog.change_feature catalog.add_plan catalog.change_plan catalog.publish_plan",
            "subscribers.place_order subscribers.change_account subscribers.open_account subscribers.close_account",
            "subscribers.collect subscribers.announce_lease",
            "ticketing.assign_ticket ticketing.manage_categories ticketing.manage_policies ticketing.manage_pools",
            "ticketing.correct_timeentry ticketing.share_savedview ticketing.manage_macros ticketing.view_savedreport",
            "ticketing.view_costrate ticketing.add_costrate",
            "ticketing.view_mailbox ticketing.manage_mailboxes ticketing.settle_inboundmail",
            "workflow.publish_definition workflow.start_run workflow.reverse_run workflow.retry_task",
            "workflow.move_run workflow.complete_task workflow.skip_task workflow.signal_run",
            "workflow.view_limit workflow.change_limit",
            "automation.view_script automation.edit_script automation.publish_script",
            "automation.view_endpoint automation.manage_endpoints",
            "ipservices.view_binding ipservices.manage_bindings ipservices.set_fault ipservices.observe_service",
            "ipservices.view_comparison ipservices.view_finding ipservices.view_migration",
            "ipservices.manage_outages ipservices.add_to_outage",
            "ipservices.change_service ipservices.view_prefix ipservices.manage_addresses ipservices.manage_numbers",
            "ipservices.see_address_holder",
            "notify.view_message",
            "privacy.view_personalexport privacy.export_person privacy.erase_person",
            "privacy.view_retention privacy.change_retention privacy.hold_records",
        ),
    ),
    "manager": RolePolicy(
        _("Manager"),
        _STAFF
        | _set(
            "ticketing.assign_ticket ticketing.correct_timeentry ticketing.settle_inboundmail",
            "ticketing.view_costrate ticketing.add_costrate",
            "ticketing.share_savedview ticketing.manage_macros ticketing.view_savedreport",
            "workflow.reverse_run workflow.move_run",
            "workflow.retry_task workflow.complete_task workflow.start_run",
            "workflow.skip_task workflow.signal_run subscribers.place_order subscribers.change_account",
            "subscribers.open_account subscribers.close_account subscribers.collect subscribers.announce_lease",
            "ipservices.view_binding ipservices.observe_service core.view_auditentry tenancy.view_role tenancy.act_as",
            "ipservices.view_comparison ipservices.view_finding ipservices.view_migration",
            "ipservices.manage_outages ipservices.add_to_outage",
            "automation.view_script notify.view_message",
        ),
    ),
    "csr": RolePolicy(
        _("Customer service representative"),
        _STAFF
        | _set(
            "subscribers.place_order subscribers.change_account subscribers.open_account tenancy.add_site",
            "ticketing.assign_ticket ticketing.settle_inboundmail",
            "workflow.retry_task workflow.start_run workflow.complete_task",
            "workflow.reverse_run ipservices.observe_service notify.view_message tenancy.act_as",
            "ipservices.add_to_outage",
        ),
    ),
    "noc": RolePolicy(
        _("Network operations"),
        _STAFF
        | _set(
            "workflow.retry_task workflow.complete_task workflow.skip_task workflow.signal_run",
            "workflow.view_limit workflow.change_limit automation.view_script automation.view_endpoint",
            "ticketing.view_savedreport",
            "ipservices.view_binding ipservices.manage_bindings ipservices.set_fault ipservices.observe_service",
            "ipservices.view_comparison ipservices.view_finding ipservices.view_migration",
            "ipservices.manage_outages ipservices.add_to_outage",
            "ipservices.change_service ipservices.view_prefix ipservices.manage_addresses ipservices.manage_numbers",
        ),
    ),
    "dispatcher": RolePolicy(
        _("Dispatcher"), _STAFF | _set("ticketing.assign_ticket ticketing.view_savedreport workflow.complete_task")
    ),
    "field_technician": RolePolicy(
        _("Field technician"),
        _READ_REALM
        | _READ_WORK
        | _DO_TICKETS
        | _set("subscribers.view_account subscribers.view_order ipservices.view_service core.use_console core.search")
        | _set("workflow.complete_task"),
    ),
    "billing": RolePolicy(
        _("Billing"), _STAFF | _set("workflow.complete_task subscribers.change_account subscribers.collect")
    ),
    "porting": RolePolicy(_("Number porting"), _STAFF | _set("workflow.complete_task ipservices.manage_numbers")),
    "catalog_manager": RolePolicy(
        _("Catalog manager"),
        _READ_REALM
        | _set("catalog.add_feature catalog.change_feature catalog.add_plan catalog.change_plan catalog.publish_plan")
        | _set("core.use_console workflow.view_definition workflow.view_definitionversion")
        | _set("workflow.view_definitiondraft"),
    ),
    "auditor": RolePolicy(
        _("Auditor"),
        _READ_REALM
        | _READ_CUSTOMERS
        | _READ_WORK
        | _set("core.view_auditentry core.use_console core.search tenancy.view_role tenancy.view_apikey")
        | _set("privacy.view_retention"),
    ),
    "organization_contact": RolePolicy(
        _("Organization contact"),
        _ORGANIZATION | _ITS_PEOPLE | _set("subscribers.view_lease subscribers.announce_lease"),
        "organization",
    ),
    "property_owner": RolePolicy(
        _("Property owner"),
        _ORGANIZATION | _ITS_PEOPLE | _set("subscribers.view_lease subscribers.announce_lease"),
        "organization",
    ),
    "partner": RolePolicy(_("Partner"), _ORGANIZATION | _set("catalog.view_plans_on_sale"), "organization"),
    "subscriber": RolePolicy(
        _("Subscriber"),
        _set(
            "tenancy.view_user tenancy.view_site subscribers.view_account subscribers.view_subscription",
            "subscribers.view_order subscribers.view_orderitem subscribers.view_charge ipservices.view_service",
            "subscribers.view_statement subscribers.view_payment",
            "ticketing.view_ticket ticketing.view_message ticketing.add_ticket ticketing.add_message",
            "ticketing.view_attachment",
            "catalog.view_plans_on_sale subscribers.place_order workflow.view_run workflow.view_taskrun",
            "core.use_selfhelp privacy.view_personalexport",
        ),
        "subscriber",
    ),
    "subaccount": RolePolicy(
        _("Sub-account"),
        _set(
            "tenancy.view_user core.use_selfhelp",
            "ticketing.view_ticket ticketing.view_message ticketing.add_ticket ticketing.add_message",
            "ticketing.view_attachment",
        ),
        "subscriber",
    ),
    "api_client": RolePolicy(
        _("API client"),
        (_STAFF - _set("core.use_console"))
        | _set(
            "subscribers.place_order subscribers.change_account subscribers.collect subscribers.announce_lease",
            "ipservices.manage_numbers",
            "tenancy.add_site workflow.retry_task workflow.reverse_run",
            "workflow.complete_task workflow.signal_run ipservices.view_binding ipservices.observe_service",
            "ipservices.set_fault ticketing.assign_ticket notify.view_message",
            "ipservices.view_comparison ipservices.view_finding ipservices.view_migration",
            "ipservices.manage_outages ipservices.add_to_outage",
        ),
        "program",
    ),
}

# Doors to a surface that shows what other rights reach, and nothing else: whoever may give a role may give them.
DOORS = _set("core.use_selfhelp core.use_owner")

# Somebody on the sign-up portal who has not signed in.
VISITOR = _set(
    "catalog.view_plans_on_sale tenancy.view_site subscribers.place_order",
    "ticketing.add_lead",
)


def of_audience(*audiences: str) -> frozenset[str]:
    """Every permission that some built-in role for these people holds: what a realm's own role for them may hold."""
    found = (policy.permissions for policy in BUILT_IN.values() if policy.audience in audiences)
    return frozenset().union(*found)


def every_permission() -> frozenset[str]:
    """What may stand in a role: each permission that some built-in role holds."""
    return of_audience("staff", "organization", "subscriber", "program")


def permissions_of(role_key: str) -> frozenset[str]:
    policy = BUILT_IN.get(role_key)
    return policy.permissions if policy else frozenset()
