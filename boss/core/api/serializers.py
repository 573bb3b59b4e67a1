"""Shapes every room's answers share."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from boss.core import permissions


class RowSerializer(serializers.ModelSerializer[Any]):
    """A row as people and programs of the provider see it, and of that what its customer does.

    ``for_customers`` names every member shown to whoever does not hold the view permission on the whole realm;
    a member that is not named is the staff's own, also one that is added next year.
    """

    for_customers: ClassVar[tuple[str, ...]] = ()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        if self._reader_acts_for_realm():
            return shown
        return {name: value for name, value in shown.items() if name in self.for_customers}

    def _reader_acts_for_realm(self) -> bool:
        actor = self.context["request"].actor
        return permissions.acts_for_realm(actor, permissions.view_permission(self.Meta.model))  # type: ignore[attr-defined]


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal, as RFC 9457 has it."""

    type = serializers.CharField(help_text="urn:boss:problem: followed by the code")
    title = serializers.CharField(help_text="What kind of refusal this is, in words")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="room.reason: stable, for programs")
    detail = serializers.CharField(required=False, help_text="What is wrong this time")
    fields = serializers.DictField(  # type: ignore[assignment] # a member named so in the document
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Messages by field; nested fields as contact.email",
    )
    data = serializers.DictField(required=False, help_text="Values the detail speaks of")  # type: ignore[assignment]
    instance = serializers.CharField(required=False, help_text="The address that was asked")
