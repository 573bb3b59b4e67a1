"""Automation on the API: what rules have done on a ticket, and letting them act there again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boss.core.api.views import BossViewSet
from ticketing import automations
from ticketing.models import RuleRun
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import automation

SHOWN = 100


class RuleRunSerializer(serializers.ModelSerializer[RuleRun]):
    """A rule that was looked at for an event: what its condition has read, what came of it, and why not."""

    ticket = serializers.CharField(source="ticket.public_id", read_only=True)
    policy = serializers.CharField(source="policy_version.policy.key", read_only=True)
    version = serializers.IntegerField(source="policy_version.number", read_only=True)
    rule = serializers.CharField(source="name", read_only=True)
    event = serializers.CharField(source="kind", read_only=True)
    looked_at = serializers.DictField(read_only=True)

    class Meta:
        model = RuleRun
        fields = (
            "ticket", "policy", "version", "rule", "event", "result", "depth", "looked_at", "told", "actions", "at",
        )  # fmt: skip
        read_only_fields = fields


class RulesOfTicketSerializer(serializers.Serializer[Any]):
    """``stopped_at``: since when rules do nothing on this ticket; null while they may act."""

    stopped_at = serializers.DateTimeField(allow_null=True)
    runs = RuleRunSerializer(many=True)


class RulesOfTickets(BossViewSet):
    """What rules do on one ticket, among its actions."""

    @extend_schema(responses=RulesOfTicketSerializer)
    @action(detail=True, permission=VIEW_INTERNAL, pagination_class=None, filterset_class=None, filterset_fields=None)
    def rules(self, request: Request, public_id: str) -> Response:
        """The last hundred rules that were looked at on it, newest first, and whether they are stopped."""
        ticket = self.get_object()
        breaker = automations.find_breaker(ticket)
        told = {
            "stopped_at": breaker.opened_at if breaker else None,
            "runs": automations.list_runs(self.actor, ticket=ticket)[:SHOWN],
        }
        return Response(RulesOfTicketSerializer(told).data)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], permission=automation.SUPERVISES)
    def resume_rules(self, request: Request, public_id: str) -> Response:
        """Let rules act on it again after more than 20 actions in a minute have stopped them."""
        automation.let_act_again(actor=self.actor, ticket=self.get_object())
        return Response(status=204)
