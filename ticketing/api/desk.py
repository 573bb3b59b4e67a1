"""What makes answering quick, on the API: texts to insert, macros, texts not sent yet, presence, checklists."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import CharFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.filters import FilterSet
from boss.core.api.views import BossViewSet, ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from ticketing import desk, presence, selectors
from ticketing.models import ChecklistItem, Macro, MacroVersion, Snippet, TalentPool, TextDraft, Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import checklists, drafts_of_text, macros, snippets
from ticketing.services.macros import StepTold

_CHANGE = "ticketing.change_ticket"


class OfTicket(serializers.Serializer[Any]):
    ticket = serializers.CharField(max_length=12, help_text="The ticket's public id")


class SnippetSerializer(serializers.ModelSerializer[Snippet]):
    """A text to insert: everybody's, a pool's, or (``is_own``) the caller's alone."""

    texts = serializers.DictField(child=serializers.CharField(), read_only=True, help_text="By language")
    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)
    is_own = serializers.SerializerMethodField()

    class Meta:
        model = Snippet
        fields = ("public_id", "name", "texts", "pool", "is_own", "revision", "changed_by", "changed_at")
        read_only_fields = fields

    def get_is_own(self, snippet: Snippet) -> bool:
        return snippet.owner_id is not None


class ChangeSnippet(serializers.Serializer[Any]):
    """``texts`` by language; placeholders in braces: {customer_name}, {ticket_number}, {my_name}, {provider_name},
    {provider_phone}. ``revision``: refuse (409) to replace any other."""

    name = serializers.CharField(max_length=80)
    texts = serializers.DictField(child=serializers.CharField(max_length=snippets.LONGEST, allow_blank=True))
    revision = serializers.IntegerField(min_value=1, required=False)


class NewSnippet(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    texts = serializers.DictField(child=serializers.CharField(max_length=snippets.LONGEST, allow_blank=True))
    pool = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="Its key")
    is_own = serializers.BooleanField(default=False)


class InsertionSerializer(serializers.Serializer[snippets.Insertion]):
    """The text as it would be inserted; ``missing``: what nothing is known for."""

    text = serializers.CharField()
    language = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())


class SnippetViewSet(ReadOnlyViewSet):
    """Texts to insert into answers and notes."""

    model = Snippet
    serializer_class = SnippetSerializer
    permission = VIEW_INTERNAL
    permissions: ClassVar[dict[str, str]] = {"create": "ticketing.add_internal_message"}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewSnippet}

    def rows(self) -> QuerySet[Snippet]:
        return desk.list_snippets(self.actor)

    def get_queryset(self) -> QuerySet[Snippet]:
        return QuerySet(Snippet).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        given = self.given()
        return self.answer(snippets.create(actor=self.actor, **given | {"pool": _pool(given)}), status=201)

    @action(detail=True, methods=["post"], permission="ticketing.add_internal_message", input=ChangeSnippet)
    def change(self, request: Request, public_id: str) -> Response:
        """Set its name and texts."""
        return self.answer(snippets.change(actor=self.actor, snippet=self.get_object(), **self.given()))

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], permission="ticketing.add_internal_message")
    def archive(self, request: Request, public_id: str) -> Response:
        """Offer it no more."""
        snippets.archive(actor=self.actor, snippet=self.get_object())
        return Response(status=204)

    @extend_schema(responses=InsertionSerializer, parameters=[OpenApiParameter("ticket", str, required=True)])
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def insertion(self, request: Request, public_id: str) -> Response:
        """The text with a ticket's values, in the customer's language."""
        snippet = self.get_object()
        ticket = ticket_of(self, request.query_params.get("ticket", ""))
        told = snippets.insertion(actor=self.actor, snippet=snippet, ticket=ticket)
        return Response(InsertionSerializer(told).data)


class MacroStep(serializers.Serializer[Any]):
    """``do``: status, pool, assignee, priority, category, reply, note, checklist, workflow, signal. ``value``: which
    one; ``text``: the note, the reason, the points (one on each line), the signal's name."""

    do = serializers.CharField(max_length=40)
    value = serializers.CharField(max_length=80, required=False, allow_blank=True)
    text = serializers.CharField(max_length=macros.LONGEST, required=False, allow_blank=True)


class MacroVersionSerializer(serializers.ModelSerializer[MacroVersion]):
    steps = MacroStep(many=True, read_only=True)

    class Meta:
        model = MacroVersion
        fields = ("number", "steps", "note", "kept_at", "kept_by")
        read_only_fields = fields


class MacroSerializer(serializers.ModelSerializer[Macro]):
    """A named list of steps; ``current`` is what it does now."""

    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)
    current = MacroVersionSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Macro
        fields = ("public_id", "key", "name", "pool", "current")
        read_only_fields = fields


