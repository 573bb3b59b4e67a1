"""Answers that can be taken back for some seconds, on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ticketing.api.serializers import NewMessage
from ticketing.models import WaitingAnswer
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import answers


class WaitingAnswerSerializer(serializers.ModelSerializer[WaitingAnswer]):
    """An answer that was sent and has not gone: at ``due_at`` it is said, unless ``user`` takes it back before."""

    user = serializers.CharField(source="user.public_id", read_only=True)

    class Meta:
        model = WaitingAnswer
        fields = ("public_id", "user", "body", "sent_at", "due_at")
        read_only_fields = fields


class SendAnswer(NewMessage):
    """An answer to the customer."""

    kind = None  # type: ignore[assignment]  # always public


class TakeBackAnswer(serializers.Serializer[Any]):
    answer = serializers.CharField(max_length=12, help_text="Its public id")


class TakenBackSerializer(serializers.Serializer[Any]):
    """Its text is among the caller's texts that were not sent (``text-drafts``); ``files`` must be sent again."""

    files = serializers.ListField(child=serializers.CharField())


class AnswersOfTickets:
    """Mixed into the tickets' resource."""

    permissions: ClassVar[dict[str, str]] = {"send_answer": VIEW_INTERNAL}
    inputs: ClassVar[dict[str, Any]] = {"send_answer": SendAnswer}

    @extend_schema(responses=WaitingAnswerSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def waiting_answers(self, request: Request, public_id: str) -> Response:
        """Answers that were sent and have not gone yet."""
        found = answers.list_waiting(self.get_object())  # type: ignore[attr-defined]
        return Response(WaitingAnswerSerializer(found, many=True).data)

    @extend_schema(responses={201: WaitingAnswerSerializer})
    @waiting_answers.mapping.post
    def send_answer(self, request: Request, public_id: str) -> Response:
        """Answer the customer, with some seconds in which it can be taken back."""
        given = self.given()  # type: ignore[attr-defined]
        sent = answers.send(actor=self.actor, ticket=self.get_object(), **given)  # type: ignore[attr-defined]
        return Response(WaitingAnswerSerializer(sent).data, status=201)

    @extend_schema(responses=TakenBackSerializer)
    @action(detail=True, methods=["post"], permission=VIEW_INTERNAL, input=TakeBackAnswer)
    def take_back(self, request: Request, public_id: str) -> Response:
        """Take back an answer of mine that has not gone."""
        _kept, names = answers.take_back(
            actor=self.actor,  # type: ignore[attr-defined]
            ticket=self.get_object(),  # type: ignore[attr-defined]
            public_id=self.given()["answer"],  # type: ignore[attr-defined]
        )
        return Response(TakenBackSerializer({"files": names}).data)
