"""The classes of records of this house. Apps from outside declare their own in ``ready`` in the same way."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core import sealing
from boss.core.models import AuditEntry, RememberedAnswer
from boss.core.retention import RecordClass, record_classes
from boss.notify.models import Delivery, Message, MessageFile
from boss.tenancy.models import Session, SignInFailure
from ipservices.models import DriverCall, LeaseHistory, ObservedLease, UsageRecord
from ticketing.models import Attachment, RuleRun
from ticketing.models import Message as TicketMessage
from workflow.models import RunEvent

YEAR = 365


def declare_all() -> None:
    """Called once at start-up."""
    for key, row in {
        "sessions": RecordClass(_("Ended sessions"), Session, lambda cut: Q(expire_date__lt=cut), 90),
        "sign_in_failures": RecordClass(_("Refused sign-ins"), SignInFailure, lambda cut: Q(at__lt=cut), 90),
        "answers": RecordClass(
            _("Answers kept for repeated API requests"), RememberedAnswer, lambda cut: Q(created_at__lt=cut), 30,
        ),
        "messages": RecordClass(
            _("Sent messages"), Message, lambda cut: Q(created_at__lt=cut), 2 * YEAR, floor_days=30,
            dependents=((Delivery, "message_id"), (MessageFile, "message_id")),
        ),
        "ticket_messages": RecordClass(
            _("Conversations of tickets that were resolved"), TicketMessage,
            lambda cut: Q(ticket__resolved_at__lt=cut), 5 * YEAR, floor_days=90,
            dependents=((Attachment, "message_id"),),
        ),
        "rule_runs": RecordClass(
            _("What automation rules saw and did"), RuleRun, lambda cut: Q(at__lt=cut), YEAR, floor_days=30,
        ),
        "driver_calls": RecordClass(
            _("What was said to servers"), DriverCall, lambda cut: Q(started_at__lt=cut), YEAR, floor_days=30,
        ),
        "run_journals": RecordClass(
            _("Journals of runs that ended"), RunEvent, lambda cut: Q(run__ended_at__lt=cut), 2 * YEAR, floor_days=90,
        ),
        "usage": RecordClass(
            _("Usage records"), UsageRecord, lambda cut: Q(read_at__lt=cut), 2 * YEAR, floor_days=YEAR,
        ),
        "address_history": RecordClass(
            _("Who had which address"), LeaseHistory, lambda cut: Q(valid_to__lt=cut), YEAR, floor_days=180,
        ),
        "observed_leases": RecordClass(
            _("Who had which address, as servers saw it"), ObservedLease,
            lambda cut: Q(valid_to__lt=cut), YEAR, floor_days=180,
        ),
        "audit": RecordClass(
            _("Audit trail"), AuditEntry, lambda cut: Q(at__lt=cut), 7 * YEAR, floor_days=YEAR, erase=sealing.prune,
        ),
    }.items():  # fmt: skip
        record_classes.register(key, row)
