"""The closed lists of automation rules."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RuleEvent(models.TextChoices):
    """What sets a rule off."""

    OPENED = "opened", _("A ticket was opened")
    CUSTOMER_WROTE = "customer_wrote", _("The customer has written")
    ANSWERED = "answered", _("The customer was written to")
    NOTED = "noted", _("An internal note was written")
    STATUS = "status", _("Its status has changed")
    PRIORITY = "priority", _("Its priority has changed")
    POOL = "pool", _("It was moved to another pool")
    CATEGORY = "category", _("It was moved to another category")
    GIVEN = "given", _("Somebody was given it, or has taken it")
    RELEASED = "released", _("It was put back into its pool")
    FIELDS = "fields", _("Its fields have changed")
    ESCALATED = "escalated", _("A step of its escalation was taken")


class ActedBy(models.TextChoices):
    """Who did what sets a rule off."""

    CUSTOMER = "customer", _("The customer")
    STAFF = "staff", _("Staff")
    PROGRAM = "program", _("A program with an API key")
    MACHINE = "machine", _("BOSS itself")
    RULE = "rule", _("Another rule")


class RuleResult(models.TextChoices):
    """What came of a rule that was looked at. Only ``done`` has done anything."""

    DONE = "done", _("Done")
    NOT_MET = "not_met", _("Its condition did not hold")
    REFUSED = "refused", _("Refused")
    TOO_DEEP = "too_deep", _("Set off by too many rules in a row")
    STOPPED = "stopped", _("Rules are stopped on this ticket")
