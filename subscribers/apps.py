from __future__ import annotations

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    label = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"
