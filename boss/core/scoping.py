"""Who is asking, and the first wall: every scoped query is narrowed to one realm or refused.

The current :class:`Scope` lives in one ContextVar. The HTTP middleware sets it from the host, the task
wrapper from the message; a new thread starts without one and therefore sees nothing. The same scope is pushed
into Postgres as transaction-local settings by ``boss.core.postgres``, where row-level security is the second wall.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.apps import apps
from django.db import connections, models, transaction
from psycopg.pq import TransactionStatus

from boss.core import permissions

if TYPE_CHECKING:
    from boss.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose rows the database itself narrows a customer's reading to: his own, and what he was given narrower.

    ``reads`` names the tables that each kind of narrower grant lets him read at all, as ``kind:table``.
    """

    user_id: int | None
    organization_ids: tuple[int, ...] = ()
    site_ids: tuple[int, ...] = ()
    building_ids: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """One realm, or (``system``) the whole installation seen through the ``boss_system`` database role.

    With ``dispatch`` it is seen through ``boss_dispatch``, which knows what is due and nothing of what it is about.
    With a ``customer`` the statements run as the role ``boss_portal``, which reads that customer's rows only.
    """

    realm_id: int | None
    actor: str = ""
    system: bool = False
    customer: Customer | None = None
    dispatch: bool = False


NARROWER = ("organization", "site", "building")
"""Kinds of grants that reach part of a realm and more than oneself."""


class NoScope(RuntimeError):
    """A scoped table was queried with no realm entered: a programming error, never shown to people."""


_current: ContextVar[Scope | None] = ContextVar("boss_scope", default=None)


def current() -> Scope | None:
    return _current.get()


def current_realm_id() -> int:
    """The realm entered, for defaults of ``realm_id`` columns. Raises :class:`NoScope` outside a realm."""
    scope = _current.get()
    if scope is None or scope.realm_id is None:
        raise NoScope("no realm entered")
    return scope.realm_id


def default_realm_id() -> int | None:
    """Like :func:`current_realm_id`, but None outside a realm: Django builds bare instances for its own checks.

    Saving such a row fails closed, the column is not null.
    """
    scope = _current.get()
    return None if scope is None else scope.realm_id


def alias() -> str:
    """The database alias of the current scope: ``system`` or ``dispatch`` for the whole, else ``default``."""
    scope = _current.get()
    if scope is None or not scope.system:
        return "default"
    return "dispatch" if scope.dispatch else "system"


@contextmanager
def enter(scope: Scope | None) -> Iterator[None]:
    """Make ``scope`` current, tell Postgres at once when a transaction is open, and put both back after."""
    # The same scope again is what Postgres has been told already.
    same = scope == _current.get()
    token = _current.set(scope)
    connection = connections["default"]
    inside = not same and connection.connection is not None and connection.in_atomic_block
    try:
        if inside:
            connection.push_scope()  # type: ignore[attr-defined]
        yield
    finally:
        _current.reset(token)
        if inside and connection.in_atomic_block and not connection.needs_rollback and not _has_failed(connection):
            connection.push_scope()  # type: ignore[attr-defined]


def _has_failed(connection: Any) -> bool:
    """A statement failed: the savepoint around it is rolled back next, and with it what was said inside."""
    return bool(connection.connection.info.transaction_status == TransactionStatus.INERROR)


def as_customer(actor: Actor) -> AbstractContextManager[None]:
    """Read as the role ``boss_portal``, when ``actor`` is a person who holds nothing on the whole realm.

    For pages and API reads of customers. Services step out of it: they decide themselves, and write.
    """
    scope = _current.get()
    if scope is None or scope.system or actor.kind != "user" or any(grant.kind == "realm" for grant in actor.grants):
        return nullcontext()
    reads = {each for grant in actor.grants if grant.kind in NARROWER for each in _reads(grant.kind, grant.permissions)}
    customer = Customer(
        user_id=actor.user_id,
        organization_ids=_targets(actor, "organization"),
        site_ids=_targets(actor, "site"),
        building_ids=_targets(actor, "building"),
        reads=tuple(sorted(reads)),
    )
    return enter(replace(scope, customer=customer))


@lru_cache(maxsize=256)
def _reads(kind: str, held: frozenset[str]) -> frozenset[str]:
    """The tables that somebody with these permissions on targets of this kind may read, as ``kind:table``: those of the
    models he may view, and those that a row is reached over."""
    found = set()
    for model in apps.get_models():
        path = model.scope_paths.get(kind) if issubclass(model, RealmScoped) and model.portal_reads else None
        if path is None or permissions.view_permission(model) not in held:
            continue
        step: Any = model
        for part in [None, *path.split("__")[:-1]]:
            step = step if part is None else step._meta.get_field(part).related_model
            found.add(f"{kind}:{step._meta.db_table}")
    return frozenset(found)


def _targets(actor: Actor, kind: str) -> tuple[int, ...]:
    return tuple(sorted({each.target_id for each in actor.grants if each.kind == kind and each.target_id is not None}))


def as_application() -> AbstractContextManager[None]:
    """Out of ``as_customer`` again: for services, and for a read whose caller has checked the right to it."""
    scope = _current.get()
    if scope is None or scope.customer is None:
        return nullcontext()
    return enter(replace(scope, customer=None))


@contextmanager
def realm_transaction(realm_id: int, actor: str = "") -> Iterator[None]:
    """Enter a realm and open a transaction in it: how tasks, commands and tests reach scoped tables."""
    with enter(Scope(realm_id, actor)), transaction.atomic():
        yield