class ChangeMacro(serializers.Serializer[Any]):
    """``version``: refuse (409) to replace any other."""

    name = serializers.CharField(max_length=80)
    pool = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="Its key")
    steps = MacroStep(many=True)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    version = serializers.IntegerField(min_value=1, required=False)


class NewMacro(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=80)
    pool = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="Its key")
    steps = MacroStep(many=True)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class RunMacro(OfTicket):
    """``version`` of the macro and ``expected_version`` of the ticket: refuse (409) any other."""

    version = serializers.IntegerField(min_value=1, required=False)
    expected_version = serializers.IntegerField(min_value=0, required=False)


class StepToldSerializer(serializers.Serializer[StepTold]):
    """A step in words; ``refusal``: why it is not possible here."""

    words = serializers.CharField()
    detail = serializers.CharField()
    refusal = serializers.CharField()
    is_tried = serializers.BooleanField()


class RanMacro(serializers.Serializer[Any]):
    """The ticket's version afterwards."""

    ticket = serializers.CharField()
    version = serializers.IntegerField()


class MacroViewSet(ReadOnlyViewSet):
    """Named lists of steps, run on a ticket in one go: all of them or none."""

    model = Macro
    serializer_class = MacroSerializer
    permission = VIEW_INTERNAL
    permissions: ClassVar[dict[str, str]] = {"create": desk.MANAGE}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewMacro}

    def rows(self) -> QuerySet[Macro]:
        return desk.list_macros(self.actor)

    def get_queryset(self) -> QuerySet[Macro]:
        return QuerySet(Macro).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        given = self.given()
        return self.answer(macros.create(actor=self.actor, **given | {"pool": _pool(given)}), status=201)

    @action(detail=True, methods=["post"], permission=desk.MANAGE, input=ChangeMacro)
    def change(self, request: Request, public_id: str) -> Response:
        """Keep its next version."""
        macro, given = self.get_object(), self.given()
        changed = macros.change(actor=self.actor, macro=macro, **given | {"pool": _pool(given)})
        return self.answer(changed)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], permission=desk.MANAGE)
    def archive(self, request: Request, public_id: str) -> Response:
        """Offer it no more."""
        macros.archive(actor=self.actor, macro=self.get_object())
        return Response(status=204)

    @extend_schema(responses=MacroVersionSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def versions(self, request: Request, public_id: str) -> Response:
        """What was kept of it, newest first."""
        found = desk.list_macro_versions(self.get_object())
        return Response(MacroVersionSerializer(found, many=True).data)

    @extend_schema(responses=StepToldSerializer(many=True))
    @action(detail=True, methods=["post"], permission=VIEW_INTERNAL, input=OfTicket)
    def preview(self, request: Request, public_id: str) -> Response:
        """What it would do on a ticket, and what would refuse it. Changes nothing."""
        macro = self.get_object()
        told = macros.preview(actor=self.actor, macro=macro, ticket=ticket_of(self, self.given()["ticket"]))
        return Response(StepToldSerializer(told, many=True).data)  # type: ignore[arg-type]

    @extend_schema(responses=RanMacro)
    @action(detail=True, methods=["post"], permission=VIEW_INTERNAL, input=RunMacro)
    def run(self, request: Request, public_id: str) -> Response:
        """Take all its steps, with the caller's own rights; or none."""
        macro, given = self.get_object(), self.given()
        ticket = ticket_of(self, given.pop("ticket"))
        done = macros.run(actor=self.actor, macro=macro, ticket=ticket, **given)
        return Response(RanMacro({"ticket": done.public_id, "version": done.version}).data)


class TextDraftSerializer(serializers.ModelSerializer[TextDraft]):
    ticket = serializers.CharField(source="ticket.public_id", read_only=True)

    class Meta:
        model = TextDraft
        fields = ("ticket", "kind", "body", "kept_at")
        read_only_fields = fields


class KeepText(OfTicket):
    """An empty ``body`` throws away what was kept."""

    kind = serializers.ChoiceField(choices=drafts_of_text.KINDS)
    body = serializers.CharField(max_length=drafts_of_text.LONGEST, allow_blank=True, trim_whitespace=False)


class TextDraftViewSet(mixins.ListModelMixin, BossViewSet):
    """What the caller has typed on tickets and not sent. Nobody else's."""

    model = TextDraft
    serializer_class = TextDraftSerializer
    permission = VIEW_INTERNAL
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": KeepText}

    def rows(self) -> QuerySet[TextDraft]:
        return desk.list_text_drafts(self.actor)

    def get_queryset(self) -> QuerySet[TextDraft]:
        return QuerySet(TextDraft).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    @extend_schema(responses={200: TextDraftSerializer, 204: None})
    def create(self, request: Request) -> Response:
        """Keep a text in place of what was kept before."""
        given = self.given()
        ticket = ticket_of(self, given.pop("ticket"))
        kept = drafts_of_text.keep(actor=self.actor, ticket=ticket, **given)
        return Response(status=204) if kept is None else Response(TextDraftSerializer(kept).data)


class ChecklistItemSerializer(serializers.ModelSerializer[ChecklistItem]):
    """A point. ``source``: category, macro or hand."""

    ticket = serializers.CharField(source="ticket.public_id", read_only=True)

    class Meta:
        model = ChecklistItem
        fields = (
            "public_id", "ticket", "position", "text", "is_required", "source", "added_by", "done_at", "done_by",
        )  # fmt: skip
        read_only_fields = fields


class NewPoint(OfTicket):
    text = serializers.CharField(max_length=200)


class ShiftPoint(serializers.Serializer[Any]):
    to = serializers.ChoiceField(choices=("up", "down"))


class ChecklistFilter(FilterSet):
    ticket = CharFilter("ticket__public_id")

    class Meta:
        model = ChecklistItem
        fields = ("is_required",)


class ChecklistItemViewSet(ReadOnlyViewSet):
    """Points of tickets' checklists, in order."""

    model = ChecklistItem
    serializer_class = ChecklistItemSerializer
    permission = VIEW_INTERNAL
    permissions: ClassVar[dict[str, str]] = {"create": _CHANGE}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewPoint}
    filterset_class = ChecklistFilter
    ordering_fields = ("id", "position")

    def rows(self) -> QuerySet[ChecklistItem]:
        return selectors.list_all_points(self.actor)

    def get_queryset(self) -> QuerySet[ChecklistItem]:
        return QuerySet(ChecklistItem).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        given = self.given()
        made = checklists.add(actor=self.actor, ticket=ticket_of(self, given["ticket"]), texts=[given["text"]])
        return self.answer(made[0], status=201)

    @action(detail=True, methods=["post"], permission=_CHANGE)
    def check(self, request: Request, public_id: str) -> Response:
        """It is done."""
        return self.answer(checklists.check(actor=self.actor, item=self.get_object()))

    @action(detail=True, methods=["post"], permission=_CHANGE)
    def uncheck(self, request: Request, public_id: str) -> Response:
        """It is not done after all."""
        return self.answer(checklists.uncheck(actor=self.actor, item=self.get_object()))

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], permission=_CHANGE)
    def remove(self, request: Request, public_id: str) -> Response:
        """Take it off the list; those of the category stay."""
        checklists.remove(actor=self.actor, item=self.get_object())
        return Response(status=204)

    @action(detail=True, methods=["post"], permission=_CHANGE, input=ShiftPoint)
    def shift(self, request: Request, public_id: str) -> Response:
        """One place up or down."""
        item = self.get_object()
        checklists.shift(actor=self.actor, item=item, to=self.given()["to"])
        return self.answer(item)


