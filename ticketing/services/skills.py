"""The provider's list of skills, and what tickets of a category ask for."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import staffing
from ticketing.assignment.values import TOP_LEVEL
from ticketing.errors import KeyTaken
from ticketing.models import Category, CategoryNeed, Skill


@service
def define(*, actor: Actor, key: str, name: str) -> Skill:
    """Put a skill on the list. Raises :class:`KeyTaken` with field ``key``; a key is never given twice."""
    require(actor, staffing.MANAGE)
    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    locks.hold(f"ticketing.skill:{key}")
    if Skill.objects.filter(key=key).exists():
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})

    skill: Skill = Skill(key=key, name=name.strip())
    skill.clean_fields()
    skill.save()

    audit.record(actor=actor, action="skill.defined", subject=skill, after={"key": key, "name": skill.name})
    return skill


@service
def archive(*, actor: Actor, skill: Skill) -> None:
    """Offer a skill no more. Refused while a category asks for it: nobody could ever have such tickets."""
    require(actor, staffing.MANAGE)
    found: Skill = Skill.objects.select_for_update().get(pk=skill.pk)
    asking = CategoryNeed.objects.filter(skill=found).select_related("category").first()
    if asking is not None:
        raise InvalidInput(
            fields={"skill": [_("Tickets of %(category)s ask for it.") % {"category": asking.category.name}]}
        )
    if found.is_archived:
        return

    found.is_archived = True
    found.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="skill.archived", subject=found, after={"key": found.key})


@service
def ask(
    *,
    actor: Actor,
    category: Category,
    skill: Skill | None = None,
    level: int = 1,
    language: str = "",
    field: str = "",
    value: str = "",
    is_wish: bool = False,
) -> CategoryNeed:
    """Let tickets of a category ask for a skill at a level, or for a language ("customer": the one the customer has).

    With ``field`` and ``value`` only where the ticket's field has that value. Raises :class:`InvalidInput` with fields
    ``skill``, ``level``, ``field``.
    """
    require(actor, staffing.MANAGE)
    language = language.strip().lower()
    faults: dict[str, list[str]] = {}
    if (skill is None) == (not language):
        faults["skill"] = [_("Choose a skill or a language.")]
    elif skill is not None and skill.is_archived:
        faults["skill"] = [_("This skill is no longer on the list.")]
    if not 1 <= level <= TOP_LEVEL:
        faults["level"] = [_("Levels go from 1 to %(n)s.") % {"n": TOP_LEVEL}]
    if bool(field.strip()) != bool(value.strip()):
        faults["field"] = [_("Give a field and its value, or neither.")]
    if faults:
        raise InvalidInput(fields=faults)

    kind = CategoryNeed.Kind.SKILL if skill is not None else CategoryNeed.Kind.LANGUAGE
    need: CategoryNeed = CategoryNeed(
        category=category, kind=kind, skill=skill, level=level if skill is not None else 1, language=language,
        field=field.strip(), value=value.strip(), is_wish=is_wish and skill is not None,
    )  # fmt: skip
    need.clean_fields(exclude=["category", "skill"])
    try:
        with transaction.atomic():
            need.save()
    except IntegrityError:
        raise InvalidInput(fields={"skill": [_("Tickets of this category ask for that already.")]}) from None

    audit.record(actor=actor, action="category.need_added", subject=category, after=_told(need))
    return need


@service
def ask_no_more(*, actor: Actor, need_id: int) -> None:
    """Take back something that tickets of a category ask for."""
    require(actor, staffing.MANAGE)
    need: CategoryNeed | None = CategoryNeed.objects.filter(pk=need_id).select_related("category", "skill").first()
    if need is None:
        return

    told = _told(need)
    need.delete()

    audit.record(actor=actor, action="category.need_removed", subject=need.category, before=told)


def _told(need: CategoryNeed) -> dict[str, Any]:
    return {
        "skill": need.skill.key if need.skill is not None else None,
        "level": need.level,
        "language": need.language,
        "field": need.field,
        "value": need.value,
        "wished": need.is_wish,
    }
