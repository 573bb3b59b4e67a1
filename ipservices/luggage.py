"""What a move between two servers takes along and what it does not, in words for who is about to start it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from ipservices.families import Kind, kinds
from ipservices.models import Migration
from ipservices.registry import drivers


@dataclass(frozen=True, slots=True)
class Luggage:
    """Sentences: what ``comes`` along, what ``stays`` behind, and what an operator has to see to (``mind``)."""

    comes: tuple[str, ...]
    stays: tuple[str, ...]
    mind: tuple[str, ...]


def luggage_of(migration: Migration) -> Luggage:
    """What holds for all services of a migration; what is so for one alone stands at it."""
    source, target = (drivers.find(one.driver_key) for one in (migration.source, migration.target))
    if source is None or target is None:
        return Luggage((), (), ())
    wanted = set(migration.kinds) or source.capabilities.kinds
    moved = [kind for key, kind in kinds if key in wanted and kind.family == migration.source.family]
    comes = [_("Everything set for each service, its suspension, and what its owner has switched off.")]
    stays, mind = list[str](), list[str]()
    if any(kind.secrets for kind in moved):
        comes.append(_passwords(migration, one_product=migration.source.driver_key == migration.target.driver_key))
    way = source.capabilities.hands_over
    handed_over = bool(way) and way == target.capabilities.hands_over
    for kind in moved:
        if not kind.has_content:
            continue
        along = comes if handed_over and not migration.content_moved else stays
        along.append(_content(kind, migration, handed_over=handed_over))
        stays += [_sentence(text) for text in kind.stays]
        mind += [str(text) for text in kind.on_moving]
    return Luggage(tuple(comes), tuple(stays), tuple(mind))


def _passwords(migration: Migration, *, one_product: bool) -> str:
    if one_product:
        return _("Passwords: everybody keeps his own. Where BOSS does not know one its hash is taken along.")
    if migration.renew_secrets:
        return _("Passwords that BOSS knows. Where it does not know one a new one is made.")
    return _("Passwords that BOSS knows. A service whose password it does not know stays.")


def _content(kind: Kind, migration: Migration, *, handed_over: bool) -> str:
    if migration.content_moved:
        return _("What is in each %(kind)s: somebody answers for it that it has been copied.") % {"kind": kind.noun}
    if handed_over:
        return _("What is in each %(kind)s: %(content)s. The servers hand it over to one another.") % {
            "kind": kind.noun, "content": kind.content,
        }  # fmt: skip
    return _("What is in each %(kind)s. The two servers cannot hand it over, so such services stay.") % {
        "kind": kind.noun
    }


def _sentence(text: object) -> str:
    words = str(text)
    return f"{words[:1].upper()}{words[1:]}."
