"""An access account as FreeRADIUS's tables hold it, and as BOSS's neutral words say it: both ways, asking nobody.

``rows_of`` turns words into rows and ``words_of`` rows into words. What is in the tables and does not come from the
words, or the other way round, is named among the ``others``: it is drift.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ipservices.contracts import Restriction

Row = tuple[str, str, str]
"""Attribute, operator, value."""

CLASS = "boss:"
"""What comes before the service id in ``Class``: access devices send it back in accounting."""
OWNER_OFF = "boss-owner-off"
DUE = {"coa": "boss-due-coa", "cut": "boss-due-cut"}
"""Memberships without effect: a live session has yet to be told of a change. They outlast a worker that died."""

# Lower comes first, and the first group that fits decides. Other tools number from 0 or 1.
_BLOCKED, _OFF, _WALLED, _PLAN, _EXTRA, DUE_PRIORITY = -30, -20, -10, 1, 10, 1000
_MARKS = ("boss-extra-", "boss-class-", "boss-cap-")
_MOST_BITS = 2**32 - 1
_PLAN_NAME = re.compile(r"boss-([0-9]+(?:\.[0-9]+)?)-([0-9]+(?:\.[0-9]+)?)")
_VLAN = (("Tunnel-Type", ":=", "VLAN"), ("Tunnel-Medium-Type", ":=", "IEEE-802"))
REFUSES = ("Auth-Type", ":=", "Reject")


@dataclass(frozen=True, slots=True)
class Groups:
    """What the groups of restricted users are called, and how often sessions report (seconds)."""

    blocked: str
    walled: str
    interim_seconds: int


@dataclass(frozen=True, slots=True)
class Account:
    """What the tables hold of one user. ``meanings`` are the check and reply rows of the groups it is in."""

    check: tuple[Row, ...]
    reply: tuple[Row, ...]
    groups: Mapping[str, int]
    meanings: Mapping[tuple[str, str], frozenset[Row]] = field(default_factory=dict)
    sessions: int = 0

    @property
    def service_ref(self) -> str:
        """Whose it is; empty when BOSS did not make it."""
        texts = [value for attribute, _op, value in self.reply if attribute == "Class"]
        return texts[0].removeprefix(CLASS) if len(texts) == 1 and texts[0].startswith(CLASS) else ""

    @property
    def passwords(self) -> tuple[Row, ...]:
        return tuple(row for row in self.check if is_password(row[0]))

    @property
    def due(self) -> str:
        """What a live session has yet to hear: ``cut``, ``coa`` or nothing."""
        return next((duty for duty in ("cut", "coa") if DUE[duty] in self.groups), "")

    def refuses(self, group: str) -> bool:
        return REFUSES in self.meanings.get(("check", group), frozenset())

    def holds_as(self, other: Account) -> bool:
        """Whether the user's own rows are the same."""
        return (self.check, self.reply, dict(self.groups)) == (other.check, other.reply, dict(other.groups))

    def as_native(self) -> dict[str, Any]:
        """Enough to put exactly this back; passwords and all."""
        kept = {name: priority for name, priority in self.groups.items() if name not in DUE.values()}
        return {
            "check": [list(row) for row in self.check],
            "reply": [list(row) for row in self.reply],
            "groups": dict(sorted(kept.items())),
        }


@dataclass(frozen=True, slots=True)
class Words:
    """An account in neutral words. ``others`` name what the tables hold beside them, or lack."""

    attributes: Mapping[str, Any]
    restriction: Restriction = Restriction.NONE
    switched_off: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


def is_password(attribute: str) -> bool:
    return attribute.endswith("-Password") or attribute == "Password-With-Header"


