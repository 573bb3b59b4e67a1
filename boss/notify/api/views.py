"""The outbox on the API: what was sent, to whom, and whether it arrived."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import CharFilter

from boss.core.api.filters import FilterSet
from boss.core.api.views import ReadOnlyViewSet
from boss.notify import selectors
from boss.notify.api import serializers
from boss.notify.models import Message


class MessageFilter(FilterSet):
    address = CharFilter(method="sent_to", label="Sent to this address")
    state = CharFilter(method="in_state", label="With a delivery in this state: queued, sending, sent or failed")

    class Meta:
        model = Message
        fields = ("template",)

    def sent_to(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return queryset.filter(deliveries__address=value.strip()).distinct()

    def in_state(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return queryset.filter(deliveries__state=value).distinct()


class MessageViewSet(ReadOnlyViewSet):
    """Messages sent in the realm."""

    model = Message
    serializer_class = serializers.SentMessageSerializer
    permission = "notify.view_message"
    filterset_class = MessageFilter

    def rows(self) -> QuerySet[Message]:
        return selectors.list_messages(self.actor)
