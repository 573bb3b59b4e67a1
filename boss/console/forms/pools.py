"""Talent pools: how tickets are given out, who can do what, who is on call, and where one is oneself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.look.forms import BossForm
from boss.tenancy.models import User
from ticketing.assignment.kinds import PresenceState, Strategy
from ticketing.assignment.values import TOP_LEVEL
from ticketing.assignment.weights import MOST
from ticketing.choices import Priority
from ticketing.models import Category, CategoryNeed, PoolMember, Skill, TalentPool

NAME = {"required": gettext_lazy("Please give it a name.")}
MORE_WEIGHTS = 2
Choices = Iterable[tuple[str, str]]


class NewPoolForm(BossForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, error_messages=NAME)
    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, error_messages={"required": gettext_lazy("Please give it a key.")}
    )
    description = forms.CharField(label=gettext_lazy("What it does"), max_length=200, required=False)


class PoolForm(BossForm):
    """All settings of a pool. ``values`` are what the service takes, keys still to be looked up."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, error_messages=NAME)
    description = forms.CharField(label=gettext_lazy("What it does"), max_length=200, required=False)
    strategy = forms.ChoiceField(label=gettext_lazy("Tickets are given out"), choices=Strategy.choices)
    otherwise = forms.ChoiceField(
        label=gettext_lazy("If that finds nobody"), required=False,
        choices=[("", gettext_lazy("The ticket waits")), *Strategy.choices],
    )  # fmt: skip
    calendar = forms.ChoiceField(
        label=gettext_lazy("Hours"),
        required=False,
        help_text=gettext_lazy("Of all members without hours of their own."),
    )
    parent = forms.ChoiceField(
        label=gettext_lazy("Pool above"), required=False,
        help_text=gettext_lazy("Its people come last, its supervisors answer for this pool too."),
    )  # fmt: skip
    relax_after = forms.IntegerField(
        label=gettext_lazy("Loosen after (minutes)"), required=False, min_value=1, max_value=24 * 60,
        help_text=gettext_lazy("So long without anybody who fits, and one thing less is asked for. Empty: never."),
    )  # fmt: skip
    absent_after = forms.IntegerField(
        label=gettext_lazy("Put back after an absence of (hours)"), required=False, min_value=1, max_value=30 * 24,
        help_text=gettext_lazy("Open tickets of somebody who is away or offline for so long, counted in his hours, "
                               "come back to the pool. Empty: never."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, pool: TalentPool, calendars: Choices, pools: Choices, categories: Iterable[Category],
        **kwargs: Any,
    ) -> None:  # fmt: skip
        weights: Mapping[str, Any] = pool.weights
        initial = {
            "name": pool.name,
            "description": pool.description,
            "strategy": pool.strategy,
            "otherwise": pool.otherwise,
            "calendar": pool.calendar.key if pool.calendar is not None else "",
            "parent": pool.parent.key if pool.parent is not None else "",
            "relax_after": int(pool.relax_after.total_seconds() // 60) if pool.relax_after is not None else None,
            "absent_after": int(pool.absent_after.total_seconds() // 3600) if pool.absent_after is not None else None,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["calendar"].choices = [("", _("Around the clock")), *calendars]  # type: ignore[attr-defined]
        self.fields["parent"].choices = [("", _("None")), *pools]  # type: ignore[attr-defined]
        for value, label in Priority.choices:
            self._add_weight(f"priority_{value}", str(label), weights.get("priority", {}).get(str(value), 1))
        by_category = list(weights.get("category", {}).items())
        named = [("", _("No category")), *((each.key, each.name) for each in categories)]
        self.count = len(by_category) + MORE_WEIGHTS
        for index in range(self.count):
            key, units = by_category[index] if index < len(by_category) else ("", 1)
            self.fields[f"category_{index}"] = forms.ChoiceField(
                label=_("Category"), required=False, choices=named, initial=key
            )
            self._add_weight(f"units_{index}", _("takes"), units)

    def _add_weight(self, name: str, label: str, units: int) -> None:
        self.fields[name] = forms.IntegerField(
            label=label, required=False, min_value=1, max_value=MOST, initial=units
        )  # fmt: skip

    @property
    def plain(self) -> list[forms.BoundField]:
        return [self[name] for name in type(self).base_fields]

    @property
    def priorities(self) -> list[forms.BoundField]:
        return [self[f"priority_{value}"] for value in Priority.values]

    @property
    def categories(self) -> list[forms.BoundField]:
        return [self[f"{name}_{index}"] for index in range(self.count) for name in ("category", "units")]

    @property
    def weights(self) -> dict[str, dict[str, int]]:
        given = self.cleaned_data
        priority = {str(value): given.get(f"priority_{value}") or 1 for value in Priority.values}
        category = {given[f"category_{n}"]: given.get(f"units_{n}") or 1 for n in range(self.count)}
        category.pop("", None)
        return {"priority": priority, "category": category}

    @property
    def patience(self) -> dt.timedelta | None:
        minutes = self.cleaned_data["relax_after"]
        return dt.timedelta(minutes=minutes) if minutes else None

    @property
    def absence(self) -> dt.timedelta | None:
        hours = self.cleaned_data["absent_after"]
        return dt.timedelta(hours=hours) if hours else None


class PersonForm(BossForm):
    """Somebody, of those who can be chosen here."""

    user = forms.ChoiceField(
        label=gettext_lazy("Person"), error_messages={"required": gettext_lazy("Please choose somebody.")}
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_id = {user.public_id: user for user in people}
        shown = [(key, user.full_name) for key, user in self.by_id.items()]
        self.fields["user"].choices = [("", _("Choose somebody")), *shown]  # type: ignore[attr-defined]

    @property
    def person(self) -> User:
        return self.by_id[self.cleaned_data["user"]]


class ShiftForm(PersonForm):
    starts_at = forms.DateTimeField(
        label=gettext_lazy("From"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class SupervisorsForm(BossForm):
    supervisors = forms.MultipleChoiceField(
        label=gettext_lazy("Supervisors"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("See its workload, pass work on, and are told when a ticket finds nobody."),
    )  # fmt: skip

    def __init__(self, *args: Any, people: Iterable[User], chosen: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, initial={"supervisors": [user.public_id for user in chosen]}, **kwargs)
        self.by_id = {user.public_id: user for user in people}
        shown = [(key, user.full_name) for key, user in self.by_id.items()]
        self.fields["supervisors"].choices = shown  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[User]:
        return [self.by_id[key] for key in self.cleaned_data["supervisors"]]


class MemberForm(BossForm):
    """What one member can do. A list of words is typed with commas."""

    capacity = forms.IntegerField(
        label=gettext_lazy("Capacity"), min_value=0, max_value=PoolMember.MOST_CAPACITY,
        help_text=gettext_lazy("Up to so many units of open work, of all pools, this pool gives more."),
    )  # fmt: skip
    calendar = forms.ChoiceField(label=gettext_lazy("Hours"), required=False)
    languages = forms.CharField(
        label=gettext_lazy("Languages"), required=False, help_text=gettext_lazy("Codes with commas, such as en, es.")
    )
    zones = forms.CharField(
        label=gettext_lazy("Zones"), required=False,
        help_text=gettext_lazy("Regions, towns, postal codes or access nodes with commas. Empty: everywhere."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, member: PoolMember, skills: Iterable[Skill], calendars: Choices, **kwargs: Any
    ) -> None:
        initial = {
            "capacity": member.capacity,
            "calendar": member.calendar.key if member.calendar is not None else "",
            "languages": ", ".join(member.languages),
            "zones": ", ".join(member.zones),
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["calendar"].choices = [("", _("The pool's")), *calendars]  # type: ignore[attr-defined]
        self.skills = list(skills)
        levels = [("0", "—"), *((str(level), str(level)) for level in range(1, TOP_LEVEL + 1))]
        for skill in self.skills:
            self.fields[f"skill_{skill.key}"] = forms.ChoiceField(
                label=skill.name, required=False, choices=levels, initial=str(member.skills.get(skill.key, 0))
            )

    @property
    def plain(self) -> list[forms.BoundField]:
        return [self[name] for name in type(self).base_fields]

    @property
    def levels(self) -> list[forms.BoundField]:
        return [self[f"skill_{skill.key}"] for skill in self.skills]

    @property
    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "capacity": given["capacity"],
            "languages": given["languages"].split(","),
            "zones": given["zones"].split(","),
            "skills": {skill.key: int(given[f"skill_{skill.key}"] or 0) for skill in self.skills},
        }


class SkillForm(BossForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, error_messages=NAME)
    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, error_messages={"required": gettext_lazy("Please give it a key.")}
    )


class NeedForm(BossForm):
    """What tickets of a category ask for: a skill at a level, or a language."""

    category = forms.ChoiceField(label=gettext_lazy("Tickets of"))
    skill = forms.ChoiceField(label=gettext_lazy("Skill"), required=False)
    level = forms.TypedChoiceField(
        label=gettext_lazy("At least"), coerce=int, choices=[(n, str(n)) for n in range(1, TOP_LEVEL + 1)]
    )
    language = forms.CharField(
        label=gettext_lazy("Or a language"), required=False, max_length=10,
        help_text=gettext_lazy("A code such as es, or \"customer\" for the language the customer has."),
    )  # fmt: skip
    field = forms.CharField(
        label=gettext_lazy("Only where the field"), required=False, max_length=60,
        help_text=gettext_lazy("The key of one of the category's fields. Empty: always."),
    )  # fmt: skip
    value = forms.CharField(label=gettext_lazy("has the value"), required=False, max_length=200)
    is_wish = forms.BooleanField(label=gettext_lazy("Only wished for: given up first"), required=False)

    def __init__(self, *args: Any, categories: Iterable[Category], skills: Iterable[Skill], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [(each.key, each.name) for each in categories]  # type: ignore[attr-defined]
        named = [("", _("No skill")), *((each.key, each.name) for each in skills)]
        self.fields["skill"].choices = named  # type: ignore[attr-defined]


def need_words(need: CategoryNeed) -> str:
    """One line: "Fibre, at least 3, where device is ont"."""
    if need.skill is not None:
        words = _("%(skill)s, at least %(level)s") % {"skill": need.skill.name, "level": need.level}
    elif need.language == CategoryNeed.CUSTOMERS:
        words = _("The customer's language")
    else:
        words = _("Language: %(code)s") % {"code": need.language}
    if need.field:
        words += ", " + _("where %(field)s is %(value)s") % {"field": need.field, "value": need.value}
    return words + (", " + _("only wished for") if need.is_wish else "")


class PresenceForm(BossForm):
    """In the head of every page: its fields are named apart from those of the page."""

    prefix = "presence"

    state = forms.ChoiceField(label=gettext_lazy("Where I am"), choices=PresenceState.choices)
    minutes = forms.ChoiceField(
        label=gettext_lazy("For"), required=False,
        choices=[
            ("", gettext_lazy("Until I say otherwise")),
            ("15", gettext_lazy("15 minutes")),
            ("30", gettext_lazy("30 minutes")),
            ("60", gettext_lazy("1 hour")),
            ("240", gettext_lazy("4 hours")),
            ("480", gettext_lazy("8 hours")),
        ],
    )  # fmt: skip
    reason = forms.CharField(label=gettext_lazy("What colleagues read"), required=False, max_length=120)


class PassOnForm(BossForm):
    count = forms.IntegerField(label=gettext_lazy("Tickets"), min_value=1, max_value=50, initial=1)
    to = forms.ChoiceField(label=gettext_lazy("To"), required=False)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_id = {user.public_id: user for user in people}
        shown = [(key, user.full_name) for key, user in self.by_id.items()]
        self.fields["to"].choices = [("", _("Back into the pool")), *shown]  # type: ignore[attr-defined]

    @property
    def person(self) -> User | None:
        return self.by_id.get(self.cleaned_data["to"])
