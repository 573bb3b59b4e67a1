"""What the desk shows and reads on the API."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boss.core import schema
from boss.core.actors import Actor
from boss.core.api.serializers import RowSerializer
from boss.tenancy.models import User
from ticketing import fields, selectors, statuses
from ticketing.api.attachments import AttachmentSerializer
from ticketing.choices import MessageKind, Priority
from ticketing.contracts import Outcome
from ticketing.fields import Viewer
from ticketing.models import Category, CategorySchema, Message, Ticket, TicketEvent
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.sla.kinds import ClockKind, ClockState
from ticketing.statuses import StatusDef
from ticketing.why import Why


class PersonSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("public_id", "full_name")


class TicketSerializer(RowSerializer):
    """A ticket. Customers are not shown who works on it, where, and with what results, nor the staff's own fields."""

    for_customers = (
        "public_id", "number", "title", "category", "schema_version", "data", "state", "status_label", "priority",
        "requester", "opened_at", "due_at", "resolve_due_at", "first_response_at", "resolved_at", "closed_at",
        "reopen_count", "version",
    )  # fmt: skip

    category = serializers.CharField(source="category.key", read_only=True)
    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)
    requester = PersonSerializer(read_only=True, allow_null=True)
    assignee = PersonSerializer(read_only=True, allow_null=True)
    status_label = serializers.SerializerMethodField(help_text="The status in the words of whoever asks")

    class Meta:
        model = Ticket
        fields = (
            "public_id", "number", "title", "category", "schema_version", "data", "state", "status", "status_label",
            "priority", "requester", "assignee", "pool", "subject_kind", "opened_at", "opened_by", "due_at",
            "resolve_due_at", "first_response_at", "outcome", "outcome_values", "resolved_at", "resolved_by",
            "closed_at", "reopen_count", "version",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Ticket) -> dict[str, Any]:
        shown = super().to_representation(instance)
        known = self._known(instance.category)
        shown["data"] = known.data_for(instance, self._viewer(known))
        return shown

    def get_status_label(self, ticket: Ticket) -> str:
        known = self._known(ticket.category)
        return known.status(ticket).words_for(self._viewer(known).role)

    def _reader_acts_for_realm(self) -> bool:
        return cast(Actor, self.context["request"].actor).holds(VIEW_INTERNAL)

    def _known(self, category: Category) -> selectors.Known:
        """Asked once for each category, however long the list is."""
        kept: dict[int, selectors.Known] = cast("dict[str, Any]", self.context).setdefault("known_fields", {})
        if category.pk not in kept:
            kept[category.pk] = selectors.known(category)
        return kept[category.pk]

    def _viewer(self, known: selectors.Known) -> Viewer:
        """Asked once, and once more when a category is the first with fields that are kept to pools."""
        context, pools = cast("dict[str, Any]", self.context), any(field.pools for field in known.fields.values())
        if "viewer" not in context or (pools and not context["viewer"][1]):
            actor = cast(Actor, context["request"].actor)
            context["viewer"] = (selectors.viewer_of(actor, known.fields.values()), pools)
        return cast(Viewer, context["viewer"][0])


def _files() -> serializers.ListField:
    told = "As multipart/form-data, once for each file; values of fields then stand under data.<key>"
    return serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False, help_text=told)


class NewTicket(serializers.Serializer[Any]):
    """A ticket to be opened. Subscribers give category, title, body and data only, contacts a site besides."""

    category = serializers.CharField(max_length=40, source="category_key", help_text="The category's key")
    title = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=20_000, required=False, allow_blank=True, help_text="The first message")
    data = serializers.DictField(required=False, help_text="Values of the category's fields")  # type: ignore[assignment]
    pool = serializers.CharField(max_length=40, source="pool_key", required=False, help_text="The talent pool's key")
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    due_at = serializers.DateTimeField(required=False)
    requester = serializers.CharField(max_length=12, required=False, help_text="The public id of the person it is for")
    site = serializers.CharField(max_length=12, required=False, help_text="The public id of the site it is about")
    files = _files()


