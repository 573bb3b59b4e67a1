"""What a driver call did, in a sentence a CSR can read aloud; and the exchange with every secret masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from boss.core.crypto import MASK, masked
from ipservices.contracts import Desired, Exchange, Restriction
from ipservices.families import kinds

_DONE = {
    "establish": "Set up",
    "change": "Changed",
    "restrict": "Restricted",
    "open": "Opened again",
    "remove": "Removed",
    "restore": "Put back as it was:",
    "observe": "Looked at",
    "try": "Tried",
    "cut": "Ended the sessions of",
    "hand_over": "Copied what is in",
}
_TRYING = {
    "establish": "Setting up",
    "change": "Changing",
    "restrict": "Restricting",
    "open": "Opening",
    "remove": "Removing",
    "restore": "Putting back",
    "observe": "Looking at",
    "try": "Trying",
    "cut": "Ending the sessions of",
    "hand_over": "Copying what is in",
}
_FAILED = {
    "establish": "set up",
    "change": "change",
    "restrict": "restrict",
    "open": "open",
    "remove": "remove",
    "restore": "put back",
    "observe": "look at",
    "try": "try",
    "cut": "end the sessions of",
    "hand_over": "copy what is in",
}
MOST_TEXT = 4000
MOST_EXCHANGES = 20


def thing(desired: Desired) -> str:
    """The object in words: ``mailbox maria@trilakes.example``."""
    return named(desired.full_kind, desired.name)


def named(full_kind: str, name: str) -> str:
    """The same by its kind and name."""
    kind = kinds.find(full_kind)
    return f"{kind.noun if kind else full_kind} {name}"


def trying(operation: str, desired: Desired, server: str) -> str:
    return f"{_TRYING[operation]} the {thing(desired)} at {server}."


def done(operation: str, desired: Desired, server: str, milliseconds: int) -> str:
    level = f" ({desired.restriction.replace('_', ' ')})" if desired.restriction is not Restriction.NONE else ""
    return f"{_DONE[operation]} the {thing(desired)}{level} at {server} in {milliseconds} ms."


def failed(operation: str, desired: Desired, server: str, error: str, attempt: int) -> str:
    which = f" (attempt {attempt})" if attempt > 1 else ""
    return f"Could not {_FAILED[operation]} the {thing(desired)} at {server}{which}: {error}"[:500]


def masked_request(desired: Desired) -> dict[str, Any]:
    """The desired state as it is shown; of secrets only the names."""
    return {
        "service_ref": desired.service_ref,
        "kind": desired.full_kind,
        "name": desired.name,
        "attributes": masked(dict(desired.attributes)),
        "restriction": str(desired.restriction),
        "switched_off": sorted(desired.switched_off),
        **({"secrets": dict.fromkeys(sorted(desired.secrets), MASK)} if desired.secrets else {}),
    }


def masked_exchanges(tape: Iterable[Exchange], secrets: Iterable[str]) -> list[dict[str, Any]]:
    """The tape as it is stored: secret-sounding keys and every known secret masked, long texts cut."""
    values = sorted({secret for secret in secrets if len(secret) > 3}, key=len, reverse=True)
    exchanges = list(tape)[-MOST_EXCHANGES:]
    return [
        {
            "request": _clean(masked(dict(exchange.request)), values),
            "answer": _clean(masked(dict(exchange.answer)), values),
            "milliseconds": exchange.milliseconds,
        }
        for exchange in exchanges
    ]


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """``text`` with every known secret replaced by dots; for error messages a server wrote."""
    for secret in sorted((s for s in secrets if len(s) > 3), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _clean(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _clean(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        kept = [_clean(item, secrets) for item in list(value)[:200]]
        return kept if len(value) <= 200 else [*kept, f"… and {len(value) - 200} more"]
    if isinstance(value, str):
        text = without_secrets(value, secrets)
        return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} …"
    return value if isinstance(value, bool | int | float | None) else str(value)