def account_of(rows: Iterable[Mapping[str, Any]]) -> Account | None:
    """The answer to :data:`statements.READ` as an account; None when there is no such user."""
    check: list[Row] = []
    reply: list[Row] = []
    groups: dict[str, int] = {}
    meanings: dict[tuple[str, str], set[Row]] = {}
    sessions = 0
    for row in rows:
        said = (str(row["attribute"]), str(row["op"]), str(row["value"]))
        if row["part"] == "sessions":
            sessions = int(row["value"])
        elif row["part"] == "group":
            groups[str(row["name"])] = int(row["priority"])
        elif row["part"] in ("group check", "group reply"):
            meanings.setdefault((str(row["part"]).removeprefix("group "), str(row["name"])), set()).add(said)
        else:
            (check if row["part"] == "check" else reply).append(said)
    if not (check or reply or groups):
        return None
    frozen = {key: frozenset(said) for key, said in meanings.items()}
    return Account(tuple(sorted(check)), tuple(sorted(reply)), groups, frozen, sessions)


def enforced(restriction: Restriction) -> Restriction:
    """The mildest level there is for it here: who may not call out is walled in."""
    return Restriction.WALLED if restriction is Restriction.OUTGOING_BARRED else restriction


def plan_name(attributes: Mapping[str, Any]) -> str:
    """The group of a speed: ``boss-300-20``."""
    return f"boss-{_plain(attributes['down_mbps'])}-{_plain(attributes['up_mbps'])}"


def group_rows(name: str, groups: Groups) -> frozenset[Row]:
    """The reply rows that are BOSS's own in a group it made; empty for all other groups.

    The group of a speed tells it to the access device (Mikrotik counts from the router: first what it receives, which
    is the subscriber's upload). The groups of extras, classes and volumes say nothing, for the operator to fill; but
    one without a row would end the server's walk through the groups.
    """
    go_on = ("Fall-Through", ":=", "Yes")
    found = _PLAN_NAME.fullmatch(name)
    if found is None:
        return frozenset((go_on,) if name.startswith(_MARKS) else ())
    down, up = float(found[1]), float(found[2])
    return frozenset(
        (
            ("Mikrotik-Rate-Limit", ":=", f"{_short(up)}/{_short(down)}"),
            ("WISPr-Bandwidth-Max-Down", ":=", str(min(_MOST_BITS, round(down * 1_000_000)))),
            ("WISPr-Bandwidth-Max-Up", ":=", str(min(_MOST_BITS, round(up * 1_000_000)))),
            ("Acct-Interim-Interval", ":=", str(groups.interim_seconds)),
            go_on,
        )
    )


def fixed_rows(name: str, groups: Groups) -> tuple[frozenset[Row], frozenset[Row]]:
    """Check and reply rows of the groups that shut users, as they are when BOSS has to make them."""
    refuses = frozenset((REFUSES,))
    if name == groups.blocked:
        return refuses, frozenset((("Reply-Message", ":=", "Service suspended"),))
    if name == OWNER_OFF:
        return refuses, frozenset((("Reply-Message", ":=", "Switched off by its owner"),))
    garden = (
        ("Mikrotik-Address-List", ":=", "walled"),
        ("Mikrotik-Rate-Limit", ":=", "1M/1M"),
        ("WISPr-Bandwidth-Max-Down", ":=", "1000000"),
        ("WISPr-Bandwidth-Max-Up", ":=", "1000000"),
        ("Acct-Interim-Interval", ":=", str(groups.interim_seconds)),
        ("Session-Timeout", ":=", "3600"),
    )
    return frozenset(), frozenset(garden)


