"""Finding accounts by whatever somebody has in hand. Design and measures: performance.md section 1, ADR 0031.

Each shape of text goes to the one or two indexes made for it, as a range on a byte-ordered column: a comparison
Postgres may use below row-level security and can stop after ``limit`` rows. Names that lead nowhere are looked up
among the realm's words for one that is a single slip away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from boss.core.actors import Actor
from subscribers.models import Account, AccountContact, NameWord, Subscription
from subscribers.normalise import deletions, is_one_edit_away
from subscribers.search import Reading, end_of_prefix, read

# A mistyped word may stand for several; more than these are not tried.
_MOST_CORRECTIONS = 12
_SHORTEST_CORRECTED = 3


def search_accounts(actor: Actor, text: str, limit: int = 20) -> list[Account]:
    """Up to ``limit`` accounts for what was typed: number, phone in any spelling, e-mail, address or name.

    The beginning is enough, except for numbers. At most 3 statements when something is found at once.
    """
    reading = read(text)
    if reading.shape == "name":
        return _by_name(actor, reading.text, limit)
    return _merged(_branches(actor, reading, limit), limit)


def _branches(actor: Actor, reading: Reading, limit: int) -> list[QuerySet[Account]]:
    """One limited query per index that can answer."""
    text = reading.text
    if reading.shape == "number":
        return [_accounts(actor).filter(number=text)[:limit]]
    if reading.shape == "email":
        return [
            _prefix(_accounts(actor), "email_key", text, limit),
            _through_contacts(actor, "email_key", text, limit),
        ]
    if reading.shape == "digits":
        back = text[-10:][::-1]
        found = [_accounts(actor).filter(number=f"A-{text}")[:limit]]
        if len(text) >= 3:
            found += [
                _prefix(_accounts(actor), "phone_key", text, limit),
                _prefix(_accounts(actor), "phone_key_back", back, limit),
                _through_contacts(actor, "phone_key_back", back, limit),
            ]
        return found
    if reading.shape == "address":
        return [_through_subscriptions(actor, "address_key", text, limit)]
    return []


def _by_name(actor: Actor, text: str, limit: int) -> list[Account]:
    found = _merged(_name_branches(actor, text, limit), limit)
    if len(found) < limit:
        more = [
            _through_contacts(actor, "name_key", text, limit),
            _through_contacts(actor, "name_key_back", text, limit),
            _through_subscriptions(actor, "street_key", text, limit),
        ]
        found = _distinct([*found, *_merged(more, limit)])[:limit]
    if found:
        return found
    branches = []
    for corrected in _corrections(text):
        branches += _name_branches(actor, corrected, limit)
    return _merged(branches, limit)


def _name_branches(actor: Actor, text: str, limit: int) -> list[QuerySet[Account]]:
    """As written, last word first, and last word first for a name typed without its middle ("Maria Ortiz")."""
    branches = [("name_key", text), ("name_key_back", text)]
    *before, last = text.split()
    if before:
        branches.append(("name_key_back", " ".join([last, *before])))
    return [_prefix(_accounts(actor), column, start, limit) for column, start in branches]


def _corrections(text: str) -> Iterable[str]:
    """The text with one of its words replaced by a known word one edit away, likeliest first.

    One slip a search: words are tried one at a time against the others as typed. One statement.
    """
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


def _accounts(actor: Actor) -> QuerySet[Account]:
    accounts: QuerySet[Account] = Account.objects.visible_to(actor)
    return accounts


def _prefix(rows: QuerySet[Any], column: str, text: str, limit: int) -> QuerySet[Any]:
    """Rows whose ``column`` begins with ``text``, in the index's own order so that the scan stops at ``limit``."""
    return rows.filter(**{f"{column}__gte": text, f"{column}__lt": end_of_prefix(text)}).order_by(column)[:limit]


def _through_contacts(actor: Actor, column: str, text: str, limit: int) -> QuerySet[Account]:
    ids = _prefix(AccountContact.objects.all(), column, text, limit).values("account_id")
    return _accounts(actor).filter(pk__in=ids)[:limit]


def _through_subscriptions(actor: Actor, column: str, text: str, limit: int) -> QuerySet[Account]:
    ids = _prefix(Subscription.objects.all(), column, text, limit).values("account_id")
    return _accounts(actor).filter(pk__in=ids)[:limit]


def _merged(branches: list[QuerySet[Account]], limit: int) -> list[Account]:
    """All branches in one statement, each account once, in the order of the branches."""
    if not branches:
        return []
    rows = list(branches[0]) if len(branches) == 1 else list(branches[0].union(*branches[1:], all=True))
    return _distinct(rows)[:limit]


def _distinct(rows: Iterable[Account]) -> list[Account]:
    return list({row.pk: row for row in rows}.values())
