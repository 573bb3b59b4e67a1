"""Calling an endpoint: short transaction, call outside any transaction, short transaction.

The first writes that the call begins, the last how it ended. A worker that dies in between leaves a call that "runs":
whoever comes again under the same key is told that its outcome is unknown, and where a second time could do harm a
person is asked instead.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.automation import sealing, selectors
from boss.automation.choices import CallState
from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.automation.kinds import KINDS
from boss.automation.models import Endpoint, EndpointCall
from boss.core import scoping
from boss.core.crypto import MASK
from boss.core.outbound import Policy
from boss.core.problems import Problem
from boss.tenancy import selectors as tenancy
from boss.tenancy.services import driver_networks

_MOST_SENT = 256 * 1024


@dataclass(slots=True)
class Prepared:
    """A call about to be made. ``answer`` is there already when it was made in the transaction."""

    realm_id: int
    call_id: int
    kind: Kind
    target: Target
    request: Mapping[str, Any]
    began: float
    answer: dict[str, Any] | None = None


def target_of(endpoint: Endpoint, *, key: str, seconds: float | None = None) -> Target:
    """The endpoint with its secrets opened. Call it in a transaction of the realm."""
    realm = tenancy.get_realm(endpoint.realm_id)
    limit = endpoint.deadline_seconds
    return Target(
        realm_id=endpoint.realm_id,
        key=endpoint.key,
        settings=endpoint.settings,
        secrets=sealing.opened(endpoint),
        policy=Policy(driver_networks.reachable_from(realm)),
        seconds=limit if seconds is None else min(limit, seconds),
        idempotency_key=key,
    )


def prepare(
    *, realm_id: int, endpoint_key: str, request: Mapping[str, Any], key: str, by: str, kind: str = "",
    seconds: float | None = None,
) -> Prepared:  # fmt: skip
    """Look the endpoint up and write that the call begins; work in our own database is done at once.

    ``kind``: the only one that will do. Raises UnknownEndpoint, CallNotAllowed, CallFailed.
    """
    if len(json.dumps(dict(request))) > _MOST_SENT:
        raise CallNotAllowed(_("At most %(n)s kB are sent.") % {"n": _MOST_SENT // 1024})
    began = time.monotonic()
    lost = False
    with scoping.realm_transaction(realm_id, by):
        endpoint = selectors.endpoint_in_use(endpoint_key)
        found = KINDS[endpoint.kind]
        if kind and endpoint.kind != kind:
            raise CallNotAllowed(_("“%(name)s” is an endpoint of another kind.") % {"name": endpoint.key})
        before = EndpointCall.objects.filter(endpoint=endpoint, key=key[:200])
        if found.needs_transaction:
            done = before.filter(state=CallState.DONE).first()
            if done is not None:
                return Prepared(realm_id, done.pk, found, target_of(endpoint, key=key), request, began, done.answer)
        careful = found.changes(endpoint.settings, request) and not found.repeatable(endpoint.settings, request)
        lost = careful and before.filter(state=CallState.RUNNING).update(state=CallState.UNKNOWN) > 0
        if not lost:
            call = EndpointCall.objects.create(
                endpoint=endpoint, key=key[:200], sentence=found.sentence(request)[:300], by=by[:200]
            )
            prepared = Prepared(realm_id, call.pk, found, target_of(endpoint, key=key, seconds=seconds), request, began)
            if found.needs_transaction:
                prepared.answer = found.call(prepared.target, request)
                EndpointCall.objects.filter(pk=call.pk).update(state=CallState.DONE, answer=prepared.answer)
    if lost:
        raise CallFailed(
            _("A worker was lost while it asked, and asking twice may do harm: look whether it was done."),
            retryable=False, unknown=True,
        )  # fmt: skip
    return prepared


def perform(prepared: Prepared) -> dict[str, Any]:
    """Make the call. Touches no database of ours. Raises CallNotAllowed and CallFailed."""
    if prepared.answer is not None:
        return prepared.answer
    try:
        return prepared.kind.call(prepared.target, prepared.request)
    except CallFailed as error:
        settings, request = prepared.target.settings, prepared.request
        careful = prepared.kind.changes(settings, request) and not prepared.kind.repeatable(settings, request)
        words = without_secrets(str(error), prepared.target)
        if error.unknown and careful:
            words = _("%(error)s Whether it was done is not known, and asking twice may do harm.") % {"error": words}
        raise CallFailed(
            words, retryable=error.retryable and not (error.unknown and careful), unknown=error.unknown
        ) from None
    except CallNotAllowed as error:
        raise CallNotAllowed(without_secrets(str(error), prepared.target)) from None


def without_secrets(words: str, target: Target) -> str:
    for secret in target.secrets.values():
        if len(secret) >= 4:
            words = words.replace(secret, MASK)
    return words


def finish(prepared: Prepared, error: Exception | None) -> None:
    """Write how the call ended."""
    if prepared.answer is not None:
        return
    state = CallState.DONE
    if isinstance(error, CallNotAllowed):
        state = CallState.REFUSED
    elif error is not None:
        state = CallState.UNKNOWN if getattr(error, "unknown", False) else CallState.FAILED
    with scoping.realm_transaction(prepared.realm_id, "automation"):
        EndpointCall.objects.filter(pk=prepared.call_id).update(
            state=state,
            error=without_secrets(str(error), prepared.target)[:2000] if error is not None else "",
            milliseconds=round((time.monotonic() - prepared.began) * 1000),
        )


def make(
    *, realm_id: int, endpoint_key: str, request: Mapping[str, Any], key: str, by: str, kind: str = ""
) -> dict[str, Any]:
    """One call from beginning to end, outside any transaction. Raises UnknownEndpoint, CallNotAllowed, CallFailed."""
    prepared = prepare(realm_id=realm_id, endpoint_key=endpoint_key, request=request, key=key, by=by, kind=kind)
    try:
        answer = perform(prepared)
    except Exception as error:
        finish(prepared, error if isinstance(error, Problem) else CallFailed(type(error).__name__, unknown=True))
        raise
    finish(prepared, None)
    return answer
