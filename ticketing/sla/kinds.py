"""The closed lists of promises about time."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClockKind(models.TextChoices):
    """What is promised. The order is that in which they are shown."""

    OWN = "own", _("Taken up by somebody")
    FIRST = "first", _("First answer")
    NEXT = "next", _("Next answer")
    INFORM = "inform", _("Next news for the customer")
    RESOLVE = "resolve", _("Solution")


class ClockState(models.TextChoices):
    """``void``: stopped because nothing was to be kept any more; neither kept nor missed."""

    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    MET = "met", _("Kept")
    MISSED = "missed", _("Missed")
    VOID = "void", _("Not needed any more")


ENDED = (ClockState.MET, ClockState.MISSED, ClockState.VOID)


class PolicyKind(models.TextChoices):
    SLA = "sla", _("Promised times")
    ESCALATION = "escalation", _("Escalation")
    AUTOMATION = "automation", _("Automation")
    NOTIFICATION = "notification", _("Who is told what")
    CLOSING = "closing", _("How tickets end")