class NestedTransaction(RuntimeError):
    """Half of something would have been committed: only the outermost transaction is left in the middle."""


@contextmanager
def between_transactions() -> Iterator[None]:
    """Commit what the request did so far and be in no transaction: here somebody outside is asked, who may take his
    time. Then a new one is opened for the rest of the request. Rows read before may have changed since.

    Raises :class:`NestedTransaction` where more than the request's own is open. A test's outer one does not count.
    """
    connection = connections[alias()]
    real = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
    if len(real) > 1 or (real and connection.needs_rollback):
        raise NestedTransaction("a transaction inside the request's own is open, or has failed")
    for block in real:
        block.__exit__(None, None, None)
    try:
        yield
    finally:
        for block in real:
            block.__enter__()


@contextmanager
def system_transaction(reason: str) -> Iterator[None]:
    """The whole installation, through the ``boss_system`` role. For the platform operator, and for work that is done
    across realms in one statement; what only looks for work that is due takes :func:`dispatch_transaction`."""
    with enter(Scope(None, f"system:{reason}", system=True)), transaction.atomic(using="system"):
        yield


@contextmanager
def dispatch_transaction(reason: str) -> Iterator[None]:
    """What is due in all realms, through the ``boss_dispatch`` role: it reads the columns that say so
    (``dispatch_reads`` of the models) and nothing else, no name, no text, no secret. The work is done in its realm."""
    with enter(Scope(None, f"dispatch:{reason}", system=True, dispatch=True)), transaction.atomic(using="dispatch"):
        yield


class DatabaseRouter:
    """Sends ORM queries to the role that the scope calls for; the schema belongs to ``owner`` alone."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return alias()

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return alias()

    def allow_relation(self, obj1: models.Model, obj2: models.Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


class ScopedQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor, permission: str | None = None) -> Self:
        """Rows this actor may see (or act on, with ``permission``). Unknown paths and missing grants give none."""
        return self.filter(permissions.rows(self.model, actor, permission))


class ScopedManager(models.Manager.from_queryset(ScopedQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> ScopedQuerySet:
        scope = _current.get()
        if scope is None:
            raise NoScope(f"{self.model.__name__} was queried outside any realm")
        queryset: ScopedQuerySet = super().get_queryset()
        # Explicit although the policy would do it: it gives the planner a constant.
        return queryset if scope.system else queryset.filter(realm_id=scope.realm_id)


class RealmScoped(models.Model):
    """A row of one realm. ``scope_paths`` says how narrower grants reach it; a kind left out reaches nothing.

    Keys of ``scope_paths``: ``organization``, ``site``, ``building`` (a site, for people of its organization), ``own``
    (a user id). Values: look-up paths from the model. ``scope_limits`` may say, for a key, what else must be true.
    A model without any says in ``realm_only`` why nobody reaches its rows but through the whole realm.
    ``database_rights`` are what the application role may do to the table (SELECT, INSERT, UPDATE, DELETE),
    ``system_rights`` what the role of operators may, ``seal_rights`` that of the audit trail's sealer.
    ``dispatch_reads`` are the columns that the dispatcher must read to find work that is due, ``dispatch_writes`` those
    it puts off the next look with; with ``dispatch_deletes`` it clears rows away. Never what a person typed.
    ``searched``: columns of text that are looked through for a part of them. No index serves that below row-level
    security, so the walls raise one with a function, ``search_<table>``, that gives ids of the realm entered.
    ``portal_reads``: the role of customers' requests may read it too, by ``scope_paths``; what is ``realm_only`` (the
    catalog) whole; but not the columns in ``portal_hidden`` nor rows that fail ``portal_condition`` (SQL).
    ``portal_limits`` are the ``scope_limits`` in SQL. With ``portal_whole`` it reads the rows of the whole realm,
    whatever the paths say.
    """

    scope_paths: ClassVar[dict[str, str]] = {}
    scope_limits: ClassVar[dict[str, models.Q]] = {}
    realm_only: ClassVar[str] = ""
    searched: ClassVar[tuple[str, ...]] = ()
    portal_reads: ClassVar[bool] = False
    portal_hidden: ClassVar[tuple[str, ...]] = ()
    portal_condition: ClassVar[str] = ""
    portal_limits: ClassVar[dict[str, str]] = {}
    portal_whole: ClassVar[bool] = False
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"
    system_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"
    seal_rights: ClassVar[str] = ""
    dispatch_reads: ClassVar[tuple[str, ...]] = ()
    dispatch_writes: ClassVar[tuple[str, ...]] = ()
    dispatch_deletes: ClassVar[bool] = False

    # A plain column: the cellar knows no Realm class. The real foreign key is raised by boss.core.walls.
    realm_id = models.BigIntegerField(default=default_realm_id, editable=False)

    objects = ScopedManager()
    unscoped = models.Manager()  # for boss.tenancy, walls and migrations only; an architecture test says so

    class Meta:
        abstract = True
        base_manager_name = "unscoped"
        default_manager_name = "objects"


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter mistaken for a digit


def new_public_id() -> str:
    """Twelve random characters (60 bits): the address of a thing in URLs, mail and the API."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


class Addressable(RealmScoped):
    """A scoped row that people and programs can point at from outside, by its ``public_id``."""

    public_id = models.CharField(max_length=12, default=new_public_id, editable=False, unique=True)

    class Meta(RealmScoped.Meta):
        abstract = True
