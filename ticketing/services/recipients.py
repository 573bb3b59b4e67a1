"""Who is told of something that happens on a ticket, how and when, and who is not and why.

One function for the preview, the dry run and the sending: what a page shows is what would be sent. It writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.calendars import BusinessCalendar
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import RoleGrant, User
from ticketing import policies, telling
from ticketing.audiences import Audiences
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.models import Participant, PoolMember, Ticket
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services.mail import limits, outgoing
from ticketing.sla.kinds import PolicyKind
from ticketing.telling import Audience, Channel, Event, Matrix, Row

_AUDIENCES_OF_STAFF = {
    Audience.ASSIGNEE: "assignee", Audience.WATCHERS: "watchers", Audience.POOL: "pool",
    Audience.SUPERVISORS: "supervisor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """Who brought it about: he is not told. ``is_automatic``: no person wrote it, so nobody is told (L3)."""

    user_id: int | None = None
    address: str = ""
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told. ``participant`` is None for staff, and for a customer who was not written to before."""

    name: str
    address: str
    audience: str
    channels: tuple[str, ...]
    row: Row
    at: dt.datetime
    user: User | None = None
    participant: Participant | None = None

    @property
    def is_customer(self) -> bool:
        return self.audience in telling.CUSTOMERS


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who is not told, and why, in words."""

    name: str
    audience: str
    because: str


@dataclass(slots=True)
class Plan:
    event: str
    told: list[Recipient] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def customers(self) -> list[Recipient]:
        return [each for each in self.told if each.is_customer]

    def staff(self) -> list[Recipient]:
        return [each for each in self.told if not each.is_customer]


@dataclass(frozen=True, slots=True)
class _Somebody:
    """A candidate: who he is, and why he cannot be told ("" when he can)."""

    name: str
    address: str
    user: User | None = None
    participant: Participant | None = None
    because: str = ""


def matrix_of(ticket: Ticket) -> Matrix:
    """The matrix that holds for a ticket: the nearest that was published, else the usual one."""
    version = policies.version_for(PolicyKind.NOTIFICATION, ticket.category_id)
    return telling.read(version.rules) if version is not None else telling.USUAL


def plan(ticket: Ticket, event: str, *, cause: Cause, matrix: Matrix | None = None) -> Plan:
    """Who is told of ``event``: nobody twice, never who did it, nobody who may not see it."""
    found = Plan(event)
    if cause.is_automatic:
        return found
    look = _Look(ticket, event, cause, matrix_of(ticket) if matrix is None else matrix)
    taken: dict[str, int] = {}
    for audience, row, somebody in look.candidates():
        key = f"user:{somebody.user.pk}" if somebody.user is not None else f"mail:{somebody.address.lower()}"
        same = taken.get(key, taken.get(f"mail:{somebody.address.lower()}"))
        because = somebody.because or look.refusal(somebody, row, audience)
        if same is not None and row is not None and not because:
            found.told[same] = _joined(found.told[same], row)
        elif same is None and because:
            found.left_out.append(LeftOut(somebody.name, audience, because))
        elif same is None and row is not None:
            taken[key] = taken[f"mail:{somebody.address.lower()}"] = len(found.told)
            found.told.append(
                Recipient(
                    somebody.name, somebody.address, audience, row.channels, row, look.when(row, somebody.user),
                    somebody.user, somebody.participant,
                )
            )  # fmt: skip
    found.left_out = _once(found)
    return found


def moment(ticket: Ticket, row: Row) -> dt.datetime | None:
    """When a row's mail to a customer leaves: None for at once."""
    if not row.wait and not row.hours:
        return None
    return _Look(ticket, row.event, Cause(), Matrix((row,))).when(row, None)


def _joined(known: Recipient, row: Row) -> Recipient:
    """Of two audiences the first counts; staff have what either gives them."""
    if known.is_customer:
        return known
    channels = tuple(each for each in Channel.values if each in known.channels or each in row.channels)
    return Recipient(
        known.name, known.address, known.audience, channels, known.row, known.at, known.user, known.participant
    )


def _once(found: Plan) -> list[LeftOut]:
    """Each person with one reason, and none who is told in another capacity."""
    told = {each.name for each in found.told}
    return list({each.name: each for each in reversed(found.left_out) if each.name not in told}.values())[::-1]


