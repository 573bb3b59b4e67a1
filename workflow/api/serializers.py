"""What the engine shows and reads on the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from boss.core.permissions import acts_for_realm
from workflow import selectors
from workflow.journal import Sentence
from workflow.models import (
    Attempt,
    Definition,
    DefinitionDraft,
    DefinitionVersion,
    Limit,
    Run,
    Signal,
    TaskRun,
)


class DefinitionSerializer(serializers.ModelSerializer[Definition]):
    version = serializers.IntegerField(source="current.number", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Definition
        fields = ("public_id", "key", "title", "version", "is_archived")
        read_only_fields = fields


class VersionSerializer(serializers.ModelSerializer[DefinitionVersion]):
    document = serializers.DictField(read_only=True)

    class Meta:
        model = DefinitionVersion
        fields = ("number", "published_at", "published_by", "note", "document")
        read_only_fields = fields


class GivenDocument(serializers.Serializer[Any]):
    """A workflow as a document: an object, or the same as YAML text in ``yaml``."""

    document = serializers.DictField(required=False)
    yaml = serializers.CharField(required=False, max_length=500_000, trim_whitespace=False)


class Publish(GivenDocument):
    """A workflow to publish, and what changed."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class RollBack(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


def _messages() -> serializers.DictField:
    return serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Sentences by place: tasks.KEY.field"
    )


class ReportSerializer(serializers.Serializer[Any]):
    """Faults forbid publishing, warnings do not. ``document`` is what was read, null where nothing could be."""

    faults = _messages()
    warnings = _messages()
    document = serializers.JSONField()


class AnswerInput(serializers.Serializer[Any]):
    """What is supposed about one task."""

    outcome = serializers.ChoiceField(choices=["done", "fails", "skipped"], required=False)
    outputs = serializers.DictField(required=False)
    signal = serializers.BooleanField(required=False, allow_null=True, help_text="Whether the awaited signal comes")


class Simulate(GivenDocument):
    """What to play through. Tasks of another workflow that a task starts are answered as "task.inner_task"."""

    inputs = serializers.DictField(required=False)
    answers = serializers.DictField(child=AnswerInput(), required=False, help_text="By task key")
    reverse_at = serializers.CharField(required=False, allow_null=True, max_length=60)


class StepSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField(help_text="done, skipped, attention or waiting (never come to, or never ends)")
    starts_at = serializers.FloatField(allow_null=True, help_text="Seconds from the start")
    ends_at = serializers.FloatField(allow_null=True)
    why = serializers.CharField()


class PoolWorkSerializer(serializers.Serializer[Any]):
    pool = serializers.CharField(help_text="Empty: of no pool")
    tasks = serializers.IntegerField()
    seconds = serializers.FloatField()


class NamedTaskSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="The task; empty at the top")
    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """What differs in behaviour."""

    tasks_added = NamedTaskSerializer(many=True)
    tasks_removed = NamedTaskSerializer(many=True)
    tasks_changed = ChangeSerializer(many=True)
    top = ChangeSerializer(many=True)


_number: dict[str, Any] = {"min_value": 1, "max_value": 2**31 - 1, "required": False}
# “from” is a word of Python's own.
Between = type(
    "Between",
    (serializers.Serializer,),
    {"from": serializers.IntegerField(**_number), "to": serializers.IntegerField(**_number)},
)


class OfVersion(serializers.Serializer[Any]):
    version = serializers.IntegerField(**_number)


class NamedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()


class HandlerSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    room = serializers.CharField()
    local = serializers.BooleanField()
    undo = serializers.CharField(help_text="handler, none (nothing to undo) or missing")
    inputs = serializers.ListField(child=serializers.DictField())
    outputs = serializers.ListField(child=serializers.DictField())


class DefinitionOfferSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    inputs = serializers.ListField(child=serializers.DictField())
    results = serializers.ListField(child=serializers.CharField(), help_text="Names of what a run of it gives")


class OperatorSerializer(serializers.Serializer[Any]):
    operator = serializers.CharField()
    operands = serializers.IntegerField(allow_null=True, help_text="How many it takes; null for any number")


