"""What the desk shows and reads on the API."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boss.core import schema
from boss.core.actors import Actor
from boss.core.api.serializers import RowSerializer
from boss.tenancy.models import User
from ticketing import selectors
from ticketing.choices import MessageKind, Priority
from ticketing.contracts import Outcome
from ticketing.models import Category, Message, TalentPool, Ticket, TicketEvent
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.sla.kinds import ClockKind, ClockState
from ticketing.why import Why


class PersonSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("public_id", "full_name")


class TicketSerializer(RowSerializer):
    """A ticket. Customers are not shown who works on it, where, and with what results, nor the staff's own fields."""

    for_customers = (
        "public_id", "number", "title", "category", "schema_version", "data", "state", "priority", "requester",
        "opened_at", "due_at", "resolve_due_at", "first_response_at", "resolved_at", "closed_at", "reopen_count",
        "version",
    )  # fmt: skip

    category = serializers.CharField(source="category.key", read_only=True)
    pool = serializers.CharField(source="pool.key", default=None, read_only=True, allow_null=True)
    requester = PersonSerializer(read_only=True, allow_null=True)
    assignee = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Ticket
        fields = (
            "public_id", "number", "title", "category", "schema_version", "data", "state", "priority", "requester",
            "assignee", "pool", "subject_kind", "opened_at", "opened_by", "due_at", "resolve_due_at",
            "first_response_at", "outcome", "outcome_values", "resolved_at", "resolved_by", "closed_at",
            "reopen_count", "version",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Ticket) -> dict[str, Any]:
        shown = super().to_representation(instance)
        actor = cast(Actor, self.context["request"].actor)
        if not actor.holds(VIEW_INTERNAL):
            hidden = self._staff_only_keys(instance.category)
            shown["data"] = {key: value for key, value in shown["data"].items() if key not in hidden}
        return shown

    def _reader_acts_for_realm(self) -> bool:
        return cast(Actor, self.context["request"].actor).holds(VIEW_INTERNAL)

    def _staff_only_keys(self, category: Category) -> frozenset[str]:
        """Asked once for each category, however long the list is."""
        known: dict[int, frozenset[str]] = cast("dict[str, Any]", self.context).setdefault("staff_only_keys", {})
        if category.pk not in known:
            known[category.pk] = selectors.staff_only_keys(category)
        return known[category.pk]


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


class Versioned(serializers.Serializer[Any]):
    """``expected_version``: refuse (409) when the ticket has changed since that version was read."""

    expected_version = serializers.IntegerField(min_value=0, required=False)


class Assign(Versioned):
    user = serializers.CharField(max_length=12, help_text="The public id of somebody of the staff")


class Wait(Versioned):
    waiting_for = serializers.ChoiceField(choices=("customer", "other"))
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class Resolve(Versioned):
    """``outcome`` and ``values`` as ``outcomes/`` offers them; ``confirmed`` where the outcome asks for it."""

    outcome = serializers.CharField(max_length=60, required=False, allow_blank=True)
    values = serializers.DictField(required=False)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True, help_text="For staff only")
    confirmed = serializers.BooleanField(default=False)


class Fill(Versioned):
    data = serializers.DictField(help_text="Values of the category's fields; null empties one")  # type: ignore[assignment]


class Because(Versioned):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class Prioritize(Because):
    priority = serializers.ChoiceField(choices=Priority.choices)


class MoveTicket(Because):
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
    for_customers = ("public_id", "seq", "kind", "body", "at", "author_label", "from_customer")

    class Meta:
        model = Message
        fields = ("public_id", "seq", "kind", "body", "at", "author_label", "from_customer")
        read_only_fields = fields


class NewMessage(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=20_000)
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


class CategorySerializer(serializers.ModelSerializer[Category]):
    parent = serializers.CharField(  # type: ignore[assignment]  # a member named so in the document
        source="parent.key", default=None, read_only=True, allow_null=True
    )
    default_pool = serializers.CharField(source="default_pool.key", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Category
        fields = (
            "key", "name", "kind", "parent", "default_pool", "priority", "number_prefix", "portal_visible",
            "first_reply_target", "resolve_target", "schema_version",
        )  # fmt: skip
        read_only_fields = fields


class CategoryDetailSerializer(CategorySerializer):
    """A category with the JSON Schema of its present fields."""

    fields_schema = serializers.SerializerMethodField()

    class Meta(CategorySerializer.Meta):
        fields = (*CategorySerializer.Meta.fields, "fields_schema")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(serializers.DictField())
    def get_fields_schema(self, category: Category) -> dict[str, Any]:
        published = selectors.find_schema(category)
        return schema.json_schema(published.fields() if published else ())


class TalentPoolSerializer(serializers.ModelSerializer[TalentPool]):
    class Meta:
        model = TalentPool
        fields = ("key", "name", "description")
        read_only_fields = fields
