"""The desk's tables: categories and pools, tickets, and what is said and happens on them."""

from ticketing.models.categories import Category, CategoryDraft, CategorySchema
from ticketing.models.escalations import EscalationTimer, StaffNotice
from ticketing.models.mail import (
    BlockedSender,
    InboundMail,
    Mailbox,
    MailBreaker,
    MailKey,
    MailSource,
    OutboundMail,
    RawMail,
)
from ticketing.models.participants import Participant
from ticketing.models.policies import (
    CalendarVersion,
    Policy,
    PolicyUse,
    PolicyVersion,
    SlaClock,
    SlaPause,
    SlaTerm,
)
from ticketing.models.pools import PoolMember, TalentPool
from ticketing.models.thread import Message, TicketEvent, TicketLink
from ticketing.models.tickets import Ticket
from ticketing.models.time import TimeEntry, Timer
from ticketing.models.values import TicketFieldValue

__all__ = [
    "BlockedSender",
    "CalendarVersion",
    "Category",
    "CategoryDraft",
    "CategorySchema",
    "EscalationTimer",
    "InboundMail",
    "MailBreaker",
    "MailKey",
    "MailSource",
    "Mailbox",
    "Message",
    "OutboundMail",
    "Participant",
    "Policy",
    "PolicyUse",
    "PolicyVersion",
    "PoolMember",
    "RawMail",
    "SlaClock",
    "SlaPause",
    "SlaTerm",
    "StaffNotice",
    "TalentPool",
    "Ticket",
    "TicketEvent",
    "TicketFieldValue",
    "TicketLink",
    "TimeEntry",
    "Timer",
]
