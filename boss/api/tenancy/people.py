"""People, their roles, and the roles themselves on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.api.tenancy import serializers
from boss.core.actors import Actor
from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import NotFound
from boss.notify.services import inviting
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import Organization, Role, User
from boss.tenancy.services import factors, roles, users


class UserFilter(FilterSet):
    email = CharFilter(method="normalised", label="The whole address, in any case")
    site = CharFilter("site__public_id")
    organization = CharFilter("organization__public_id")

    class Meta:
        model = User
        fields = ("kind", "is_active")

    def normalised(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(email_norm=selectors.normalise_email(value))


class UserViewSet(ReadOnlyViewSet):
    """People who can sign in: staff, subscribers, and contacts of organizations."""

    model = User
    serializer_class = serializers.UserSerializer
    permission = "tenancy.view_user"
    permissions: ClassVar[dict[str, str]] = {"create": "tenancy.add_user", "update": "tenancy.change_user"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": serializers.NewUser, "update": serializers.Person}
    filterset_class = UserFilter
    ordering_fields = ("full_name", "created_at")

    def rows(self) -> QuerySet[User]:
        rows: QuerySet[User] = User.objects.select_related("site", "organization")
        return rows

    @signing_in.recent_on_api
    def create(self, request: Request) -> Response:
        """Add somebody without writing to him."""
        given = self.given()
        role = given.pop("role", None)
        organization = _organization(self.actor, given.pop("organization", None))
        user = users.create(actor=self.actor, organization=organization, **given)
        if role:
            roles.grant(actor=self.actor, user=user, role_key=role, organization=organization)
        return self.answer(user, status=201)

    def update(self, request: Request, public_id: str) -> Response:
        return self.answer(users.change(actor=self.actor, user=self.get_object(), **self.given()))

    @action(detail=False, methods=["post"], permission="tenancy.add_user", input=serializers.Invitation)
    @signing_in.recent_on_api
    def invite(self, request: Request) -> Response:
        """Add somebody, give him a role and mail him a link to set his password."""
        given = self.given()
        user = inviting.invite(
            actor=self.actor,
            role_key=given.pop("role"),
            organization=_organization(self.actor, given.pop("organization", None)),
            sites=[selectors.get_site(self.actor, each) for each in given.pop("sites", [])],
            **given,
        )
        response = self.answer(user, status=201)
        response["Location"] = f"/api/v1/tenancy/users/{user.public_id}/"
        return response

    @action(detail=True, methods=["post"], permission="tenancy.change_user", url_path="invite-again")
    def invite_again(self, request: Request, public_id: str) -> Response:
        """Mail the link once more to somebody who has no password yet."""
        return self.answer(inviting.send_again(actor=self.actor, user=self.get_object()))

    @action(detail=True, methods=["post"], permission="tenancy.change_user")
    def deactivate(self, request: Request, public_id: str) -> Response:
        """Let nobody sign in as this person; the API keys he made end."""
        return self.answer(users.deactivate(actor=self.actor, user=self.get_object()))

    @action(detail=True, methods=["post"], permission="tenancy.change_user")
    @signing_in.recent_on_api
    def reactivate(self, request: Request, public_id: str) -> Response:
        return self.answer(users.reactivate(actor=self.actor, user=self.get_object()))

    @action(detail=True, methods=["post"], permission="tenancy.change_user", url_path="reset-factors")
    @signing_in.recent_on_api
    def reset_factors(self, request: Request, public_id: str) -> Response:
        """Take app, passkeys and recovery codes away from somebody who lost them. A mail tells him."""
        user = self.get_object()
        factors.reset(actor=self.actor, user=user)
        return self.answer(user)

    @action(detail=True, methods=["post"], permission="tenancy.change_user", input=serializers.NewEmail)
    @signing_in.recent_on_api
    def email(self, request: Request, public_id: str) -> Response:
        """Let a person sign in with another address. His sessions end."""
        return self.answer(users.change_email(actor=self.actor, user=self.get_object(), **self.given()))

    @extend_schema(responses=serializers.RoleGrantSerializer(many=True))
    @action(detail=True, permission="tenancy.view_user", filterset_class=None, pagination_class=None)
    def grants(self, request: Request, public_id: str) -> Response:
        """The roles of a person, each with where it holds."""
        return self._grants_of(self.get_object())

    @extend_schema(responses=serializers.RoleGrantSerializer(many=True))
    @action(detail=True, methods=["post"], permission="tenancy.grant_role", input=serializers.GrantPlace)
    @signing_in.recent_on_api
    def grant(self, request: Request, public_id: str) -> Response:
        """Give a role."""
        user, given = self.get_object(), self.given()
        place = self._place(given)
        roles.grant(actor=self.actor, user=user, role_key=given["role"], own=given["own"], **place)
        return self._grants_of(user)

    @extend_schema(responses=serializers.RoleGrantSerializer(many=True))
    @action(detail=True, methods=["post"], permission="tenancy.grant_role", input=serializers.GrantPlace)
    @signing_in.recent_on_api
    def revoke(self, request: Request, public_id: str) -> Response:
        """Take a role away from where it was given."""
        user, given = self.get_object(), self.given()
        place = self._place(given)
        kind = (
            "own" if given["own"] else "organization" if place["organization"] else "site" if place["site"] else "realm"
        )
        grant = selectors.find_grant(user, role__key=given["role"], kind=kind, **place)
        if grant is None:
            raise NotFound(role=given["role"])
        roles.revoke(actor=self.actor, grant=grant)
        return self._grants_of(user)

    def _place(self, given: dict[str, Any]) -> dict[str, Any]:
        site = given.get("site")
        return {
            "organization": _organization(self.actor, given.get("organization")),
            "site": selectors.get_site(self.actor, site) if site else None,
        }

    def _grants_of(self, user: User) -> Response:
        return Response(serializers.RoleGrantSerializer(selectors.last_grants(user), many=True).data)


class RoleFilter(FilterSet):
    class Meta:
        model = Role
        fields = ("built_in",)


class RoleViewSet(ReadOnlyViewSet):
    """Roles: built-in ones, and the realm's own."""

    model = Role
    serializer_class = serializers.RoleSerializer
    permission = "tenancy.view_role"
    permissions: ClassVar[dict[str, str]] = {"create": "tenancy.manage_roles", "update": "tenancy.manage_roles"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": serializers.NewRole,
        "update": serializers.RoleContent,
    }
    filterset_class = RoleFilter
    ordering_fields = ("name",)
    lookup_field = "key"
    lookup_value_regex = "[-a-zA-Z0-9_]+"

    @signing_in.recent_on_api
    def create(self, request: Request) -> Response:
        role = roles.create(actor=self.actor, **self.given())
        response = self.answer(role, status=201)
        response["Location"] = f"/api/v1/tenancy/roles/{role.key}/"
        return response

    @signing_in.recent_on_api
    def update(self, request: Request, key: str) -> Response:
        """Change a role of the realm's own; the sessions of its holders end when its rights change."""
        return self.answer(roles.edit(actor=self.actor, role=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="tenancy.manage_roles")
    @signing_in.recent_on_api
    def archive(self, request: Request, key: str) -> Response:
        """Take a role of the realm's own out of use, once nobody has it."""
        return self.answer(roles.archive(actor=self.actor, role=self.get_object()))


def _organization(actor: Actor, public_id: str | None) -> Organization | None:
    if not public_id:
        return None
    found = selectors.find_organization(actor, public_id)
    if found is None:
        raise NotFound(organization=public_id)
    return found
