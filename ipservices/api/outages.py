"""Outages on the API: opened, told of, joined, ended. Whom each concerns, and what came of asking."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import BooleanFilter
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from ipservices import outages as reads
from ipservices.choices import OutageScopeKind
from ipservices.models import Outage, OutageMember, OutageScope, OutageUpdate
from ipservices.services import outages
from ipservices.services.outages.ending import HOURS, MOST_HOURS
from subscribers import selectors as subscribers
from subscribers.models import Account
from ticketing import selectors as ticketing
from ticketing.models import Ticket


class OutageScopeSerializer(serializers.ModelSerializer[OutageScope]):
    name = serializers.CharField(source="label", read_only=True)
    id = serializers.SerializerMethodField()

    class Meta:
        model = OutageScope
        fields = ("kind", "name", "id")

    @extend_schema_field(serializers.CharField(help_text="Public id of a site, organization or server; else empty"))
    def get_id(self, scope: OutageScope) -> str:
        named = scope.site or scope.organization or scope.binding
        return str(named.public_id) if named else ""


class OutageSerializer(serializers.ModelSerializer[Outage]):
    ticket = serializers.CharField(source="ticket.public_id", read_only=True)
    number = serializers.CharField(source="ticket.number", read_only=True)
    title = serializers.CharField(source="ticket.title", read_only=True)
    scopes = OutageScopeSerializer(many=True, read_only=True)
    is_open = serializers.BooleanField(read_only=True)

    class Meta:
        model = Outage
        fields = (
            "public_id", "ticket", "number", "title", "is_open", "public_text", "eta_at", "scopes", "started_at",
            "ended_at", "is_false_alarm", "answer_until", "settled_at", "opened_by",
        )  # fmt: skip


class OutageCountsSerializer(serializers.Serializer[Any]):
    members = serializers.IntegerField()
    affected_now = serializers.IntegerField(help_text="Accounts with something in scope at this moment")
    reported = serializers.IntegerField()
    tickets = serializers.IntegerField()
    open_tickets = serializers.IntegerField()
    told = serializers.IntegerField(help_text="Notices of all updates together")
    no_address = serializers.IntegerField()
    failed = serializers.IntegerField()
    bounced = serializers.IntegerField()
    asked = serializers.IntegerField()
    yes = serializers.IntegerField()
    no = serializers.IntegerField()
    none = serializers.IntegerField(help_text="No answer in time")
    waiting = serializers.IntegerField()
    taken_out = serializers.IntegerField(help_text="By hand; counted nowhere else among members")


class OutageUpdateSerializer(serializers.ModelSerializer[OutageUpdate]):
    told = serializers.IntegerField(read_only=True, help_text="Members told so far")

    class Meta:
        model = OutageUpdate
        fields = ("seq", "kind", "text", "eta_at", "by_mail", "written_by", "written_at", "told", "finished_at")


class OutageWithCountsSerializer(OutageSerializer):
    """One of them, with its numbers and everything that was said of it, newest first: its expected end, too."""

    counts = serializers.SerializerMethodField()
    updates = serializers.SerializerMethodField()

    class Meta(OutageSerializer.Meta):
        fields = (*OutageSerializer.Meta.fields, "counts", "updates")  # type: ignore[assignment]

    @extend_schema_field(OutageCountsSerializer)
    def get_counts(self, outage: Outage) -> Any:
        return OutageCountsSerializer(reads.count(outage, live=True)).data

    @extend_schema_field(OutageUpdateSerializer(many=True))
    def get_updates(self, outage: Outage) -> Any:
        return OutageUpdateSerializer(reads.list_updates(outage), many=True).data


class OutageMemberSerializer(serializers.ModelSerializer[OutageMember]):
    account = serializers.CharField(source="account.public_id", read_only=True, default=None, allow_null=True)
    number = serializers.CharField(source="account.number", read_only=True, default=None, allow_null=True)
    tickets = serializers.SerializerMethodField()
    is_lost = serializers.BooleanField(read_only=True, help_text="A mail to it came back or failed")

    class Meta:
        model = OutageMember
        fields = (
            "public_id", "account", "number", "came_by", "joined_at", "reported_at", "asked_at", "answer",
            "answered_at", "taken_out_at", "tickets", "is_lost",
        )  # fmt: skip

    def get_tickets(self, member: OutageMember) -> list[str]:
        return [ticket.public_id for ticket in reads.tickets_of(member)]


class OneOutageScope(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=OutageScopeKind.choices)
    name = serializers.CharField(
        max_length=300, help_text="A node, postal code, town or address; the public id of a site, organization, server"
    )


class NewOutage(serializers.Serializer[Any]):
    """Everybody in scope becomes a member, and with ``by_mail`` each is told once."""

    category = serializers.CharField(max_length=40, help_text="Key of a category of the kind incident")
    title = serializers.CharField(max_length=200, help_text="For staff")
    text = serializers.CharField(max_length=1000, help_text="What those concerned read")
    scopes = OneOutageScope(many=True, allow_empty=False)
    eta_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    by_mail = serializers.BooleanField(required=False, default=True)
    trouble_category = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    note = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True)


class OutageNews(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1000)
    eta_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    by_mail = serializers.BooleanField(required=False, default=True)


class OutageEnd(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1000)
    answer_hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS, required=False, default=HOURS)


class OutageFalseAlarm(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1000)
    by_mail = serializers.BooleanField(required=False, default=True)


class OutageJoin(serializers.Serializer[Any]):
    """A ticket or an account, by its public id."""

    ticket = serializers.CharField(max_length=12, required=False, default="", allow_blank=True)
    account = serializers.CharField(max_length=12, required=False, default="", allow_blank=True)


class OutageFilter(FilterSet):
    open = BooleanFilter("ended_at", lookup_expr="isnull")

    class Meta:
        model = Outage
        fields = ()


class OutageViewSet(ReadOnlyViewSet):
    """What many have lost at once: one update reaches all whom it concerns, and at the end all are asked."""

    model = Outage
    serializer_class = OutageSerializer
    permission = "ipservices.view_outage"
    permissions: ClassVar[dict[str, str]] = {"create": "ipservices.manage_outages"}
    inputs: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {"create": NewOutage}
    filterset_class = OutageFilter
    ordering_fields = ("started_at",)

    def rows(self) -> QuerySet[Outage]:
        return reads.whole_outages()

    def get_serializer_class(self) -> type[serializers.Serializer[Any]]:
        return OutageSerializer if self.action == "list" else OutageWithCountsSerializer

    def create(self, request: Request) -> Response:
        """Open an outage."""
        given = self.given()
        scopes = [(each["kind"], each["name"]) for each in given.pop("scopes")]
        made = outages.open(
            actor=self.actor, category_key=given.pop("category"), scopes=scopes,
            trouble_category_key=given.pop("trouble_category"), **given,
        )  # fmt: skip
        return self.answer(made, status=201)

    @extend_schema(responses=OutageMemberSerializer(many=True))
    @action(detail=True, permission="ipservices.view_outage", filterset_class=None, ordering_fields=("id",))
    def members(self, request: Request, public_id: str) -> Response:
        """Whom it concerns, what they were told and what they answered."""
        shown = self.paginate_queryset(reads.list_members(self.get_object()))
        return self.get_paginated_response(OutageMemberSerializer(shown, many=True).data)

    @extend_schema(request=OutageNews, responses={202: OutageWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_outages", input=OutageNews)
    def tell(self, request: Request, public_id: str) -> Response:
        """Say what is new, once, to everybody it concerns."""
        found = self.get_object()
        outages.update(actor=self.actor, outage=found, **self.given())
        return self.answer(reads.get_outage(self.actor, found.public_id), status=202)

    @extend_schema(request=OutageJoin, responses={200: OutageWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.add_to_outage", input=OutageJoin)
    def add(self, request: Request, public_id: str) -> Response:
        """Add a ticket, as a child, or an account."""
        found = self.get_object()
        ticket, account = self._named()
        if ticket is not None:
            outages.add_ticket(actor=self.actor, outage=found, ticket=ticket)
        elif account is not None:
            outages.add_account(actor=self.actor, outage=found, account=account)
        return self.answer(found)

    @extend_schema(request=OutageJoin, responses={200: OutageWithCountsSerializer})
    @action(
        detail=True, methods=["post"], permission="ipservices.add_to_outage", input=OutageJoin, url_path="take-out"
    )  # fmt: skip
    def take_out(self, request: Request, public_id: str) -> Response:
        """Take a ticket out again, or an account with its tickets. It does not come back by lying in what is out."""
        found = self.get_object()
        ticket, account = self._named()
        if ticket is not None:
            outages.take_out_ticket(actor=self.actor, outage=found, ticket=ticket)
        elif account is not None:
            outages.take_out_account(actor=self.actor, outage=found, account=account)
        return self.answer(found)

    @extend_schema(request=OutageEnd, responses={202: OutageWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_outages", input=OutageEnd)
    def restore(self, request: Request, public_id: str) -> Response:
        """Service is back: tickets are resolved and everybody is asked whether it is so."""
        found = self.get_object()
        outages.restore(actor=self.actor, outage=found, **self.given())
        return self.answer(reads.get_outage(self.actor, found.public_id), status=202)

    @extend_schema(request=OutageFalseAlarm, responses={202: OutageWithCountsSerializer})
    @action(
        detail=True, methods=["post"], permission="ipservices.manage_outages", input=OutageFalseAlarm,
        url_path="false-alarm",
    )  # fmt: skip
    def false_alarm(self, request: Request, public_id: str) -> Response:
        """It was none: members are told so once and asked nothing, their tickets stay open."""
        found = self.get_object()
        outages.call_off(actor=self.actor, outage=found, **self.given())
        return self.answer(reads.get_outage(self.actor, found.public_id), status=202)

    def _named(self) -> tuple[Ticket | None, Account | None]:
        """The ticket or the account that was named, of those the caller sees."""
        given = self.given()
        if bool(given["ticket"]) == bool(given["account"]):
            raise InvalidInput(fields={"ticket": ["Name a ticket or an account."]})
        field = "ticket" if given["ticket"] else "account"
        try:
            if field == "ticket":
                return ticketing.get_ticket(self.actor, given["ticket"]), None
            return None, subscribers.get_account(self.actor, given["account"])
        except NotFound:
            raise InvalidInput(fields={field: ["There is no such thing."]}) from None
