"""The API as its clients see it: a key of Alice's realm, one of Charlie's, and a client that speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.services import api_keys


class Api:
    """Django's test client with JSON bodies, a bearer key and the host of one realm."""

    def __init__(self, host: str, key: str | None = None) -> None:
        self.host = host
        self.headers = {"host": host, **({"authorization": f"Bearer {key}"} if key else {})}

    def get(self, path: str, **headers: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers={**self.headers, **headers})

    def delete(self, path: str) -> Any:
        return Client().delete(f"/api/v1/{path}", headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        given = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        return Client().post(
            f"/api/v1/{path}", given, content_type="application/json", headers={**self.headers, **spelled}
        )


def minted(realm_id: int, role_key: str = "realm_admin", scopes: list[str] | None = None) -> str:
    with scoping.realm_transaction(realm_id):
        return api_keys.create(actor=Actor.system(realm_id), name="Test", role_key=role_key, scopes=scopes)[1]


@pytest.fixture
def api(cast: Any) -> Api:
    """A key of Alice's realm that may do everything there."""
    return Api("alpha.localhost", minted(cast.alpha.pk))


@pytest.fixture
def charlies_api(cast: Any) -> Api:
    return Api("beta.localhost", minted(cast.beta.pk))


@pytest.fixture
def strangers_api(cast: Any) -> Api:
    return Api("alpha.localhost")


@pytest.fixture
def api_with(cast: Any) -> Callable[..., Api]:
    """``api_with(role_key="csr")``: a key of Alice's realm with another role or narrower scopes."""
    return lambda **how: Api("alpha.localhost", minted(cast.alpha.pk, **how))
