"""Servers, services and inventories in the back office, for looking: changes go through the services."""

from __future__ import annotations

from django.contrib import admin

from boss.core.admin import ReadOnlyAdmin
from ipservices.models import (
    AddressAssignment,
    Binding,
    DriverCall,
    HealthSample,
    PhoneNumber,
    PortHold,
    PortRequest,
    Prefix,
    Service,
    SimulatedEffect,
    SimulatedObject,
    SimulatedServer,
)


@admin.register(Binding)
class BindingAdmin(ReadOnlyAdmin):
    list_display = ("name", "family", "driver_key", "position", "enabled", "healthy")
    list_filter = ("family", "driver_key", "enabled")
    exclude = ("sealed_secrets",)


@admin.register(Service)
class ServiceAdmin(ReadOnlyAdmin):
    list_display = ("title", "name", "family", "state", "restriction", "account", "binding")
    list_filter = ("family", "state")
    list_select_related = ("account", "binding")
    exclude = ("sealed_secrets",)


@admin.register(DriverCall)
class DriverCallAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "sentence", "outcome", "attempt", "milliseconds")
    list_filter = ("outcome", "operation")
    ordering = ("-id",)


@admin.register(Prefix)
class PrefixAdmin(ReadOnlyAdmin):
    list_display = ("network", "vrf", "unit_length", "kind", "purpose", "size")


@admin.register(AddressAssignment)
class AddressAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("address", "length", "vrf", "prefix", "service", "assigned_at")
    list_select_related = ("prefix", "service")


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ReadOnlyAdmin):
    list_display = ("number", "state", "available_from", "area", "service")
    list_filter = ("state",)
    list_select_related = ("service",)


@admin.register(PortRequest)
class PortRequestAdmin(ReadOnlyAdmin):
    list_display = ("number", "losing_carrier", "state", "tries", "firm_on", "asked_at")
    list_filter = ("state",)


@admin.register(PortHold)
class PortHoldAdmin(ReadOnlyAdmin):
    list_display = ("access_node", "port", "state", "held_at", "released_at")
    list_filter = ("state",)


@admin.register(HealthSample)
class HealthSampleAdmin(ReadOnlyAdmin):
    list_display = ("at", "binding", "control", "service", "milliseconds")
    list_select_related = ("binding",)
    ordering = ("-id",)


@admin.register(SimulatedServer)
class SimulatedServerAdmin(ReadOnlyAdmin):
    list_display = ("name", "faults")
    exclude = ("secret",)


@admin.register(SimulatedObject)
class SimulatedObjectAdmin(ReadOnlyAdmin):
    list_display = ("full_kind", "name", "server", "restriction", "sessions", "changes")
    list_select_related = ("server",)


@admin.register(SimulatedEffect)
class SimulatedEffectAdmin(ReadOnlyAdmin):
    list_display = ("at", "server", "operation", "full_kind", "name", "changed", "key")
    list_select_related = ("server",)
    ordering = ("-id",)
