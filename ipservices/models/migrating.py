"""Moving services from one server to another: what was asked for, and where each service stands."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ipservices.choices import MigrationState, MoveState, MoveStep
from ipservices.models.bindings import Binding
from ipservices.models.comparing import InTurns
from ipservices.models.services import Service

_OPEN = Q(state__in=[MoveState.PENDING, MoveState.READY, MoveState.MOVING, MoveState.FAILED, MoveState.RETURNING])


class Migration(InTurns):
    """Services of ``source`` to be moved to ``target``, in batches with a pause between them.

    ``cursor`` is how far picking the services is. ``renew_secrets``: what neither BOSS nor the new server can be given
    gets a new password. ``content_moved``: somebody answers for it that mail and files are at the new server already.
    """

    realm_only = "the provider's servers"
    dispatch_reads = ("id", "realm_id", "due_at")
    dispatch_writes = ("due_at",)

    source = models.ForeignKey(Binding, models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Binding, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(_("state"), max_length=10, choices=MigrationState.choices, default=MigrationState.CHECKING)
    kinds = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    most = models.PositiveIntegerField(_("most services"), null=True, blank=True)
    batch_size = models.PositiveIntegerField(_("services in a batch"), default=100)
    pause_seconds = models.PositiveIntegerField(_("seconds between batches"), default=0)
    renew_secrets = models.BooleanField(_("new passwords where needed"), default=False)
    content_moved = models.BooleanField(_("content has been moved"), default=False)
    asked_by = models.CharField(_("asked by"), max_length=200)
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    cursor = models.BigIntegerField(default=0, editable=False)
    in_batch = models.PositiveIntegerField(default=0, editable=False)
    error = models.TextField(_("error"), blank=True, default="")

    class Meta(InTurns.Meta):
        abstract = False
        verbose_name = _("migration")
        verbose_name_plural = _("migrations")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(source=F("target")), name="ipservices_migration_two_servers"),
            models.CheckConstraint(condition=Q(batch_size__gt=0), name="ipservices_migration_batch"),
        ]
        indexes = [
            models.Index(fields=["realm_id", "-id"], name="ipservices_migration_recent"),
            # The sweep looks through all realms at once.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ipservices_migration_due"),
        ]

    def __str__(self) -> str:
        return f"{self.source.name} → {self.target.name}"


class MigrationItem(RealmScoped):
    """The move of one service. ``step`` is written before the next step is begun, so that any worker can go on.

    ``sealed_former`` is what the old server held, to put exactly that back. ``carries``: what its owner put into it is
    copied from server to server, during which it is shut; ``revision`` is that of the service when it was last known.
    """

    realm_only = "the provider's servers"

    migration = models.ForeignKey(Migration, models.CASCADE, related_name="items", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="moves")
    state = models.CharField(_("state"), max_length=10, choices=MoveState.choices, default=MoveState.PENDING)
    step = models.PositiveSmallIntegerField(_("done"), choices=MoveStep.choices, default=MoveStep.NOTHING)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)
    renewed = models.BooleanField(default=False)
    carries = models.BooleanField(_("content comes along"), default=False)
    sealed_former = models.TextField(blank=True, default="", editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("move of a service")
        verbose_name_plural = _("moves of services")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "migration", "service"], name="ipservices_move_once"),
            # A service is moved by one migration at a time.
            models.UniqueConstraint(fields=["realm_id", "service"], condition=_OPEN, name="ipservices_move_alone"),
        ]
        indexes = [
            models.Index(fields=["realm_id", "migration", "state", "tries", "id"], name="ipservices_move_next"),
        ]

    def __str__(self) -> str:
        return str(self.service)

    @property
    def key(self) -> str:
        """Names the effect of this move at both servers, over all attempts."""
        return f"move-{self.migration_id}-{self.service_id}"
