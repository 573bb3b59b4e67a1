"""How much of a mail is taken in, on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.views import BossViewSet
from ticketing import mail_limits
from ticketing.mail_limits import LEAST, MOST, MailLimits
from ticketing.models import Mailbox
from ticketing.services.mail import limiting


def _number(name: str, help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=getattr(LEAST, name), max_value=getattr(MOST, name), help_text=help_text
    )  # fmt: skip


class MailLimitsSerializer(serializers.Serializer[Any]):
    """Of one mail that comes in. A larger one becomes a stub and its sender is told; one of too many parts, too deep
    or with too long a header goes to quarantine. The mail itself is always kept as it came."""

    raw_mib = _number("raw_mib", "MiB of the whole mail")
    attachments = _number("attachments", "Files; no more than messages on pages may have")
    attachment_mib = _number("attachment_mib", "MiB of one file")
    text_kib = _number("text_kib", "KiB of text that are read")
    depth = _number("depth", "Parts inside one another")
    parts = _number("parts", "Parts of all depths together")
    header_kib = _number("header_kib", "KiB of its header")


class MailLimitsViewSet(BossViewSet):
    """How much of a mail is taken in."""

    model = Mailbox
    serializer_class = MailLimitsSerializer
    permission = limiting.MANAGE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": MailLimitsSerializer}
    pagination_class = None

    @extend_schema(responses=forced_singular_serializer(MailLimitsSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """What holds now."""
        return Response(mail_limits.of_realm(self.actor.realm_id).to_json())

    @extend_schema(responses={200: MailLimitsSerializer})
    def create(self, request: Request) -> Response:
        """Set them all. They hold from the next mail on."""
        return Response(limiting.set_limits(actor=self.actor, wanted=MailLimits(**self.given())).to_json())
