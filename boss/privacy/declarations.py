"""What the tables of this house hold of a person. Apps from outside declare their own in ``ready`` in the same way."""

from __future__ import annotations

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from boss.automation import models as automation
from boss.core import models as core
from boss.core.holdings import BLOT, SCRUBBED, Holding, Subject, declare
from boss.core.scoping import RealmScoped
from boss.notify import models as notify
from boss.privacy import models as privacy
from boss.tenancy import models as tenancy
from boss.tenancy.models.calendars import Calendar
from catalog import models as catalog
from ipservices import models as ipservices
from subscribers import models as subscribers
from ticketing import models as ticketing
from workflow import models as workflow

_LAW = _("Kept as the law orders for connection records, until its time is over.")
_BOOKS = _("Amounts and dates are kept as accounts must be; they name nobody any more.")


def _through(path: str, kind: str) -> object:
    def rows(subject: Subject) -> Q:
        return Q(**{f"{path}__in": subject.of(kind)})

    return rows


def _answers(subject: Subject) -> Q:
    """First answers kept for repeated requests: whole documents, found by what names the person in them."""
    found = Q(pk__in=[])
    for text in subject.texts:
        found |= Q(
            pk__in=core.RememberedAnswer.objects.alias(said=Cast("body", TextField())).filter(said__icontains=text)
        )
    return found


def _written_to(subject: Subject) -> Q:
    """Rows of the desk's mail that hold one of the person's addresses."""
    return Q(address__in=[email.lower() for email in subject.emails])


def _calls(subject: Subject) -> Q:
    """Calls of machines whose sentence or error names the person."""
    found = Q(pk__in=[])
    for text in subject.texts:
        found |= Q(sentence__icontains=text) | Q(error__icontains=text)
    return found


def _reachable(**more: object) -> dict[str, object]:
    """The columns of ``subscribers.models.accounts.Reachable``."""
    keys = ("name_key", "name_key_back", "email_key", "phone_key", "phone_key_back")
    return {"name": BLOT, "email": "", "phone": "", **dict.fromkeys(keys, ""), **more}


_KEYS = ("name_key", "name_key_back", "email_key", "phone_key", "phone_key_back")


def _nobody(why: str, *models: type[RealmScoped]) -> list[Holding]:
    return [Holding(model, nobody=why) for model in models]


def _by(model: type[RealmScoped], path: str, kind: str, **more: object) -> Holding:
    return Holding(model, of=_through(path, kind), **more)  # type: ignore[arg-type]


def declare_all() -> None:
    """Called once at start-up."""
    declare(*_ground(), *_desk(), *_engine(), *_customers(), *_network())


def _ground() -> list[Holding]:
    return [
        _by(
            tenancy.User, "pk", "user",
            erased={
                "email": "erased-{pk}@erased.invalid", "email_norm": "erased-{pk}@erased.invalid", "full_name": BLOT,
                "phone": "", "password": "!", "is_active": False,
            },
            hidden=("password", "login_key", "email_norm"),
        ),
        _by(
            tenancy.Site, "pk", "site",
            kept=_("The service location is part of the network: its address stays, nobody's name is on it."),
            hidden=("address_norm",),
        ),
        _by(tenancy.RoleGrant, "user_id", "user", deleted=True),
        Holding(tenancy.SignInFailure, of=lambda subject: Q(account_norm__in=subject.emails), deleted=True),
        Holding(
            core.AuditEntry,
            of=lambda subject: Q(actor_kind="user", actor_id__in=subject.of("user"))
            | Q(subject_kind="tenancy.user", subject_id__in=subject.of("user"))
            | Q(subject_kind="subscribers.account", subject_id__in=subject.of("account"))
            | Q(subject_kind="subscribers.order", subject_id__in=subject.of("order")),
            kept=_("The audit trail is evidence and cannot be changed; it ends when its own time is over."),
            hidden=("tx", "epoch", "actor_id", "actor_label", "address", "request_id"),  # of staff, mostly
        ),
        Holding(core.RememberedAnswer, of=_answers, deleted=True),
        *_nobody("bytes: whose they are say the rows that name them, and without one they go", core.StoredFile),
        _by(notify.MessageFile, "message_id", "message", deleted=True, hidden=("file_id",)),
        Holding(
            notify.Delivery, of=lambda subject: Q(address__in=subject.emails),
            erased={"address": "erased-{pk}@erased.invalid", "name": BLOT, "error": ""},
        ),
        _by(
            notify.Message, "pk", "message",
            erased={
                "subject": BLOT, "text": BLOT, "html": "", "sealed": False, "sent_by": SCRUBBED, "key": "erased-{pk}",
            },
            hidden=("html",),
        ),
        _by(privacy.PersonalExport, "account_id", "account", deleted=True, hidden=("content",)),
        _by(
            privacy.Erasure, "account_id", "account", hidden=("answer",),
            kept=_("That and when it was erased is kept, so that it can be erased again after a restore."),
        ),
        _by(privacy.LegalHold, "account_id", "account", kept=_("That records were held is kept with the case.")),
        *_nobody("numbers alone", privacy.Retention),
        *_nobody("ids and numbers alone", core.Fact, core.FactDelivery, core.NumberSeries),
        *_nobody("about entries of the audit trail, not about people", core.AuditSeal, core.AuditCheck),
        *_nobody("asked for by staff; the content is dropped after days", core.AuditExport),
        *_nobody("the provider's own", tenancy.Brand, Calendar, tenancy.Organization, tenancy.Role, tenancy.ApiKey),
        _by(tenancy.Session, "user_id", "user", deleted=True, hidden=("session_key", "session_data")),
        _by(tenancy.Totp, "user_id", "user", deleted=True, hidden=("secret_sealed",)),
        _by(tenancy.Passkey, "user_id", "user", deleted=True, hidden=("credential_id", "credential")),
        _by(tenancy.SignInIdentity, "user_id", "user", deleted=True),
        *_nobody("the provider's own", tenancy.SignInProvider),
        _by(tenancy.RecoveryCode, "user_id", "user", deleted=True, hidden=("code_hash",)),
        _by(tenancy.ActingSession, "subscriber_id", "user", erased={"reason": SCRUBBED}),
    ]  # fmt: skip