class PaletteSerializer(serializers.Serializer[Any]):
    """All that a definition may name."""

    handlers = HandlerSerializer(many=True)
    pools = NamedSerializer(many=True)
    categories = NamedSerializer(many=True)
    definitions = DefinitionOfferSerializer(many=True)
    calendars = NamedSerializer(many=True)
    operators = OperatorSerializer(many=True)


class DraftSummarySerializer(serializers.ModelSerializer[DefinitionDraft]):
    class Meta:
        model = DefinitionDraft
        fields: tuple[str, ...] = ("public_id", "key", "title", "revision", "updated_by", "updated_at")
        read_only_fields: tuple[str, ...] = fields


class DraftSerializer(DraftSummarySerializer):
    document = serializers.DictField(read_only=True, help_text="As it is, perhaps faulty")

    class Meta:
        model = DefinitionDraft
        fields = (*DraftSummarySerializer.Meta.fields, "document")
        read_only_fields = fields


class NewDraft(serializers.Serializer[Any]):
    """Without a document it begins with what is published under the key."""

    key = serializers.CharField(max_length=80)
    title = serializers.CharField(max_length=160)
    document = serializers.DictField(required=False)


class SaveDraft(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=160, required=False)
    document = serializers.DictField()


class LimitSerializer(serializers.ModelSerializer[Limit]):
    running = serializers.IntegerField(read_only=True, help_text="Tasks that hold a place now")
    waiting = serializers.IntegerField(read_only=True, help_text="Ready tasks that wait for a slot")

    class Meta:
        model = Limit
        fields = ("public_id", "key", "most_at_once", "most_per_minute", "running", "waiting")
        read_only_fields = fields


class SetLimit(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=120, help_text="What a handler names, or realm")
    most_at_once = serializers.IntegerField(required=False, allow_null=True)
    most_per_minute = serializers.IntegerField(required=False, allow_null=True)


