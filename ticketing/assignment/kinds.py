"""The closed lists of assignment."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Strategy(models.TextChoices):
    """How a pool finds the person for a ticket."""

    MANUAL = "manual", _("By hand: people give and take")
    PULL = "pull", _('Only by the button "Next ticket"')
    ROUND_ROBIN = "round_robin", _("In turn")
    LEAST_LOADED = "least_loaded", _("To whom has most room")
    BEST_SKILL = "best_skill", _("To the best in what it asks for")
    LONGEST_IDLE = "longest_idle", _("To whom has waited longest for work")
    STICKY = "sticky", _("To whom had the customer's last ticket")
    ON_CALL = "on_call", _("To whom is on call")


RESTING = (Strategy.MANUAL, Strategy.PULL)
"""Nobody is given anything; people help themselves."""
PARTIAL = (Strategy.STICKY, Strategy.ON_CALL)
"""May find nobody although somebody fits, so that a second strategy makes sense."""


class PresenceState(models.TextChoices):
    AVAILABLE = "available", _("Available")
    BUSY = "busy", _("Busy")
    AWAY = "away", _("Away")
    OFFLINE = "offline", _("Offline")


class Stage(models.IntegerChoices):
    """How far what a ticket asks for has been loosened."""

    STRICT = 0, _("All it asks for")
    NO_WISHES = 1, _("Without what is only wished for")
    EASED = 2, _("One level less of each skill")
    PARENT = 3, _("People of the pool above too")


class Because(models.TextChoices):
    """Why somebody was passed over."""

    PUT_BACK = "put_back", _("has put it back")
    SKILL = "skill", _("lacks a skill")
    LANGUAGE = "language", _("does not speak the language")
    ZONE = "zone", _("works elsewhere")
    HOURS = "hours", _("is outside working hours")
    PRESENCE = "presence", _("is not available")
    FULL = "full", _("has no room")
    NOT_ON_CALL = "not_on_call", _("is not on call")
    OTHER_CUSTOMER = "other_customer", _("did not have the customer's last ticket")
    BEHIND = "behind", _("fits, but comes later")
