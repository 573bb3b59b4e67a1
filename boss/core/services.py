"""The frame of every service: one transaction, an actor of the realm that is entered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import connections, transaction
from django.utils.translation import gettext_lazy as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem

P = ParamSpec("P")
R = TypeVar("R")


class ForeignActor(RuntimeError):
    """An actor of one realm was handed to a service running in another: a programming error."""


class ReadOnlyActor(Problem):
    """Somebody who only looks on in another's place asked for a change."""

    code = "core.read_only"
    status = 403
    title = _("You are looking on as a subscriber: nothing can be changed.")


def service(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` in one transaction. It must be called with ``actor=`` of the realm that is entered.

    A refusal (:class:`boss.core.problems.Problem`) rolls back everything the service wrote, and nothing else.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        _check_actor(function, kwargs.get("actor"))
        with scoping.as_application(), transaction.atomic(using=scoping.alias()):
            return function(*args, **kwargs)

    return run


def one_write(function: Callable[P, R]) -> Callable[P, R]:
    """Like :func:`service`, for one whose refusals all come before its only write.

    There is nothing it would have to take back, so inside somebody's transaction it asks for no savepoint: two round
    trips fewer, which a hot path feels. A database error spoils the transaction it was called in.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        _check_actor(function, kwargs.get("actor"))
        with scoping.as_application():
            if connections[scoping.alias()].in_atomic_block:
                return function(*args, **kwargs)
            with transaction.atomic(using=scoping.alias()):
                return function(*args, **kwargs)

    return run


def _check_actor(function: Callable[..., Any], actor: Any) -> None:
    if not isinstance(actor, Actor):
        raise TypeError(f"{function.__qualname__} needs actor=")
    if actor.realm_id != scoping.current_realm_id():
        raise ForeignActor(f"{function.__qualname__}: actor of realm {actor.realm_id}")
    if actor.operator is not None:
        # Staff who look on as a subscriber read; this is the second lock behind the door's (boss.tenancy).
        raise ReadOnlyActor