class RunSerializer(serializers.ModelSerializer[Run]):
    definition = serializers.CharField(source="version.definition.key", read_only=True)
    title = serializers.CharField(source="version.definition.title", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    part_of = serializers.SerializerMethodField(help_text="Address of the task that started it, if one did")
    inputs = serializers.DictField(read_only=True)
    outputs = serializers.DictField(read_only=True, help_text="Outputs of the finished tasks, by task key")

    class Meta:
        model = Run
        fields = (
            "public_id", "definition", "title", "version", "subject_kind", "subject_id", "state", "open_tasks",
            "part_of", "inputs", "outputs", "started_at", "started_by", "ended_at", "reversal_reason",
        )  # fmt: skip
        read_only_fields = fields

    def get_part_of(self, run: Run) -> str | None:
        return run.parent.address if run.parent is not None else None


class TaskSerializer(serializers.ModelSerializer[TaskRun]):
    address = serializers.CharField(read_only=True, help_text="The run's public id, a hyphen, the task's key")
    run = serializers.CharField(source="run.public_id", read_only=True)
    title = serializers.SerializerMethodField()
    inputs = serializers.DictField(read_only=True)
    ticket = serializers.CharField(source="ticket.number", default=None, read_only=True, allow_null=True)

    class Meta:
        model = TaskRun
        fields = (
            "address", "run", "key", "title", "kind", "state", "attempt", "failures", "not_before", "started_at",
            "ended_at", "inputs", "waiting_for", "error", "ticket",
        )  # fmt: skip
        read_only_fields = fields

    def get_title(self, task: TaskRun) -> str:
        return selectors.title_of(task)


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    answer = serializers.DictField(read_only=True)

    class Meta:
        model = Attempt
        fields = ("number", "is_undo", "started_at", "ended_at", "outcome", "error", "worker", "answer", "retry_at")
        read_only_fields = fields


class NodeSerializer(serializers.Serializer[selectors.Node]):
    key = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    state_label = serializers.CharField()
    kind = serializers.CharField()
    attempts = serializers.IntegerField()
    failures = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    ticket_number = serializers.CharField()
    ticket_address = serializers.CharField()
    pool = serializers.CharField()
    point_of_no_return = serializers.BooleanField()


class GraphSerializer(serializers.Serializer[selectors.Graph]):
    title = serializers.CharField()
    nodes = NodeSerializer(many=True)
    edges = serializers.SerializerMethodField(help_text="Pairs of task keys: before, after")

    @extend_schema_field(serializers.ListField(child=serializers.ListField(child=serializers.CharField())))
    def get_edges(self, graph: selectors.Graph) -> list[list[str]]:
        return [list(edge) for edge in graph.edges]


class SentenceSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    who = serializers.CharField()
    text = serializers.CharField()
    task_key = serializers.CharField()
    kind = serializers.CharField(help_text='The kind of event, or "attempt" for the beginning of one')
    log = serializers.SerializerMethodField(help_text="What a script wrote; empty for customers")

    def get_log(self, sentence: Sentence) -> str:
        """Written for the provider's people: a customer who may follow the run does not get it."""
        actor = self.context.get("actor")
        return sentence.log if actor is not None and acts_for_realm(actor, "workflow.view_run") else ""


class ChangesSerializer(serializers.Serializer[Any]):
    """What happened to a run after an event: ask again with ``since=sequence`` and the ETag."""

    state = serializers.CharField()
    sequence = serializers.IntegerField(help_text="The run's latest event")
    nodes = NodeSerializer(many=True, help_text="Tasks of which anything changed, and those at work now")
    journal = SentenceSerializer(many=True)


class PartSerializer(serializers.ModelSerializer[Run]):
    """A run that a task of another run started."""

    definition = serializers.CharField(source="version.definition.key", read_only=True)
    title = serializers.CharField(source="version.definition.title", read_only=True)
    task = serializers.CharField(source="parent.key", read_only=True, help_text="The task that started it")

    class Meta:
        model = Run
        fields = ("public_id", "definition", "title", "task", "index", "state", "started_at", "ended_at")
        read_only_fields = fields


class PlannedUndoSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    how = serializers.CharField(help_text="undone, people, kept, nothing, stopped or after_attempt")
    pool = serializers.CharField()
    follow_up = serializers.CharField()


class SimulationSerializer(serializers.Serializer[Any]):
    """How it went. ``inputs`` are those it went by, samples where nothing was given."""

    inputs = serializers.DictField()
    path = StepSerializer(many=True)
    completes = serializers.BooleanField()
    lead_seconds = serializers.FloatField()
    work = PoolWorkSerializer(many=True)
    reversal = PlannedUndoSerializer(many=True)


class ReversalPlanSerializer(serializers.Serializer[Any]):
    """What a reversal would do now, in its order."""

    steps = PlannedUndoSerializer(many=True)
    points_of_no_return = PlannedUndoSerializer(many=True)
    for_people = PlannedUndoSerializer(many=True)


class StartRun(serializers.Serializer[Any]):
    definition = serializers.CharField(max_length=80, source="definition_key", help_text="The definition's key")
    inputs = serializers.DictField(required=False)


class Reverse(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class TakeBack(serializers.Serializer[Any]):
    to = serializers.CharField(max_length=60, help_text="Key of the task the run goes back to")
    reason = serializers.CharField(max_length=2000)


class Move(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number", min_value=1, max_value=2**31 - 1)


class SendSignal(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    payload = serializers.DictField(required=False)
    key = serializers.CharField(max_length=200, required=False, help_text="The same key counts once")


class SignalSerializer(serializers.ModelSerializer[Signal]):
    payload = serializers.DictField(read_only=True)
    is_taken = serializers.SerializerMethodField(help_text="Whether a task has taken it")

    class Meta:
        model = Signal
        fields = ("name", "key", "payload", "sent_at", "sent_by", "is_taken")
        read_only_fields = fields

    def get_is_taken(self, signal: Signal) -> bool:
        return signal.taken_by_id is not None


class Complete(serializers.Serializer[Any]):
    outputs = serializers.DictField(required=False, help_text="The task's results, as its definition asks for them")
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class Skip(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class Nothing(serializers.Serializer[Any]):
    """No body is needed."""
