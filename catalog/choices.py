"""Words of the catalog that are stored: service families, states, kinds of price."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceFamily(models.TextChoices):
    """Families BOSS ships with. A realm may use further keys of its own: the column takes any slug."""

    ACCESS = "access", _("Access (AAA)")
    IP = "ip", _("IP addresses")
    DNS = "dns", _("Domain names")
    MAIL = "mail", _("E-mail")
    WEB = "web", _("Web hosting")
    FILE = "file", _("File sharing")
    VOIP = "voip", _("Voice")
    IPTV = "iptv", _("Television")
    CPE = "cpe", _("Customer equipment")
    DATA = "data", _("Data services")


class Fulfilment(models.TextChoices):
    """Who makes a sold feature real."""

    DRIVER = "driver", _("a driver of the feature's family")
    TICKET = "ticket", _("a person, through a ticket")


class RelationKind(models.TextChoices):
    DEPENDS_ON = "depends_on", _("depends on")
    EXCLUDES = "excludes", _("excludes")


class PlanVersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("On sale")
    RETIRED = "retired", _("Retired")


class PriceKind(models.TextChoices):
    RECURRING = "recurring", _("each month")
    ONE_TIME = "one_time", _("once")
    USAGE = "usage", _("by usage")


class Process(models.TextChoices):
    """What a plan can name a workflow definition for."""

    ACTIVATE = "activate", _("Activate")
    CHANGE = "change", _("Change")
    SUSPEND = "suspend", _("Suspend")
    RESUME = "resume", _("Resume")
    PORT_IN = "port_in", _("Bring a number along")
    DISCONNECT = "disconnect", _("Disconnect")
