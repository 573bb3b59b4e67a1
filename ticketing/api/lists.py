"""Saved views, and actions on many tickets, on the API: each verb is one service call."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput
from ticketing import bulks, lists, saved_views, selectors
from ticketing.choices import BulkResult, BulkVerb, SharedWith
from ticketing.models import SavedView, TalentPool, TicketBulk, TicketBulkItem
from ticketing.services import bulk, views
from ticketing.services.bulk import Chosen

_FILTERS = "Filters by name (state, status, category, pool, owner, priority, due, site, requester, text, opened_from, \
opened_until, sort, field.<key>), each a text"


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    owner = serializers.CharField(source="owner.public_id", read_only=True)
    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)
    filters = serializers.DictField(child=serializers.CharField(), read_only=True, help_text=_FILTERS)
    columns = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = SavedView
        fields = ("public_id", "name", "owner", "shared_with", "pool", "filters", "columns", "is_board", "created_at")
        read_only_fields = fields


class ChangeView(serializers.Serializer[Any]):
    """What is not named stays."""

    name = serializers.CharField(max_length=60, required=False)
    filters = serializers.DictField(child=serializers.CharField(max_length=200), required=False, help_text=_FILTERS)
    columns = serializers.ListField(child=serializers.CharField(max_length=80), required=False)
    shared_with = serializers.ChoiceField(choices=SharedWith.choices, required=False)
    pool = serializers.CharField(max_length=40, required=False, help_text="Its key, where shared with one pool")
    is_board = serializers.BooleanField(required=False)


class KeepView(ChangeView):
    name = serializers.CharField(max_length=60)
    filters = serializers.DictField(child=serializers.CharField(max_length=200), help_text=_FILTERS)


class ArrangeViews(serializers.Serializer[Any]):
    views = serializers.ListField(child=serializers.CharField(max_length=12), help_text="Public ids in one's own order")
    default = serializers.CharField(
        max_length=12, required=False, allow_blank=True, help_text="The view one's list begins with; empty: none"
    )


class ViewCountSerializer(serializers.Serializer[Any]):
    view = serializers.CharField(help_text="Public id")
    count = serializers.IntegerField(help_text=f"Tickets the caller would see, counted no further than the limit of "
                                               f"{lists.MOST_COUNTED}")  # fmt: skip


class ViewGoneSerializer(serializers.Serializer[Any]):
    gone = serializers.ListField(child=serializers.CharField(), help_text="What it asks for and is not there any more")


class SavedViewViewSet(ReadOnlyViewSet):
    """Lists of tickets under a name: the caller's own and those shared with him. ``tickets/?view=`` opens one."""

    model = SavedView
    serializer_class = SavedViewSerializer
    permission = views.VIEW
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": KeepView, "partial_update": ChangeView}

    def rows(self) -> QuerySet[SavedView]:
        return saved_views.list_views(self.actor)

    def create(self, request: Request) -> Response:
        """Keep a list under a name."""
        return self.answer(views.create(actor=self.actor, **self._asked()), status=201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Rename, change or share it."""
        return self.answer(views.change(actor=self.actor, view=self.get_object(), **self._asked()))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Throw it away, for everybody who has it."""
        views.delete(actor=self.actor, view=self.get_object())
        return Response(status=204)

    @extend_schema(responses=ViewCountSerializer(many=True))
    @action(detail=False, pagination_class=None, filterset_class=None)
    def counts(self, request: Request) -> Response:
        """How many tickets each of the caller's views has, in his order."""
        kept, _first = saved_views.arranged(self.actor)
        counted = saved_views.counts(self.actor, kept)
        rows = [{"view": public_id, "count": count} for public_id, count in counted.items()]
        return Response(ViewCountSerializer(rows, many=True).data)

    @extend_schema(responses={204: None})
    @action(detail=False, methods=["post"], input=ArrangeViews)
    def arrange(self, request: Request) -> Response:
        """Put one's views in order, and say which of them one's list begins with. Nobody else's order changes."""
        views.arrange(actor=self.actor, **self.given())
        return Response(status=204)

    @extend_schema(responses=ViewGoneSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def gone(self, request: Request, public_id: str) -> Response:
        """What it asks for and is not there any more: its list leaves that out of account."""
        found = lists.Reader(self.actor).find(saved_views.wanted_of(self.get_object()))
        said = [*found.gone, *(text for texts in found.errors.values() for text in texts)]
        return Response(ViewGoneSerializer({"gone": said}).data)

    def _asked(self) -> dict[str, Any]:
        given = self.given()
        if "pool" in given:
            given["pool"] = _pool(given["pool"])
        return given


def _pool(key: str) -> TalentPool:
    pool = selectors.find_pool(key)
    if pool is None:
        raise InvalidInput(fields={"pool": [_("There is no such talent pool.")]})
    return pool


class ChosenTicket(serializers.Serializer[Any]):
    ticket = serializers.CharField(max_length=12, help_text="Public id")
    version = serializers.IntegerField(
        min_value=0, required=False, help_text="Refuse this one when it has changed since"
    )


class BeginTicketBulk(serializers.Serializer[Any]):
    """One thing done to many tickets; what the action wants to know stands beside it."""

    action = serializers.ChoiceField(choices=BulkVerb.choices, source="verb")
    tickets = ChosenTicket(many=True, allow_empty=False, help_text="At most 500")
    user = serializers.CharField(max_length=12, required=False, help_text="For assign: a public id")
    pool = serializers.CharField(max_length=40, required=False, help_text="For pool: its key")
    priority = serializers.CharField(max_length=1, required=False, help_text="For priority: 1 to 4")
    status = serializers.CharField(
        max_length=60, required=False, help_text='For status: a key, or "state:" and a state'
    )
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="For status")
    note = serializers.CharField(
        max_length=20_000, required=False, allow_blank=True, help_text="For note; for resolve, if any"
    )


class TicketBulkSerializer(serializers.ModelSerializer[TicketBulk]):
    action = serializers.CharField(source="verb", read_only=True)

    class Meta:
        model = TicketBulk
        fields = ("public_id", "action", "total", "asked_by", "asked_at", "ended_at")
        read_only_fields = fields


class TicketBulkItemSerializer(serializers.ModelSerializer[TicketBulkItem]):
    ticket = serializers.CharField(source="ticket.public_id", read_only=True)
    # The word and the choices that actions on many runs have on the API.
    outcome = serializers.ChoiceField(choices=BulkResult.choices, source="result", read_only=True)

    class Meta:
        model = TicketBulkItem
        fields = ("ticket", "outcome", "text")
        read_only_fields = fields


class TicketBulkProgressSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    settled = serializers.IntegerField()
    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()


class TicketBulkViewSet(ReadOnlyViewSet):
    """One thing done to many tickets: up to 50 at once, more by the workers; each with its own result. One's own."""

    model = TicketBulk
    serializer_class = TicketBulkSerializer
    permission = "ticketing.view_ticketbulk"
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": BeginTicketBulk}

    def rows(self) -> QuerySet[TicketBulk]:
        return bulks.list_all(self.actor)

    def create(self, request: Request) -> Response:
        """Do it. `progress` tells how far it is, `items` what each ticket said."""
        given = self.given()
        chosen = [Chosen(each["ticket"], each.get("version")) for each in given.pop("tickets")]
        verb = given.pop("verb")
        key = request.headers.get("Idempotency-Key", "")[:64]
        return self.answer(bulk.begin(actor=self.actor, verb=verb, chosen=chosen, given=given, key=key), status=201)

    @extend_schema(responses=TicketBulkProgressSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def progress(self, request: Request, public_id: str) -> Response:
        """How many of its tickets have which result."""
        return Response(TicketBulkProgressSerializer(bulks.progress(self.get_object())).data)

    @extend_schema(responses=TicketBulkItemSerializer(many=True))
    @action(detail=True, pagination_class=None, filterset_class=None)
    def items(self, request: Request, public_id: str) -> Response:
        """What became of each ticket, in the order they were named."""
        found = bulks.list_items(self.get_object())
        return Response(TicketBulkItemSerializer(found, many=True).data)
