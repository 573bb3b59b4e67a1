"""Working time on the API."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import CharFilter, IsoDateTimeFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import clock
from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from ticketing import costs, selectors, timesheet
from ticketing.api.serializers import PersonSerializer
from ticketing.choices import Activity
from ticketing.models import Ticket, TimeEntry, Timer
from ticketing.services import time


class TimeEntrySerializer(serializers.ModelSerializer[TimeEntry]):
    """Time that was spent. ``counted_seconds`` is what counts of it: with its corrections."""

    ticket = serializers.CharField(source="ticket.public_id", read_only=True)
    user = PersonSerializer(read_only=True, allow_null=True)
    counted_seconds = serializers.IntegerField(source="counted", read_only=True)

    class Meta:
        model = TimeEntry
        fields = (
            "public_id", "ticket", "user", "started_at", "seconds", "counted_seconds", "activity", "is_billable",
            "source", "note", "written_at", "written_by",
        )  # fmt: skip
        read_only_fields = fields


class TimerSerializer(serializers.ModelSerializer[Timer]):
    ticket = serializers.CharField(source="ticket.public_id", read_only=True)

    class Meta:
        model = Timer
        fields = ("ticket", "started_at")
        read_only_fields = fields


class RunningTimer(serializers.Serializer[Any]):
    """``timer`` is null when none runs."""

    timer = TimerSerializer(allow_null=True)


class TimeTotalSerializer(serializers.Serializer[timesheet.Total]):
    """``name`` is empty where there is none; for accounts and activities the key says it.

    ``cost`` (the realm's currency, of the time whose rate was known) and ``uncosted``, the seconds without a rate,
    are null for those who may not see costs.
    """

    key = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    seconds = serializers.IntegerField()
    billable = serializers.IntegerField()
    entries = serializers.IntegerField()
    cost = serializers.SerializerMethodField()
    uncosted = serializers.IntegerField(allow_null=True)

    @extend_schema_field(serializers.DecimalField(max_digits=20, decimal_places=2, allow_null=True))
    def get_cost(self, total: timesheet.Total) -> str | None:
        money = costs.money_of(total.cost)
        return None if money is None else str(money)


class WhatItWas(serializers.Serializer[Any]):
    activity = serializers.ChoiceField(choices=Activity.choices, default=Activity.WORK.value)
    is_billable = serializers.BooleanField(default=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class NewTime(WhatItWas):
    """Without ``started_at`` it ended just now."""

    ticket = serializers.CharField(max_length=12, help_text="The ticket's public id")
    seconds = serializers.IntegerField(min_value=1, max_value=int(time.LONGEST.total_seconds()))
    started_at = serializers.DateTimeField(required=False)


class StartTimer(serializers.Serializer[Any]):
    ticket = serializers.CharField(max_length=12, help_text="The ticket's public id")


class StopTimer(WhatItWas):
    """``seconds``: what it really was, when not what the clock says."""

    seconds = serializers.IntegerField(min_value=1, max_value=int(time.LONGEST.total_seconds()), required=False)


class CorrectTime(serializers.Serializer[Any]):
    """What the entry really was; 0 takes it back."""

    seconds = serializers.IntegerField(min_value=0, max_value=int(time.LONGEST.total_seconds()))
    note = serializers.CharField(max_length=200)


class TotalsAsked(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=timesheet.GROUPS, default="person")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class TimeEntryFilter(FilterSet):
    ticket = CharFilter("ticket__public_id")
    user = CharFilter("user__public_id")
    since = IsoDateTimeFilter("started_at", "gte")
    until = IsoDateTimeFilter("started_at", "lt")

    class Meta:
        model = TimeEntry
        fields = ("activity", "is_billable")


class TimeEntryViewSet(ReadOnlyViewSet):
    """Time spent on tickets. Nothing is changed: a mistake is made good by ``correct/``."""

    model = TimeEntry
    serializer_class = TimeEntrySerializer
    permission = "ticketing.view_timeentry"
    permissions: ClassVar[dict[str, str]] = {"create": "ticketing.add_timeentry"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewTime}
    filterset_class = TimeEntryFilter
    ordering_fields = ("id", "started_at")

    def rows(self) -> QuerySet[TimeEntry]:
        return timesheet.list_entries(self.actor)

    def create(self, request: Request) -> Response:
        given = self.given()
        given["ticket"] = self._ticket(given["ticket"])
        return self.answer(time.add(actor=self.actor, **given), status=201)

    @action(detail=True, methods=["post"], permission="ticketing.add_timeentry", input=CorrectTime)
    def correct(self, request: Request, public_id: str) -> Response:
        """Say what it really was: the difference is written down as an entry of its own."""
        entry = self.get_object()
        time.correct(actor=self.actor, entry=entry, **self.given())
        return self.answer(entry)

    @extend_schema(responses=RunningTimer)
    @action(detail=False, permission="ticketing.add_timeentry", pagination_class=None, filterset_class=None)
    def timer(self, request: Request) -> Response:
        """My timer, if one runs."""
        return self._timer()

    @extend_schema(responses=RunningTimer)
    @timer.mapping.post
    def start_timer(self, request: Request) -> Response:
        """Let my timer run on a ticket; the time of one that runs elsewhere is written down first."""
        given = self._read(StartTimer)
        time.start_timer(actor=self.actor, ticket=self._ticket(given["ticket"]))
        return self._timer()

    @extend_schema(responses={201: TimeEntrySerializer})
    @action(
        detail=False, methods=["post"], url_path="timer/stop", permission="ticketing.add_timeentry", input=StopTimer
    )
    def stop_timer(self, request: Request) -> Response:
        """End my timer and write its time down."""
        return self.answer(time.stop_timer(actor=self.actor, **self.given()), status=201)

    @extend_schema(responses=RunningTimer)
    @action(detail=False, methods=["post"], url_path="timer/discard", permission="ticketing.add_timeentry")
    def discard_timer(self, request: Request) -> Response:
        """End my timer and write nothing down."""
        time.discard_timer(actor=self.actor)
        return self._timer()

    @extend_schema(
        parameters=[
            OpenApiParameter("by", str, enum=timesheet.GROUPS),
            OpenApiParameter("since", dt.datetime, description="By default 30 days ago"),
            OpenApiParameter("until", dt.datetime, description="By default now"),
        ],
        responses=TimeTotalSerializer(many=True),
    )
    @action(detail=False, permission="ticketing.correct_timeentry", pagination_class=None, filterset_class=None)
    def totals(self, request: Request) -> Response:
        """Time by person, pool, category, account or activity; most first."""
        asked = TotalsAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        until = asked.validated_data.get("until") or clock.now()
        since = asked.validated_data.get("since") or until - dt.timedelta(days=30)
        found = timesheet.totals(self.actor, by=asked.validated_data["by"], since=since, until=until)
        return Response(TimeTotalSerializer(found, many=True).data)  # type: ignore[arg-type]

    def _timer(self) -> Response:
        return Response(RunningTimer({"timer": timesheet.find_timer(self.actor)}).data)

    def _read(self, reader: type[Serializer[Any]]) -> dict[str, Any]:
        serializer = reader(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        given: dict[str, Any] = serializer.validated_data
        return given

    def _ticket(self, public_id: str) -> Ticket:
        try:
            return selectors.get_ticket(self.actor, public_id)
        except NotFound:
            raise InvalidInput(fields={"ticket": [_("There is no such ticket.")]}) from None
