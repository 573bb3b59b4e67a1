from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotifyConfig(AppConfig):
    name = "boss.notify"
    label = "notify"
    verbose_name = _("Messages")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models import Q

        from boss.core import events, sealed
        from boss.notify import handlers
        from boss.notify.models import Message
        from boss.notify.services import messages
        from boss.tenancy.events import SignInChanged, SignInPaused

        for field in ("text", "html"):
            sealed.register(Message, field, messages.place_of(field), among=Q(sealed=True))
        events.handle("notify.tell_sign_in_changed", SignInChanged, handlers.tell_changed)
        events.handle("notify.tell_sign_in_paused", SignInPaused, handlers.tell_paused)
