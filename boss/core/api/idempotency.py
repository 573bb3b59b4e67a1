"""``Idempotency-Key``: the same key and body give the first answer, another body gives 409.

The answer is remembered in the transaction of its effect, so there is never one without the other: a worker
killed in the middle leaves neither, and the repeated request acts. The row is claimed first; a twin request
waits on the unique index until the first one has committed (then it replays) or rolled back (then it acts).
A refusal is not remembered: it had no effect, so asking again is safe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.http.request import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import RememberedAnswer
from boss.core.problems import InvalidInput, Problem

HEADER = "Idempotency-Key"
LONGEST_KEY = 200

_CLAIM = """
INSERT INTO core_rememberedanswer (realm_id, principal, key, fingerprint, location, created_at)
VALUES (%s, %s, %s, %s, '', clock_timestamp())
ON CONFLICT (realm_id, principal, key) DO NOTHING RETURNING id
"""


class KeyReused(Problem):
    """The key was used before, for another address or another body."""

    code = "core.idempotency_key_reused"
    status = 409
    title = _("This Idempotency-Key was already used for a different request.")


def answer_once(
    request: Request,
    actor: Actor,
    act: Callable[[], Response],
    unremembered: tuple[str, ...] = (),
    *,
    asks: bool = False,
) -> Response:
    """Run ``act`` unless its answer is known already. Called inside a transaction that ends with the answer.

    ``asks``: it leaves that transaction to ask somebody, and changes nothing. Then the key is taken when the answer is
    there; of two at the same time both ask, and both get what the first was told.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return act()
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidInput(fields={HEADER: [str(_("Up to 200 printable characters."))]})

    who, print_ = principal(actor, request), fingerprint(request)
    known = RememberedAnswer.objects.filter(principal=who, key=key)
    if asks and (earlier := known.first()) is not None:
        return _replay(earlier, print_)
    response = act() if asks else None
    claimed = _claim(who, key, print_)
    if claimed is None:
        return _replay(known.get(), print_)

    response = response or act()
    body = json.loads(json.dumps(response.data, cls=JSONEncoder))
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in unremembered}
    RememberedAnswer.objects.filter(pk=claimed).update(
        status=response.status_code,
        body=body,
        location=response.get("Location", ""),
    )
    return response


def principal(actor: Actor, request: Request) -> str:
    """Whose key it is: two clients may choose the same one. Visitors are told apart by their address."""
    if actor.kind == "visitor":
        return f"visitor:{request.META.get('REMOTE_ADDR', '')}"
    return f"{actor.kind}:{actor.number or ''}"


def fingerprint(request: Request) -> str:
    """What was asked, so that a key cannot stand for two things. JSON counts by value, not by spelling."""
    given: Any = request.data
    if isinstance(given, QueryDict):
        given = {
            name: [_digest(item.read()) if hasattr(item, "read") else item for item in given.getlist(name)]
            for name in given
        }
        for upload in (each for _name, several in request.FILES.lists() for each in several):
            upload.seek(0)
    asked = [request.method, request.get_full_path(), given]
    return _digest(json.dumps(asked, sort_keys=True, cls=JSONEncoder).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _claim(who: str, key: str, print_: str) -> int | None:
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute(_CLAIM, (scoping.current_realm_id(), who, key, print_))
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _replay(known: RememberedAnswer, print_: str) -> Response:
    if known.fingerprint != print_:
        raise KeyReused
    headers = {"Idempotency-Replayed": "true"}
    if known.location:
        headers["Location"] = known.location
    return Response(known.body, status=known.status, headers=headers)
