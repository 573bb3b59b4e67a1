from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.admin import ReadOnlyAdmin, ScopedAdmin
from boss.core.networks import NetworkRefused, listed
from boss.core.scoping import Scope
from boss.tenancy.models import (
    ActingSession,
    ApiKey,
    Brand,
    Calendar,
    Organization,
    Realm,
    RealmHost,
    Role,
    RoleGrant,
    SignInFailure,
    Site,
    User,
)
from boss.tenancy.services import driver_networks, realms, users


def _operator(request: HttpRequest, realm_id: int) -> Actor:
    """An operator of the platform who acts inside a provider's realm."""
    return Actor.system(realm_id, f"Platform operator {request.user}")


class HostInline(admin.TabularInline):
    model = RealmHost
    extra = 0


class RealmForm(forms.ModelForm):
    """A realm without the bare document of its settings: what in it is an operator's has a field."""

    driver_networks = forms.CharField(
        label=_("Driver networks"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Private networks that this provider's drivers and endpoints may reach, one a line."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["driver_networks"] = "\n".join(self.instance.settings.get(driver_networks.KEY, []))

    def clean_driver_networks(self) -> list[str]:
        found = []
        for text in str(self.cleaned_data["driver_networks"]).split():
            try:
                found.append(listed(text))
            except NetworkRefused as refused:
                self.add_error("driver_networks", str(refused))
        return found


@admin.register(Realm)
class RealmAdmin(admin.ModelAdmin):
    form = RealmForm
    exclude = ("settings",)
    list_display = ("name", "key", "canonical_host", "time_zone", "currency", "is_platform")
    readonly_fields = ("key", "is_platform")
    inlines = (HostInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py` makes realms: with hosts, roles, brand and catalog, not as a bare row

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Realm, form: Any, change: bool) -> None:
        """Through the services, for the entries in the realm's own audit trail."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "driver_networks"}
        with scoping.enter(Scope(obj.pk, "back office", system=True)):
            operator = _operator(request, obj.pk)
            realms.change(actor=operator, **changes)
            driver_networks.allow(actor=operator, networks=form.cleaned_data["driver_networks"])


@admin.register(Brand)
class BrandAdmin(ScopedAdmin):
    list_display = ("name", "colour", "phone", "email")

    def save_model(self, request: HttpRequest, obj: Brand, form: Any, change: bool) -> None:
        """Through the service, for the audit row in the brand's own realm."""
        with scoping.enter(Scope(obj.realm_id, "back office", system=True)):
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            realms.change_brand(actor=_operator(request, obj.realm_id), **changes)


@admin.register(Calendar)
class CalendarAdmin(ScopedAdmin):
    list_display = ("name", "key", "time_zone")
    readonly_fields = ("key",)


@admin.register(Organization)
class OrganizationAdmin(ScopedAdmin):
    list_display = ("name", "kind", "created_at")


@admin.register(Site)
class SiteAdmin(ScopedAdmin):
    list_display = ("label", "technology", "access_node", "serviceable")
    raw_id_fields = ("organization",)


@admin.register(User)
class UserAdmin(ScopedAdmin):
    list_display = ("full_name", "email", "kind", "is_active", "last_login")
    fields = ("full_name", "email", "kind", "phone", "language", "is_active", "last_login")
    readonly_fields = ("email", "kind", "last_login")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Deactivating goes through the service, for what ends with it and for the audit row in the user's realm."""
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data and not obj.is_active:
            with scoping.enter(Scope(obj.realm_id, "back office", system=True)):
                users.deactivate(actor=_operator(request, obj.realm_id), user=obj)


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """A realm's people change its roles, by the services that know what they hold."""

    list_display = ("name", "key", "built_in", "archived_at")


@admin.register(ActingSession)
class ActingSessionAdmin(ReadOnlyAdmin):
    list_display = ("staff", "subscriber", "reason", "started_at", "ends_at", "ended_at")
    list_select_related = ("staff", "subscriber")


@admin.register(RoleGrant)
class RoleGrantAdmin(ReadOnlyAdmin):
    list_display = ("user", "role", "kind", "organization", "site")
    list_select_related = ("user", "role", "organization", "site")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "role", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("role",)


@admin.register(SignInFailure)
class SignInFailureAdmin(ReadOnlyAdmin):
    list_display = ("at", "purpose", "account_norm", "address")