class PresentSerializer(serializers.Serializer[presence.Present]):
    name = serializers.CharField()
    is_typing = serializers.BooleanField()


class SayPresent(serializers.Serializer[Any]):
    typing = serializers.BooleanField(default=False)


class PresenceActions(BossViewSet):
    """Who else has a ticket open: mixed into its resource."""

    @extend_schema(responses=PresentSerializer(many=True))
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None)
    def presence(self, request: Request, public_id: str) -> Response:
        """Who has it open just now; nobody when the cache is away."""
        found = presence.others(actor=self.actor, ticket=self.get_object())
        return Response(PresentSerializer(found, many=True).data)  # type: ignore[arg-type]

    @extend_schema(request=SayPresent, responses=PresentSerializer(many=True))
    @presence.mapping.post
    def say_present(self, request: Request, public_id: str) -> Response:
        """Say that I have it open (for 25 seconds), and who else has."""
        asked = SayPresent(data=request.data)
        asked.is_valid(raise_exception=True)
        found = presence.here(
            actor=self.actor, ticket=self.get_object(), is_typing=asked.validated_data["typing"]
        )  # fmt: skip
        return Response(PresentSerializer(found, many=True).data)  # type: ignore[arg-type]


def ticket_of(view: BossViewSet, public_id: str) -> Ticket:
    """The ticket a body or an address names, as the caller sees it."""
    try:
        return selectors.get_ticket(view.actor, public_id)
    except NotFound:
        raise InvalidInput(fields={"ticket": [_("There is no such ticket.")]}) from None


def _pool(given: dict[str, Any]) -> TalentPool | None:
    key = given.get("pool")
    if not key:
        return None
    pool = selectors.find_pool(key)
    if pool is None:
        raise InvalidInput(fields={"pool": [_("There is no such talent pool.")]})
    return pool
