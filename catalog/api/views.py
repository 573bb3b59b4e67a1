"""The catalog on the API: what can be sold, and what is on sale."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import CharFilter
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput
from catalog import selectors
from catalog.api import serializers
from catalog.models import Feature, PlanVersion
from catalog.services import redrafting


class FeatureViewSet(ReadOnlyViewSet):
    """Sellable capabilities with their characteristics."""

    model = Feature
    serializer_class = serializers.FeatureSerializer
    permission = "catalog.view_feature"
    filterset_fields = ("key", "family", "fulfilment")
    ordering_fields = ("key",)

    def rows(self) -> QuerySet[Feature]:
        return selectors.whole_features()


class PlanFilter(FilterSet):
    key = CharFilter("plan__key")
    category = CharFilter("plan__category")
    technology = CharFilter(method="sold_over", label="Plans sold over this technology")

    class Meta:
        model = PlanVersion
        fields = ("currency",)

    def sold_over(self, queryset: QuerySet[PlanVersion], name: str, value: str) -> QuerySet[PlanVersion]:
        return selectors.sold_over(queryset, value)


class PlanViewSet(ReadOnlyViewSet):
    """The plans on sale today, also for visitors."""

    model = PlanVersion
    serializer_class = serializers.PlanVersionSerializer
    permission = "catalog.view_plans_on_sale"
    filterset_class = PlanFilter
    ordering_fields = ("plan__position", "plan__title")

    def get_queryset(self) -> QuerySet[PlanVersion]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        # Not narrowed to rows: what is on sale is the same for everybody who may see it at all.
        return selectors.on_sale_to(self.actor)


class PlanVersionViewSet(ReadOnlyViewSet):
    """Every version of every plan: drafts, on sale, retired. For staff."""

    model = PlanVersion
    serializer_class = serializers.AnyPlanVersionSerializer
    permission = "catalog.view_planversion"
    filterset_class = PlanFilter
    ordering_fields = ("published_at",)

    def rows(self) -> QuerySet[PlanVersion]:
        return selectors.whole_versions()

    @action(detail=True, methods=["post"], permission="catalog.publish_plan", input=serializers.UseWorkflows)
    def workflows(self, request: Request, public_id: str) -> Response:
        """Sell the plan with other workflows from now on. The answer is the new version; what was sold keeps its."""
        version, given = self.get_object(), self.given()
        try:
            version = redrafting.use_workflows(actor=self.actor, version=version, **given)
        except InvalidInput as error:
            fields = {f"workflows.{name}": texts for name, texts in error.fields.items()}
            raise InvalidInput(error.detail, fields=fields) from None
        return self.answer(version)
