"""Who is meant by "the owner", "the pool", "its supervisors", "who is on call" or a role: people of the staff who may
see tickets."""

from __future__ import annotations

from boss.core import clock
from boss.tenancy.models import Role, RoleGrant, User
from ticketing import staffing
from ticketing.models import PoolMember, Ticket

SEES, SUPERVISES = "ticketing.view_ticket", "ticketing.assign_ticket"


class Audiences:
    """People by audience for one ticket; roles are read once for all of its audiences."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self._roles: list[Role] | None = None
        self._seeing: set[int] | None = None

    def people(self, who: str) -> list[User]:
        """Active staff who may see tickets of the realm, by name; nobody for an audience that is empty or unknown."""
        found = self._found(who)
        return sorted(
            (user for user in found if user.pk in self._may_see()), key=lambda user: (user.full_name, user.pk)
        )

    def _found(self, who: str) -> list[User]:
        if who == "assignee":
            return [self.ticket.assignee] if self.ticket.assignee is not None else []
        if who == "pool":
            return self._members()
        if who == "on_call":
            return staffing.on_call(self.ticket.pool, clock.now()) if self.ticket.pool is not None else []
        if who == "supervisor":
            named = staffing.supervisors(self.ticket.pool, above=True) if self.ticket.pool is not None else []
            if named:
                return named
            leading = self._holding(SUPERVISES)
            in_pool = [user for user in self._members() if user.pk in {each.pk for each in leading}]
            return in_pool or leading
        if who.startswith("role:"):
            return self._granted([role for role in self._all_roles() if role.key == who.removeprefix("role:")])
        return []

    def _members(self) -> list[User]:
        if self.ticket.pool_id is None:
            return []
        return [each.user for each in PoolMember.objects.filter(pool_id=self.ticket.pool_id).select_related("user")]

    def _holding(self, permission: str) -> list[User]:
        return self._granted([role for role in self._all_roles() if permission in role.effective_permissions()])

    def _granted(self, roles: list[Role]) -> list[User]:
        """Active staff who hold one of these roles on the whole realm."""
        grants = RoleGrant.objects.filter(
            role__in=roles, kind=RoleGrant.Kind.REALM, user__kind=User.Kind.STAFF, user__is_active=True
        )
        return list({each.user_id: each.user for each in grants.select_related("user")}.values())

    def _may_see(self) -> set[int]:
        if self._seeing is None:
            self._seeing = {user.pk for user in self._holding(SEES)}
        return self._seeing

    def _all_roles(self) -> list[Role]:
        if self._roles is None:
            self._roles = list(Role.objects.filter(archived_at=None))
        return self._roles
