"""Shapes every room's answers share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


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
