from __future__ import annotations

from rest_framework import serializers

from boss.notify.models import Delivery, Message
from boss.notify.selectors import shown_text


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = ("public_id", "channel", "address", "name", "state", "attempts", "due_at", "sent_at", "error")
        read_only_fields = fields


class SentMessageSerializer(serializers.ModelSerializer[Message]):
    """A message and its deliveries. The text of a sealed one (it holds a link that lets its reader in) is empty."""

    text = serializers.SerializerMethodField()
    deliveries = DeliverySerializer(many=True, read_only=True)

    class Meta:
        model = Message
        fields = (
            "public_id", "template", "language", "subject", "text", "sealed", "sent_by", "created_at", "deliveries",
        )  # fmt: skip
        read_only_fields = fields

    def get_text(self, message: Message) -> str:
        return shown_text(message)
