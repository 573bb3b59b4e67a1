from __future__ import annotations

from rest_framework import serializers

from boss.core.api.serializers import RowSerializer
from boss.privacy.models import Erasure, PersonalExport


class CopySerializer(RowSerializer):
    """A copy of what is held of an account's person: a file, once it is ready."""

    for_customers = ("public_id", "account", "state", "name", "size", "sha256", "asked_at", "ready_at", "expires_at")

    account = serializers.CharField(source="account.public_id", read_only=True)

    class Meta:
        model = PersonalExport
        fields = (
            "public_id", "account", "state", "name", "size", "sha256", "asked_by", "asked_at", "ready_at", "expires_at",
        )  # fmt: skip
        read_only_fields = fields


class OfAccount(serializers.Serializer[object]):
    account = serializers.CharField(max_length=12, help_text="Public id of the account")


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    """``answer`` lists by table what was overwritten and deleted, and what is kept for which reason."""

    account = serializers.CharField(source="account.public_id", read_only=True)

    class Meta:
        model = Erasure
        fields = ("public_id", "account", "state", "asked_by", "asked_at", "confirmed_by", "done_at", "answer")
        read_only_fields = fields


class Confirmation(serializers.Serializer[Erasure]):
    number = serializers.CharField(max_length=20, help_text="The account's number, typed by hand")
