from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import NotFound


class MessageNotFound(NotFound):
    code = "notify.message_not_found"
    title = _("There is no such message.")