def normal(attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The attributes that are said, in the one spelling in which they are read back. Raises ValueError."""
    spell: dict[str, Callable[[Any], Any]] = {
        "down_mbps": _number,
        "up_mbps": _number,
        "cap_gb": lambda value: int(value or 0),
        "static_address": _address,
        "delegated_prefix": lambda value: str(ipaddress.IPv6Network(str(value))) if value else "",
        "vlan": lambda value: int(value) if value else None,
        "simultaneous": lambda value: int(value) if value else None,
        "service_class": lambda value: str(value or ""),
        "extras": lambda value: sorted(str(one) for one in value or []),
    }
    said = {key: spell[key](value) if key in spell else value for key, value in attributes.items()}
    return {**said, "login": name}


def rows_of(words: Words, service_ref: str, groups: Groups) -> Account:
    """The rows that say ``words``, without a password."""
    said = words.attributes
    reply: list[Row] = [("Class", ":=", f"{CLASS}{service_ref}")]
    if said.get("static_address"):
        reply.append(_address_row(str(said["static_address"])))
    if said.get("delegated_prefix"):
        reply.append(("Delegated-IPv6-Prefix", ":=", str(said["delegated_prefix"])))
    if said.get("vlan"):
        reply += [*_VLAN, ("Tunnel-Private-Group-Id", ":=", str(said["vlan"]))]
    check: list[Row] = []
    if said.get("simultaneous"):
        check.append(("Simultaneous-Use", ":=", str(said["simultaneous"])))
    member = {plan_name(said): _PLAN} if said.get("down_mbps") else {}
    member |= {f"boss-extra-{extra}": _EXTRA for extra in said.get("extras") or []}
    if said.get("service_class"):
        member[f"boss-class-{said['service_class']}"] = _EXTRA
    if said.get("cap_gb"):
        member[f"boss-cap-{said['cap_gb']}"] = _EXTRA
    if words.restriction is Restriction.BLOCKED:
        member[groups.blocked] = _BLOCKED
    elif words.restriction is Restriction.WALLED:
        member[groups.walled] = _WALLED
    if words.switched_off:
        member[OWNER_OFF] = _OFF
    return Account(tuple(sorted(check)), tuple(sorted(reply)), member)


def words_of(account: Account, name: str, groups: Groups) -> Words:
    """What the rows say. A restriction counts only when the server would really enforce it."""
    plans = sorted(filter(_PLAN_NAME.fullmatch, account.groups), key=lambda group: account.groups[group])
    plan = plans[0] if plans else ""
    attributes = {
        "login": name,
        "down_mbps": 0,
        "up_mbps": 0,
        "cap_gb": next((int(cap) for cap in _suffixes(account, "boss-cap-") if cap.isdecimal()), 0),
        "static_address": _address_in(account.reply),
        "delegated_prefix": _value(account.reply, "Delegated-IPv6-Prefix"),
        "vlan": _integer(account.reply, "Tunnel-Private-Group-Id"),
        "simultaneous": _integer(account.check, "Simultaneous-Use"),
        "service_class": next(iter(_suffixes(account, "boss-class-")), ""),
        "extras": _suffixes(account, "boss-extra-"),
    }
    nominal = _PLAN_NAME.fullmatch(plan)
    if nominal is not None:
        attributes |= {"down_mbps": _number(nominal[1]), "up_mbps": _number(nominal[2])}
    first = min(account.groups, key=lambda group: account.groups[group], default="")
    restriction = Restriction.NONE
    if first == groups.blocked and account.refuses(first):
        restriction = Restriction.BLOCKED
    elif groups.walled in account.groups and account.groups[groups.walled] < account.groups.get(plan, _PLAN):
        restriction = Restriction.WALLED
    off = OWNER_OFF in account.groups and account.refuses(OWNER_OFF)
    words = Words(attributes, restriction, frozenset({"login"}) if off else frozenset())
    others = _others(account, rows_of(words, account.service_ref, groups), groups)
    if nominal is not None:
        attributes |= _real_speed(account.meanings.get(("reply", plan), frozenset()), plan, groups)
    return Words(attributes, words.restriction, words.switched_off, tuple(others))


def duty(before: Account | None, after: Account, groups: Groups) -> str:
    """What live sessions have to be told: ``coa`` when only the speed is another, ``cut`` when more is, or nothing."""
    if before is None or not before.sessions:
        return ""
    was, now = _heard(before), _heard(after)
    refused = {groups.blocked, OWNER_OFF}
    if not refused & now[1]:
        # Whoever was refused is not in; a session that is still alive began before and knows nothing of it.
        was = was[0], was[1] - refused
    if was == now:
        return before.due
    plans = {name for name in was[1] | now[1] if _PLAN_NAME.fullmatch(name)}
    others = (was[1] | now[1]) & {*refused, groups.walled}
    only_speed = was[0] == now[0] and not others and was[1] - plans == now[1] - plans
    return "coa" if only_speed and before.due != "cut" else "cut"


def _heard(account: Account) -> tuple[frozenset[Row], frozenset[str]]:
    """What an access device learns at log-in: replies and groups."""
    return frozenset(account.reply), frozenset(account.groups) - frozenset(DUE.values())


def _others(account: Account, right: Account, groups: Groups) -> list[str]:
    """Rows that say something the words do not, or that are missing. Named without their values."""
    found = [f"radcheck {row[0]}" for row in account.check if not is_password(row[0]) and row not in right.check]
    found += [f"radreply {row[0]}" for row in account.reply if row not in right.reply]
    found += [f"no radreply {row[0]}" for row in right.reply if row not in account.reply]
    found += [f"group {name}" for name in account.groups if name not in right.groups and name not in DUE.values()]
    found += [
        f"priority of group {name}" for name, rank in right.groups.items() if account.groups.get(name, rank) != rank
    ]
    right_passwords = [row for row in account.passwords if row[1] == ":="]
    if len(account.passwords) != 1 or len(right_passwords) != 1:
        found.append(f"{len(right_passwords)} passwords")
    for name in right.groups:
        found += [f"group {name}: {wrong}" for wrong in _wrong_in(account, name, groups)]
    return sorted(found)


def _wrong_in(account: Account, name: str, groups: Groups) -> list[str]:
    present, wanted = account.meanings.get(("reply", name), frozenset()), group_rows(name, groups)
    ours = {row[0] for row in wanted}
    return sorted({row[0] for row in wanted ^ {row for row in present if row[0] in ours}})


def _real_speed(present: frozenset[Row], plan: str, groups: Groups) -> dict[str, Any]:
    """The speed the plan's group really sends, where somebody changed it."""
    wanted = group_rows(plan, groups)
    found: dict[str, Any] = {}
    for key, attribute in (("down_mbps", "WISPr-Bandwidth-Max-Down"), ("up_mbps", "WISPr-Bandwidth-Max-Up")):
        sent = [row for row in present if row[0] == attribute]
        if frozenset(sent) != {row for row in wanted if row[0] == attribute}:
            text = sent[0][2] if sent else "0"
            found[key] = _number(int(text) / 1_000_000) if text.isdecimal() else 0
    return found


def _suffixes(account: Account, prefix: str) -> list[str]:
    return sorted(name.removeprefix(prefix) for name in account.groups if name.startswith(prefix))


def _value(rows: Sequence[Row], attribute: str) -> str:
    return next((value for key, _op, value in rows if key == attribute), "")


def _integer(rows: Sequence[Row], attribute: str) -> int | None:
    text = _value(rows, attribute)
    return int(text) if text.isdecimal() else None


def _number(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _plain(value: Any) -> str:
    number = _number(value)
    return str(number) if isinstance(number, int) else f"{number:.3f}".rstrip("0")


def _short(mbps: float) -> str:
    return f"{int(mbps)}M" if mbps.is_integer() else f"{round(mbps * 1000)}k"


def _address(value: Any) -> str:
    """One address, or a block of them: ``198.51.100.1``, ``198.51.100.8/29``."""
    if not value:
        return ""
    network = ipaddress.ip_network(str(value))
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _address_row(address: str) -> Row:
    if "/" not in address:
        return ("Framed-IPv6-Address" if ":" in address else "Framed-IP-Address", ":=", address)
    # Prefix, next hop (unspecified: the subscriber's own end of the line), metric.
    if ":" in address:
        return ("Framed-IPv6-Route", ":=", f"{address} :: 1")
    return ("Framed-Route", ":=", f"{address} 0.0.0.0 1")


def _address_in(rows: Sequence[Row]) -> str:
    for attribute in ("Framed-IP-Address", "Framed-IPv6-Address", "Framed-Route", "Framed-IPv6-Route"):
        if text := _value(rows, attribute):
            return text.partition(" ")[0]
    return ""
