"""Moving services between servers: looked at, started, paused, rolled back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput
from ipservices import selectors
from ipservices.luggage import luggage_of
from ipservices.models import Binding, Migration, MigrationItem, Service
from ipservices.services import migrating

_FIELDS = {"source": "from_server", "target": "to_server"}
"""What the two servers are called in a request."""


class ReasonSerializer(serializers.Serializer[Any]):
    state = serializers.CharField()
    reason = serializers.CharField()
    services = serializers.IntegerField()


class LuggageSerializer(serializers.Serializer[Any]):
    comes = serializers.ListField(child=serializers.CharField())
    stays = serializers.ListField(child=serializers.CharField())
    mind = serializers.ListField(child=serializers.CharField())


class MigrationSerializer(serializers.ModelSerializer[Migration]):
    from_server = serializers.CharField(source="source.public_id", read_only=True)
    to_server = serializers.CharField(source="target.public_id", read_only=True)
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Migration
        fields = (
            "public_id", "from_server", "to_server", "state", "kinds", "most", "batch_size", "pause_seconds",
            "renew_secrets", "content_moved", "asked_by", "asked_at", "started_at", "finished_at", "error",
        )  # fmt: skip


class MigrationWithCountsSerializer(MigrationSerializer):
    """One of them, with how many services stand where and why."""

    counts = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()
    luggage = serializers.SerializerMethodField(help_text="What comes along, what stays behind, what to see to")

    class Meta(MigrationSerializer.Meta):
        fields = (*MigrationSerializer.Meta.fields, "counts", "reasons", "luggage")  # type: ignore[assignment]

    @extend_schema_field(LuggageSerializer)
    def get_luggage(self, migration: Migration) -> dict[str, tuple[str, ...]]:
        found = luggage_of(migration)
        return {"comes": found.comes, "stays": found.stays, "mind": found.mind}

    def get_counts(self, migration: Migration) -> dict[str, int]:
        return selectors.count_moves(migration)

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, migration: Migration) -> list[dict[str, Any]]:
        found = selectors.count_reasons(migration)
        return [{"state": state, "reason": reason, "services": count} for state, reason, count in found]


class MoveSerializer(serializers.ModelSerializer[MigrationItem]):
    service = serializers.CharField(source="service.public_id", read_only=True)
    name = serializers.CharField(source="service.name", read_only=True)
    done = serializers.CharField(source="get_step_display", read_only=True)

    class Meta:
        model = MigrationItem
        fields = ("service", "name", "state", "done", "reason", "note", "carries", "tries", "changed_at")


class NewMigration(serializers.Serializer[Any]):
    """Services to be moved. Nothing is moved before it is started."""

    from_server = serializers.CharField(max_length=12, help_text="The server they live at (public id)")
    to_server = serializers.CharField(max_length=12, help_text="The server they are to live at (public id)")
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, default=list, max_length=20,
        help_text="Only these (mail.mailbox); empty: all",
    )  # fmt: skip
    most = serializers.IntegerField(min_value=1, max_value=10_000_000, required=False, allow_null=True, default=None)
    batch_size = serializers.IntegerField(min_value=1, max_value=10_000, required=False, default=100)
    pause_seconds = serializers.IntegerField(min_value=0, max_value=86_400, required=False, default=0)
    renew_secrets = serializers.BooleanField(required=False, default=False)
    content_moved = serializers.BooleanField(required=False, default=False)


class OneService(serializers.Serializer[Any]):
    service = serializers.CharField(
        max_length=12, required=False, default="", allow_blank=True, help_text="Only this one; empty: all"
    )


class MigrationFilter(FilterSet):
    from_server = CharFilter("source__public_id")
    to_server = CharFilter("target__public_id")

    class Meta:
        model = Migration
        fields = ("state",)


class MigrationViewSet(ReadOnlyViewSet):
    """Services moved from one server to another, each by itself: in one place at the end."""

    model = Migration
    serializer_class = MigrationSerializer
    permission = "ipservices.view_migration"
    permissions: ClassVar[dict[str, str]] = {"create": "ipservices.manage_bindings"}
    inputs: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {"create": NewMigration}
    filterset_class = MigrationFilter
    ordering_fields = ("asked_at",)

    def rows(self) -> QuerySet[Migration]:
        return selectors.whole_migrations()

    def get_serializer_class(self) -> type[serializers.Serializer[Any]]:
        return MigrationSerializer if self.action == "list" else MigrationWithCountsSerializer

    def create(self, request: Request) -> Response:
        """Look what it would do. Asking for it again tells how far that is."""
        given = self.given()
        source, target = (self._server(end, given.pop(end)) for end in ("from_server", "to_server"))
        try:
            made = migrating.prepare(actor=self.actor, source=source, target=target, **given)
        except InvalidInput as error:
            fields = {_FIELDS.get(field, field): said for field, said in error.fields.items()}
            raise InvalidInput(error.detail, fields=fields) from None
        return self.answer(made, status=201)

    def _server(self, end: str, public_id: str) -> Binding:
        found: Binding | None = selectors.list_bindings(self.actor).filter(public_id=public_id).first()
        if found is None:
            raise InvalidInput(fields={end: ["There is no such server."]})
        return found

    @extend_schema(responses=MoveSerializer(many=True))
    @action(detail=True, permission="ipservices.view_migration", filterset_class=None, ordering_fields=("id",))
    def moves(self, request: Request, public_id: str) -> Response:
        """Each service with where it stands."""
        rows = selectors.list_moves(self.get_object()).order_by("id")
        shown = self.paginate_queryset(rows)
        return self.get_paginated_response(MoveSerializer(shown, many=True).data)

    @extend_schema(request=None, responses={202: MigrationWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings")
    def start(self, request: Request, public_id: str) -> Response:
        """Start it, or go on after a pause."""
        return self.answer(migrating.start(actor=self.actor, migration=self.get_object()), status=202)

    @extend_schema(request=None, responses={202: MigrationWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings")
    def pause(self, request: Request, public_id: str) -> Response:
        """Stop after the service that is being moved now."""
        return self.answer(migrating.pause(actor=self.actor, migration=self.get_object()), status=202)

    @extend_schema(request=None, responses={202: MigrationWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings")
    def drop(self, request: Request, public_id: str) -> Response:
        """End it; what was moved stays where it is."""
        return self.answer(migrating.drop(actor=self.actor, migration=self.get_object()), status=202)

    @extend_schema(request=OneService, responses={202: MigrationWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings", input=OneService)
    def retry(self, request: Request, public_id: str) -> Response:
        """Try failed moves again."""
        found = self.get_object()
        migrating.retry(actor=self.actor, migration=found, service=self._service(found))
        return self.answer(found, status=202)

    @extend_schema(request=OneService, responses={202: MigrationWithCountsSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.manage_bindings", input=OneService)
    def roll_back(self, request: Request, public_id: str) -> Response:
        """Bring back what was moved, exactly as it was at the old server."""
        found = self.get_object()
        migrating.roll_back(actor=self.actor, migration=found, service=self._service(found))
        return self.answer(found, status=202)

    def _service(self, migration: Migration) -> Service | None:
        public_id = self.given()["service"]
        if not public_id:
            return None
        item = selectors.list_moves(migration).filter(service__public_id=public_id).first()
        if item is None:
            raise InvalidInput(fields={"service": ["It is not part of this migration."]})
        found: Service = item.service
        return found
