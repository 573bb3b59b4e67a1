"""Who is meant by "the owner", "the pool", "its supervisors", "who is on call" or a role: people of the staff who may
see tickets."""

from __future__ import annotations

from boss.core import clock
from boss.tenancy.models import Role, RoleGrant, User
from ticketing import staffing
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.models import Participant, PoolMember, Ticket

SEES, SUPERVISES = "ticketing.view_ticket", "ticketing.assign_ticket"


class Audiences:
    """People by audience for one ticket; roles are read once for all of its audiences."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self._roles: list[Role] | None = None
        self._seeing: set[int] | None = None
        self._holders: dict[str, set[int]] = {}

    def people(self, who: str) -> list[User]:
        """Active staff who may see tickets of the realm, by name; nobody for an audience that is empty or unknown."""
        return [user for user in self.found(who) if self.may_see(user)]

    def found(self, who: str) -> list[User]:
        """Everybody meant, by name, whatever he may see: for saying why somebody is not told."""
        return sorted(self._found(who), key=lambda user: (user.full_name, user.pk))

    def may_see(self, user: User) -> bool:
        """Whether he is of the active staff and may see tickets of the realm."""
        return user.pk in self._may_see()

    def may(self, user: User, permission: str) -> bool:
        """Whether he is of the active staff and holds this right on the whole realm."""
        if permission not in self._holders:
            self._holders[permission] = {each.pk for each in self._holding(permission)}
        return user.pk in self._holders[permission]

    def _found(self, who: str) -> list[User]:
        if who == "assignee":
            return [self.ticket.assignee] if self.ticket.assignee is not None else []
        if who == "pool":
            return self._members()
        if who == "watchers":
            return self._watching()
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

    def _watching(self) -> list[User]:
        """Who watches the ticket, and staff who take part in it by mail."""
        rows = Participant.objects.filter(
            ticket=self.ticket, state=ParticipantState.ACCEPTED, user__isnull=False,
            role__in=[ParticipantRole.WATCHER, ParticipantRole.STAFF],
        )  # fmt: skip
        return [each.user for each in rows.select_related("user")]

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
