"""Pools on the API: what they are, who is in them, how they stand; my presence; skills and what tickets ask for."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from boss.core import clock
from boss.core.api.views import BossViewSet, ReadOnlyViewSet
from boss.core.problems import InvalidInput, NotFound
from boss.tenancy.models import Calendar, User
from boss.tenancy.selectors import get_calendar, get_user
from ticketing import selectors, staffing, workload
from ticketing.api.serializers import PersonSerializer
from ticketing.assignment.kinds import PresenceState, Strategy
from ticketing.assignment.values import TOP_LEVEL
from ticketing.models import CategoryNeed, PoolMember, RotaShift, Skill, StaffPresence, TalentPool
from ticketing.services import pools, presence, relieving, skills

VIEW, CLAIM = "ticketing.view_talentpool", "ticketing.claim_ticket"
_PLAIN: dict[str, Any] = {"pagination_class": None, "filterset_class": None, "filterset_fields": None}


class TalentPoolSerializer(serializers.ModelSerializer[TalentPool]):
    calendar = serializers.CharField(source="calendar.key", default=None, read_only=True, allow_null=True)
    parent = serializers.CharField(  # type: ignore[assignment]  # a member named so in the document
        source="parent.key", default=None, read_only=True, allow_null=True
    )

    otherwise = serializers.CharField(read_only=True, help_text="The strategy if that finds nobody; empty for none")

    class Meta:
        model = TalentPool
        fields = (
            "key", "name", "description", "strategy", "otherwise", "calendar", "parent", "relax_after",
            "absent_after", "weights",
        )  # fmt: skip
        read_only_fields = fields


class NewPool(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ConfigurePool(serializers.Serializer[Any]):
    """All of a pool's settings: what is left out is as in a new pool."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    strategy = serializers.ChoiceField(choices=Strategy.choices, default=Strategy.MANUAL.value)
    otherwise = serializers.ChoiceField(choices=Strategy.choices, default="", allow_blank=True)
    calendar = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="A calendar's key")
    parent = serializers.CharField(  # type: ignore[assignment]  # a member named so in the document
        max_length=40, required=False, allow_null=True, help_text="A pool's key"
    )
    relax_after = serializers.DurationField(required=False, allow_null=True)
    absent_after = serializers.DurationField(
        required=False, allow_null=True,
        help_text="Open tickets of somebody who is away for so much of his hours come back to the pool",
    )  # fmt: skip
    weights = serializers.DictField(
        required=False, help_text='Units of capacity: {"priority": {"1": 3}, "category": {"outage": 2}}'
    )


class PoolMemberSerializer(serializers.ModelSerializer[PoolMember]):
    user = PersonSerializer(read_only=True)
    calendar = serializers.CharField(source="calendar.key", default=None, read_only=True, allow_null=True)
    skills = serializers.DictField(child=serializers.IntegerField())
    languages = serializers.ListField(child=serializers.CharField())
    zones = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = PoolMember
        fields = ("user", "skills", "languages", "zones", "calendar", "capacity", "since", "last_given_at")
        read_only_fields = fields


class SetPoolMember(serializers.Serializer[Any]):
    """Somebody is put into the pool if need be; what is left out is as for a new member."""

    user = serializers.CharField(max_length=12, help_text="The public id of somebody of the staff")
    skills = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=TOP_LEVEL), required=False)
    languages = serializers.ListField(child=serializers.CharField(max_length=10), required=False, max_length=20)
    zones = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=50)
    calendar = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="A calendar's key")
    capacity = serializers.IntegerField(min_value=0, max_value=PoolMember.MOST_CAPACITY, default=8)


class PoolPerson(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=12, help_text="The public id of a member")


class PoolSupervisors(serializers.Serializer[Any]):
    users = serializers.ListField(child=serializers.CharField(max_length=12), max_length=50)


class RotaShiftSerializer(serializers.ModelSerializer[RotaShift]):
    user = PersonSerializer(read_only=True)

    class Meta:
        model = RotaShift
        fields = ("user", "starts_at", "ends_at")
        read_only_fields = fields


class NewRotaShift(PoolPerson):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class EndRotaShift(PoolPerson):
    starts_at = serializers.DateTimeField(help_text="When the shift begins that is taken out")


class PassOnTickets(PoolPerson):
    count = serializers.IntegerField(min_value=1, max_value=relieving.MOST_AT_ONCE)
    to = serializers.CharField(max_length=12, required=False, allow_null=True, help_text="A member; null: the pool")


class PassedOnSerializer(serializers.Serializer[Any]):
    moved = serializers.IntegerField()


class MemberLoadSerializer(serializers.Serializer[workload.MemberLoad]):
    user = PersonSerializer()
    presence = serializers.ChoiceField(choices=PresenceState.choices, source="member.presence")
    in_hours = serializers.BooleanField(source="member.in_hours")
    on_call = serializers.BooleanField(source="member.on_call")
    load = serializers.IntegerField(source="member.load", help_text="Units of open work, of all pools")
    capacity = serializers.IntegerField(source="member.capacity")
    held = serializers.IntegerField(help_text="Open tickets of this pool")
    late = serializers.IntegerField()


