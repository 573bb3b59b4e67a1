"""What the board, actions on many runs and learning show and read on the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from workflow.choices import BulkKind
from workflow.models import Bulk, BulkItem


class BeginBulk(serializers.Serializer[Any]):
    """One thing done to many runs."""

    action = serializers.ChoiceField(choices=BulkKind.choices, source="kind")
    runs = serializers.ListField(
        child=serializers.CharField(max_length=12), source="public_ids", allow_empty=False, help_text="At most 500"
    )
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, help_text="For a reversal")
    version = serializers.IntegerField(required=False, min_value=1, help_text="For a move")


class BulkItemSerializer(serializers.ModelSerializer[BulkItem]):
    run = serializers.CharField(source="run.public_id", read_only=True)

    class Meta:
        model = BulkItem
        fields = ("run", "outcome", "text", "ended_at")
        read_only_fields = fields


class ProgressSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    settled = serializers.IntegerField()
    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()


class BulkSerializer(serializers.ModelSerializer[Bulk]):
    action = serializers.CharField(source="kind", read_only=True)

    class Meta:
        model = Bulk
        fields = ("public_id", "action", "reason", "version", "total", "asked_by", "asked_at", "ended_at")
        read_only_fields = fields


class BulkPreviewSerializer(serializers.Serializer[Any]):
    """What it would do now. For a retry ``tasks`` are tried again, for a reversal they are undone."""

    chosen = serializers.IntegerField()
    able = serializers.IntegerField(help_text="Runs that can take it")
    tasks = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="Tasks past their point of no return")
    people = serializers.SerializerMethodField(help_text="Pieces of work, by pool")

    obstacles = serializers.SerializerMethodField(
        help_text="What stands in the way of a move, and how many runs it stops"
    )

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_obstacles(self, preview: Any) -> dict[str, int]:
        return dict(preview.obstacles)

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_people(self, preview: Any) -> dict[str, int]:
        return dict(preview.people)


class PlaceCountSerializer(serializers.Serializer[Any]):
    definition = serializers.CharField()
    definition_title = serializers.CharField()
    task = serializers.CharField()
    title = serializers.CharField()
    there = serializers.IntegerField()
    late = serializers.IntegerField()
    needs_people = serializers.IntegerField()


class CountsSerializer(serializers.Serializer[Any]):
    """Open runs by what is to be known of them (one may count in several), and where they stand."""

    open = serializers.IntegerField()
    running = serializers.IntegerField(help_text="Runs with a task at work or about to be")
    waiting = serializers.IntegerField()
    needs_people = serializers.IntegerField()
    late = serializers.IntegerField()
    reversing = serializers.IntegerField()
    places = PlaceCountSerializer(many=True)


class TaskLearningSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    done = serializers.IntegerField()
    p50 = serializers.FloatField(help_text="Seconds from its first attempt to its end, half of the runs")
    p90 = serializers.FloatField(help_text="The same, nine of ten")
    work_seconds = serializers.FloatField(help_text="Of it at work, on average")
    failed = serializers.IntegerField(help_text="Runs in which it failed for people")
    retried = serializers.IntegerField()
    people_seconds = serializers.FloatField(help_text="From taking its tickets to resolving them, in all")
    on_path = serializers.BooleanField(help_text="Whether it is in the chain that decides the lead time")


class LearningSerializer(serializers.Serializer[Any]):
    """What the newest ended runs of a workflow teach; a few hundred of each version are looked at."""

    definition = serializers.CharField(source="key")
    title = serializers.CharField()
    days = serializers.IntegerField()
    ended = serializers.IntegerField()
    undone = serializers.IntegerField()
    fallen = serializers.IntegerField(help_text="Runs in which something failed for people")
    p50 = serializers.FloatField(allow_null=True, help_text="Lead time in seconds, half of the completed runs")
    p90 = serializers.FloatField(allow_null=True)
    tasks = TaskLearningSerializer(many=True)
