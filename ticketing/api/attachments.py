"""Files of tickets on the API: what they are, their bytes, and how many and how large are taken."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import scoping
from boss.core.api.serializers import RowSerializer
from boss.core.api.views import BossViewSet
from boss.core.handing_over import handed_over
from ticketing import attachments, file_limits
from ticketing.file_limits import MOST
from ticketing.models import Attachment
from ticketing.services import attaching


class AttachmentSerializer(RowSerializer):
    """A file of a message, or of a field. ``media_type`` is told by its bytes; ``scan`` says whether it is handed out:
    a file that is ``pending`` or ``blocked`` is not."""

    for_customers = ("public_id", "name", "size", "media_type", "scan", "at")

    class Meta:
        model = Attachment
        fields = ("public_id", "name", "size", "media_type", "sha256", "scan", "field", "by_mail", "at", "added_by")
        read_only_fields = fields


class AttachmentViewSet(mixins.RetrieveModelMixin, BossViewSet):
    """Files on tickets. Which there are stands in the messages of a ticket, and in its fields."""

    model = Attachment
    serializer_class = AttachmentSerializer
    permission = "ticketing.view_attachment"

    def get_object(self) -> Attachment:
        return attachments.get(self.actor, self.kwargs["public_id"])

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def content(self, request: Request, public_id: str) -> HttpResponse:
        """Its bytes. Refused (409) while it is being checked, and for what the virus scanner refuses."""
        with scoping.as_customer(self.actor):
            found = attachments.fetch(self.actor, public_id)
        return handed_over(found.attachment.name, found.attachment.media_type, found.content)


class FileLimitsSerializer(serializers.Serializer[Any]):
    """Of one message: how many files, MiB of one, of all together, and of those that go along with a mail."""

    count = serializers.IntegerField(min_value=1, max_value=MOST.count)
    file_mib = serializers.IntegerField(min_value=1, max_value=MOST.file_mib)
    total_mib = serializers.IntegerField(min_value=1, max_value=MOST.total_mib)
    mail_mib = serializers.IntegerField(min_value=0, max_value=MOST.mail_mib)


class FileLimitsViewSet(BossViewSet):
    """How many files, and how large, tickets take."""

    model = Attachment
    serializer_class = FileLimitsSerializer
    permission = attaching.MANAGE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": FileLimitsSerializer}
    pagination_class = None

    @extend_schema(responses=forced_singular_serializer(FileLimitsSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """What holds now."""
        return Response(asdict(file_limits.of_realm(self.actor.realm_id)))

    @extend_schema(responses={200: FileLimitsSerializer})
    def create(self, request: Request) -> Response:
        """Set all four."""
        return Response(asdict(attaching.set_limits(actor=self.actor, **self.given())))
