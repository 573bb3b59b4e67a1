"""Scripts and endpoints as the API shows and reads them. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from boss.automation.choices import EndpointKind
from boss.automation.models import Endpoint, EndpointCall, Script, ScriptVersion


class ScriptSerializer(serializers.ModelSerializer[Script]):
    version = serializers.IntegerField(source="current.number", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Script
        fields = ("public_id", "key", "title", "description", "version", "is_archived", "created_at")
        read_only_fields = fields


class ScriptVersionSerializer(serializers.ModelSerializer[ScriptVersion]):
    input_schema = serializers.DictField(read_only=True)
    output_schema = serializers.DictField(read_only=True)
    endpoints = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ScriptVersion
        fields = (
            "number", "source", "input_schema", "output_schema", "endpoints", "nothing_to_undo", "wall_seconds",
            "memory_mb", "most_calls", "sha256", "note", "written_at", "written_by", "published_at", "published_by",
        )  # fmt: skip
        read_only_fields = fields


class NewScript(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class Propose(serializers.Serializer[Any]):
    source = serializers.CharField(max_length=60_000, trim_whitespace=False)  # type: ignore[assignment]
    input_schema = serializers.DictField(required=False)
    output_schema = serializers.DictField(required=False)
    endpoints = serializers.ListField(child=serializers.CharField(max_length=40), max_length=50, required=False)
    nothing_to_undo = serializers.BooleanField(required=False, default=False)
    wall_seconds = serializers.IntegerField(required=False, default=10, min_value=1, max_value=60)
    memory_mb = serializers.IntegerField(required=False, default=128, min_value=32, max_value=512)
    most_calls = serializers.IntegerField(required=False, default=20, min_value=0, max_value=200)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class VersionNumber(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, max_value=1_000_000)


class TryOut(VersionNumber):
    inputs = serializers.DictField(required=False, default=dict)


class TriedSerializer(serializers.Serializer[Any]):
    """What came of trying a version: ``done``, ``retry`` or ``fail`` as it said, or ``ended`` for a reason."""

    outcome = serializers.CharField()
    outputs = serializers.JSONField(allow_null=True)
    words = serializers.CharField()
    reason = serializers.CharField()
    log = serializers.CharField()
    seconds = serializers.FloatField()
    peak_mb = serializers.IntegerField()


class NothingGiven(serializers.Serializer[Any]):
    """No body."""


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    settings = serializers.DictField(read_only=True)
    has_secrets = serializers.SerializerMethodField(help_text="Whether any secret is kept; none is ever shown")

    class Meta:
        model = Endpoint
        fields = (
            "public_id", "key", "title", "kind", "settings", "has_secrets", "deadline_seconds", "enabled", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_has_secrets(self, endpoint: Endpoint) -> bool:
        return bool(endpoint.sealed_secrets)


class NewEndpoint(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(choices=EndpointKind.choices)
    title = serializers.CharField(max_length=120)
    settings = serializers.DictField()
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=10_000, trim_whitespace=False), required=False, write_only=True
    )
    deadline_seconds = serializers.FloatField(required=False, default=10.0, min_value=0.1, max_value=60)


class EndpointChange(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120, required=False)
    settings = serializers.DictField(required=False)
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=10_000, trim_whitespace=False), required=False, write_only=True,
        help_text="Replaces the secrets of the same names; the others stay",
    )  # fmt: skip
    deadline_seconds = serializers.FloatField(required=False, min_value=0.1, max_value=60)
    enabled = serializers.BooleanField(required=False)


class TestedSerializer(serializers.Serializer[Any]):
    answered = serializers.BooleanField()
    found = serializers.CharField()


class EndpointCallSerializer(serializers.ModelSerializer[EndpointCall]):
    class Meta:
        model = EndpointCall
        fields = ("public_id", "sentence", "state", "error", "by", "started_at", "milliseconds")
        read_only_fields = fields