def _desk() -> list[Holding]:
    return [
        _by(
            ticketing.Ticket, "pk", "ticket",
            erased={
                "title": SCRUBBED, "data": SCRUBBED, "opened_by": SCRUBBED, "outcome_values": SCRUBBED,
                "resolved_by": SCRUBBED,
            },
        ),
        _by(
            ticketing.Message, "ticket_id", "ticket", erased={"body": BLOT, "author_label": SCRUBBED},
            withheld=Q(kind="internal"),
        ),
        _by(
            ticketing.TicketEvent, "ticket_id", "ticket",
            erased={"before": SCRUBBED, "after": SCRUBBED, "actor_label": SCRUBBED},
        ),
        _by(
            ticketing.TimeEntry, "ticket_id", "ticket", erased={"note": SCRUBBED}, hidden=("written_by", "cost_rate"),
            withheld=Q(pk__isnull=False),
        ),
        _by(
            ticketing.Attachment, "ticket_id", "ticket", deleted=True, hidden=("file_id", "sha256"),
            withheld=Q(message__kind="internal"),
            bytes_of=lambda row: (row.name, row.file_id) if row.is_offered else None,
        ),
        *_nobody("ids and states alone", ticketing.TicketRelation, ticketing.TicketMerge),
        *_nobody("ids alone", ticketing.TicketLink, ticketing.PoolMember, ticketing.Timer),
        _by(ticketing.TicketFieldValue, "ticket_id", "ticket", deleted=True),
        _by(
            ticketing.Participant, "ticket_id", "ticket",
            erased={"email": "{pk}@erased.invalid", "name": BLOT, "added_by": SCRUBBED},
        ),
        _by(
            ticketing.InboundMail, "ticket_id", "ticket",
            erased={
                "envelope_from": "", "envelope_to": SCRUBBED, "sender": "", "sender_name": BLOT, "subject": BLOT,
                "parts": [], "trace": SCRUBBED, "settled_by": SCRUBBED,
            },
            hidden=("mail_id", "thread_root", "body_hash", "origin"),
        ),
        _by(ticketing.RawMail, "mail__ticket_id", "ticket", erased={"content": b""}),
        _by(
            ticketing.OutboundMail, "ticket_id", "ticket", erased={"address": "{pk}@erased.invalid"},
            hidden=("mail_id",),
        ),
        Holding(ticketing.BlockedSender, of=_written_to, deleted=True),
        Holding(ticketing.MailBreaker, of=_written_to, deleted=True),
        Holding(ticketing.SoftBounce, of=_written_to, deleted=True),
        *_nobody("the provider's own", ticketing.MailKey, ticketing.Mailbox, ticketing.MailSource),
        *_nobody("the provider's own", ticketing.MailGrant),
        *_nobody("the provider's own", ticketing.MailText),
        *_nobody("the provider's own", ticketing.Category, ticketing.CategorySchema, ticketing.TalentPool),
        *_nobody("the provider's own", ticketing.CategoryDraft),
        *_nobody("the provider's own", ticketing.Policy, ticketing.PolicyVersion, ticketing.PolicyUse),
        *_nobody("the provider's hours", ticketing.CalendarVersion),
        *_nobody("ids and times alone", ticketing.SlaClock, ticketing.SlaTerm, ticketing.EscalationTimer),
        *_nobody("names tickets by their number, to staff", ticketing.StaffNotice),
        *_nobody("ids and times alone", ticketing.TicketDeadline),
        *_nobody("ids and times alone", ticketing.PoolWait, ticketing.PoolSupervisor, ticketing.RotaShift),
        *_nobody("what the provider's people cost him", ticketing.CostRate),
        *_nobody("the provider's own", ticketing.Skill, ticketing.CategoryNeed),
        *_nobody("where staff are at the moment", ticketing.StaffPresence),
        *_nobody("the provider's own", ticketing.SavedView, ticketing.ViewPreference, ticketing.TicketBulk),
        _by(ticketing.TicketBulkItem, "ticket_id", "ticket", erased={"text": SCRUBBED}),
        _by(ticketing.TextDraft, "ticket_id", "ticket", deleted=True, withheld=Q(pk__isnull=False)),
        _by(ticketing.KeptFile, "user_id", "user", deleted=True, hidden=("file_id",)),
        _by(
            ticketing.WaitingFile, "answer__ticket_id", "ticket", deleted=True, withheld=Q(pk__isnull=False),
            hidden=("file_id",),
        ),
        _by(ticketing.WaitingAnswer, "ticket_id", "ticket", deleted=True, withheld=Q(pk__isnull=False)),
        _by(
            ticketing.ChecklistItem, "ticket_id", "ticket",
            erased={"text": SCRUBBED, "added_by": SCRUBBED},
            hidden=("added_by", "done_by"),
        ),
        _by(ticketing.RuleRun, "ticket_id", "ticket", erased={"looked_at": {}}),
        *_nobody("ids and times alone", ticketing.RuleBreaker),
        *_nobody("the provider's own", ticketing.Snippet, ticketing.Macro, ticketing.MacroVersion),
        *_nobody("what staff look at", ticketing.SavedReport, ticketing.ReportRecipient),
        _by(ticketing.SlaPause, "clock__ticket_id", "ticket", erased={"reason": SCRUBBED}),
    ]  # fmt: skip


