"""What binds tickets together, on the API: merges, splits, links to tickets and to things."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.views import BossViewSet
from boss.core.problems import InvalidInput, NotFound
from ticketing import links, selectors
from ticketing.api.serializers import TicketSerializer, Versioned
from ticketing.choices import SUBJECT_LINKS, TICKET_LINKS, LinkType, TicketState
from ticketing.links import Doubt, LinkedThing, Related
from ticketing.models import Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import tickets
from ticketing.services.tickets import merging

_TYPES = [(each.value, each.label) for each in dict.fromkeys([*TICKET_LINKS, *SUBJECT_LINKS])]


class LinkedTicketSerializer(serializers.Serializer[Related]):
    """Another ticket. ``backwards``: it is that one which has the link; ``sentence`` says it from here."""

    link = serializers.CharField(source="relation.public_id")
    type = serializers.ChoiceField(choices=LinkType.choices, source="relation.type")
    backwards = serializers.BooleanField()
    sentence = serializers.CharField()
    ticket = serializers.CharField(source="other.public_id")
    number = serializers.CharField(source="other.number")
    title = serializers.CharField(source="other.title")
    state = serializers.ChoiceField(choices=TicketState.choices, source="other.state")


class LinkedThingSerializer(serializers.Serializer[LinkedThing]):
    """A thing of another room as it stands now. ``is_main``: it is what the ticket is about and stays."""

    type = serializers.ChoiceField(choices=[(each.value, each.label) for each in SUBJECT_LINKS], source="link.type")
    kind = serializers.CharField(source="kind.key")
    thing = serializers.CharField(source="card.public_id")
    label = serializers.CharField(source="card.label")  # type: ignore[assignment]  # a member named so
    state = serializers.CharField(source="card.state")
    lines = serializers.ListField(child=serializers.CharField(), source="card.lines")
    is_main = serializers.BooleanField()


class TicketLinksSerializer(serializers.Serializer[Any]):
    tickets = LinkedTicketSerializer(many=True)
    things = LinkedThingSerializer(many=True)


class NewTicketLink(serializers.Serializer[Any]):
    """To another ticket (``ticket``), or to a thing (``kind`` and ``thing``)."""

    type = serializers.ChoiceField(choices=_TYPES)
    ticket = serializers.CharField(max_length=12, required=False, help_text="The public id of the other ticket")
    kind = serializers.CharField(max_length=60, required=False, help_text="As links/ names it: subscribers.account, …")
    thing = serializers.CharField(max_length=12, required=False, help_text="The thing's public id")


class GoneTicketLink(serializers.Serializer[Any]):
    """``link`` between tickets as links/ names it, or ``kind`` and ``thing``."""

    link = serializers.CharField(max_length=12, required=False)
    kind = serializers.CharField(max_length=60, required=False)
    thing = serializers.CharField(max_length=12, required=False)


class MergeDoubtSerializer(serializers.Serializer[Doubt]):
    """What speaks against a merge. ``forbids``: it is refused; else ``confirmed`` is asked for."""

    kind = serializers.CharField()
    text = serializers.CharField()
    forbids = serializers.BooleanField()


class MergeTickets(Versioned):
    tickets = serializers.ListField(
        child=serializers.CharField(max_length=12), min_length=1, max_length=merging.MOST_AT_ONCE,
        help_text="The public ids of the tickets that go into this one",
    )  # fmt: skip
    confirmed = serializers.BooleanField(default=False, help_text="What merge_preview/ says has been read")


class SplitTicket(Versioned):
    category = serializers.CharField(max_length=40, source="category_key", help_text="The category's key")
    title = serializers.CharField(max_length=200)
    messages = serializers.ListField(
        child=serializers.CharField(max_length=12), required=False, max_length=200,
        help_text="The public ids of the messages that are shown there",
    )  # fmt: skip
    body = serializers.CharField(max_length=20_000, required=False, allow_blank=True, help_text="A note for staff")
    data = serializers.DictField(required=False, help_text="Values of the category's fields")  # type: ignore[assignment]


class LinksOfTickets(BossViewSet):
    """The verbs of a ticket's bonds, as part of the tickets' own resource."""

    permissions: ClassVar[dict[str, str]] = {"add_link": "ticketing.change_ticket"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"add_link": NewTicketLink}

    @extend_schema(responses=TicketLinksSerializer)
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def links(self, request: Request, public_id: str) -> Response:
        """The tickets and things it is linked to, as they stand now; only those the asker may see."""
        return Response(self._links(self.get_object()))

    @extend_schema(responses={201: TicketLinksSerializer})
    @links.mapping.post
    def add_link(self, request: Request, public_id: str) -> Response:
        """Link it to another ticket or to a thing. Said twice, it is there once."""
        ticket, given = self.get_object(), self.given()
        if other := given.get("ticket"):
            tickets.link(
                actor=self.actor, ticket=ticket, type=given["type"], other=self._ticket(other, "ticket")
            )  # fmt: skip
        else:
            tickets.link_thing(
                actor=self.actor, ticket=ticket, type=given["type"], kind=given.get("kind", ""),
                public_id=given.get("thing", ""),
            )  # fmt: skip
        return Response(self._links(ticket), status=201)

    @extend_schema(responses=TicketLinksSerializer)
    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=GoneTicketLink)
    def unlink(self, request: Request, public_id: str) -> Response:
        """Take a link away; its main subject stays."""
        ticket, given = self.get_object(), self.given()
        if link := given.get("link"):
            tickets.unlink(actor=self.actor, relation=links.get_relation(self.actor, ticket, link))
        else:
            tickets.unlink_thing(
                actor=self.actor, ticket=ticket, kind=given.get("kind", ""), public_id=given.get("thing", "")
            )  # fmt: skip
        return Response(self._links(ticket))

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=MergeTickets)
    def merge(self, request: Request, public_id: str) -> Response:
        """Merge other tickets into this one; all of them or none."""
        into, given = self.get_object(), self.given()
        chosen = [self._ticket(each, "tickets") for each in given.pop("tickets")]
        return self.answer(tickets.merge(actor=self.actor, tickets=chosen, into=into, **given))

    @extend_schema(
        parameters=[OpenApiParameter("ticket", str, description="The public id of the one to merge into this one")],
        responses=MergeDoubtSerializer(many=True),
    )
    @action(detail=True, permission="ticketing.resolve_ticket", pagination_class=None, filterset_class=None)
    def merge_preview(self, request: Request, public_id: str) -> Response:
        """What speaks against merging another ticket into this one; an empty list when nothing does."""
        into = self.get_object()
        other = self._ticket(request.query_params.get("ticket", ""), "ticket")
        found = merging.examined(other, into) if other.pk != into.pk else []
        return Response(MergeDoubtSerializer(found, many=True).data)  # type: ignore[arg-type]

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket")
    def unmerge(self, request: Request, public_id: str) -> Response:
        """Take it out of the ticket it was merged into, as long as that one is not closed."""
        return self.answer(tickets.unmerge(actor=self.actor, ticket=self.get_object()))

    @extend_schema(responses={201: TicketSerializer})
    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=SplitTicket)
    def split(self, request: Request, public_id: str) -> Response:
        """Open a ticket with messages of this one, or with a note; the answer is the new ticket."""
        return self.answer(tickets.split(actor=self.actor, ticket=self.get_object(), **self.given()), status=201)

    def _links(self, ticket: Ticket) -> Any:
        found = {
            "tickets": links.list_related(self.actor, ticket),
            "things": links.list_things(self.actor, ticket),
        }
        return TicketLinksSerializer(found).data

    def _ticket(self, public_id: str, field: str) -> Ticket:
        try:
            return selectors.get_ticket(self.actor, public_id)
        except NotFound:
            raise InvalidInput(fields={field: [_("There is no such ticket.")]}) from None