class _Look:
    """One look at a ticket: what several audiences ask for is read once."""

    def __init__(self, ticket: Ticket, event: str, cause: Cause, matrix: Matrix) -> None:
        self.ticket, self.event, self.cause, self.matrix = ticket, event, cause, matrix
        self.now = clock.now()
        self.audiences = Audiences(ticket)
        self._participants: list[Participant] | None = None
        self._by_mail: bool | None = None
        self._hours: dict[str, BusinessCalendar | None] = {}

    @property
    def participants(self) -> list[Participant]:
        if self._participants is None:
            rows = Participant.objects.filter(ticket=self.ticket).exclude(state=ParticipantState.REMOVED)
            self._participants = list(rows.select_related("user").order_by("pk"))
        return self._participants

    @property
    def by_mail(self) -> bool:
        if self._by_mail is None:
            self._by_mail = outgoing.goes_by_mail(self.ticket)
        return self._by_mail

    def candidates(self) -> Iterable[tuple[str, Row | None, _Somebody]]:
        """Everybody of each audience. Pool and supervisors only where a row names them: nobody expects them else."""
        for audience in Audience:
            row = self.matrix.row(self.event, audience)
            if audience in (Audience.POOL, Audience.SUPERVISORS, Audience.OWNER) and row is None:
                continue
            for somebody in self._of(audience):
                yield audience.value, row, somebody

    def _of(self, audience: Audience) -> list[_Somebody]:
        if audience == Audience.REQUESTER:
            return self._requester()
        if audience == Audience.PARTICIPANTS:
            roles = (ParticipantRole.CC, ParticipantRole.STAFF)
            return [self._participant(each) for each in self.participants if each.role in roles]
        if audience == Audience.OWNER:
            return self._owners()
        found = self.audiences.found(_AUDIENCES_OF_STAFF[audience])
        return [self._colleague(user) for user in found]

    def _requester(self) -> list[_Somebody]:
        for each in self.participants:
            if each.role == ParticipantRole.REQUESTER:
                return [self._participant(each)]
        user = self.ticket.requester
        if user is None or user.kind != User.Kind.SUBSCRIBER:
            return []
        because = "" if user.is_active else _("has left")
        return [_Somebody(user.full_name, user.email, user, because=because)]

    def _participant(self, each: Participant) -> _Somebody:
        because = ""
        if each.state == ParticipantState.HELD:
            because = _("was put in copy and has not been let in")
        elif each.user is not None and not each.user.is_active:
            because = _("has left")
        elif each.role == ParticipantRole.STAFF and each.user is not None and not self.audiences.may_see(each.user):
            because = _("may not see tickets")
        return _Somebody(each.name or each.email, each.email, each.user, each, because)

    def _owners(self) -> list[_Somebody]:
        """People of the organization that sees the ticket, asked of the ticket itself."""
        if self.ticket.organization_id is None:
            return []
        grants = RoleGrant.objects.filter(user__is_active=True).exclude(user__kind=User.Kind.STAFF)
        of_place = grants.filter(organization_id=self.ticket.organization_id)
        if self.ticket.site_id is not None:
            of_place |= grants.filter(site_id=self.ticket.site_id, user__organization_id=self.ticket.organization_id)
        users = {grant.user_id: grant.user for grant in of_place.select_related("user").order_by("user__full_name")}
        known = {each.user_id: each for each in self.participants if each.role == ParticipantRole.SITE_OWNER}
        return [
            _Somebody(user.full_name, user.email, user, known.get(user.pk), self._unseen(user))
            for user in users.values()
        ]

    def _unseen(self, user: User) -> str:
        seen = Ticket.objects.filter(pk=self.ticket.pk).visible_to(tenancy.actor_for_user(user))
        return "" if seen.exists() else _("may not see this ticket")

    def _colleague(self, user: User) -> _Somebody:
        because = ""
        if not user.is_active:
            because = _("has left")
        elif not self.audiences.may_see(user):
            because = _("may not see tickets")
        elif self.event == Event.NOTE and not self.audiences.may(user, VIEW_INTERNAL):
            because = _("may not read notes")
        return _Somebody(user.full_name, user.email, user, because=because)

    def refusal(self, somebody: _Somebody, row: Row | None, audience: str) -> str:
        """Why somebody who could be told is not."""
        # That his ticket has come in and its number is told to whoever opened it himself, too.
        confirms = self.event == Event.OPENED and audience == Audience.REQUESTER
        if not confirms and self._did_it(somebody):
            return _("did it")
        if audience in telling.CUSTOMERS and self.event in telling.INSIDE:
            return _("is never told what happens inside")
        if row is None:
            return _("not among those the policy tells")
        return self._unreachable(somebody, audience) if audience in telling.CUSTOMERS else ""

    def _did_it(self, somebody: _Somebody) -> bool:
        if somebody.user is not None and somebody.user.pk == self.cause.user_id:
            return True
        return bool(self.cause.address) and somebody.address.lower() == self.cause.address.lower()

    def _unreachable(self, somebody: _Somebody, audience: str) -> str:
        offered = self.ticket.category.portal_visible
        if self.event == Event.OPENED and not offered:
            return _("this category is not offered to customers")
        if not self.by_mail:
            if not offered:
                return _("this category is not offered to customers")
            if audience == Audience.PARTICIPANTS:
                return _("there is no address of ours this ticket could be written from")
        if self.event != Event.STAFF_REPLY and limits.is_open(somebody.address):
            return _("nothing automatic goes to this address at present")
        return ""

    def when(self, row: Row, user: User | None) -> dt.datetime:
        """When it is told: after the row's wait, at hours that are decent for whoever is told."""
        moment = self.now + row.delay
        hours = self._hours_of(row.hours, user)
        if hours is None:
            return moment
        opens = next((opens for opens, _closes in hours.openings(moment, 1)), moment)
        return max(moment, opens)

    def _hours_of(self, key: str, user: User | None) -> BusinessCalendar | None:
        if not key:
            return None
        cached = key if key != telling.RECIPIENTS_OWN else f"user:{user.pk if user else ''}"
        if cached not in self._hours:
            own = key == telling.RECIPIENTS_OWN
            self._hours[cached] = self._own_hours(user) if own else tenancy.find_calendar(key)
        return self._hours[cached]

    def _own_hours(self, user: User | None) -> BusinessCalendar | None:
        """Those of his membership in the ticket's pool, or of any pool he is in."""
        if user is None:
            return None
        rows = PoolMember.objects.filter(user=user).select_related("calendar", "pool__calendar").order_by("pk")
        members = sorted(rows, key=lambda each: each.pool_id != self.ticket.pool_id)
        calendars = (each.calendar or each.pool.calendar for each in members)
        found = next((each for each in calendars if each is not None), None)
        return tenancy.as_hours(found) if found is not None else None