def _engine() -> list[Holding]:
    return [
        _by(
            workflow.Run, "pk", "run",
            erased={"inputs": SCRUBBED, "outputs": SCRUBBED, "started_by": SCRUBBED, "reversal_reason": SCRUBBED},
        ),
        _by(
            workflow.TaskRun, "run_id", "run",
            erased={"inputs": SCRUBBED, "error": SCRUBBED, "woken_by": SCRUBBED},
        ),
        _by(workflow.Attempt, "task__run_id", "run", erased={"answer": SCRUBBED, "error": SCRUBBED}),
        _by(workflow.RunEvent, "run_id", "run", erased={"data": SCRUBBED, "who": SCRUBBED}),
        _by(workflow.Signal, "run_id", "run", erased={"payload": SCRUBBED, "sent_by": SCRUBBED}),
        _by(workflow.BulkItem, "run_id", "run", erased={"text": SCRUBBED}),
        *_nobody(
            "the provider's own", workflow.Bulk, workflow.Definition, workflow.DefinitionDraft,
            workflow.DefinitionVersion, workflow.Limit, workflow.LimitSlot, workflow.LimitWaiter,
        ),
        Holding(
            automation.EndpointCall, of=_calls,
            erased={"sentence": SCRUBBED, "error": SCRUBBED, "answer": SCRUBBED},
        ),
        *_nobody("the provider's own", automation.Endpoint, automation.Script, automation.ScriptVersion),
        *_nobody(
            "what is sold, not to whom", catalog.Feature, catalog.FeatureRelation, catalog.Plan, catalog.PlanFeature,
            catalog.PlanOption, catalog.PlanPrice, catalog.PlanVersion,
        ),
    ]  # fmt: skip


