"""Signing in by OAuth 2 at a mailbox that is fetched, on the API: shown without its secrets, and set up."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ticketing.choices import GrantState, GrantWay
from ticketing.models import MailGrant


class MailGrantSerializer(serializers.ModelSerializer[MailGrant]):
    """How BOSS gets the right to read a mailbox. ``state``: ``lost`` when somebody has to sign in again. Neither the
    secret nor a token is ever shown."""

    state = serializers.ChoiceField(choices=GrantState.choices, read_only=True)

    class Meta:
        model = MailGrant
        fields = (
            "way", "authorization_endpoint", "token_endpoint", "scope", "client_id", "secret_in_body", "state",
            "granted_at", "granted_by", "lost_at",
        )  # fmt: skip
        read_only_fields = fields


class ChangeMailGrant(serializers.Serializer[Any]):
    """Without ``client_secret`` the one there is stays, as long as the token address does. ``refresh_token``: one that
    was got elsewhere; without it somebody signs in on the mailbox's page in the console."""

    way = serializers.ChoiceField(choices=GrantWay.choices, default=GrantWay.PERSON.value)
    authorization_endpoint = serializers.CharField(max_length=500, default="", allow_blank=True)
    token_endpoint = serializers.CharField(max_length=500)
    scope = serializers.CharField(max_length=500, default="", allow_blank=True)
    client_id = serializers.CharField(max_length=255)
    client_secret = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    secret_in_body = serializers.BooleanField(default=True)
    refresh_token = serializers.CharField(max_length=16_000, required=False, allow_blank=True)