class WorkloadSerializer(serializers.Serializer[workload.Workload]):
    pool = serializers.CharField(source="pool.key")
    as_of = serializers.DateTimeField()
    open = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Open, and nobody has them")
    oldest_at = serializers.DateTimeField(allow_null=True)
    soon = serializers.IntegerField(help_text="Due within the hour")
    late = serializers.IntegerField()
    people = MemberLoadSerializer(many=True)


class TalentPoolViewSet(ReadOnlyViewSet):
    """Groups of staff that tickets wait for. Below a pool everything is for those who answer for it."""

    model = TalentPool
    serializer_class = TalentPoolSerializer
    permission = VIEW
    permissions: ClassVar[dict[str, str]] = {"create": pools.MANAGE}
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {
        "create": NewPool,
        "set_member": SetPoolMember,
        "add_shift": NewRotaShift,
    }
    lookup_field = "key"
    lookup_value_regex = "[-a-zA-Z0-9_]+"

    def rows(self) -> QuerySet[TalentPool]:
        return selectors.list_pools(self.actor).select_related("calendar", "parent")

    def create(self, request: Request) -> Response:
        return self.answer(pools.create(actor=self.actor, **self.given()), status=201)

    @action(detail=True, methods=["post"], permission=pools.MANAGE, input=ConfigurePool)
    def configure(self, request: Request, key: str) -> Response:
        """Say all about it but who is in it."""
        pool, given = self.get_object(), self.given()
        given["calendar"] = _calendar(given.get("calendar"))
        parent = given.get("parent")
        given["parent"] = selectors.find_pool(parent) if parent else None
        if parent and given["parent"] is None:
            raise InvalidInput(fields={"parent": [_("There is no such talent pool.")]})
        return self.answer(pools.configure(actor=self.actor, pool=pool, **given))

    @extend_schema(responses=PoolMemberSerializer(many=True))
    @action(detail=True, permission=VIEW, **_PLAIN)
    def members(self, request: Request, key: str) -> Response:
        """Who is in it, and what they can do."""
        return Response(PoolMemberSerializer(staffing.list_members(self._mine()), many=True).data)

    @extend_schema(responses=PoolMemberSerializer)
    @members.mapping.post
    def set_member(self, request: Request, key: str) -> Response:
        """Put somebody into it, or say anew what a member can do."""
        pool, given = self._mine(), self.given()
        user = given["user"] = self._person(given["user"])
        given["calendar"] = _calendar(given.get("calendar"))
        if not staffing.list_members(pool).filter(user=user).exists():
            pools.add_member(actor=self.actor, pool=pool, user=user)
        member = pools.change_member(actor=self.actor, pool=pool, **given)
        return Response(PoolMemberSerializer(member).data)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], url_path="members/remove", permission=pools.MANAGE, input=PoolPerson)
    def remove_member(self, request: Request, key: str) -> Response:
        """Take somebody out of it; what he has stays his."""
        pools.remove_member(actor=self.actor, pool=self.get_object(), user=self._person(self.given()["user"]))
        return Response(status=204)

    @action(detail=True, methods=["post"], permission=pools.MANAGE, input=PoolSupervisors)
    def supervisors(self, request: Request, key: str) -> Response:
        """Say who answers for it: these and nobody else."""
        pool = self.get_object()
        people = [self._person(each, "users") for each in self.given()["users"]]
        pools.set_supervisors(actor=self.actor, pool=pool, users=people)
        return self.answer(pool)

    @extend_schema(responses=RotaShiftSerializer(many=True))
    @action(detail=True, permission=VIEW, **_PLAIN)
    def shifts(self, request: Request, key: str) -> Response:
        """Who is on call, now and later."""
        return Response(RotaShiftSerializer(staffing.list_shifts(self._mine()), many=True).data)

    @extend_schema(responses={201: RotaShiftSerializer})
    @shifts.mapping.post
    def add_shift(self, request: Request, key: str) -> Response:
        """Put a member on call."""
        pool, given = self._mine(), self.given()
        given["user"] = self._person(given["user"])
        return Response(RotaShiftSerializer(pools.add_shift(actor=self.actor, pool=pool, **given)).data, status=201)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], url_path="shifts/remove", permission=VIEW, input=EndRotaShift)
    def remove_shift(self, request: Request, key: str) -> Response:
        """Take a shift out of the rota."""
        pool, given = self._mine(), self.given()
        found = staffing.find_shift(pool, self._person(given["user"]), given["starts_at"])
        if found is None:
            raise NotFound(shift=given["starts_at"].isoformat())
        pools.remove_shift(actor=self.actor, pool=pool, shift_id=found.pk)
        return Response(status=204)

    @extend_schema(responses=WorkloadSerializer)
    @action(detail=True, permission=VIEW, **_PLAIN)
    def workload(self, request: Request, key: str) -> Response:
        """How it stands now."""
        return Response(WorkloadSerializer(workload.of_pool(self.actor, key)).data)

    @extend_schema(responses=PassedOnSerializer)
    @action(detail=True, methods=["post"], permission=VIEW, input=PassOnTickets)
    def pass_on(self, request: Request, key: str) -> Response:
        """Take tickets off somebody, those due first."""
        pool, given = self._mine(), self.given()
        to = self._person(given["to"], "to") if given.get("to") else None
        moved = relieving.pass_on(
            actor=self.actor, pool=pool, user=self._person(given["user"]), count=given["count"], to=to
        )
        return Response({"moved": moved})

    def _mine(self) -> TalentPool:
        pool = cast(TalentPool, self.get_object())
        pools.require_supervision(self.actor, pool)
        return pool

    def _person(self, public_id: str, field: str = "user") -> User:
        try:
            return get_user(self.actor, public_id)
        except NotFound:
            raise InvalidInput(fields={field: [_("There is no such person.")]}) from None


class StaffPresenceSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=PresenceState.choices)
    reason = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    until = serializers.DateTimeField(required=False, allow_null=True)


class StaffPresenceViewSet(BossViewSet):
    """Where I am: what decides whether I am given work."""

    model = StaffPresence
    serializer_class = StaffPresenceSerializer
    permission = CLAIM
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": StaffPresenceSerializer}
    pagination_class = None

    @extend_schema(responses=forced_singular_serializer(StaffPresenceSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """By now: what was set ends by itself, and without a sign of life."""
        row = staffing.presence_of([self.actor.user_id or 0]).get(self.actor.user_id or 0)
        return self._shown(row)

    def create(self, request: Request) -> Response:
        """Say where I am. Busy and away end at ``until``, available becomes offline then."""
        return self._shown(presence.set_presence(actor=self.actor, **self.given()))

    def _shown(self, row: StaffPresence | None) -> Response:
        state = staffing.state_of(row, clock.now())
        told = row if row is not None and row.state == state else None
        shown = {"state": state, "reason": told.reason if told else "", "until": told.until if told else None}
        return Response(StaffPresenceSerializer(shown).data)


class SkillSerializer(serializers.ModelSerializer[Skill]):
    class Meta:
        model = Skill
        fields = ("key", "name")
        read_only_fields = fields


class NewSkill(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=80)


class SkillViewSet(BossViewSet):
    """What people can be good at."""

    model = Skill
    serializer_class = SkillSerializer
    permission = pools.MANAGE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": NewSkill}
    pagination_class = None

    @extend_schema(responses=SkillSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(SkillSerializer(staffing.list_skills(), many=True).data)

    def create(self, request: Request) -> Response:
        return Response(SkillSerializer(skills.define(actor=self.actor, **self.given())).data, status=201)


class CategoryNeedSerializer(serializers.Serializer[Any]):
    """What tickets of a category ask for: a skill at a level or a language ("customer": the one the customer has),
    always or only where a field of theirs has a value."""

    category = serializers.CharField(source="category.key", max_length=40)
    skill = serializers.CharField(source="skill.key", max_length=40, default=None, allow_null=True)
    level = serializers.IntegerField(min_value=1, max_value=TOP_LEVEL, default=1)
    language = serializers.CharField(max_length=10, default="", allow_blank=True)
    field = serializers.CharField(max_length=60, default="", allow_blank=True)
    value = serializers.CharField(max_length=200, default="", allow_blank=True)
    is_wish = serializers.BooleanField(default=False)


class CategoryNeedViewSet(BossViewSet):
    """What tickets ask of whoever gets them."""

    model = CategoryNeed
    serializer_class = CategoryNeedSerializer
    permission = pools.MANAGE
    inputs: ClassVar[dict[str, type[Serializer[Any]]]] = {"create": CategoryNeedSerializer}
    pagination_class = None

    @extend_schema(responses=CategoryNeedSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(CategoryNeedSerializer(staffing.list_needs(), many=True).data)

    def create(self, request: Request) -> Response:
        given = dict(self.given())
        category = selectors.find_category(given.pop("category")["key"])
        if category is None:
            raise InvalidInput(fields={"category": [_("There is no such category.")]})
        key = (given.pop("skill", None) or {}).get("key")
        skill = next((each for each in staffing.list_skills() if each.key == key), None)
        if key and skill is None:
            raise InvalidInput(fields={"skill": [_("There is no such skill.")]})
        need = skills.ask(actor=self.actor, category=category, skill=skill, **given)
        return Response(CategoryNeedSerializer(need).data, status=201)


def _calendar(key: str | None) -> Calendar | None:
    if not key:
        return None
    try:
        return get_calendar(key)
    except NotFound:
        raise InvalidInput(fields={"calendar": [_("There is no such calendar.")]}) from None
