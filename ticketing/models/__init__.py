"""The desk's tables: categories and pools, tickets, and what is said and happens on them."""

from ticketing.models.categories import Category, CategorySchema
from ticketing.models.escalations import EscalationTimer, StaffNotice
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

__all__ = [
    "CalendarVersion",
    "Category",
    "CategorySchema",
    "EscalationTimer",
    "Message",
    "Policy",
    "PolicyUse",
    "PolicyVersion",
    "PoolMember",
    "SlaClock",
    "SlaPause",
    "SlaTerm",
    "StaffNotice",
    "TalentPool",
    "Ticket",
    "TicketEvent",
    "TicketLink",
]
