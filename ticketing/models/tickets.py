"""The ticket: one piece of work for people, and its states."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE, FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable
from boss.tenancy.models import Organization, Site, User
from ticketing.choices import OPEN_STATES, Priority, TicketState
from ticketing.models.categories import Category
from ticketing.models.pools import TalentPool

_WAITING = (TicketState.WAITING_CUSTOMER, TicketState.WAITING_OTHER)


class Ticket(FSMModelMixin, Addressable):
    """Work for people. ``version`` counts its changes and is the sequence of its events and messages.

    ``site`` is where the matter is. ``organization`` is whose contacts may see it; it is not filled in from a
    resident's site, so that a property owner does not read his residents' tickets.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "own": "requester_id",
        "site": "site_id",
        "organization": "organization_id",
        "building": "site_id",
    }
    # An organization's person with one building: what was shared with the organization there.
    scope_limits: ClassVar[dict[str, Q]] = {"building": Q(organization_id=F("site__organization_id"))}
    portal_reads = True
    portal_limits: ClassVar[dict[str, str]] = {
        "building": "organization_id = (SELECT s.organization_id FROM tenancy_site s WHERE s.id = site_id)"
    }
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    searched = ("title",)

    number = models.CharField(_("number"), max_length=24, db_collation="C")
    category = models.ForeignKey(Category, models.PROTECT, related_name="tickets", verbose_name=_("category"))
    schema_version = models.PositiveIntegerField(default=0)
    title = models.CharField(_("title"), max_length=200)
    data: Any = models.JSONField(_("fields"), default=dict, blank=True)
    state: Any = FSMField(
        _("state"), max_length=20, choices=TicketState.choices, default=TicketState.NEW, protected=True
    )
    status = models.CharField(
        _("status"), max_length=40, default=TicketState.NEW.value, db_default=TicketState.NEW.value, db_collation="C",
        help_text=_("The category's own word for the state."),
    )  # fmt: skip
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    version = models.PositiveIntegerField(default=0)

    requester = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="tickets_requested", verbose_name=_("requester")
    )
    site = models.ForeignKey(Site, models.SET_NULL, null=True, blank=True, related_name="tickets")
    organization = models.ForeignKey(Organization, models.SET_NULL, null=True, blank=True, related_name="tickets")
    assignee = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="tickets_assigned", verbose_name=_("assignee")
    )
    pool = models.ForeignKey(
        TalentPool, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("talent pool")
    )

    subject_kind = models.CharField(max_length=60, blank=True, default="")
    subject_id = models.BigIntegerField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=200, blank=True, default="")

    # The ticket that goes on in its place, whatever number of merges lies between: nobody walks a chain.
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False,
        verbose_name=_("merged into"),
    )  # fmt: skip
    # Ids of messages of other tickets that are shown here as well: what was split off. Messages are never copied.
    excerpts = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)

    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    opened_by = models.CharField(_("opened by"), max_length=200)
    due_at = models.DateTimeField(
        _("due"), null=True, blank=True, help_text=_("The next promise: the first reply, then the resolution.")
    )
    resolve_due_at = models.DateTimeField(_("resolution due"), null=True, blank=True)
    first_response_at = models.DateTimeField(_("first answered"), null=True, blank=True)

    outcome = models.CharField(_("outcome"), max_length=60, blank=True, default="")
    resolution_code = models.CharField(_("resolution code"), max_length=40, blank=True, default="", db_default="")
    outcome_values: Any = models.JSONField(_("results"), default=dict, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=200, blank=True, default="")
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    reopen_count = models.PositiveSmallIntegerField(default=0)

    class Meta(Addressable.Meta):
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        permissions = [
            ("add_lead", "Can leave a request as a visitor"),
            ("claim_ticket", "Can take a ticket"),
            ("assign_ticket", "Can give a ticket to somebody, or take it from him"),
            ("resolve_ticket", "Can resolve, reopen, close and cancel a ticket"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "number"], name="ticketing_ticket_number"),
            models.UniqueConstraint(
                fields=["realm_id", "dedupe_key"],
                condition=~Q(dedupe_key="") & Q(state__in=OPEN_STATES),
                name="ticketing_one_open_per_key",
            ),
            models.CheckConstraint(
                condition=Q(state=TicketState.MERGED, merged_into__isnull=False)
                | (~Q(state=TicketState.MERGED) & Q(merged_into=None)),
                name="ticketing_merged_into_something",
            ),
            models.CheckConstraint(
                condition=Q(subject_kind="", subject_id=None) | (~Q(subject_kind="") & Q(subject_id__isnull=False)),
                name="ticketing_subject_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                "realm_id", "pool", F("due_at").asc(nulls_last=True), "priority", "id",
                condition=Q(state__in=OPEN_STATES), name="ticketing_open_by_pool",
            ),
            models.Index(
                "realm_id", "assignee", F("due_at").asc(nulls_last=True), "priority", "id",
                condition=Q(state__in=OPEN_STATES), name="ticketing_open_by_assignee",
            ),
            models.Index(
                fields=["realm_id", "pool", "resolved_at"],
                condition=Q(resolved_at__isnull=False),
                name="ticketing_done_by_pool",
            ),
            models.Index(
                fields=["realm_id", "due_at"], condition=Q(state__in=OPEN_STATES), name="ticketing_late"
            ),
            models.Index(fields=["realm_id", "requester", "-id"], name="ticketing_by_requester"),
            models.Index(fields=["realm_id", "-id"], name="ticketing_newest"),
            # Few of many are open: the list everybody begins with must not walk past the others.
            models.Index(
                fields=["realm_id", "-id"], condition=Q(state__in=OPEN_STATES), name="ticketing_newest_open"
            ),
            models.Index(fields=["realm_id", "category", "status", "-id"], name="ticketing_by_status"),
            models.Index(
                fields=["realm_id", "merged_into"],
                condition=Q(merged_into__isnull=False),
                name="ticketing_merged_into",
            ),
            # For reports: with what they group by, so that the rows themselves are not read.
            models.Index(
                fields=["realm_id", "opened_at"], include=["category", "pool", "priority"], name="ticketing_by_opening"
            ),
            models.Index("realm_id", Coalesce("resolved_at", "closed_at"), name="ticketing_by_end"),
            models.Index(
                fields=["realm_id", "first_response_at"], include=["opened_at"],
                condition=Q(first_response_at__isnull=False), name="ticketing_by_first_answer",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def is_open(self) -> bool:
        """Somebody still has to do something."""
        return self.state in OPEN_STATES

    @transition(field="state", source=[TicketState.NEW, *_WAITING], target=TicketState.OPEN)
    def take_up(self) -> None:
        """Somebody has begun, or what it waited for has come."""

    @transition(
        field="state",
        source=[TicketState.NEW, TicketState.OPEN, TicketState.WAITING_OTHER],
        target=TicketState.WAITING_CUSTOMER,
    )
    def wait_for_customer(self) -> None:
        """The next move is the customer's."""

    @transition(
        field="state",
        source=[TicketState.NEW, TicketState.OPEN, TicketState.WAITING_CUSTOMER],
        target=TicketState.WAITING_OTHER,
    )
    def wait_for_other(self) -> None:
        """The next move is somebody else's: a supplier, a part, a date."""

    @transition(field="state", source=list(OPEN_STATES), target=TicketState.RESOLVED)
    def resolve(self) -> None:
        """The work is done."""

    @transition(field="state", source=[TicketState.RESOLVED], target=TicketState.CLOSED)
    def close(self) -> None:
        """The resolution is final."""

    @transition(field="state", source=list(OPEN_STATES), target=TicketState.CANCELLED)
    def cancel(self) -> None:
        """The work is not wanted any more."""

    @transition(field="state", source=[TicketState.RESOLVED, TicketState.CLOSED], target=TicketState.OPEN)
    def reopen(self) -> None:
        """It was not done after all."""

    @transition(field="state", source=[*OPEN_STATES, TicketState.RESOLVED], target=TicketState.MERGED)
    def merge_away(self) -> None:
        """Another ticket goes on in its place."""

    @transition(
        field="state", source=[TicketState.MERGED], target=RETURN_VALUE(*OPEN_STATES, TicketState.RESOLVED)
    )  # fmt: skip
    def take_out(self, state: str) -> str:
        """The merge is undone: it is again in the state it was in."""
        return state
