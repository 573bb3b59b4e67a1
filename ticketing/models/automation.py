"""What automation rules have done, and tickets on which they are stopped."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ticketing.automation.kinds import RuleEvent, RuleResult
from ticketing.models.policies import PolicyVersion
from ticketing.models.thread import TicketEvent
from ticketing.models.tickets import Ticket


class RuleRun(RealmScoped):
    """One rule looked at for one event, once: what it saw, what it did (``told``) or why not.

    ``depth`` counts the rules that set one another off up to here. ``actions``: the steps it has taken.
    """

    realm_only = "how the provider's desk works"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="rule_runs", db_index=False)
    event = models.ForeignKey(TicketEvent, models.PROTECT, related_name="+", db_index=False)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(_("rule"), max_length=80)
    kind = models.CharField(_("set off by"), max_length=16, choices=RuleEvent.choices)
    result = models.CharField(_("result"), max_length=10, choices=RuleResult.choices)
    depth = models.PositiveSmallIntegerField(default=1)
    looked_at: Any = models.JSONField(_("looked at"), default=dict, blank=True)
    told = models.CharField(_("what came of it"), max_length=1000, blank=True, default="")
    actions = models.PositiveSmallIntegerField(_("actions"), default=0)
    at = models.DateTimeField(_("at"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("run of a rule")
        verbose_name_plural = _("runs of rules")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "event", "policy_version", "position"], name="ticketing_rule_once"
            ),
            models.CheckConstraint(condition=Q(actions=0) | Q(result=RuleResult.DONE), name="ticketing_only_done_acts"),
        ]
        indexes = [
            models.Index(fields=["realm_id", "ticket", "-at"], name="ticketing_rules_of_ticket"),
            models.Index(fields=["realm_id", "policy_version", "-at"], name="ticketing_runs_of_policy"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.result}"


class RuleBreaker(RealmScoped):
    """Rules do nothing on this ticket until a person lets them act again."""

    realm_only = "how the provider's desk works"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="rule_breakers", db_index=False)
    opened_at = models.DateTimeField(_("stopped"))
    opened_by = models.CharField(_("rule"), max_length=200)
    closed_at = models.DateTimeField(_("let act again"), null=True, blank=True)
    closed_by = models.CharField(max_length=200, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("stop of rules")
        verbose_name_plural = _("stops of rules")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "ticket"], condition=Q(closed_at=None), name="ticketing_rules_stopped_once"
            ),
        ]
        indexes = [models.Index(fields=["realm_id", "ticket", "-id"], name="ticketing_stops_of_ticket")]

    def __str__(self) -> str:
        return f"rules on {self.ticket_id}"
