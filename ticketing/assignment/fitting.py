"""Whether a person may have a ticket: skills, language, place, hours, presence, room."""

from __future__ import annotations

from collections.abc import Iterable

from ticketing.assignment.kinds import Because, PresenceState, Stage
from ticketing.assignment.values import Member, Need, Refusal, Wanted


def asked(needs: Iterable[Need], stage: Stage) -> list[Need]:
    """What is still asked for at this stage."""
    found = []
    for need in needs:
        if need.wished and stage >= Stage.NO_WISHES:
            continue
        level = need.level - (stage >= Stage.EASED)
        if level > 0:
            found.append(Need(need.skill, level, need.wished))
    return found


def may_take(
    member: Member, ticket: Wanted, stage: Stage = Stage.STRICT, *, by_oneself: bool = False, on_call: bool = False
) -> Refusal | None:
    """None when ``member`` may have ``ticket``, else the first thing that is against it.

    ``by_oneself``: somebody asks for work (the next ticket): hours, presence and having put it back are not asked.
    ``on_call``: a shift on call stands for hours and presence. Nobody is ever given more than there is room for.
    """
    if member.key in ticket.put_back_by and not by_oneself:
        return Refusal(Because.PUT_BACK)
    for need in asked(ticket.needs, stage):
        has = member.skills.get(need.skill, 0)
        if has < need.level:
            return Refusal(Because.SKILL, need.skill, has, need.level)
    if ticket.language and ticket.language not in member.languages:
        return Refusal(Because.LANGUAGE, ticket.language)
    if member.zones and ticket.places and not member.zones & ticket.places:
        return Refusal(Because.ZONE)
    if on_call:
        if not member.on_call:
            return Refusal(Because.NOT_ON_CALL)
    elif not by_oneself:
        if not member.in_hours:
            return Refusal(Because.HOURS)
        if member.presence != PresenceState.AVAILABLE:
            return Refusal(Because.PRESENCE, member.presence)
    if member.load + ticket.weight > member.capacity:
        return Refusal(Because.FULL, "", member.load, member.capacity)
    return None
