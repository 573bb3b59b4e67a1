from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EndpointKind(models.TextChoices):
    HTTP = "http", _("HTTP")
    SQL = "sql", _("SQL (PostgreSQL)")
    LDAP = "ldap", _("LDAP")
    SSH = "ssh", _("SSH")
    TICKET = "ticket", _("Ticket")


class CallState(models.TextChoices):
    RUNNING = "running", _("under way")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("outcome unknown")
