from __future__ import annotations

from typing import Any

from rest_framework import serializers

from boss.core.api.serializers import RowSerializer
from boss.tenancy.models import ApiKey, Organization, Role, RoleGrant, Site, User


class OrganizationSerializer(RowSerializer):
    for_customers = ("public_id", "name", "kind", "created_at")

    class Meta:
        model = Organization
        fields = ("public_id", "name", "kind", "created_at")


class SiteSerializer(RowSerializer):
    # Which node of the network a house hangs on is the provider's own.
    for_customers = (
        "public_id", "label", "street", "unit", "city", "region", "postal_code", "country", "latitude", "longitude",
        "technology", "serviceable", "organization", "created_at",
    )  # fmt: skip

    organization = serializers.CharField(source="organization.public_id", default=None, read_only=True, allow_null=True)
    # DRF's own `label` of a field is set per instance and not touched by a declared field of that name.
    label = serializers.CharField(read_only=True, help_text="The address on one line")  # type: ignore[assignment]

    class Meta:
        model = Site
        fields = (
            "public_id", "label", "street", "unit", "city", "region", "postal_code", "country", "latitude", "longitude",
            "technology", "access_node", "serviceable", "organization", "created_at",
        )  # fmt: skip


class NewSite(serializers.Serializer[Any]):
    """A service location to be added."""

    street = serializers.CharField(max_length=160)
    unit = serializers.CharField(max_length=40, required=False, allow_blank=True)
    city = serializers.CharField(max_length=80)
    region = serializers.CharField(max_length=40, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=16, required=False, allow_blank=True)
    technology = serializers.CharField(max_length=20, required=False, allow_blank=True)
    access_node = serializers.CharField(max_length=60, required=False, allow_blank=True)


class NewOrganization(serializers.Serializer[Any]):
    """An organization to be added."""

    name = serializers.CharField(max_length=160)
    kind = serializers.CharField(max_length=40, default="corporate")


class UserSerializer(RowSerializer):
    for_customers = (
        "public_id", "full_name", "email", "phone", "kind", "language", "is_active", "site", "organization",
        "created_at",
    )  # fmt: skip

    site = serializers.CharField(source="site.public_id", default=None, read_only=True, allow_null=True)
    organization = serializers.CharField(source="organization.public_id", default=None, read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = (
            "public_id", "full_name", "email", "phone", "kind", "language", "is_active", "site", "organization",
            "created_at",
        )  # fmt: skip


class NewUser(serializers.Serializer[Any]):
    """A person to be added. Without a password he sets his own by invitation."""

    email = serializers.EmailField(max_length=254)
    full_name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=User.Kind.choices)
    organization = serializers.CharField(
        max_length=12, required=False, help_text="Public id of the organization a contact speaks for"
    )
    phone = serializers.CharField(max_length=24, required=False, allow_blank=True)
    language = serializers.CharField(max_length=10, default="en")
    role = serializers.CharField(
        max_length=40, required=False, help_text="A role: of staff on the realm, of a contact on the organization"
    )


class Invitation(serializers.Serializer[Any]):
    """Somebody to be made, given a role and written to."""

    email = serializers.EmailField(max_length=254)
    full_name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=User.Kind.choices)
    role = serializers.CharField(max_length=40)
    organization = serializers.CharField(max_length=12, required=False, help_text="Public id, of a contact")
    sites = serializers.ListField(
        child=serializers.CharField(max_length=12), required=False, max_length=200,
        help_text="Public ids: the role is given on these only",
    )  # fmt: skip
    phone = serializers.CharField(max_length=24, required=False, allow_blank=True)


class Person(serializers.Serializer[Any]):
    """What may be corrected of a person."""

    full_name = serializers.CharField(max_length=120)
    phone = serializers.CharField(max_length=24, required=False, allow_blank=True)


class NewEmail(serializers.Serializer[Any]):
    """Another address to sign in with."""

    email = serializers.EmailField(max_length=254)


