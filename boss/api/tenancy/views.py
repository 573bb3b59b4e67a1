from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.api.tenancy import serializers
from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import ApiKey, Organization, Site
from boss.tenancy.services import api_keys, sites


class SiteFilter(FilterSet):
    address = CharFilter(method="begins", label="The address begins so, spelled as people spell it")
    organization = CharFilter("organization__public_id")

    class Meta:
        model = Site
        fields = ("technology", "access_node", "serviceable")

    def begins(self, queryset: QuerySet[Site], name: str, value: str) -> QuerySet[Site]:
        start = selectors.normalise_address(value)
        return queryset.filter(address_norm__gte=start, address_norm__lt=start + "\U0010ffff")


class SiteViewSet(ReadOnlyViewSet):
    """Service locations."""

    model = Site
    serializer_class = serializers.SiteSerializer
    permission = "tenancy.view_site"
    permissions: ClassVar[dict[str, str]] = {"create": "tenancy.add_site"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewSite}
    filterset_class = SiteFilter
    ordering_fields = ("address_norm", "created_at")

    def rows(self) -> QuerySet[Site]:
        if self.actor.kind == "visitor":  # sign-up looks single addresses up; the whole plant is nobody's business
            raise NotAuthenticated
        return selectors.list_sites(self.actor)

    def create(self, request: Request) -> Response:
        return self.answer(sites.create(actor=self.actor, **self.given()), status=201)


class OrganizationViewSet(ReadOnlyViewSet):
    """Corporate accounts, property owners, partners."""

    model = Organization
    serializer_class = serializers.OrganizationSerializer
    permission = "tenancy.view_organization"
    permissions: ClassVar[dict[str, str]] = {"create": "tenancy.add_organization"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewOrganization}
    filterset_fields = ("kind",)
    ordering_fields = ("name", "created_at")

    def create(self, request: Request) -> Response:
        return self.answer(sites.create_organization(actor=self.actor, **self.given()), status=201)


class ApiKeyViewSet(ReadOnlyViewSet):
    """Keys for programs. The secret is in the answer to the request that made it, and nowhere else."""

    model = ApiKey
    serializer_class = serializers.ApiKeySerializer
    permission = "tenancy.view_apikey"
    permissions: ClassVar[dict[str, str]] = {"create": "tenancy.add_apikey"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewApiKey}
    unremembered = ("key",)  # a replay must not need the secret kept in clear

    def rows(self) -> QuerySet[ApiKey]:
        rows: QuerySet[ApiKey] = ApiKey.objects.select_related("role")
        return rows

    @extend_schema(responses={201: serializers.MadeApiKey})
    @signing_in.recent_on_api
    def create(self, request: Request) -> Response:
        given = self.given()
        key, plain = api_keys.create(actor=self.actor, role_key=given.pop("role"), **given)
        response = self.answer(key, status=201)
        response.data["key"] = plain
        return response

    @extend_schema(responses={201: serializers.MadeApiKey})
    @action(detail=True, methods=["post"], permission="tenancy.add_apikey", input=serializers.Rotation)
    @signing_in.recent_on_api
    def rotate(self, request: Request, public_id: str) -> Response:
        """Make the key's successor; the old one goes on for the overlap."""
        key, plain = api_keys.rotate(actor=self.actor, key=self.get_object(), **self.given())
        response = self.answer(key, status=201)
        response["Location"] = f"/api/v1/tenancy/api-keys/{key.public_id}/"
        response.data["key"] = plain
        return response

    @action(detail=True, methods=["post"], permission="tenancy.revoke_apikey")
    def revoke(self, request: Request, public_id: str) -> Response:
        """End a key at once."""
        return self.answer(api_keys.revoke(actor=self.actor, key=self.get_object()))
