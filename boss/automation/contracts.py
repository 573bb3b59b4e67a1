"""What a kind of endpoint is: a small adapter between BOSS and another machine, with rules and secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from boss.core.outbound import Policy
from boss.core.schema import Characteristic

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint with its secrets opened, for a kind's eyes only: it never goes into a script or a log."""

    realm_id: int
    key: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    policy: Policy
    seconds: float
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Kind:
    """``call(target, request)`` does one thing at the endpoint and gives JSON.

    - It raises CallNotAllowed before anything is sent, CallFailed afterwards.
    - ``changes(settings, request)``: whether the request may change something there; a pure reading may be repeated.
    - ``repeatable(settings, request)``: whether a change may be asked twice under one key and happens once.
    - ``check(settings)``: what is wrong with the settings, by field, beyond each field's own rules.
    - ``test(target)``: one harmless question; a sentence on what was found.
    - ``sentence(request)``: what is asked, for people, without secrets.
    - ``needs_transaction``: works in our own database, in a transaction of the realm.
    """

    key: str
    title: Text
    settings: Sequence[Characteristic]
    secrets: Sequence[Characteristic]
    call: Callable[[Target, Mapping[str, Any]], dict[str, Any]]
    changes: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
    repeatable: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
    check: Callable[[Mapping[str, Any]], dict[str, list[str]]]
    test: Callable[[Target], str]
    sentence: Callable[[Mapping[str, Any]], str]
    needs_transaction: bool = False