class GrantPlace(serializers.Serializer[Any]):
    """A role and where it holds: the realm unless one of the others is given."""

    role = serializers.CharField(max_length=40, help_text="The role's key")
    organization = serializers.CharField(max_length=12, required=False, help_text="Public id")
    site = serializers.CharField(max_length=12, required=False, help_text="Public id")
    own = serializers.BooleanField(default=False, help_text="On the person's own rows only")


class RoleGrantSerializer(serializers.ModelSerializer[RoleGrant]):
    role = serializers.CharField(source="role.key", read_only=True)
    organization = serializers.CharField(source="organization.public_id", default=None, read_only=True, allow_null=True)
    site = serializers.CharField(source="site.public_id", default=None, read_only=True, allow_null=True)

    class Meta:
        model = RoleGrant
        fields = ("role", "kind", "organization", "site")
        read_only_fields = fields


class RoleSerializer(serializers.ModelSerializer[Role]):
    permissions = serializers.SerializerMethodField(help_text="What the role gives")
    audience = serializers.CharField(source="is_for", read_only=True, help_text="Whom it is meant for")

    class Meta:
        model = Role
        fields = ("key", "name", "description", "built_in", "audience", "permissions", "archived_at")
        read_only_fields = fields

    def get_permissions(self, role: Role) -> list[str]:
        return sorted(role.effective_permissions())


class RoleContent(serializers.Serializer[Any]):
    """What a role of the realm's own is."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    permissions = serializers.ListField(child=serializers.CharField(max_length=100), min_length=1)


class NewRole(RoleContent):
    """A role of the realm's own to be made."""

    audience = serializers.ChoiceField(choices=Role.Audience.choices, default=Role.Audience.STAFF)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    role = serializers.CharField(source="role.key", read_only=True)

    class Meta:
        model = ApiKey
        fields = (
            "public_id", "name", "role", "scopes", "source_networks", "created_at", "expires_at", "revoked_at",
            "last_used_at",
        )  # fmt: skip
        read_only_fields = fields


class NewApiKey(serializers.Serializer[Any]):
    """A key to be made. ``scopes`` narrows the role to the permissions named; null leaves all of them."""

    name = serializers.CharField(max_length=80)
    role = serializers.CharField(max_length=40, default="api_client", help_text="The role's key")
    scopes = serializers.ListField(child=serializers.CharField(max_length=100), allow_null=True, default=None)
    days = serializers.IntegerField(min_value=1, max_value=365, default=365)
    source_networks = serializers.ListField(
        child=serializers.CharField(max_length=49), required=False, max_length=20,
        help_text="CIDRs the key may be used from; none means anywhere",
    )  # fmt: skip


class Rotation(serializers.Serializer[Any]):
    """How long the old key goes on beside its successor."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=168, default=24)


class MadeApiKey(ApiKeySerializer):
    """A new key with its secret."""

    key = serializers.CharField(read_only=True, help_text="Shown this once. Keep it as you would a password")

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "key")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class MeSerializer(serializers.Serializer[Any]):
    """Who the API takes you for."""

    kind = serializers.CharField(help_text="user, api_key or visitor")
    label = serializers.CharField()  # type: ignore[assignment]
    realm = serializers.CharField(help_text="The provider's key")
    permissions = serializers.ListField(child=serializers.CharField(), help_text="Held in some scope")


class OwnSessionSerializer(serializers.Serializer[Any]):
    """A browser the person is signed in with."""

    public_id = serializers.CharField()
    device = serializers.CharField(source="label", help_text="Browser and system, as it says itself")
    address = serializers.CharField()
    since = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    is_this = serializers.BooleanField(help_text="The session of this request")


class OwnPasskeySerializer(serializers.Serializer[Any]):
    """A passkey the person signs in with."""

    public_id = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class OwnFactorsSerializer(serializers.Serializer[Any]):
    """How the person signs in."""

    has_password = serializers.BooleanField()
    has_app = serializers.BooleanField(help_text="An authenticator app")
    passkeys = OwnPasskeySerializer(many=True)
    recovery_codes_left = serializers.IntegerField(source="codes_left")
    second_factor_demanded = serializers.BooleanField(source="demanded", help_text="By a role the person holds")
