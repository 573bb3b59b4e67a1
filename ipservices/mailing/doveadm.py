"""Dovecot's own HTTP interface: sessions, storage, deliveries, and emptying what was removed."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ipservices.contracts import Deadline, Transient, Unreachable
from ipservices.transport import HttpTransport

_NOBODY, _NONE = 67, 68
"""Exit codes: there is no such user; there was nothing to do."""
_DELIVERIES = "deliveries_"
_LOCK_SECONDS = 20
"""How long one handing-over waits for another of the same user to end: that of a worker who died may still be at it."""
_MARK = "boss_since_"
"""A metric of this name counts nothing. Dovecot forgets it when, and only when, it forgets its other counters."""
_TIMES = 3
"""How often the counters are read until they stand beside a mark; more than once only when Dovecot has just started."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Messages delivered, by user, since Dovecot was last started or reloaded.

    ``marks`` are words that stay the same until then, one unless two asked at the same time for the first time. None:
    this Dovecot takes no mark.
    """

    by_user: Mapping[str, int] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()


class Doveadm:
    """One Dovecot, for one driver call."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
        owner: tuple[int, int] | None = None,
    ) -> None:
        word = base64.b64encode(key.encode()).decode()
        self._deadline = deadline
        self._http = HttpTransport(
            url,
            headers={"Authorization": f"X-Dovecot-API {word}"},
            deadline=deadline,
            networks=networks,
            note=note,
            owner=owner,
        )

    def close(self) -> None:
        self._http.close()

    def sessions(self, user: str) -> int:
        """How many IMAP and POP sessions the user has open."""
        return self._sessions(user)[user]

    def all_sessions(self) -> Counter[str]:
        """How many IMAP and POP sessions each user has open."""
        return self._sessions("*")

    def _sessions(self, mask: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in self._ask("who", {"mask": [mask]}):
            found[str(row.get("username"))] += int(row["connections"])
        return found

    def kick(self, user: str) -> int:
        """End the user's sessions; how many there were."""
        there = self.sessions(user)
        if there:
            self._ask("kick", {"mask": [user]})
        return there

    def storage(self) -> dict[str, int]:
        """Octets stored, by user."""
        rows = self._ask(
            "mailboxStatus", {"allUsers": True, "field": ["vsize"], "mailboxMask": ["*"], "totalSum": True}
        )
        return {row["username"]: int(row["vsize"]) for row in rows if "username" in row}

    def deliveries(self) -> Deliveries:
        """Messages delivered, by user, and the mark by which a later look knows whether these are the same counters."""
        # Dovecot tells neither when it was started nor that it was reloaded, and in a container its process has the
        # same number each time. So it is given something that is lost together with its counters.
        for _time in range(_TIMES):
            found = _deliveries(self._ask("statsDump", {}))
            if found.marks or not self._leave_mark():
                return found
        return found

    def _leave_mark(self) -> bool:
        """Whether Dovecot took the mark; older ones know no such command."""
        mark = {"name": f"{_MARK}{secrets.token_hex(8)}", "filter": "event=boss_counts_nothing"}
        try:
            self._ask("statsAdd", mark)
        except Transient:
            return False
        return True

    def contents(self, user: str) -> dict[str, dict[str, int]]:
        """Messages and octets in each folder of a user, and the number that says it is the same folder."""
        asked = {"user": user, "field": ["messages", "vsize", "uidvalidity", "unseen"], "mailboxMask": ["*"]}
        return {
            row["mailbox"]: {
                "messages": int(row["messages"]),
                "octets": int(row["vsize"]),
                "unseen": int(row["unseen"]),
                "uidvalidity": int(row["uidvalidity"]),
            }
            for row in self._ask("mailboxStatus", asked, fine=(_NONE,))
        }

    def hand_over(self, user: str, address: str) -> None:
        """Make another Dovecot's mailbox of this user the mirror of this one's: folders, messages with their numbers
        and flags, subscriptions. Raises Transient when it broke off, Unreachable when it is not done by the deadline.
        """
        asked = {"user": user, "destination": [address], "lockTimeout": _LOCK_SECONDS}
        try:
            self._ask("backup", asked, fine=())
        except Unreachable as error:
            if self._deadline.passed:
                raise
            # Its process ends without an answer when it cannot reach the other, and on every fault in between.
            raise Transient(f"Dovecot broke off handing over to {address} (its log says why)") from error

    def empty(self, user: str) -> None:
        """Delete every message and folder of a user."""
        # An unknown user would be a fault here: the mail would stay and nobody would know.
        self._ask("expunge", {"user": user, "query": ["mailbox", "*", "all"]}, fine=(_NONE,))
        rows = self._ask("mailboxList", {"user": user, "mailboxMask": ["*"]}, fine=(_NONE,))
        folders = sorted((row["mailbox"] for row in rows if row["mailbox"] != "INBOX"), reverse=True)
        if folders:
            self._ask("mailboxDelete", {"user": user, "mailbox": folders}, fine=(_NONE,))

    def _ask(
        self, command: str, parameters: Mapping[str, Any], *, fine: tuple[int, ...] = (_NOBODY, _NONE)
    ) -> list[dict[str, Any]]:
        answer = self._http.request("POST", "/doveadm/v1", [[command, parameters, "boss"]])
        try:
            [[kind, found, _tag]] = answer.body
        except (TypeError, ValueError):
            raise Transient(f"doveadm's answer to {command} is none: {answer.body!r}"[:300]) from None
        if kind == "doveadmResponse" and isinstance(found, list):
            return found
        code = found.get("exitCode") if isinstance(found, dict) else None
        if code in fine:
            return []
        raise Transient(f"doveadm {command}: {found!r}"[:300])


def _deliveries(rows: Iterable[Mapping[str, Any]]) -> Deliveries:
    counted: dict[str, int] = {}
    marks: set[str] = set()
    for row in rows:
        name = str(row.get("metric_name", ""))
        if name.startswith(_MARK):
            marks.add(name.removeprefix(_MARK))
        elif name.startswith(_DELIVERIES) and row.get("field") == "duration":
            counted[name.removeprefix(_DELIVERIES)] = int(row["count"])
    return Deliveries(counted, frozenset(marks))