class Versioned(serializers.Serializer[Any]):
    """``expected_version``: refuse (409) when the ticket has changed since that version was read."""

    expected_version = serializers.IntegerField(min_value=0, required=False)


class Assign(Versioned):
    user = serializers.CharField(max_length=12, help_text="The public id of somebody of the staff")


class Wait(Versioned):
    waiting_for = serializers.ChoiceField(choices=("customer", "other"))
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


def _children() -> serializers.ChoiceField:
    told = "Whether its open children end with it or go on; must be said when it has some and is to end"
    return serializers.ChoiceField(choices=("close", "leave"), required=False, help_text=told)


class Resolve(Versioned):
    """``outcome`` and ``values`` as ``outcomes/`` offers them; ``confirmed`` where the outcome asks for it."""

    outcome = serializers.CharField(max_length=60, required=False, allow_blank=True)
    values = serializers.DictField(required=False)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True, help_text="For staff only")
    status = serializers.CharField(max_length=40, required=False, help_text="Which of the category's resolved ones")
    data = serializers.DictField(required=False, help_text="Values of the category's fields")  # type: ignore[assignment]
    confirmed = serializers.BooleanField(default=False)
    children = _children()
    resolution_code = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="One of the closing rules of its category"
    )


class Fill(Versioned):
    data = serializers.DictField(help_text="Values of the category's fields; null empties one")  # type: ignore[assignment]


class MoveTicket(Versioned):
    status = serializers.CharField(max_length=40, help_text="The key of one of the category's statuses")
    data = serializers.DictField(required=False, help_text="Values of the category's fields")  # type: ignore[assignment]
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    children = _children()
    resolution_code = serializers.CharField(max_length=40, required=False, allow_blank=True)


class RecategoriseTicket(Versioned):
    category = serializers.CharField(max_length=40, source="category_key", help_text="The category's key")


class Because(Versioned):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class CancelTicket(Because):
    children = _children()


class Prioritize(Because):
    priority = serializers.ChoiceField(choices=Priority.choices)


class SendToPool(Because):
    pool = serializers.CharField(max_length=40, help_text="The talent pool's key")


class PromiseSerializer(serializers.Serializer[Why]):
    """One promised time. ``due_at`` is null while it stands still; ``sentence`` and ``steps`` say why that is so."""

    kind = serializers.ChoiceField(choices=ClockKind.choices)
    label = serializers.CharField()  # type: ignore[assignment]  # a member named so in the document
    state = serializers.ChoiceField(choices=ClockState.choices)
    round = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    is_late = serializers.BooleanField()
    is_internal = serializers.BooleanField(help_text="Promised among staff, to no customer")
    sentence = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField())


class TicketMessageSerializer(RowSerializer):
    """``ticket`` is the number of the ticket it was said on: one that was merged, or from which it was split off."""

    for_customers = ("public_id", "ticket", "seq", "kind", "body", "at", "author_label", "from_customer", "attachments")

    ticket = serializers.CharField(source="ticket.number", read_only=True)
    attachments = AttachmentSerializer(many=True, read_only=True)

    class Meta:
        model = Message
        fields = ("public_id", "ticket", "seq", "kind", "body", "at", "author_label", "from_customer", "attachments")
        read_only_fields = fields


class NewMessage(Versioned):
    body = serializers.CharField(max_length=20_000, required=False, allow_blank=True, default="")
    files = _files()
    kind = serializers.ChoiceField(
        choices=(MessageKind.PUBLIC.value, MessageKind.INTERNAL.value), default=MessageKind.PUBLIC.value
    )


class TicketEventSerializer(serializers.ModelSerializer[TicketEvent]):
    class Meta:
        model = TicketEvent
        fields = ("seq", "at", "type", "actor_kind", "actor_label", "before", "after")
        read_only_fields = fields


