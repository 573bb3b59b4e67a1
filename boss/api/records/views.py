"""The audit trail on the API: entries, the state of their chain, files of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters import CharFilter, DateFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.api.records import serializers
from boss.core import audit_trail, exports, reads
from boss.core.api.filters import FilterSet
from boss.core.api.views import BossViewSet, ReadOnlyViewSet
from boss.core.models import AuditEntry, AuditExport


class AuditEntryFilter(FilterSet):
    """The same filters as on the page, see ``audit_trail.Wanted``."""

    person = CharFilter(method="narrowed", label="Part of the name of who did it")
    action = CharFilter(method="narrowed", label="The action begins so: account finds account.opened")
    subject = CharFilter(method="narrowed", label="Part of the name of what it was done to")
    kind = CharFilter(method="narrowed", label="Kind of what it was done to, for instance subscribers.account")
    address = CharFilter(method="narrowed", label="From this address or network")
    since = DateFilter(method="narrowed", label="From this day on (UTC)")
    until = DateFilter(method="narrowed", label="Up to and including this day (UTC)")

    class Meta:
        model = AuditEntry
        fields: ClassVar[tuple[str, ...]] = ()

    def narrowed(self, queryset: QuerySet[AuditEntry], name: str, value: Any) -> QuerySet[AuditEntry]:
        wanted = audit_trail.Wanted.of({name: value})
        # An address that is none finds nothing, where it would narrow nothing on a page.
        return audit_trail.narrow(queryset, wanted) if wanted.named() else queryset.none()


class AuditEntryViewSet(mixins.ListModelMixin, BossViewSet):
    """Who did what to what. Reading it is on record as well."""

    model = AuditEntry
    serializer_class = serializers.AuditEntrySerializer
    permission = audit_trail.VIEW
    filterset_class = AuditEntryFilter

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        reads.note(actor=self.actor, read="audit.read", subject=AuditEntry)
        return super().list(request, *args, **kwargs)

    @extend_schema(responses=serializers.ChainSerializer)
    @action(detail=False, permission=audit_trail.VIEW, filterset_class=None, pagination_class=None)
    def chain(self, request: Request) -> Response:
        """How far the trail is sealed and checked, and where it is broken."""
        return Response(serializers.ChainSerializer(audit_trail.chain(self.actor)).data)


class AuditExportViewSet(ReadOnlyViewSet):
    """Files of the trail. Made by a task: ask, look until ``state`` is ready, fetch ``content``."""

    model = AuditExport
    serializer_class = serializers.AuditExportSerializer
    permission = audit_trail.VIEW
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewAuditExport}

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn outside any realm
            return super().get_queryset()
        return exports.list_exports(self.actor)

    @extend_schema(responses={202: serializers.AuditExportSerializer})
    def create(self, request: Request) -> Response:
        given = self.given()
        form = given.pop("format")
        wanted = audit_trail.Wanted.of(given)
        return self.answer(exports.ask(actor=self.actor, wanted=wanted, format=form), status=202)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, permission=audit_trail.VIEW)
    def content(self, request: Request, public_id: str) -> HttpResponse:
        """The file itself."""
        found, data = exports.content(self.actor, public_id)
        return exports.download(found, data)
