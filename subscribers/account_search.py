"""Finding accounts by whatever somebody has in hand. Design and measures: performance.md section 1, ADR 0031.

Each shape of text goes to the one or two indexes made for it, as a range on a byte-ordered column: a comparison
Postgres may use below row-level security and can stop after ``limit`` rows. Names that lead nowhere are looked up
among the realm's words for one that is a single slip away.

The candidates are found by one plain statement, because composing six branches by the ORM costs ten times what
Postgres needs to answer them; the accounts themselves are then read as everywhere, through ``visible_to``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import may, view_permission
from subscribers.models import Account, AccountContact, NameWord
from subscribers.normalise import deletions, is_one_edit_away
from subscribers.search import Reading, end_of_prefix, read

# A mistyped word may stand for several; more than these are not tried.
_MOST_CORRECTIONS = 8
_SHORTEST_CORRECTED = 3
_SHORTEST_PHONE = 3

_TABLES = {
    "account": ("subscribers_account", "id"),
    "contact": ("subscribers_accountcontact", "account_id"),
    "subscription": ("subscribers_subscription", "account_id"),
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One index to ask: rows of ``of`` whose ``column`` begins with ``text``, or (``whole``) is it."""

    of: str
    column: str
    text: str
    whole: bool = False


def search_accounts(actor: Actor, text: str, limit: int = 20) -> list[Account]:
    """Up to ``limit`` accounts for what was typed: number, phone in any spelling, e-mail, address or name.

    The beginning is enough, except for numbers. Two statements, four when a name is misspelt.
    """
    reading = read(text)
    if reading.shape == "nothing" or not actor.holds("subscribers.view_account"):
        return []
    within = _visible(actor)
    branches = _branches(reading)
    if not actor.holds(view_permission(AccountContact)):  # whom he may not see he does not find an account by either
        branches = [branch for branch in branches if branch.of != "contact"]
    ids = _candidates(actor.realm_id, branches, within, limit)
    if not ids and reading.shape == "name":
        corrected = [branch for name in _corrections(reading.text) for branch in _names(name)]
        ids = _candidates(actor.realm_id, corrected, within, limit)
    if not ids:
        return []
    found = {account.pk: account for account in Account.objects.visible_to(actor).filter(pk__in=ids)}
    return [found[pk] for pk in ids if pk in found]


def _branches(reading: Reading) -> list[Branch]:
    """The indexes that can answer, the likeliest first."""
    text = reading.text
    if reading.shape == "number":
        return [Branch("account", "number", text, whole=True)]
    if reading.shape == "email":
        return [Branch("account", "email_key", text), Branch("contact", "email_key", text)]
    if reading.shape == "digits":
        number = Branch("account", "number", f"A-{text}", whole=True)
        if len(text) < _SHORTEST_PHONE:
            return [number]
        # The last ten digits tell a phone apart whether or not the country was typed, or stored.
        back = text[-10:][::-1]
        return [
            number,
            Branch("account", "phone_key", text),
            Branch("account", "phone_key_back", back),
            Branch("contact", "phone_key_back", back),
        ]
    if reading.shape == "address":
        return [Branch("subscription", "address_key", text)]
    return [
        *_names(text),
        Branch("contact", "name_key", text),
        Branch("contact", "name_key_back", text),
        Branch("subscription", "street_key", text),
    ]


def _names(text: str) -> list[Branch]:
    """As written, last word first, and last word first for a name typed without its middle ("Maria Ortiz")."""
    branches = [Branch("account", "name_key", text), Branch("account", "name_key_back", text)]
    *before, last = text.split()
    if before:
        branches.append(Branch("account", "name_key_back", " ".join([last, *before])))
    return branches


def _corrections(text: str) -> list[str]:
    """The text with one of its words replaced by a known word one edit away, likeliest first. One statement."""
    words = text.split()
    tried = [word for word in words if len(word) >= _SHORTEST_CORRECTED]
    forms = {form for word in tried for form in deletions(word)}
    known = sorted(set(NameWord.objects.filter(form__in=forms).values_list("word", flat=True)))
    found = []
    for at, word in enumerate(words):
        if word not in tried or word in known:
            continue
        for candidate in known:
            if is_one_edit_away(word, candidate):
                # People seldom mistype the first letter.
                rank = (candidate[0] != word[0], abs(len(candidate) - len(word)))
                found.append((rank, " ".join([*words[:at], candidate, *words[at + 1 :]])))
    return [corrected for _rank, corrected in sorted(found)[:_MOST_CORRECTIONS]]


def _visible(actor: Actor) -> list[int] | None:
    """The accounts an actor with narrower rights than the realm may see; None for the whole realm."""
    if may(actor, "subscribers.view_account"):
        return None
    return list(Account.objects.visible_to(actor).values_list("pk", flat=True))


def _candidates(realm_id: int, branches: Iterable[Branch], within: list[int] | None, limit: int) -> list[int]:
    """Ids of accounts for the branches, each once, in the order of branches and of their indexes. One statement."""
    parts: list[str] = []
    values: list[Any] = []
    for branch in branches:
        part, given = _part(len(parts), realm_id, branch, within, limit)
        parts.append(part)
        values += given
    if not parts:
        return []
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        rows = sorted(cursor.fetchall(), key=lambda row: (row[1], row[2], row[0]))
    return list(dict.fromkeys(row[0] for row in rows))[:limit]


def _part(position: int, realm_id: int, branch: Branch, within: list[int] | None, limit: int) -> tuple[str, list[Any]]:
    table, account = _TABLES[branch.of]
    column = branch.column
    test = f"{column} = %s" if branch.whole else f"{column} >= %s AND {column} < %s"
    narrowed = "" if within is None else f" AND {account} = ANY(%s)"
    # Names of tables and columns are this module's own; all that was typed is a parameter.
    statement = (
        f"(SELECT {account}, {position}, {column} FROM {table} WHERE realm_id = %s AND {test}{narrowed} "  # noqa: S608
        f"ORDER BY {column} LIMIT %s)"
    )
    values: list[Any] = [realm_id, branch.text]
    if not branch.whole:
        values.append(end_of_prefix(branch.text))
    if within is not None:
        values.append(within)
    return statement, [*values, limit]