def _customers() -> list[Holding]:
    return [
        _by(subscribers.Account, "pk", "account", erased=_reachable(pin_hash=""), hidden=("pin_hash", *_KEYS)),
        _by(subscribers.AccountContact, "account_id", "account", erased=_reachable(), hidden=_KEYS),
        _by(
            subscribers.Order, "pk", "order", kept=_BOOKS, hidden=("card_token_sealed", "submission_key"),
            erased={"contact_name": BLOT, "contact_email": "", "contact_phone": "", "card_token_sealed": ""},
        ),
        _by(
            subscribers.OrderItem, "order_id", "order", kept=_BOOKS,
            erased={"chosen": SCRUBBED, "features": SCRUBBED, "former": SCRUBBED},
        ),
        _by(
            subscribers.Subscription, "account_id", "account", kept=_BOOKS, hidden=("address_key", "street_key"),
            erased={"chosen": SCRUBBED, "features": SCRUBBED, "address_key": "", "street_key": ""},
        ),
        _by(
            subscribers.Lease, "order_id", "order",
            erased={"resident_name": BLOT, "resident_email": "", "resident_phone": ""},
        ),
        _by(subscribers.Charge, "account_id", "account", erased={"title": SCRUBBED}, kept=_BOOKS),
        _by(subscribers.Statement, "account_id", "account", erased={"lines": SCRUBBED}, kept=_BOOKS),
        _by(subscribers.Payment, "account_id", "account", erased={"reference": SCRUBBED}, kept=_BOOKS),
        _by(subscribers.Collection, "account_id", "account", kept=_BOOKS),
        _by(
            subscribers.CardHold, "account_id", "account", kept=_BOOKS,
            erased={"reference": SCRUBBED, "reason": SCRUBBED},
        ),
        *_nobody("single words of many names, without any order or link", subscribers.NameWord),
    ]  # fmt: skip


def _network() -> list[Holding]:
    return [
        _by(
            ipservices.Service, "pk", "service", hidden=("sealed_secrets",),
            erased={
                "name": "erased-{pk}", "title": SCRUBBED, "desired": {}, "observed": {}, "drift": [],
                "sealed_secrets": "", "restriction_reason": SCRUBBED,
            },
        ),
        _by(
            ipservices.DriverCall, "service_id", "service",
            erased={
                "sentence": BLOT, "request": {}, "answer": {}, "error": SCRUBBED, "actor_label": SCRUBBED,
            },
        ),
        _by(
            ipservices.Finding, "service_id", "service", hidden=("sealed_former",),
            erased={"name": "", "reason": SCRUBBED, "differences": [], "sealed_former": ""},
        ),
        _by(
            ipservices.MigrationItem, "service_id", "service", hidden=("sealed_former",),
            erased={"reason": SCRUBBED, "note": SCRUBBED, "sealed_former": ""},
        ),
        _by(ipservices.FormerState, "service_id", "service", deleted=True, hidden=("sealed_observed",)),
        _by(
            ipservices.PortRequest, "subscription_id", "subscription", hidden=("sealed_pin",),
            erased={"account_number": "", "loa": "", "sealed_pin": "", "reject_reason": SCRUBBED},
        ),
        _by(ipservices.LeaseHistory, "service_id", "service", kept=_LAW),
        _by(ipservices.ObservedLease, "service_id", "service", kept=_LAW),
        _by(ipservices.AddressAssignment, "service_id", "service", kept=_LAW),
        _by(ipservices.UsageRecord, "service_id", "service", kept=_BOOKS),
        _by(ipservices.PhoneNumber, "service_id", "service", kept=_("Numbers belong to the provider's inventory.")),
        _by(
            ipservices.OutageMember, "account_id", "account",
            kept=_("Whom an outage concerned is kept for its history, without a name."),
        ),
        *_nobody("what was out, and said of it to all", ipservices.Outage, ipservices.OutageScope,
                 ipservices.OutageUpdate),
        _by(ipservices.OutageNotice, "member__account_id", "account", erased={"reason": SCRUBBED}),
        *_nobody("ids alone", ipservices.OutageTicket),
        *_nobody("the provider's own network", ipservices.Binding, ipservices.BindingNode, ipservices.Comparison,
                 ipservices.ConformanceReport, ipservices.ContainerLock, ipservices.FreeRange, ipservices.Migration,
                 ipservices.HealthSample, ipservices.PortHold, ipservices.Prefix),
        *_nobody(
            "stands for a server of somebody else; what ends there is removed by its driver",
            ipservices.SimulatedServer, ipservices.SimulatedObject, ipservices.SimulatedEffect,
        ),
    ]  # fmt: skip
