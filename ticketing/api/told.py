"""Who is told of a ticket and how it ends, on the API."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boss.core.problems import InvalidInput
from ticketing import standing
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import deadlines, obstacles, reach, recipients, watching
from ticketing.services.reach import Reach
from ticketing.services.recipients import Cause, LeftOut, Recipient
from ticketing.standing import Standing, Trouble
from ticketing.telling import Channel, Event


class TicketRecipientSerializer(serializers.Serializer[Recipient]):
    """``at``: when it leaves; in the console it stands at once."""

    name = serializers.CharField()
    address = serializers.CharField()
    audience = serializers.CharField()
    channels = serializers.ListField(child=serializers.ChoiceField(choices=Channel.choices))
    at = serializers.DateTimeField()


class TicketLeftOutSerializer(serializers.Serializer[LeftOut]):
    name = serializers.CharField()
    audience = serializers.CharField()
    because = serializers.CharField()


class TicketReachSerializer(serializers.Serializer[Reach]):
    """Addresses an answer would reach and the last one did not (``added``), or the other way (``gone``); ``outside``:
    those who are neither the requester nor were written to before."""

    added = serializers.ListField(child=serializers.CharField())
    gone = serializers.ListField(child=serializers.CharField())
    outside = serializers.ListField(child=serializers.CharField())


class TicketRecipientsSerializer(serializers.Serializer[Any]):
    """Who would be told if I did this now. ``reach`` is of answers of staff, else empty."""

    event = serializers.CharField()
    told = TicketRecipientSerializer(many=True)
    left_out = TicketLeftOutSerializer(many=True)
    reach = TicketReachSerializer()


class TicketObstacleSerializer(serializers.Serializer[obstacles.Obstacle]):
    key = serializers.CharField()
    text = serializers.CharField()


class TicketComingSerializer(serializers.Serializer[deadlines.Coming]):
    purpose = serializers.CharField()
    due_at = serializers.DateTimeField()
    since = serializers.DateTimeField()


class TicketEndingSerializer(serializers.Serializer[Any]):
    """What stands in the way of the end, and what happens by itself."""

    obstacles = TicketObstacleSerializer(many=True)
    coming = TicketComingSerializer(many=True)


class AddressTroubleSerializer(serializers.Serializer[Trouble]):
    """An address that mail does not reach. All but ``degraded`` stop what machines send there."""

    address = serializers.CharField()
    standing = serializers.ChoiceField(choices=Standing.choices)
    since = serializers.DateTimeField()


class ToldOfTickets:
    """Mixed into the tickets' resource."""

    permissions: ClassVar[dict[str, str]] = {}

    @extend_schema(
        responses=TicketRecipientsSerializer,
        parameters=[OpenApiParameter("event", str, enum=Event.values, description="staff_reply where it is left out")],
    )
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def recipients(self, request: Request, public_id: str) -> Response:
        """Exactly who would be told, how and when, and who would not and why."""
        event = request.query_params.get("event", Event.STAFF_REPLY.value)
        if event not in Event.values:
            raise InvalidInput(fields={"event": [f"One of {', '.join(Event.values)}."]})
        ticket = self.get_object()  # type: ignore[attr-defined]
        plan = recipients.plan(ticket, event, cause=Cause(self.actor.user_id))  # type: ignore[attr-defined]
        compared = reach.of(ticket, plan) if event == Event.STAFF_REPLY else Reach()
        told = {"event": plan.event, "told": plan.told, "left_out": plan.left_out, "reach": compared}
        return Response(TicketRecipientsSerializer(told).data)

    @extend_schema(responses=TicketEndingSerializer)
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def ending(self, request: Request, public_id: str) -> Response:
        """What stands in the way of its end, and when it ends by itself."""
        ticket = self.get_object()  # type: ignore[attr-defined]
        told = {"obstacles": obstacles.of(ticket), "coming": deadlines.coming(ticket)}
        return Response(TicketEndingSerializer(told).data)

    @extend_schema(responses=AddressTroubleSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def mail_troubles(self, request: Request, public_id: str) -> Response:
        """Addresses of its people that mail does not reach."""
        found = standing.of_ticket(self.get_object())  # type: ignore[attr-defined]
        return Response(AddressTroubleSerializer(found, many=True).data)  # type: ignore[arg-type]

    @action(detail=True, methods=["post"], permission=VIEW_INTERNAL)
    def watch(self, request: Request, public_id: str) -> Response:
        """Tell me of what happens on it."""
        ticket = self.get_object()  # type: ignore[attr-defined]
        return self.answer(watching.watch(actor=self.actor, ticket=ticket))  # type: ignore[attr-defined,no-any-return]

    @action(detail=True, methods=["post"], permission=VIEW_INTERNAL)
    def unwatch(self, request: Request, public_id: str) -> Response:
        """Tell me no more."""
        ticket = self.get_object()  # type: ignore[attr-defined]
        return self.answer(watching.unwatch(actor=self.actor, ticket=ticket))  # type: ignore[attr-defined,no-any-return]
