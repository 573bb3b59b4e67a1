from __future__ import annotations

from rest_framework import serializers

from boss.core import audit_trail
from boss.core.exports import FORMATS
from boss.core.models import AuditEntry, AuditExport


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """Who did what to what, from where; ``before`` and ``after`` hold what changed, secrets masked."""

    class Meta:
        model = AuditEntry
        fields = (
            "id", "at", "actor_kind", "actor_label", "action", "subject_kind", "subject_label", "before", "after",
            "address", "request_id",
        )  # fmt: skip
        read_only_fields = fields


class BreakSerializer(serializers.Serializer[object]):
    seal = serializers.IntegerField()
    first = serializers.IntegerField(help_text="The first entry the seal covers")
    last = serializers.IntegerField()
    reason = serializers.CharField()


class ChainSerializer(serializers.Serializer[audit_trail.Chain]):
    """How far the trail is sealed and checked. Keep ``head`` elsewhere: with it a cut tail is found."""

    seals = serializers.IntegerField()
    head = serializers.CharField(help_text="SHA-256 of the newest seal, hexadecimal")
    sealed_until = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    checked_until = serializers.DateTimeField(allow_null=True)
    breaks = BreakSerializer(many=True)


class AuditExportSerializer(serializers.ModelSerializer[AuditExport]):
    class Meta:
        model = AuditExport
        fields = (
            "public_id", "state", "name", "format", "wanted", "rows", "size", "sha256", "error", "asked_by",
            "asked_at", "ready_at", "expires_at",
        )  # fmt: skip
        read_only_fields = fields


class NewAuditExport(serializers.Serializer[AuditExport]):
    """The filters are those of the list; what is left out narrows nothing."""

    format = serializers.ChoiceField(choices=sorted(FORMATS))
    person = serializers.CharField(required=False, max_length=120)
    action = serializers.CharField(required=False, max_length=100)
    subject = serializers.CharField(required=False, max_length=120)
    kind = serializers.CharField(required=False, max_length=100)
    address = serializers.CharField(required=False, max_length=50)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate_address(self, value: str) -> str:
        if audit_trail.network(value) is None:
            raise serializers.ValidationError("This is neither an address nor a network.")
        return value
