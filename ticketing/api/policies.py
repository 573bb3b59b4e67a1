"""Policies of tickets on the API: each verb is one service call."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core.api.views import ReadOnlyViewSet
from boss.core.problems import InvalidInput
from ticketing import automations, dry_run, selectors
from ticketing import policies as read
from ticketing.api.automation import SHOWN, RuleRunSerializer
from ticketing.dry_run import Line, Trial
from ticketing.models import Category, Policy, PolicyUse, PolicyVersion, RuleRun
from ticketing.services import policies
from ticketing.services.policies import OPEN_TICKETS
from ticketing.sla.kinds import PolicyKind


class PolicyUseSerializer(serializers.ModelSerializer[PolicyUse]):
    category = serializers.CharField(source="category.key", default=None, read_only=True, allow_null=True)

    class Meta:
        model = PolicyUse
        fields = ("category",)
        read_only_fields = fields


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    rules = serializers.DictField(read_only=True)

    class Meta:
        model = PolicyVersion
        fields = ("number", "rules", "note", "published_at", "published_by")
        read_only_fields = fields


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """A policy: the version that holds, the draft of the next, and where it holds (a null category: everywhere)."""

    current = PolicyVersionSerializer(read_only=True, allow_null=True)
    draft = serializers.DictField(read_only=True, allow_null=True)
    uses = PolicyUseSerializer(many=True, read_only=True)

    class Meta:
        model = Policy
        fields = ("public_id", "key", "name", "kind", "current", "draft", "drafted_by", "drafted_at", "uses")
        read_only_fields = fields


class NewPolicy(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=PolicyKind.choices)


class PolicyDraft(serializers.Serializer[Any]):
    rules = serializers.DictField(help_text="As versions show them: rows and pauses, the steps of a ladder, or rules")


class OpenTickets(serializers.Serializer[Any]):
    """``open_tickets``: leave them, let the new terms hold from now on, or count them anew from their start."""

    open_tickets = serializers.ChoiceField(choices=OPEN_TICKETS, default="leave")


class PublishPolicy(OpenTickets):
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class RevertPolicy(OpenTickets):
    number = serializers.IntegerField(min_value=1, help_text="The version that shall hold again")


class UsePolicy(OpenTickets):
    category = serializers.CharField(max_length=40, allow_null=True, help_text="The category's key; null: everywhere")


class LeavePolicy(serializers.Serializer[Any]):
    category = serializers.CharField(max_length=40, allow_null=True, help_text="The category's key; null: everywhere")


class TrialLineSerializer(serializers.Serializer[Line]):
    what = serializers.CharField()
    now = serializers.CharField(help_text="As it is; empty for steps")
    then = serializers.CharField(help_text="By the policy's draft, or what holds where it has none")
    due_at = serializers.DateTimeField(allow_null=True)
    would_be_late = serializers.BooleanField()


class TrialSerializer(serializers.Serializer[Trial]):
    ticket = serializers.CharField(source="ticket.public_id")
    number = serializers.CharField(source="ticket.number")
    lines = TrialLineSerializer(many=True)


class PolicyViewSet(ReadOnlyViewSet):
    """What is promised of tickets by when, and what happens before and after."""

    model = Policy
    serializer_class = PolicySerializer
    permission = read.VIEW
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewPolicy}
    filterset_fields = ("kind",)

    def rows(self) -> QuerySet[Policy]:
        return read.list_policies(self.actor)

    def get_queryset(self) -> QuerySet[Policy]:
        # Seen by whoever may write them: there is no right to look at policies alone.
        return QuerySet(Policy).none() if getattr(self, "swagger_fake_view", False) else self.rows()

    def create(self, request: Request) -> Response:
        return self.answer(policies.create(actor=self.actor, **self.given()), status=201)

    @action(detail=True, methods=["post"], permission=read.VIEW, input=PolicyDraft)
    def draft(self, request: Request, public_id: str) -> Response:
        """Keep what is being written. It holds nowhere until it is published."""
        return self.answer(policies.draft(actor=self.actor, policy=self.get_object(), **self.given()))

    @action(detail=True, methods=["post"], permission=read.VIEW, input=PublishPolicy)
    def publish(self, request: Request, public_id: str) -> Response:
        """Let the draft hold from now on, as the next version."""
        policies.publish(actor=self.actor, policy=self.get_object(), **self.given())
        return self.answer(self.get_object())

    @action(detail=True, methods=["post"], permission=read.VIEW, input=RevertPolicy)
    def revert(self, request: Request, public_id: str) -> Response:
        """Publish an earlier version once more."""
        policies.revert(actor=self.actor, policy=self.get_object(), **self.given())
        return self.answer(self.get_object())

    @action(detail=True, methods=["post"], permission=read.VIEW, input=UsePolicy)
    def use(self, request: Request, public_id: str) -> Response:
        """Let it hold in a category and those below it, or everywhere."""
        found, given = self.get_object(), self.given()
        policies.use(actor=self.actor, policy=found, category=_category(given.pop("category")), **given)
        return self.answer(self.get_object())

    @action(detail=True, methods=["post"], permission=read.VIEW, input=LeavePolicy)
    def leave(self, request: Request, public_id: str) -> Response:
        """Let it hold there no more; what was promised stays promised."""
        policies.stop_using(actor=self.actor, policy=self.get_object(), category=_category(self.given()["category"]))
        return self.answer(self.get_object())

    @extend_schema(responses=PolicyVersionSerializer(many=True))
    @action(detail=True, permission=read.VIEW, pagination_class=None, filterset_class=None, filterset_fields=None)
    def versions(self, request: Request, public_id: str) -> Response:
        """What was published, newest first."""
        return Response(PolicyVersionSerializer(read.list_versions(self.get_object()), many=True).data)

    @extend_schema(responses=RuleRunSerializer(many=True))
    @action(detail=True, permission=read.VIEW, pagination_class=None, filterset_class=None, filterset_fields=None)
    def runs(self, request: Request, public_id: str) -> Response:
        """The last hundred times its rules were looked at, newest first; none for what has no rules."""
        return Response(RuleRunSerializer(_runs(self), many=True).data)

    @extend_schema(
        responses=TrialSerializer(many=True),
        parameters=[OpenApiParameter("number", str, description="Of one ticket, by its number")],
    )
    @action(detail=True, permission=read.VIEW, pagination_class=None, filterset_class=None, filterset_fields=None)
    def trial(self, request: Request, public_id: str) -> Response:
        """What its draft would do to the twenty newest tickets, or to one; what rules would have done with the last
        hundred. Changes nothing."""
        found = self.get_object()
        rules = found.draft or (found.current.rules if found.current else None)
        number = request.query_params.get("number", "")
        tried = dry_run.of(self.actor, found, rules, number) if rules is not None else []
        return Response(TrialSerializer(tried, many=True).data)  # type: ignore[arg-type]


def _runs(view: PolicyViewSet) -> list[RuleRun]:
    return list(automations.list_runs(view.actor, policy=view.get_object())[:SHOWN])


def _category(key: str | None) -> Category | None:
    if key is None:
        return None
    category = selectors.find_category(key)
    if category is None:
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    return category
