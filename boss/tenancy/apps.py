from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenancyConfig(AppConfig):
    name = "boss.tenancy"
    label = "tenancy"
    verbose_name = _("Providers and people")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.core import sealed
        from boss.tenancy import checks  # noqa: F401 - registers the wall check
        from boss.tenancy.models import SignInProvider, Totp
        from boss.tenancy.services import factors, single_sign_on

        sealed.register(Totp, "secret_sealed", factors.place)
        sealed.register(SignInProvider, "client_secret_sealed", single_sign_on.place)
