from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import NotFound, Problem


class MessageNotFound(NotFound):
    code = "notify.message_not_found"
    title = _("There is no such message.")


class InvitedJustNow(Problem):
    code = "notify.invited_just_now"
    status = 409
    title = _("An invitation was sent within the last minute. Please wait a moment.")
