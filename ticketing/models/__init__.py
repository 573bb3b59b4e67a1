"""The desk's tables: categories and pools, tickets, and what is said and happens on them."""

from ticketing.models.categories import Category, CategorySchema
from ticketing.models.mail import (
    BlockedSender,
    InboundMail,
    Mailbox,
    MailBreaker,
    MailKey,
    OutboundMail,
    RawMail,
)
from ticketing.models.participants import Participant
from ticketing.models.pools import PoolMember, TalentPool
from ticketing.models.thread import Message, TicketEvent, TicketLink
from ticketing.models.tickets import Ticket

__all__ = [
    "BlockedSender",
    "Category",
    "CategorySchema",
    "InboundMail",
    "MailBreaker",
    "MailKey",
    "Mailbox",
    "Message",
    "OutboundMail",
    "Participant",
    "PoolMember",
    "RawMail",
    "TalentPool",
    "Ticket",
    "TicketEvent",
    "TicketLink",
]
