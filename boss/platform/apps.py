"""The roof as a Django app: loads the Celery application, so that `delay()` finds the broker everywhere."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PlatformConfig(AppConfig):
    """The embedded platform and its commands."""

    name = "boss.platform"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        """Load the Celery application: `shared_task` binds to it."""
        import boss.celery  # noqa: F401 - settings are only complete now


class BackOfficeConfig(AdminConfig):
    """The Django admin as our :class:`~boss.platform.back_office.BackOffice`."""

    default_site = "boss.platform.back_office.BackOffice"

    def ready(self) -> None:
        """Find every room's pages; Django's own groups mean nothing here, rights come from roles."""
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import Group

        admin.site.unregister(Group)
