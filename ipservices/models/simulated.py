"""What the simulated servers hold. Only ``drivers/simulator`` and its tests read or write these tables.

Several processes share one simulated server, so its state lives in the database; it stands for a machine elsewhere
and nothing else in BOSS may look at it (ADR 0040).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped


class SimulatedServer(RealmScoped):
    """One pretended server. ``faults`` are its sliders (``drivers/simulator/faults.py``)."""

    realm_only = "servers for practice"

    name = models.CharField(_("name"), max_length=80)
    secret = models.CharField(max_length=200, blank=True, default="")
    faults = models.JSONField(_("faults"), default=dict, blank=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("simulated server")
        verbose_name_plural = _("simulated servers")
        constraints = [models.UniqueConstraint(fields=["realm_id", "name"], name="ipservices_simserver_once")]

    def __str__(self) -> str:
        return self.name


class SimulatedObject(RealmScoped):
    """One native object of a simulated server, with its live sessions and its counters."""

    realm_only = "servers for practice"

    server = models.ForeignKey(SimulatedServer, models.CASCADE, related_name="objects_held", db_index=False)
    full_kind = models.CharField(max_length=60)
    name = models.CharField(max_length=255)
    service_ref = models.CharField(max_length=40, blank=True, default="")
    attributes = models.JSONField(default=dict)
    restriction = models.CharField(max_length=16, default="none")
    switched_off = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    secret_digests = models.JSONField(default=dict)
    sessions = models.PositiveIntegerField(default=0)
    counters = models.JSONField(default=dict)
    changes = models.PositiveIntegerField(default=0)

    class Meta(RealmScoped.Meta):
        verbose_name = _("simulated object")
        verbose_name_plural = _("simulated objects")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "server", "full_kind", "name"], name="ipservices_simobject_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.full_kind} {self.name}"


class SimulatedEffect(RealmScoped):
    """The log of what really changed on a simulated server: the outside judge of fault tests reads it."""

    realm_only = "servers for practice"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    server = models.ForeignKey(SimulatedServer, models.CASCADE, related_name="effects", db_index=False)
    key = models.CharField(max_length=200)
    operation = models.CharField(max_length=20)
    full_kind = models.CharField(max_length=60)
    name = models.CharField(max_length=255)
    changed = models.BooleanField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("simulated effect")
        verbose_name_plural = _("simulated effects")
        indexes = [models.Index(fields=["realm_id", "server", "key"], name="ipservices_simeffect_key")]
