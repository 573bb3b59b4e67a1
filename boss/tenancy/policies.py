"""What each built-in role may do: role → permission strings. The rows they reach come from the grant's scope.

A subscriber's permissions are granted on his *own* rows, an organization contact's on the organization, staff's on
the realm. Nothing is implied: a permission not named here is not held.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class RolePolicy:
    name: str | Promise
    permissions: frozenset[str]


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
    "ticketing.view_talentpool",
    "workflow.view_run workflow.view_taskrun",
    "workflow.view_definition workflow.view_definitionversion workflow.view_definitiondraft",
    "workflow.view_bulk",
)
_DO_TICKETS = _set(
    "ticketing.add_ticket ticketing.change_ticket ticketing.claim_ticket ticketing.resolve_ticket",
    "ticketing.add_message ticketing.add_internal_message",
)
_STAFF = _READ_REALM | _READ_CUSTOMERS | _READ_WORK | _DO_TICKETS | _set("core.use_console core.search")

BUILT_IN: dict[str, RolePolicy] = {
    "realm_admin": RolePolicy(
        _("Realm administrator"),
        _STAFF
        | _set(
            "tenancy.change_realm tenancy.change_brand tenancy.change_calendar",
            "tenancy.add_organization tenancy.change_organization",
            "tenancy.add_site tenancy.change_site tenancy.add_user tenancy.change_user tenancy.grant_role",
            "tenancy.view_apikey tenancy.add_apikey tenancy.revoke_apikey core.view_auditentry",
            "catalog.add_feature catalog.change_feature catalog.add_plan catalog.change_plan catalog.publish_plan",
            "subscribers.place_order subscribers.change_account subscribers.open_account subscribers.close_account",
            "subscribers.collect subscribers.announce_lease",
            "ticketing.assign_ticket ticketing.manage_categories ticketing.manage_pools",
            "workflow.publish_definition workflow.start_run workflow.reverse_run workflow.retry_task",
            "workflow.move_run workflow.complete_task workflow.skip_task workflow.signal_run",
            "workflow.view_limit workflow.change_limit",
            "ipservices.view_binding ipservices.manage_bindings ipservices.set_fault ipservices.observe_service",
            "ipservices.change_service ipservices.view_prefix ipservices.manage_addresses ipservices.manage_numbers",
            "notify.view_message",
            "privacy.view_personalexport privacy.export_person privacy.erase_person",
            "privacy.view_retention privacy.change_retention privacy.hold_records",
        ),
    ),
    "manager": RolePolicy(
        _("Manager"),
        _STAFF
        | _set(
            "ticketing.assign_ticket workflow.reverse_run workflow.move_run",
            "workflow.retry_task workflow.complete_task workflow.start_run",
            "workflow.skip_task workflow.signal_run subscribers.place_order subscribers.change_account",
            "subscribers.open_account subscribers.close_account subscribers.collect subscribers.announce_lease",
            "ipservices.view_binding ipservices.observe_service core.view_auditentry",
            "notify.view_message",
        ),
    ),
    "csr": RolePolicy(
        _("Customer service representative"),
        _STAFF
        | _set(
            "subscribers.place_order subscribers.change_account subscribers.open_account tenancy.add_site",
            "ticketing.assign_ticket workflow.retry_task workflow.start_run workflow.complete_task",
            "workflow.reverse_run ipservices.observe_service notify.view_message",
        ),
    ),
    "noc": RolePolicy(
        _("Network operations"),
        _STAFF
        | _set(
            "workflow.retry_task workflow.complete_task workflow.skip_task workflow.signal_run",
            "workflow.view_limit workflow.change_limit",
            "ipservices.view_binding ipservices.manage_bindings ipservices.set_fault ipservices.observe_service",
            "ipservices.change_service ipservices.view_prefix ipservices.manage_addresses ipservices.manage_numbers",
        ),
    ),
    "dispatcher": RolePolicy(_("Dispatcher"), _STAFF | _set("ticketing.assign_ticket workflow.complete_task")),
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
        | _set("core.view_auditentry core.use_console core.search privacy.view_retention"),
    ),
    "organization_contact": RolePolicy(
        _("Organization contact"),
        _set(
            "tenancy.view_organization tenancy.view_site",
            "ticketing.view_ticket ticketing.view_message ticketing.add_ticket ticketing.add_message",
            "subscribers.view_lease subscribers.announce_lease",
        ),
    ),
    "subscriber": RolePolicy(
        _("Subscriber"),
        _set(
            "tenancy.view_user tenancy.view_site subscribers.view_account subscribers.view_subscription",
            "subscribers.view_order subscribers.view_orderitem subscribers.view_charge ipservices.view_service",
            "subscribers.view_statement subscribers.view_payment",
            "ticketing.view_ticket ticketing.view_message ticketing.add_ticket ticketing.add_message",
            "catalog.view_plans_on_sale subscribers.place_order workflow.view_run workflow.view_taskrun",
            "core.use_selfhelp privacy.view_personalexport",
        ),
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
        ),
    ),
}

# Somebody on the sign-up portal who has not signed in.
VISITOR = _set(
    "catalog.view_plans_on_sale tenancy.view_site subscribers.place_order",
    "ticketing.add_lead",
)


def permissions_of(role_key: str) -> frozenset[str]:
    policy = BUILT_IN.get(role_key)
    return policy.permissions if policy else frozenset()
