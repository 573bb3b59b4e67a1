"""The desk on the API: each verb is one service call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, cast

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, CharFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.parsers import JSONParser, MultiPartParser
from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from boss.core.scoping import ScopedQuerySet
from boss.tenancy.models import Site, User
from boss.tenancy.selectors import get_site, get_user
from ticketing import attachments, links, lists, saved_views, selectors, why
from ticketing.api import by_fields, serializers
from ticketing.api.answers import AnswersOfTickets
from ticketing.api.automation import RulesOfTickets
from ticketing.api.desk import PresenceActions
from ticketing.api.links import LinksOfTickets
from ticketing.api.told import ToldOfTickets
from ticketing.choices import OPEN_STATES
from ticketing.models import Category, Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import categories, drafts, tickets, versions

MANAGE = "ticketing.manage_categories"


class TicketFilter(FilterSet):
    category = CharFilter("category__key")
    pool = CharFilter("pool__key")
    assignee = CharFilter("assignee__public_id")
    requester = CharFilter("requester__public_id")
    number = CharFilter(method="by_number", label="The human number, in any case")
    open = BooleanFilter(method="only_open", label="Only tickets somebody still works on, or only the others")

    status = CharFilter("status", label="The category's own status")
    due = ChoiceFilter(
        method="only_due", choices=(("late", "late"), ("soon", "soon")), label="Open and late, or due within the hour"
    )

    view = CharFilter(method="of_view", label="The public id of a saved view: only what it lists, in any order")

    STAFF_ONLY = ("pool", "assignee", "status")

    class Meta:
        model = Ticket
        fields = ("state", "priority")

    def filter_queryset(self, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """What a customer is not shown he cannot find out by filtering either."""
        if not self.request.actor.holds(VIEW_INTERNAL):
            asked = [name for name in self.STAFF_ONLY if self.form.cleaned_data.get(name)]
            if asked:
                raise InvalidInput(fields={name: [_("Only staff can ask for this.")] for name in asked})
        filtered: QuerySet[Ticket] = super().filter_queryset(queryset)
        return by_fields.narrowed(self.request, cast(ScopedQuerySet, filtered))

    def by_number(self, queryset: QuerySet[Ticket], name: str, value: str) -> QuerySet[Ticket]:
        return queryset.filter(number=value.strip().upper())

    def of_view(self, queryset: QuerySet[Ticket], name: str, value: str) -> QuerySet[Ticket]:
        """What went away since the view was kept is left out of account, as on its page (``views/{id}/gone/``)."""
        actor = self.request.actor
        try:
            wanted = saved_views.wanted_of(saved_views.get_view(actor, value))
        except NotFound:
            raise InvalidInput(fields={"view": [_("There is no such view.")]}) from None
        return lists.Reader(actor).find(replace(wanted, sort=""), cast(ScopedQuerySet, queryset)).rows

    def only_due(self, queryset: QuerySet[Ticket], name: str, value: str) -> QuerySet[Ticket]:
        return selectors.only_due(queryset, value)  # type: ignore[arg-type]

    def only_open(self, queryset: QuerySet[Ticket], name: str, value: bool) -> QuerySet[Ticket]:
        return queryset.filter(state__in=OPEN_STATES) if value else queryset.exclude(state__in=OPEN_STATES)


class TicketViewSet(
    RulesOfTickets, LinksOfTickets, ToldOfTickets, AnswersOfTickets, PresenceActions, ReadOnlyViewSet
):  # fmt: skip
    """Work for people."""

    model = Ticket
    serializer_class = serializers.TicketSerializer
    permission = "ticketing.view_ticket"
    permissions: ClassVar[dict[str, str]] = {
        **LinksOfTickets.permissions,
        **AnswersOfTickets.permissions,
        "create": "ticketing.add_ticket",
        "say": "ticketing.add_message",
    }
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        **LinksOfTickets.inputs,
        **AnswersOfTickets.inputs,
        "create": serializers.NewTicket,
        "say": serializers.NewMessage,
    }
    parser_classes = (JSONParser, MultiPartParser)
    filterset_class = TicketFilter
    ordering_fields = ("id", "opened_at", "priority")

    def rows(self) -> QuerySet[Ticket]:
        return selectors.list_tickets(self.actor)

    @extend_schema(responses={200: serializers.TicketSerializer, 307: serializers.TicketSerializer})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One ticket. One that was merged is answered with 307 and leads to the ticket that goes on in its place."""
        ticket = self.get_object()
        shown = self.get_serializer(ticket).data
        goes_on = links.find_survivor(self.actor, ticket)
        if goes_on is None:
            return Response(shown)
        place = request.path.replace(f"/{ticket.public_id}/", f"/{goes_on.public_id}/")
        return Response(shown, status=307, headers={"Location": place})

    def create(self, request: Request) -> Response:
        given = self.given()
        if "requester" in given:
            given["requester"] = self._person(given["requester"], "requester")
        if "site" in given:
            given["site"] = self._site(given["site"])
        return self.answer(tickets.open(actor=self.actor, **given), status=201)

    @extend_schema(responses=serializers.TicketSerializer(many=True))
    @action(detail=False, permission="ticketing.claim_ticket", pagination_class=None, filterset_class=None)
    def inbox(self, request: Request) -> Response:
        """What I should do: mine, and the unclaimed of my pools, due first. The first 100."""
        rows = selectors.list_inbox(self.actor)[:100]
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(request=None, responses={200: serializers.TicketSerializer, 204: None})
    @action(detail=False, methods=["post"], permission="ticketing.claim_ticket")
    def next(self, request: Request) -> Response:
        """Take the next ticket of my pools that nobody has, due first; 204 when none waits."""
        ticket = tickets.take_next(actor=self.actor)
        return self.answer(ticket) if ticket is not None else Response(status=204)

    @action(detail=True, methods=["post"], permission="ticketing.claim_ticket", input=serializers.Versioned)
    def claim(self, request: Request, public_id: str) -> Response:
        """Take it."""
        return self.answer(tickets.claim(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.claim_ticket", input=serializers.Versioned)
    def release(self, request: Request, public_id: str) -> Response:
        """Put it back into its pool."""
        return self.answer(tickets.release(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.assign_ticket", input=serializers.Assign)
    def assign(self, request: Request, public_id: str) -> Response:
        """Give it to somebody of the staff."""
        ticket, given = self.get_object(), self.given()
        given["user"] = self._person(given["user"], "user")
        return self.answer(tickets.assign(actor=self.actor, ticket=ticket, **given))

    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=serializers.Wait)
    def wait(self, request: Request, public_id: str) -> Response:
        """Put it aside until somebody else has moved."""
        return self.answer(tickets.wait(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=serializers.Fill)
    def fill(self, request: Request, public_id: str) -> Response:
        """Set the category's fields, those for staff only as well; what is not named stays."""
        return self.answer(tickets.fill(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=serializers.MoveTicket)
    def move(self, request: Request, public_id: str) -> Response:
        """Give it another status of its category, with values of its fields besides."""
        return self.answer(tickets.move(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=serializers.RecategoriseTicket)
    def recategorise(self, request: Request, public_id: str) -> Response:
        """Move it into another category; what that has no field for is kept apart, for staff."""
        ticket, given = self.get_object(), self.given()
        category = selectors.find_category(given.pop("category_key"))
        if category is None:
            raise InvalidInput(fields={"category": [_("There is no such category.")]})
        return self.answer(tickets.recategorise(actor=self.actor, ticket=ticket, category=category, **given))

    @action(detail=True, methods=["post"], permission="ticketing.add_message")
    def share(self, request: Request, public_id: str) -> Response:
        """Show my ticket to the people of the organization that owns the place."""
        return self.answer(tickets.share(actor=self.actor, ticket=self.get_object()))

    @action(detail=True, methods=["post"], permission="ticketing.view_ticket")
    def stop_sharing(self, request: Request, public_id: str) -> Response:
        """Show it to them no longer."""
        return self.answer(tickets.stop_sharing(actor=self.actor, ticket=self.get_object()))

    @extend_schema(responses=serializers.OutcomeSerializer(many=True))
    @action(detail=True, permission="ticketing.resolve_ticket", pagination_class=None, filterset_class=None)
    def outcomes(self, request: Request, public_id: str) -> Response:
        """The ways it may end now; an empty list when resolving it is free."""
        offered = list(selectors.outcomes_of(self.get_object()))
        return Response(serializers.OutcomeSerializer(offered, many=True).data)  # type: ignore[arg-type]

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=serializers.Resolve)
    def resolve(self, request: Request, public_id: str) -> Response:
        """Resolve it, by one of its outcomes where it has any; its subject takes note in the same transaction."""
        return self.answer(tickets.resolve(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=serializers.Because)
    def reopen(self, request: Request, public_id: str) -> Response:
        """Take it up again."""
        return self.answer(tickets.reopen(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=serializers.Versioned)
    def close(self, request: Request, public_id: str) -> Response:
        """Make its resolution final."""
        return self.answer(tickets.close(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.resolve_ticket", input=serializers.CancelTicket)
    def cancel(self, request: Request, public_id: str) -> Response:
        """End it because its work is not wanted."""
        given = self.given()
        reason = given.pop("reason", "")
        return self.answer(tickets.cancel(actor=self.actor, ticket=self.get_object(), reason=reason, **given))

    @extend_schema(responses=serializers.TicketMessageSerializer(many=True))
    @action(detail=True, permission="ticketing.view_message", pagination_class=None, filterset_class=None)
    def messages(self, request: Request, public_id: str) -> Response:
        """The thread in order; internal notes only for those who may read them."""
        readable = attachments.list_attachments(self.actor).order_by("id")
        found = selectors.list_messages(self.actor, self.get_object()).prefetch_related(
            Prefetch("attachments", readable)
        )
        return Response(
            serializers.TicketMessageSerializer(found, many=True, context=self.get_serializer_context()).data
        )

    @extend_schema(responses={201: serializers.TicketMessageSerializer})
    @messages.mapping.post
    def say(self, request: Request, public_id: str) -> Response:
        """Say something: to the customer, or among staff."""
        message = tickets.add_message(actor=self.actor, ticket=self.get_object(), **self.given())
        return Response(
            serializers.TicketMessageSerializer(message, context=self.get_serializer_context()).data, status=201
        )

    @extend_schema(responses=serializers.TicketEventSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def events(self, request: Request, public_id: str) -> Response:
        """What happened to it, in order."""
        found = selectors.list_events(self.actor, self.get_object())
        return Response(serializers.TicketEventSerializer(found, many=True).data)

    @extend_schema(responses=serializers.PromiseSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def promises(self, request: Request, public_id: str) -> Response:
        """What is promised of it, and why each is due then."""
        told = why.explain(self.actor, self.get_object())
        return Response(serializers.PromiseSerializer(told, many=True).data)  # type: ignore[arg-type]

    @action(detail=True, methods=["post"], permission="ticketing.change_ticket", input=serializers.Prioritize)
    def prioritize(self, request: Request, public_id: str) -> Response:
        """Give it another priority; its promises get the terms of that priority."""
        return self.answer(tickets.prioritize(actor=self.actor, ticket=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission="ticketing.assign_ticket", input=serializers.SendToPool)
    def send_to_pool(self, request: Request, public_id: str) -> Response:
        """Put it into another pool."""
        ticket, given = self.get_object(), self.given()
        pool = selectors.find_pool(given.pop("pool"))
        if pool is None:
            raise InvalidInput(fields={"pool": [_("There is no such talent pool.")]})
        return self.answer(tickets.send_to_pool(actor=self.actor, ticket=ticket, pool=pool, **given))

    def _site(self, public_id: str) -> Site:
        try:
            return get_site(self.actor, public_id)
        except NotFound:
            raise InvalidInput(fields={"site": [_("There is no such site.")]}) from None

    def _person(self, public_id: str, field: str) -> User:
        try:
            return get_user(self.actor, public_id)
        except NotFound:
            raise InvalidInput(fields={field: [_("There is no such person.")]}) from None


class CategoryViewSet(ReadOnlyViewSet):
    """Kinds of tickets. The list has those that are offered; with ``is_archived`` those that are, or are not."""

    model = Category
    serializer_class = serializers.CategorySerializer
    permission = "ticketing.view_category"
    permissions: ClassVar[dict[str, str]] = {"save_draft": MANAGE, "discard_draft": MANAGE}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"save_draft": serializers.SaveCategoryDraft}
    lookup_field = "key"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    filterset_fields = ("kind", "portal_visible", "is_archived")

    def rows(self) -> QuerySet[Category]:
        offered = self.action == "list" and "is_archived" not in self.request.query_params
        return selectors.list_categories(self.actor) if offered else selectors.list_all_categories(self.actor)

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return serializers.CategoryDetailSerializer if self.action == "retrieve" else serializers.CategorySerializer

    @extend_schema(responses=serializers.CategoryDraftSerializer)
    @action(detail=True, permission=MANAGE, filterset_fields=None)
    def draft(self, request: Request, key: str) -> Response:
        """The working copy of its fields and statuses; as they are published, with revision 0, where there is none."""
        return Response(self._draft(self.get_object()))

    @extend_schema(responses=serializers.CategoryDraftSerializer)
    @draft.mapping.put
    def save_draft(self, request: Request, key: str) -> Response:
        """Keep fields, statuses or both. ``revision`` (0: none yet) refuses (409) what somebody else has changed."""
        category, given = self.get_object(), self.given()
        drafts.save(actor=self.actor, category=category, **given)
        return Response(self._draft(category))

    @extend_schema(responses={204: None})
    @draft.mapping.delete
    def discard_draft(self, request: Request, key: str) -> Response:
        """Throw the draft away."""
        drafts.discard(actor=self.actor, category=self.get_object())
        return Response(status=204)

    @extend_schema(responses=serializers.CategoryEffectSerializer(many=True))
    @action(detail=True, permission=MANAGE, pagination_class=None, filterset_fields=None)
    def dry_run(self, request: Request, key: str) -> Response:
        """What publishing the draft would mean for the newest tickets the caller sees."""
        found = drafts.dry_run(actor=self.actor, category=self.get_object())
        return Response(serializers.CategoryEffectSerializer(found, many=True).data)  # type: ignore[arg-type]

    @extend_schema(responses=serializers.CategoryVersionSerializer)
    @action(detail=True, methods=["post"], permission=MANAGE, input=serializers.PublishCategory)
    def publish(self, request: Request, key: str) -> Response:
        """Publish the draft as the next version."""
        made = drafts.publish(actor=self.actor, category=self.get_object(), **self.given())
        return Response(serializers.CategoryVersionSerializer(made).data, status=201)

    @extend_schema(responses=serializers.CategoryVersionSerializer(many=True))
    @action(detail=True, permission=MANAGE, pagination_class=None, filterset_fields=None)
    def versions(self, request: Request, key: str) -> Response:
        """Every version, newest first."""
        found = selectors.list_schemas(self.get_object())
        return Response(serializers.CategoryVersionSerializer(found, many=True).data)

    @extend_schema(responses={201: serializers.CategoryVersionSerializer})
    @action(detail=True, methods=["post"], permission=MANAGE, input=serializers.RevertCategory)
    def revert(self, request: Request, key: str) -> Response:
        """Publish what an earlier version said once more."""
        made = categories.revert(actor=self.actor, category=self.get_object(), **self.given())
        return Response(serializers.CategoryVersionSerializer(made).data, status=201)

    @action(detail=True, methods=["post"], permission=MANAGE)
    def archive(self, request: Request, key: str) -> Response:
        """Offer it no longer. Its tickets stay as they are."""
        return self.answer(categories.archive(actor=self.actor, category=self.get_object()))

    @action(detail=True, methods=["post"], permission=MANAGE)
    def restore(self, request: Request, key: str) -> Response:
        """Offer it again."""
        return self.answer(categories.restore(actor=self.actor, category=self.get_object()))

    def _draft(self, category: Category) -> dict[str, Any]:
        held = selectors.find_draft(category) or selectors.find_schema(category)
        shown = {
            "revision": getattr(held, "revision", 0),
            "fields": held.characteristics if held else [],
            "statuses": held.statuses if held else [],
            "checklist": held.checklist if held else [],
        }
        faults = versions.judged(shown["fields"], shown["statuses"], category)[2]
        return {**shown, "faults": faults}
