"""System checks: registries without faults, scoped models that declare where they stand."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register

from boss.core.registry import Registry
from boss.core.scoping import RealmScoped


@register()
def registries_are_sound(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [Error(fault, id="boss.E001") for registry in Registry.every for fault in registry.faults]


@register()
def scoped_models_inherit_the_manager(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A model with a realm that is not RealmScoped would stand outside the first wall."""
    return [
        Error(f"{model._meta.label} has realm_id but is not RealmScoped", id="boss.E002")
        for model in apps.get_models()
        if any(field.column == "realm_id" for field in model._meta.concrete_fields)
        and not issubclass(model, RealmScoped)
    ]
