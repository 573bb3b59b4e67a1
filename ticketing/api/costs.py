"""What an hour of work costs, on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import CharFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from boss.tenancy import signing_in
from boss.tenancy.selectors import get_user
from ticketing import costs, selectors
from ticketing.api.serializers import PersonSerializer
from ticketing.models import CostRate
from ticketing.services import costs as service


class CostRateSerializer(serializers.ModelSerializer[CostRate]):
    """From ``valid_from`` on an hour costs ``per_hour``, in the realm's currency: of ``user``, for ``pool`` (its key),
    or of all. Null: none of their own from that day on."""

    user = PersonSerializer(read_only=True, allow_null=True)
    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)

    class Meta:
        model = CostRate
        fields = ("public_id", "user", "pool", "per_hour", "valid_from", "set_at", "set_by")
        read_only_fields = fields


class NewCostRate(serializers.Serializer[Any]):
    """For ``user`` or for ``pool``; with neither for all."""

    per_hour = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, max_value=service.MOST, allow_null=True
    )
    valid_from = serializers.DateField()
    user = serializers.CharField(max_length=12, required=False, allow_null=True, help_text="The person's public id")
    pool = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="The pool's key")


class CostRateFilter(FilterSet):
    user = CharFilter("user__public_id")
    pool = CharFilter("pool__key")

    class Meta:
        model = CostRate
        fields = ("valid_from",)


class CostRateViewSet(ReadOnlyViewSet):
    """What an hour of work costs. Nothing is changed: another rate takes the place of an earlier one."""

    model = CostRate
    serializer_class = CostRateSerializer
    permission = costs.VIEW
    permissions: ClassVar[dict[str, str]] = {"create": service.ADD}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewCostRate}
    filterset_class = CostRateFilter
    ordering_fields = ("id", "valid_from")

    def rows(self) -> QuerySet[CostRate]:
        return costs.list_rates(self.actor)

    @signing_in.recent_on_api
    def create(self, request: Request) -> Response:
        """Set a rate from a day on. Time already written down keeps its own."""
        given = self.given()
        if given.get("user") is not None:
            try:
                given["user"] = get_user(self.actor, given["user"])
            except NotFound:
                raise InvalidInput(fields={"user": [_("There is no such person.")]}) from None
        if given.get("pool") is not None:
            pool = selectors.list_pools(self.actor).filter(key=given["pool"]).first()
            if pool is None:
                raise InvalidInput(fields={"pool": [_("There is no such pool.")]})
            given["pool"] = pool
        return self.answer(service.set_rate(actor=self.actor, **given), status=201)
