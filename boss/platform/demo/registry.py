"""The registry of demo seeds and the two moments they are called in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from boss.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a seed is: `done` of `total` of what `what` names, for one line on the screen."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can sign in to the demo, and what for."""

    who: str
    email: str
    password: str
    path: str = "/"
    """Where this person goes: a path, or a whole address where the host differs; `{port}` is filled in."""


@dataclass(frozen=True)
class Seed:
    """One demo realm.

    Both functions are called on every start and find out themselves what is already there; a seed that was
    interrupted goes on where it stopped. Each opens its own scope and transactions.
    """

    minimum: Callable[[], None]
    """What the first page, the log-ins and a first sign-up need. Runs before the first page: a few seconds at most."""
    rest: Callable[[], Iterator[Progress]]
    """The bulk of it, after the first page, while people already look around. Yields now and then."""
    logins: tuple[Login, ...] = ()
    try_first: tuple[str, ...] = ()
    """What to try first, one sentence each; `{url}` and `{port}` are filled in."""


seeds: Registry[Seed] = Registry("demo seeds", Seed)


def seed_minimum() -> None:
    """Make what must be there before the first page is shown."""
    for _key, seed in seeds:
        seed.minimum()


def seed_rest() -> Iterator[Progress]:
    """Make everything else, telling the progress."""
    for _key, seed in seeds:
        yield from seed.rest()


def logins() -> list[Login]:
    """Everybody who can sign in to a demo."""
    return [login for _key, seed in seeds for login in seed.logins]


def try_first() -> list[str]:
    """What to try first."""
    return [line for _key, seed in seeds for line in seed.try_first]
