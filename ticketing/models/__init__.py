"""The desk's tables: categories and pools, tickets, and what is said and happens on them."""

from ticketing.models.categories import Category, CategorySchema
from ticketing.models.pools import PoolMember, TalentPool
from ticketing.models.thread import Message, TicketEvent, TicketLink
from ticketing.models.tickets import Ticket
from ticketing.models.time import TimeEntry, Timer

__all__ = [
    "Category",
    "CategorySchema",
    "Message",
    "PoolMember",
    "TalentPool",
    "Ticket",
    "TicketEvent",
    "TicketLink",
    "TimeEntry",
    "Timer",
]
