from __future__ import annotations

from django.apps import AppConfig


class IpServicesConfig(AppConfig):
    name = "ipservices"
    label = "ipservices"
    default_auto_field = "django.db.models.BigAutoField"
