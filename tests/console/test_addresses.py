"""Every address of the console says who may open it. A new one without a row here fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from boss.console.urls import urlpatterns
from tests.cast import Cast, make_user

ROWS = {
    "home": "core.use_console",
    "search": "core.search",
    "inbox": "ticketing.claim_ticket",
    "inbox_next": "ticketing.claim_ticket",
    "accounts": "subscribers.view_account",
    "account": "subscribers.view_account",
    "account_timeline": "subscribers.view_account",
    "account_graph": "workflow.view_run",
    "account_money": "subscribers.view_statement",
    "account_pay": "subscribers.collect",
    "orders": "subscribers.view_order",
    "order": "subscribers.view_order",
    "order_amend": "subscribers.place_order",
    "order_win_back": "subscribers.place_order",
    "subscription_change": "subscribers.place_order",
    "subscription_disconnect": "subscribers.place_order",
    "subscription_bring_number": "subscribers.place_order",
    "plans": "catalog.view_plan",
    "plan_workflows": "catalog.publish_plan",
    "limits": "workflow.view_limit",
    "limit_set": "workflow.change_limit",
    "limit_lift": "workflow.change_limit",
    "categories": "ticketing.manage_categories",
    "category_new": "ticketing.manage_categories",
    "category": "ticketing.manage_categories",
    "category_settings": "ticketing.manage_categories",
    "category_field": "ticketing.manage_categories",
    "category_status": "ticketing.manage_categories",
    "category_preview": "ticketing.manage_categories",
    "category_act": "ticketing.manage_categories",
    "policies": "ticketing.manage_policies",
    "policy_new": "ticketing.manage_policies",
    "policy": "ticketing.manage_policies",
    "policy_publish": "ticketing.manage_policies",
    "policy_revert": "ticketing.manage_policies",
    "policy_use": "ticketing.manage_policies",
    "calendars": "tenancy.change_calendar",
    "calendar_new": "tenancy.change_calendar",
    "calendar": "tenancy.change_calendar",
    "runs": "workflow.view_run",
    "run_counts": "workflow.view_run",
    "run_bulk": "workflow.view_run",
    "run_bulk_progress": "workflow.view_bulk",
    "run": "workflow.view_run",
    "run_live": "workflow.view_run",
    "run_timeline": "workflow.view_run",
    "run_reverse": "workflow.reverse_run",
    "run_send_back": "workflow.reverse_run",
    "task_retry": "workflow.retry_task",
    "task_complete": "workflow.complete_task",
    "task_skip": "workflow.skip_task",
    "workflows": "workflow.view_definition",
    "workflow_new": "workflow.publish_definition",
    "workflow_import": "workflow.publish_definition",
    "workflow_words": "workflow.view_definition",
    "workflow_draft": "workflow.view_definitiondraft",
    "workflow": "workflow.view_definition",
    "workflow_diff": "workflow.view_definitionversion",
    "workflow_edit": "workflow.publish_definition",
    "workflow_start": "workflow.start_run",
    "workflow_roll_back": "workflow.publish_definition",
    "workflow_archive": "workflow.publish_definition",
    "workflow_restore": "workflow.publish_definition",
    "security": "core.use_console",
    "sign_in_rules": "tenancy.change_realm",
    "sign_in_providers": "tenancy.change_realm",
    "sign_in_provider_new": "tenancy.change_realm",
    "sign_in_provider": "tenancy.change_realm",
    "sign_in_provider_remove": "tenancy.change_realm",
    "account_privacy": "privacy.export_person",
    "retention": "privacy.view_retention",
    "personal_copy": "privacy.export_person",
    "audit": "core.view_auditentry",
    "audit_check": "core.view_auditentry",
    "audit_export": "core.view_auditentry",
    "audit_file": "core.view_auditentry",
    "people": "tenancy.view_user",
    "person_invite": "tenancy.add_user",
    "person": "tenancy.view_user",
    "person_change": "tenancy.change_user",
    "person_grant": "tenancy.grant_role",
    "person_revoke": "tenancy.grant_role",
    "person_deactivate": "tenancy.change_user",
    "person_reactivate": "tenancy.change_user",
    "person_invite_again": "tenancy.change_user",
    "person_reset_factors": "tenancy.change_user",
    "act_as": "tenancy.act_as",
    "stop_acting": "core.use_console",
    "roles": "tenancy.view_role",
    "role_new": "tenancy.manage_roles",
    "role": "tenancy.view_role",
    "role_edit": "tenancy.manage_roles",
    "role_archive": "tenancy.manage_roles",
    "keys": "tenancy.view_apikey",
    "key_new": "tenancy.add_apikey",
    "key_rotate": "tenancy.add_apikey",
    "key_revoke": "tenancy.revoke_apikey",
    "components": "tenancy.manage_components",
    "scripts": "automation.view_script",
    "script_new": "automation.edit_script",
    "script": "automation.view_script",
    "script_edit": "automation.edit_script",
    "script_try": "automation.edit_script",
    "script_publish": "automation.publish_script",
    "script_archive": "automation.publish_script",
    "endpoints": "automation.view_endpoint",
    "endpoint_new": "automation.manage_endpoints",
    "endpoint": "automation.view_endpoint",
    "endpoint_test": "automation.manage_endpoints",
    "insight": "workflow.view_run",
    "insight_of": "workflow.view_run",
    "my_tasks": "ticketing.claim_ticket",
    "my_tasks_next": "ticketing.claim_ticket",
    "my_task": "ticketing.claim_ticket",
    "my_task_take": "ticketing.claim_ticket",
    "my_task_finish": "ticketing.resolve_ticket",
    "services": "ipservices.view_service",
    "service": "ipservices.view_service",
    "practice": "ipservices.view_binding",
    "findings": "ipservices.view_finding",
    "migrations": "ipservices.view_migration",
    "migration_new": "ipservices.manage_bindings",
    "migration": "ipservices.view_migration",
    "migration_act": "ipservices.manage_bindings",
    "finding": "ipservices.view_finding",
    "finding_resolve": "ipservices.change_service",
    "compare_server": "ipservices.observe_service",
    "set_faults": "ipservices.set_fault",
    "server": "ipservices.view_binding",
    "server_new": "ipservices.manage_bindings",
    "server_edit": "ipservices.manage_bindings",
    "server_test": "ipservices.manage_bindings",
    "server_check": "ipservices.manage_bindings",
    "mails": "ticketing.view_inboundmail",
    "mail": "ticketing.view_inboundmail",
    "mail_settle": "ticketing.settle_inboundmail",
    "sender_unblock": "ticketing.settle_inboundmail",
    "mailboxes": "ticketing.manage_mailboxes",
    "mailbox_new": "ticketing.manage_mailboxes",
    "mailbox": "ticketing.manage_mailboxes",
    "mail_source": "ticketing.manage_mailboxes",
    "mail_source_end": "ticketing.manage_mailboxes",
    "tickets": "ticketing.view_ticket",
    "ticket": "ticketing.view_ticket",
    "timer_start": "ticketing.add_timeentry",
    "timer_stop": "ticketing.add_timeentry",
    "time_add": "ticketing.add_timeentry",
    "my_time": "ticketing.add_timeentry",
    "time_totals": "ticketing.correct_timeentry",
    "time_correct": "ticketing.add_timeentry",
    "ticket_claim": "ticketing.claim_ticket",
    "ticket_release": "ticketing.claim_ticket",
    "ticket_assign": "ticketing.assign_ticket",
    "ticket_say": "ticketing.add_message",
    "ticket_fill": "ticketing.change_ticket",
    "ticket_move": "ticketing.change_ticket",
    "ticket_wait": "ticketing.change_ticket",
    "ticket_resolve": "ticketing.resolve_ticket",
    "ticket_reopen": "ticketing.resolve_ticket",
}
PLAIN = {
    "my_time",
    "time_totals",
    "security",
    "sign_in_rules",
    "sign_in_providers",
    "sign_in_provider_new",
    "retention",
    "audit",
    "audit_check",
    "audit_export",
    "people",
    "person_invite",
    "stop_acting",
    "roles",
    "role_new",
    "keys",
    "key_new",
    "components",
    "scripts",
    "script_new",
    "endpoints",
    "endpoint_new",
    "home",
    "search",
    "inbox",
    "inbox_next",
    "accounts",
    "orders",
    "runs",
    "run_counts",
    "run_bulk",
    "insight",
    "plans",
    "limits",
    "limit_set",
    "calendars",
    "calendar_new",
    "categories",
    "category_new",
    "policies",
    "policy_new",
    "my_tasks",
    "my_tasks_next",
    "services",
    "practice",
    "server_new",
    "findings",
    "migrations",
    "migration_new",
    "mails",
    "mailboxes",
    "mailbox_new",
    "sender_unblock",
    "tickets",
    "workflows",
    "workflow_new",
    "workflow_import",
    "workflow_words",
}
POSTS = {
    "mail_settle",
    "sender_unblock",
    "set_faults",
    "compare_server",
    "finding_resolve",
    "migration_act",
    "run_bulk",
    "account_pay",
    "limit_set",
    "limit_lift",
    "my_tasks_next",
    "my_task_take",
    "my_task_finish",
    "task_retry",
    "task_complete",
    "task_skip",
} | {f"ticket_{verb}" for verb in ("claim", "release", "assign", "say", "fill", "move", "wait", "resolve", "reopen")}
POSTS |= {
    "act_as",
    "audit_check",
    "audit_export",
    "key_revoke",
    "key_rotate",
    "person_change",
    "person_deactivate",
    "person_grant",
    "person_invite_again",
    "person_reactivate",
    "person_reset_factors",
    "person_revoke",
    "role_archive",
    "stop_acting",
}
POSTS |= {"sign_in_provider_remove", "timer_start", "timer_stop", "time_add", "category_act"}
POSTS |= {"mail_source_end"}
POSTS |= {"policy_publish", "policy_revert", "policy_use"}
POSTS |= {"script_try", "script_publish", "script_archive", "endpoint_test", "server_test", "server_check"}
POSTS |= {f"workflow_{verb}" for verb in ("edit", "start", "roll_back", "archive", "restore")}


def test_every_address_declares_the_permission_of_its_row() -> None:
    declared = {pattern.name: getattr(pattern.callback, "permission", None) for pattern in urlpatterns}  # type: ignore[union-attr]
    assert declared == ROWS


def path_of(name: str) -> str:
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)  # type: ignore[union-attr]
    given = dict.fromkeys(pattern.pattern.converters, "doesnotexist")
    return reverse(f"console:{name}", kwargs=given)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_visitors_are_sent_to_sign_in_and_subscribers_are_refused(name: str, cast: Cast, browser_of: Any) -> None:
    subscriber = make_user(
        cast.alpha, f"{name}@home.example", "Sue Subscriber", "subscriber", kind="subscriber", own=True
    )
    path = path_of(name)
    visitor = browser_of()
    answer = visitor.post(path) if name in POSTS else visitor.get(path)
    assert answer.status_code == 302 and answer["Location"].startswith("/login/")
    answer = browser_of(subscriber).post(path) if name in POSTS else browser_of(subscriber).get(path)
    assert answer.status_code == 403


@pytest.mark.parametrize("name", sorted(name for name in ROWS if name not in PLAIN))
def test_an_address_of_nothing_is_404_for_staff(name: str, cast: Cast, browser_of: Any) -> None:
    path = path_of(name)
    answer = browser_of(cast.alice).post(path) if name in POSTS else browser_of(cast.alice).get(path)
    assert answer.status_code == 404


def test_buttons_answer_only_to_posts(cast: Cast, browser_of: Any) -> None:
    for name in POSTS:
        assert browser_of(cast.alice).get(path_of(name)).status_code == 405, name
