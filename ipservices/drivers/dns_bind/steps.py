"""The steps of a change, and how they fit into messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dns.update

from ipservices.drivers.dns_records import Key

Step = tuple[Key, tuple[int, list[str]] | None]
"""A record set and what it is to be: time to live and values, or away with it."""
_MOST_OCTETS = 40_000
"""Of records in one update; a message holds 65,535."""


def add(update: dns.update.UpdateMessage, key: Key, content: tuple[int, list[str]]) -> None:
    for value in content[1]:
        update.add(key[0], content[0], key[1], value)


def said(step: Step) -> str:
    (name, kind), content = step
    return f"{name} {kind} " + ("away" if content is None else f"{content[0]} {', '.join(content[1])}")


def parts(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps in messages that are not too long; nothing for no step."""
    part: list[Step] = []
    octets = 0
    for step in steps:
        size = len(step[0][0]) + sum(len(value) + 40 for value in (step[1] or (0, []))[1]) + 40
        if part and octets + size > _MOST_OCTETS:
            yield part
            part, octets = [], 0
        part.append(step)
        octets += size
    if part:
        yield part
