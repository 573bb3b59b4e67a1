"""Comparisons of servers, and what people do about what they found."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import BooleanFilter, CharFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from ipservices import selectors
from ipservices.api import comparing_serializers as serializers
from ipservices.models import Comparison, Finding
from ipservices.services import findings


class ComparisonFilter(FilterSet):
    binding = CharFilter("binding__public_id")

    class Meta:
        model = Comparison
        fields = ("stage",)


class ComparisonViewSet(ReadOnlyViewSet):
    """Each comparison of a server with what is sold and planned, how far it is and what it counted."""

    model = Comparison
    serializer_class = serializers.ComparisonSerializer
    permission = "ipservices.view_comparison"
    filterset_class = ComparisonFilter
    ordering_fields = ("started_at",)

    def rows(self) -> QuerySet[Comparison]:
        return selectors.whole_comparisons()


class FindingFilter(FilterSet):
    binding = CharFilter("binding__public_id")
    service = CharFilter("service__public_id")
    account = CharFilter("service__account__public_id")
    open = BooleanFilter("resolved_at", lookup_expr="isnull")

    class Meta:
        model = Finding
        fields = ("kind", "resolution")


class FindingViewSet(ReadOnlyViewSet):
    """In what a server, the inventory and what is sold do not agree. Nothing is repaired until somebody asks."""

    model = Finding
    serializer_class = serializers.FindingSerializer
    permission = "ipservices.view_finding"
    filterset_class = FindingFilter
    ordering_fields = ("first_seen_at", "last_seen_at")

    def rows(self) -> QuerySet[Finding]:
        return selectors.whole_findings()

    def get_serializer_class(self) -> type[Serializer[Any]]:
        return serializers.FindingSerializer if self.action == "list" else serializers.FindingWithWaysSerializer

    @extend_schema(request=None, responses={202: serializers.FindingWithWaysSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def repair(self, request: Request, public_id: str) -> Response:
        """Bring the server to what BOSS wants, by a run: set up, change, or take away."""
        return self.answer(findings.repair(actor=self.actor, finding=self.get_object()), status=202)

    @extend_schema(request=None, responses={202: serializers.FindingWithWaysSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def adopt(self, request: Request, public_id: str) -> Response:
        """Take over what the server holds, by a run: its values, or an object for the service of that name."""
        return self.answer(findings.adopt(actor=self.actor, finding=self.get_object()), status=202)

    @extend_schema(request=None, responses={202: serializers.FindingWithWaysSerializer})
    @action(detail=True, methods=["post"], permission="ipservices.change_service")
    def put_back(self, request: Request, public_id: str) -> Response:
        """Undo a repair or adoption, by a run: the server and the service are as they were found."""
        return self.answer(findings.put_back(actor=self.actor, finding=self.get_object()), status=202)
