from __future__ import annotations

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "boss.notify"
    label = "notify"
    default_auto_field = "django.db.models.BigAutoField"
