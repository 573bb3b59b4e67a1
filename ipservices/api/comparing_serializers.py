"""Comparisons and findings as the API shows them. No secret, and nothing of the native pictures."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ipservices.models import Comparison, Finding
from ipservices.services import findings


class ComparisonSerializer(serializers.ModelSerializer[Comparison]):
    binding = serializers.CharField(source="binding.public_id", read_only=True)
    server = serializers.CharField(source="binding.name", read_only=True)
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="How many were looked at, and found by kind"
    )

    class Meta:
        model = Comparison
        fields = (
            "public_id", "binding", "server", "asked_by", "stage", "counts", "error", "started_at", "finished_at",
        )  # fmt: skip


class FoundDifferenceSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    wanted = serializers.JSONField(allow_null=True)
    found = serializers.JSONField(allow_null=True)


class FindingSerializer(serializers.ModelSerializer[Finding]):
    binding = serializers.CharField(source="binding.public_id", read_only=True)
    server = serializers.CharField(source="binding.name", read_only=True)
    service = serializers.CharField(source="service.public_id", read_only=True, default=None, allow_null=True)
    object = serializers.CharField(source="full_kind", read_only=True)
    differences = FoundDifferenceSerializer(many=True, read_only=True)
    run = serializers.CharField(source="run_public_id", read_only=True, help_text="The run at it; else empty")
    is_being_resolved = serializers.BooleanField(read_only=True)
    resolution = serializers.CharField(
        read_only=True, help_text="gone, repaired, adopted or put_back; empty while it is open"
    )

    class Meta:
        model = Finding
        fields = (
            "public_id", "binding", "server", "service", "kind", "object", "name", "service_ref", "reason",
            "differences", "first_seen_at", "last_seen_at", "is_being_resolved", "run", "resolved_at", "resolution",
        )  # fmt: skip


class FindingWithWaysSerializer(FindingSerializer):
    """One of them, with what can be done about it now."""

    ways = serializers.SerializerMethodField()

    class Meta(FindingSerializer.Meta):
        fields = (*FindingSerializer.Meta.fields, "ways")  # type: ignore[assignment]

    def get_ways(self, finding: Finding) -> list[str]:
        return sorted(findings.ways(finding))
