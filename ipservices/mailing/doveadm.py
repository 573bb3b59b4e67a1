"""Dovecot's own HTTP interface: sessions, storage, deliveries, and emptying what was removed."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ipservices.contracts import Deadline, Transient
from ipservices.transport import HttpTransport

_NOBODY, _NONE = 67, 68
"""Exit codes: there is no such user; there was nothing to do."""
_DELIVERIES = "deliveries_"


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

    def deliveries(self) -> dict[str, int]:
        """Messages delivered, by user, since Dovecot was last started or reloaded."""
        return {
            row["metric_name"].removeprefix(_DELIVERIES): int(row["count"])
            for row in self._ask("statsDump", {})
            if row.get("metric_name", "").startswith(_DELIVERIES) and row.get("field") == "duration"
        }

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