class OutcomeSerializer(serializers.Serializer[Outcome]):
    """One way a ticket may end, with the JSON Schema of the results it asks for."""

    key = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # a member named so in the document
    help = serializers.SerializerMethodField()
    needs_confirmation = serializers.BooleanField()
    values_schema = serializers.SerializerMethodField()

    def get_label(self, outcome: Outcome) -> str:
        return str(outcome.label)

    def get_help(self, outcome: Outcome) -> str:
        return str(outcome.help)

    @extend_schema_field(serializers.DictField())
    def get_values_schema(self, outcome: Outcome) -> dict[str, Any]:
        return schema.json_schema(outcome.characteristics)


class StatusSerializer(serializers.Serializer[StatusDef]):
    """One status of a category. ``state`` is the fixed class behind it."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a member named so in the document
    customer_label = serializers.CharField()
    state = serializers.CharField()
    pauses_clocks = serializers.ListField(child=serializers.CharField())
    allowed_next = serializers.ListField(child=serializers.CharField())
    require_fields = serializers.ListField(child=serializers.CharField())
    colour = serializers.CharField()


class CategorySerializer(serializers.ModelSerializer[Category]):
    parent = serializers.CharField(  # type: ignore[assignment]  # a member named so in the document
        source="parent.key", default=None, read_only=True, allow_null=True
    )
    default_pool = serializers.CharField(source="default_pool.key", default=None, read_only=True, allow_null=True)
    name = serializers.CharField(source="title", read_only=True, help_text="In the language asked for")

    class Meta:
        model = Category
        fields = (
            "key", "name", "names", "kind", "parent", "default_pool", "priority", "number_prefix", "portal_visible",
            "first_reply_target", "resolve_target", "schema_version", "is_archived",
        )  # fmt: skip
        read_only_fields = fields


class CategoryDetailSerializer(CategorySerializer):
    """A category with the JSON Schema of its present fields, and its statuses."""

    fields_schema = serializers.SerializerMethodField()
    statuses = serializers.SerializerMethodField()

    class Meta(CategorySerializer.Meta):
        fields = (*CategorySerializer.Meta.fields, "fields_schema", "statuses")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(serializers.DictField())
    def get_fields_schema(self, category: Category) -> dict[str, Any]:
        published = selectors.find_schema(category)
        return fields.json_schema(published.fields() if published else ())

    @extend_schema_field(StatusSerializer(many=True))
    def get_statuses(self, category: Category) -> Any:
        published = selectors.find_schema(category)
        known = published.status_defs() if published else statuses.effective(())
        return StatusSerializer(known, many=True).data  # type: ignore[arg-type]


class CategoryDraftSerializer(serializers.Serializer[Any]):
    """``fields``, ``statuses`` and ``checklist`` as they are kept; ``faults`` by place forbid publishing them."""

    revision = serializers.IntegerField()
    fields = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # a member named so
    statuses = serializers.ListField(child=serializers.DictField())
    checklist = serializers.ListField(child=serializers.DictField())
    faults = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class SaveCategoryDraft(serializers.Serializer[Any]):
    fields = serializers.ListField(  # type: ignore[assignment]  # a member named so
        child=serializers.DictField(), required=False, max_length=100
    )
    statuses = serializers.ListField(child=serializers.DictField(), required=False, max_length=30)
    checklist = serializers.ListField(child=serializers.DictField(), required=False, max_length=30)
    revision = serializers.IntegerField(min_value=0, required=False)


class PublishCategory(serializers.Serializer[Any]):
    revision = serializers.IntegerField(min_value=1, required=False, help_text="Refuse (409) any other")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)


class RevertCategory(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1)


class CategoryVersionSerializer(serializers.ModelSerializer[CategorySchema]):
    class Meta:
        model = CategorySchema
        fields = ("version", "characteristics", "statuses", "checklist", "note", "published_by", "published_at")
        read_only_fields = fields


class CategoryEffectSerializer(serializers.Serializer[Any]):
    """What publishing would mean for one ticket when it is next edited; each list names fields."""

    number = serializers.CharField(source="ticket.number")
    public_id = serializers.CharField(source="ticket.public_id")
    lost = serializers.ListField(child=serializers.CharField())
    retired = serializers.ListField(child=serializers.CharField())
    wrong = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())
    status = serializers.CharField(source="status.key")
    status_changes = serializers.BooleanField()
