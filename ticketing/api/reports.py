"""Reports about tickets on the API: run one, list the tickets behind a number, take files (CSV, PDF); and kept ones."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import exports
from boss.core.api.views import BossViewSet, ReadOnlyViewSet
from boss.core.problems import InvalidInput
from boss.tenancy.models import User
from ticketing import saved_reports
from ticketing.api.serializers import PersonSerializer, TicketSerializer
from ticketing.choices import Cadence, Priority
from ticketing.models import SavedReport
from ticketing.reports.asking import CHANNELS, Wanted, today_of
from ticketing.reports.contracts import Cell, Report, Row, Table
from ticketing.reports.running import VIEW, Ran, list_reports, run, tickets_behind
from ticketing.services import reports


class TicketReportSerializer(serializers.Serializer[Report]):
    """``basis`` says which hours the report counts; without ``has_period`` it tells of now; with ``by_field`` it counts
    by the values of ``group``, a field of the ``category``."""

    key = serializers.CharField()
    title = serializers.CharField()
    question = serializers.CharField()
    basis = serializers.CharField()
    has_period = serializers.BooleanField()
    by_field = serializers.BooleanField()


class ReportColumnSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.ChoiceField(choices=["count", "seconds", "percent", "money", "text"])


class ReportCellSerializer(serializers.Serializer[Cell]):
    """``cell`` names the tickets of the number, for ``tickets/``; with ``before`` ask for the period before."""

    value = serializers.JSONField(help_text="A number, a text, or null for none")
    cell = serializers.CharField(allow_blank=True)
    counts = serializers.BooleanField(help_text="The value is the number of exactly those tickets")
    before = serializers.BooleanField()


class ReportRowSerializer(serializers.Serializer[Row]):
    label = serializers.CharField()  # type: ignore[assignment]
    cells = serializers.DictField(child=ReportCellSerializer())


class ReportTableSerializer(serializers.Serializer[Table]):
    key = serializers.CharField()
    finding = serializers.CharField()
    heading = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    columns = ReportColumnSerializer(many=True)
    rows = ReportRowSerializer(many=True)


class RanTicketReportSerializer(serializers.Serializer[Ran]):
    """A report's answer. Days are those of ``time_zone``; ``before_since`` and ``before_until`` those compared with."""

    report = TicketReportSerializer()
    since = serializers.DateField(source="question.first")
    until = serializers.DateField(source="question.last")
    before_since = serializers.SerializerMethodField()
    before_until = serializers.SerializerMethodField()
    time_zone = serializers.CharField(source="question.zone.key")
    tables = ReportTableSerializer(many=True)

    def get_before_since(self, ran: Ran) -> str:
        return ran.question.before().first.isoformat()

    def get_before_until(self, ran: Ran) -> str:
        return ran.question.before().last.isoformat()


FILTERS = [
    OpenApiParameter("days", int, description="The last days, today among them; 30 if nothing is said"),
    OpenApiParameter("since", OpenApiTypes.DATE, description="Instead of days: the first day"),
    OpenApiParameter("until", OpenApiTypes.DATE, description="The last day, included"),
    OpenApiParameter(
        "category", str,
        description="A category's key; those below it count. With `field.<key>=<value>` for its own fields that reports"
        " may use, and that one may read, only its tickets that hold these values",
    ),
    OpenApiParameter("group", str, description="Of reports `by_field`: the key of the category's field to count by"),
    OpenApiParameter("pool", str, description="A pool's key"),
    OpenApiParameter("channel", str, enum=list(CHANNELS)),
    OpenApiParameter("organization", str, description="Its public id; tickets at its sites count"),
    OpenApiParameter("site", str, description="Its public id"),
    OpenApiParameter("priority", int, enum=Priority.values),
]  # fmt: skip


