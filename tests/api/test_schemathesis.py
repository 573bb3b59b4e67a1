"""Whatever a client sends that the document allows, or nearly allows, is answered as the document says, never 500."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import requests
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from boss.api import document
from boss.core import scoping
from ipservices.models import SimulatedServer
from tests.api.conftest import minted
from tests.architecture import world as worlds

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 4
"""For each operation, right ones and wrong ones; ARGS="--hypothesis-seed=1" repeats a run."""
URL = "http://alpha.localhost"
ROOMS = ("overview", "tenancy", "notify", "ticketing", "catalog", "subscribers", "ipservices", "workflow", "")
"""First parts of the addresses, so that the test's processes share the work; the empty one is for all others."""


class Application:
    """Django's test client as schemathesis wants it: a request goes in, one of its responses comes out."""

    def __init__(self, key: str) -> None:
        self.headers = {"host": "alpha.localhost", "authorization": f"Bearer {key}"}

    def answer(self, case: Any) -> schemathesis.Response:
        sent = requests.Request(**_only_known(case.as_transport_kwargs(base_url=URL))).prepare()
        kept = {name: value for name, value in sent.headers.items() if name.lower() not in ("content-length", "host")}
        answered = Client(raise_request_exception=False).generic(
            sent.method or "GET",
            sent.path_url,
            sent.body or b"",
            content_type=sent.headers.get("Content-Type", "application/json"),
            headers={**kept, **self.headers},
        )
        return schemathesis.Response(
            status_code=answered.status_code,
            headers={name.lower(): [value] for name, value in answered.headers.items()},
            content=answered.content,
            request=sent,
            elapsed=0.0,
            verify=False,
        )


def _only_known(given: dict[str, Any]) -> dict[str, Any]:
    known = ("method", "url", "headers", "params", "data", "json", "cookies")
    return {name: given[name] for name in known if name in given}


@pytest.fixture
def application(cast: Any) -> Application:
    return Application(minted(cast.alpha.pk))


@pytest.fixture
def ids(cast: Any, alpha: Any, system: Any) -> dict[str, str]:
    """Something of every kind to ask about."""
    return worlds.build(system).ids


@pytest.mark.parametrize("room", ROOMS)
def test_every_operation_keeps_its_word(room, application, ids, settings):
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    failures: list[str] = []
    for operation in operations()[room]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                prove(operation, mode, application, ids)
            except Unsatisfiable:
                continue  # nothing about this operation can be sent wrong
            except (Exception, BaseExceptionGroup) as error:  # one failure must not hide the next one
                failures.append(f"{operation.method.upper()} {operation.path}: {error}"[:1500])
            # A failure slider that an example moved makes a server not answer, and that is no fault of the next one's.
            SimulatedServer.objects.update(faults={})
    assert failures == [], "\n\n".join(failures)


@functools.cache
def operations() -> dict[str, list[Any]]:
    """Every operation of the document by room. The document is drawn and read once, not again for each room."""
    found: dict[str, list[Any]] = {room: [] for room in ROOMS}
    for operation in schemathesis.openapi.from_dict(document.document()).get_all_operations():
        found[room_of(operation.ok())].append(operation.ok())
    return found


def test_every_operation_belongs_to_one_room_and_is_read_once():
    every = [(each.method, each.path) for found in operations().values() for each in found]
    methods = ("get", "post", "put", "patch", "delete")
    described = [(m, path) for path, item in document.document()["paths"].items() for m in item if m in methods]
    assert sorted(every) == sorted(described)
    assert operations() is operations()


def room_of(operation: Any) -> str:
    room: str = operation.path.removeprefix("/api/v1/").split("/")[0]
    return room if room in ROOMS else ""


def prove(operation: Any, mode: GenerationMode, application: Application, ids: dict[str, str]) -> None:
    """Send examples of one operation, and hold each answer against the document."""
    resource = "/".join(operation.path.removeprefix("/api/v1/").split("/")[:2])

    @limits(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def keep(case: Any) -> None:
        for name in ("public_id", "address", "key"):
            if name in (case.path_parameters or {}) and resource in ids and mode is GenerationMode.POSITIVE:
                case.path_parameters[name] = ids[resource]  # else everything would be 404
        with scoping.enter(None):
            response = application.answer(case)
        case.validate_response(response, checks=CHECKS)

    keep()
