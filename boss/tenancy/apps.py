from __future__ import annotations

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "boss.tenancy"
    label = "tenancy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.tenancy import checks  # noqa: F401 - registers the wall check