class ReportViewSet(BossViewSet):
    """Reports, run when asked for, of the tickets that one may see."""

    model = SavedReport
    serializer_class = TicketReportSerializer
    permission = VIEW
    lookup_field = "key"
    lookup_value_regex = "[a-z_]{1,40}"
    pagination_class = None
    filter_backends = ()  # type: ignore[assignment]

    @extend_schema(responses=TicketReportSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(TicketReportSerializer(list_reports(self.actor), many=True).data)  # type: ignore[arg-type]

    @extend_schema(parameters=FILTERS, responses=RanTicketReportSerializer)
    def retrieve(self, request: Request, key: str) -> Response:
        return Response(RanTicketReportSerializer(run(self.actor, key, self._wanted(request))).data)

    @extend_schema(
        parameters=[*FILTERS, OpenApiParameter("cell", str, required=True)], responses=TicketSerializer(many=True)
    )
    @action(detail=True, permission=VIEW)
    def tickets(self, request: Request, key: str) -> Response:
        """The tickets behind a number, newest first; the first 500."""
        rows = tickets_behind(self.actor, key, self._wanted(request), request.query_params.get("cell", ""))
        return Response(TicketSerializer(rows[:MOST], many=True, context=self.get_serializer_context()).data)

    @extend_schema(
        parameters=[*FILTERS, OpenApiParameter("table", str, required=True)],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=True, permission=VIEW)
    def file(self, request: Request, key: str) -> HttpResponse:
        """One table as CSV; lengths of time in seconds. On record."""
        table = request.query_params.get("table", "")
        text = reports.export(actor=self.actor, report=key, wanted=self._wanted(request), table=table)
        return exports.as_download(f"{key}-{table}.csv", "text/csv; charset=utf-8", text.encode())

    @extend_schema(parameters=FILTERS, responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, permission=VIEW)
    def pdf(self, request: Request, key: str) -> HttpResponse:
        """All of a report on pages with the provider's brand: findings, pictures and tables. On record."""
        content = reports.export_pdf(actor=self.actor, report=key, wanted=self._wanted(request))
        return exports.as_download(f"{key}-{today_of(self.actor)}.pdf", reports.PDF, content)

    def _wanted(self, request: Request) -> Wanted:
        return Wanted.of(request.query_params, today=today_of(self.actor))


MOST = 500


class SavedReportSerializer(serializers.ModelSerializer[SavedReport]):
    """A report with its filters under a name; with a ``cadence`` it is mailed, next at ``next_at``."""

    owner = PersonSerializer(read_only=True)
    filters = serializers.DictField(child=serializers.CharField(), read_only=True)
    recipients = serializers.SerializerMethodField()

    class Meta:
        model = SavedReport
        fields = (
            "public_id", "name", "report", "filters", "owner", "is_shared", "cadence", "weekday", "monthday", "at",
            "next_at", "sent_at", "recipients",
        )  # fmt: skip
        read_only_fields = fields

    def get_recipients(self, saved: SavedReport) -> list[str]:
        return [each.public_id for each in saved_reports.recipients_of(saved)]


class ReportToKeep(serializers.Serializer[Any]):
    """All of it, also when one's own is changed. ``recipients``: public ids of staff; none means oneself."""

    name = serializers.CharField(max_length=80)
    report = serializers.CharField(max_length=40)
    filters = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False, default=dict)
    is_shared = serializers.BooleanField(default=False)
    cadence = serializers.ChoiceField(choices=Cadence.choices, allow_blank=True, default="")
    weekday = serializers.IntegerField(min_value=1, max_value=7, default=1)
    monthday = serializers.IntegerField(min_value=1, max_value=28, default=1)
    at = serializers.TimeField(required=False, allow_null=True, default=None)
    recipients = serializers.ListField(child=serializers.CharField(max_length=12), required=False, default=list)


class SavedReportViewSet(ReadOnlyViewSet):
    """Reports that were kept: one's own, and those that are shared."""

    model = SavedReport
    serializer_class = SavedReportSerializer
    permission = VIEW
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": ReportToKeep, "update": ReportToKeep}

    def rows(self) -> QuerySet[SavedReport]:
        return saved_reports.list_saved(self.actor)

    @extend_schema(responses={201: SavedReportSerializer})
    def create(self, request: Request) -> Response:
        return self.answer(reports.save(actor=self.actor, **self._typed()), status=201)

    def update(self, request: Request, public_id: str) -> Response:
        """Change one's own, whole."""
        saved = self.get_object()
        return self.answer(reports.save(actor=self.actor, saved=saved, **self._typed()))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Keep one's own no longer."""
        reports.delete(actor=self.actor, saved=self.get_object())
        return Response(status=204)

    def _typed(self) -> dict[str, Any]:
        typed = self.given()
        wanted = typed["recipients"]
        found = list(User.objects.visible_to(self.actor).filter(public_id__in=wanted))
        if len(found) < len(set(wanted)):
            raise InvalidInput(fields={"recipients": [_("There is no such person.")]})
        return typed | {"recipients": found}
