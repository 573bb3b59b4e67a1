"""FreeRADIUS's tables, read and written: a user at a time, each change in one transaction under the user's lock."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_noop as _

from ipservices import sql
from ipservices.contracts import Conflict, Desired, Held, Invalid, Restriction, Transient, UsageReading
from ipservices.drivers.access_freeradius import accounts, statements, usage
from ipservices.drivers.access_freeradius.accounts import CLASS, DUE, OWNER_OFF, Account, Groups, Row, Words

CANARY = "boss-canary"
"""A user that may log in only where it says it is BOSS: health logs in with it."""
PROBE = "boss"
"""The ``NAS-Identifier`` of BOSS's own questions."""


class _GroupInMotion(Exception):
    """A group is not as it should be: it has to be made, with nobody else at it."""


class Tables:
    """The tables of one server."""

    def __init__(self, transport: sql.SqlTransport, groups: Groups) -> None:
        self._sql = transport
        self._groups = groups

    def read(self, name: str) -> Account | None:
        """What stands of one user; None when nothing does."""
        return accounts.account_of(self._sql.read(statements.READ, {"users": [name]}, hide=("value",)))

    def read_many(self, names: Sequence[str]) -> dict[str, Account]:
        """The same of several users, with one statement; who is not there is not among them."""
        with self._sql.transaction() as cursor:
            rows = self._run(cursor, statements.READ, users=list(names), hide=("value",))
        by_user: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            by_user.setdefault(str(row["username"]), []).append(row)
        found = {name: accounts.account_of(mine) for name, mine in by_user.items()}
        return {name: account for name, account in found.items() if account is not None}

    def write(self, desired: Desired) -> str:
        """Bring one user to ``desired``; what live sessions have to be told then (see :func:`accounts.duty`).

        Raises Conflict for another's user, Invalid for a new one without a password.
        """
        for alone in (False, True):
            try:
                return self._write(desired, alone=alone)
            except _GroupInMotion:
                continue
        raise Transient(_("a group of this user is being changed by others"))

    def remove(self, desired: Desired) -> None:
        """Take one user away, and its groups with their last user. Nothing to do for one that is gone."""
        with self._sql.transaction() as cursor:
            self._run(cursor, statements.LOCK, lock=f"boss:user:{desired.name}")
            present = self._read(cursor, desired.name)
            if present is not None:
                _refuse_stranger(desired, present)
                self._run(cursor, statements.FORGET, user=desired.name)
                self._forget_groups(cursor, present.groups)

    def all_told(self, name: str) -> None:
        """Live sessions know what the user is now."""
        with self._sql.transaction() as cursor:
            self._run(cursor, statements.ALL_TOLD, user=name, due=list(DUE.values()))

    def held(self) -> list[Held]:
        """Every user of BOSS."""
        with self._sql.transaction() as cursor:
            rows = self._run(cursor, statements.HELD, ours=f"{CLASS}%")
        return [Held(row["value"].removeprefix(CLASS), "account", row["username"]) for row in rows]

    def held_after(self, place: str, most: int) -> tuple[list[Held], str]:
        """At most so many of them from a user name on, and the last one's unless there are no more."""
        with self._sql.transaction() as cursor:
            rows = self._run(cursor, statements.HELD_AFTER, ours=f"{CLASS}%", place=place, most=most)
        held = [Held(row["value"].removeprefix(CLASS), "account", row["username"]) for row in rows]
        return held, held[-1].name if len(held) == most else ""

    def usage(self, since: Mapping[str, Any]) -> UsageReading:
        """What was used since the cursor ``since``."""
        with self._sql.transaction() as cursor:
            # First the newest, so that nothing between the two questions is taken for seen.
            newest = int(self._run(cursor, usage.NEWEST)[0]["newest"])
            rows = self._run(cursor, usage.READ, **usage.question(since))
        return usage.reading(since, rows, newest)

    def canary(self) -> str:
        """The password of the user that health logs in with. Made when it is not there."""
        with self._sql.transaction() as cursor:
            found = self._run(cursor, statements.CANARY, user=CANARY, hide=("value",))
            if not found:
                self._run(cursor, statements.LOCK, lock=f"boss:user:{CANARY}")
                found = self._run(cursor, statements.CANARY, user=CANARY, hide=("value",))
            if not found:
                password = ("Cleartext-Password", ":=", secrets.token_urlsafe(24))
                self._insert(cursor, CANARY, Account((password, ("NAS-Identifier", "==", PROBE)), (), {}))
                return password[2]
            return str(found[0]["value"])

    # --- inside a transaction

    def _run(
        self, cursor: sql.Cursor, statement: str, *, hide: Collection[str] = (), **values: Any
    ) -> list[dict[str, Any]]:
        return self._sql.run(cursor, statement, values, hide=hide)

    def _read(self, cursor: sql.Cursor, name: str) -> Account | None:
        rows = self._run(cursor, statements.READ, users=[name], hide=("value",))
        return accounts.account_of(rows)

    def _write(self, desired: Desired, *, alone: bool) -> str:
        with self._sql.transaction() as cursor:
            self._run(cursor, statements.LOCK, lock=f"boss:user:{desired.name}")
            present = self._read(cursor, desired.name)
            if present is not None:
                _refuse_stranger(desired, present)
            wanted = self._wanted(desired, present)
            duty = accounts.duty(present, wanted, self._groups)
            if duty and desired.restriction is Restriction.NONE:
                wanted = replace(wanted, groups={**wanted.groups, DUE[duty]: accounts.DUE_PRIORITY})
            for group in sorted(wanted.groups):
                self._have_group(cursor, group, present, alone=alone)
            if present is None or not wanted.holds_as(present):
                if present is not None:
                    self._run(cursor, statements.FORGET, user=desired.name)
                self._insert(cursor, desired.name, wanted)
            if present is not None:
                self._forget_groups(cursor, set(present.groups) - set(wanted.groups))
        return duty

    def _wanted(self, desired: Desired, present: Account | None) -> Account:
        native = desired.native
        if desired.exact and native.get("reply"):
            check, reply = (tuple((str(a), str(o), str(v)) for a, o, v in native[part]) for part in ("check", "reply"))
            return Account(check, reply, {str(name): int(rank) for name, rank in native["groups"].items()})
        words = Words(
            accounts.normal(desired.attributes, desired.name),
            accounts.enforced(desired.restriction),
            desired.switched_off,
        )
        bare = accounts.rows_of(words, desired.service_ref, self._groups)
        passwords: tuple[Row, ...] = () if present is None else present.passwords
        if password := desired.secrets.get("password"):
            passwords = (("Cleartext-Password", ":=", password),)
        if not passwords:
            words_of_it = "a user that is not there yet needs its password"
            raise Invalid(words_of_it, fields={"password": [words_of_it]})
        return replace(bare, check=tuple(sorted((*bare.check, *passwords))))

    def _insert(self, cursor: sql.Cursor, name: str, account: Account) -> None:
        values = _columns("check", account.check) | _columns("reply", account.reply)
        ranks = sorted(account.groups.items())
        self._run(
            cursor,
            statements.WRITE,
            user=name,
            **values,
            groups=[group for group, _rank in ranks],
            priority=[rank for _group, rank in ranks],
            hide=("check_value",),
        )

    def _have_group(self, cursor: sql.Cursor, group: str, present: Account | None, *, alone: bool) -> None:
        """Make sure of a group that says something. Who is in it already keeps it from being taken away."""
        if present is not None and group in present.groups and self._is_right(group, present.meanings):
            return
        own = accounts.group_rows(group, self._groups)
        if not own and group not in (self._groups.blocked, self._groups.walled, OWNER_OFF):
            return
        self._run(cursor, statements.LOCK if alone else statements.LOCK_SHARED, lock=f"boss:group:{group}")
        meanings = self._meanings(cursor, group)
        if self._is_right(group, meanings):
            return
        if not alone:
            raise _GroupInMotion
        checks, replies = (frozenset(), own) if own else accounts.fixed_rows(group, self._groups)
        if any(meanings.values()) and not own:
            replies = frozenset()  # how refused and walled users are treated is the operator's once it is there
        self._run(
            cursor,
            statements.GROUP_FORGET,
            group=group,
            check=sorted({row[0] for row in checks}),
            reply=sorted({row[0] for row in replies}),
        )
        values = _columns("check", sorted(checks)) | _columns("reply", sorted(replies))
        self._run(cursor, statements.GROUP_WRITE, group=group, **values)

    def _is_right(self, group: str, meanings: Mapping[tuple[str, str], frozenset[Row]]) -> bool:
        checks, replies = meanings.get(("check", group), frozenset()), meanings.get(("reply", group), frozenset())
        if own := accounts.group_rows(group, self._groups):
            names = {row[0] for row in own}
            return {row for row in replies if row[0] in names} == own
        if group in (self._groups.blocked, OWNER_OFF):
            return accounts.REFUSES in checks
        return group != self._groups.walled or bool(replies)

    def _meanings(self, cursor: sql.Cursor, group: str) -> dict[tuple[str, str], frozenset[Row]]:
        found: dict[tuple[str, str], set[Row]] = {("check", group): set(), ("reply", group): set()}
        for row in self._run(cursor, statements.GROUP, group=group):
            found[str(row["part"]), group].add((str(row["attribute"]), str(row["op"]), str(row["value"])))
        return {key: frozenset(rows) for key, rows in found.items()}

    def _forget_groups(self, cursor: sql.Cursor, left: Iterable[str]) -> None:
        """Take away the groups BOSS made that nobody is in any more and to which nobody has added anything.

        One that is in use at this moment stays; whoever needs it next finds it.
        """
        for group in sorted(left):
            own = accounts.group_rows(group, self._groups)
            if not own or not self._run(cursor, statements.TRY_LOCK, lock=f"boss:group:{group}")[0]["got"]:
                continue
            meanings = self._meanings(cursor, group)
            alone = meanings == {("check", group): frozenset(), ("reply", group): own}
            if alone and not self._run(cursor, statements.IS_USED, group=group)[0]["used"]:
                attributes = sorted(row[0] for row in own)
                self._run(cursor, statements.GROUP_FORGET, group=group, check=[], reply=attributes)


def _refuse_stranger(desired: Desired, present: Account) -> None:
    if present.service_ref != desired.service_ref:
        owner = present.service_ref or "nobody BOSS knows"
        raise Conflict(f"{desired.name} belongs to {owner}", name=desired.name)


def _columns(part: str, rows: Iterable[Row]) -> dict[str, list[str]]:
    kept = list(rows)
    return {
        part: [attribute for attribute, _op, _value in kept],
        f"{part}_op": [op for _attribute, op, _value in kept],
        f"{part}_value": [value for _attribute, _op, value in kept],
    }
