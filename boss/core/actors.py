"""Who acts: a value handed to every service. Built by ``boss.tenancy``; the rooms only ask it questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# "building" is a site for people of its organization: what is shared with the organization there, never residents'.
ScopeKind = Literal["realm", "organization", "site", "building", "own"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A set of permissions ("app.codename") on the realm, one organization, one site, or one's own rows."""

    permissions: frozenset[str]
    kind: ScopeKind
    target_id: int | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """The member of staff behind an actor who is somebody else."""

    user_id: int
    label: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a program or the system inside one realm.

    ``scopes`` (API keys) can only narrow what the grants give. ``label`` is what the audit trail shows.
    ``switched_off`` are the permissions of components the realm does without: nobody holds them meanwhile.
    ``operator`` is the member of staff who looks on as this person: such an actor may read and do nothing else.
    """

    realm_id: int
    kind: Literal["user", "api_key", "system", "visitor"]
    label: str
    user_id: int | None = None
    grants: tuple[Grant, ...] = ()
    scopes: frozenset[str] | None = None
    request_id: str = field(default="", compare=False)
    api_key_id: int | None = None
    operator: Operator | None = None
    switched_off: frozenset[str] = frozenset()

    @property
    def number(self) -> int | None:
        """Tells actors of one kind apart: the id of the user or of the API key. Labels may be equal."""
        return self.user_id if self.kind == "user" else self.api_key_id

    @staticmethod
    def system(realm_id: int, label: str = "BOSS") -> Actor:
        """The machine itself, in one realm: the engine, seeds and beat jobs. May do everything in that realm."""
        return Actor(realm_id=realm_id, kind="system", label=label)

    @property
    def is_system(self) -> bool:
        return self.kind == "system"

    def holds(self, permission: str) -> bool:
        """True when some grant, whatever its scope, carries the permission. For menus; rows need ``may``."""
        if self.is_system:
            return True
        if permission in self.switched_off or (self.scopes is not None and permission not in self.scopes):
            return False
        return any(permission in grant.permissions for grant in self.grants)
