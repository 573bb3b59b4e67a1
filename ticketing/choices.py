"""The closed lists of the desk. States are fixed; a category's own words for them come on top."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TicketState(models.TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Open")
    WAITING_CUSTOMER = "waiting_customer", _("Waiting for the customer")
    WAITING_OTHER = "waiting_other", _("Waiting")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")
    MERGED = "merged", _("Merged")


OPEN_STATES = (TicketState.NEW, TicketState.OPEN, TicketState.WAITING_CUSTOMER, TicketState.WAITING_OTHER)
"""Somebody still has to do something. ``dedupe_key`` is unique among these, and only these are in an inbox."""


class Priority(models.IntegerChoices):
    """Lower is sooner, so that an ascending sort is the order of work."""

    CRITICAL = 1, _("Critical")
    HIGH = 2, _("High")
    NORMAL = 3, _("Normal")
    LOW = 4, _("Low")


class LinkType(models.TextChoices):
    """How one ticket stands to another, or to a thing. Read from the ticket that has the link."""

    ABOUT = "about", _("Is about")
    PARENT_OF = "parent_of", _("Parent of")
    DUPLICATE_OF = "duplicate_of", _("Duplicate of")
    CAUSED_BY = "caused_by", _("Caused by")
    BLOCKS = "blocks", _("Blocks")
    FOLLOW_UP_OF = "follow_up_of", _("Follow-up of")
    SPLIT_FROM = "split_from", _("Split from")


SUBJECT_LINKS = (LinkType.ABOUT, LinkType.CAUSED_BY, LinkType.BLOCKS)
"""How a ticket may stand to a thing that is no ticket."""
TICKET_LINKS = (
    LinkType.PARENT_OF, LinkType.DUPLICATE_OF, LinkType.CAUSED_BY, LinkType.BLOCKS, LinkType.FOLLOW_UP_OF,
    LinkType.ABOUT,
)  # fmt: skip
"""How people may say a ticket stands to another one. That it was split from it is not said by hand."""


class MessageKind(models.TextChoices):
    PUBLIC = "public", _("Message")
    INTERNAL = "internal", _("Internal note")
    SYSTEM = "system", _("From the system")


class Activity(models.TextChoices):
    """What time was spent on."""

    WORK = "work", _("Desk work")
    CALL = "call", _("Call")
    VISIT = "visit", _("Visit")
    TRAVEL = "travel", _("Travel")
    MEETING = "meeting", _("Meeting")


class TimeSource(models.TextChoices):
    TIMER = "timer", _("Timer")
    MANUAL = "manual", _("By hand")
    CORRECTION = "correction", _("Correction")


class CategoryKind(models.TextChoices):
    SUPPORT = "support", _("Support")
    LEAD = "lead", _("Lead")
    WORK = "work", _("Work")
    INCIDENT = "incident", _("Incident")
    FALLOUT = "fallout", _("Order fallout")
    OFFICE = "office", _("Office")


class MessageChannel(models.TextChoices):
    """How a message came to the desk."""

    WEB = "web", _("Web")
    MAIL = "mail", _("E-mail")


class Trust(models.TextChoices):
    """How well it is known who wrote. Empty: signed in."""

    VERIFIED = "verified", _("Sender verified")
    UNVERIFIED = "unverified", _("Unverified sender")


class InboundState(models.TextChoices):
    RECEIVED = "received", _("Received")
    APPLIED = "applied", _("On a ticket")
    HELD = "held", _("Held")
    QUARANTINED = "quarantined", _("In quarantine")
    OWN = "own", _("Our own mail")
    DUPLICATE = "duplicate", _("Duplicate")
    DISCARDED = "discarded", _("Set aside")


UNSETTLED_STATES = (InboundState.HELD, InboundState.QUARANTINED)
"""Somebody must still look at these mails."""


class SourceSecurity(models.TextChoices):
    TLS = "tls", _("TLS from the start (usually port 993)")
    STARTTLS = "starttls", _("STARTTLS (usually port 143)")
    NONE = "none", _("Unencrypted, in a network the operator has listed")


class SourceSignIn(models.TextChoices):
    """How BOSS signs in at a mailbox it reads."""

    PASSWORD = "password", _("With a password")
    OAUTH = "oauth", _("With OAuth 2 (Microsoft 365, Google and others)")


class GrantWay(models.TextChoices):
    """How BOSS comes by access tokens for a mailbox."""

    PERSON = "person", _("Somebody signs in once for the mailbox")
    CLIENT = "client", _("BOSS has a right of its own (client credentials)")


class GrantState(models.TextChoices):
    """How a mailbox's right to be read stands."""

    MISSING = "missing", _("Nobody has signed in yet")
    HELD = "held", _("Signed in")
    LOST = "lost", _("Sign in again")


class SourceAfter(models.TextChoices):
    """What becomes of a mail at its server once it is kept here."""

    SEEN = "seen", _("Mark as read")
    MOVE = "move", _("Move to another folder")


class OutboundKind(models.TextChoices):
    ANSWER = "answer", _("Answer")
    RECEIVED = "received", _("Confirmation")
    RESOLVED = "resolved", _("Solved")
    TOO_LARGE = "too_large", _("Too large")
    NEWS = "news", _("News")
    SIGN_IN = "sign_in", _("Asks to sign in")


class ParticipantRole(models.TextChoices):
    REQUESTER = "requester", _("Requester")
    CC = "cc", _("Copy")
    STAFF = "staff", _("Staff")
    WATCHER = "watcher", _("Watches it")
    SITE_OWNER = "site_owner", _("Looks after the building")


class ParticipantState(models.TextChoices):
    ACCEPTED = "accepted", _("Takes part")
    HELD = "held", _("Held")
    REMOVED = "removed", _("Removed")


class DeadlinePurpose(models.TextChoices):
    """What happens to a ticket by itself. The two reminders are one purpose each, so that each is told once."""

    UNASSIGNED = "unassigned", _("The pool is told that nobody has it")
    REMIND_1 = "remind_1", _("The customer is reminded")
    REMIND_2 = "remind_2", _("The customer is reminded again")
    RESOLVE = "resolve", _("It is resolved, because no answer came")
    CLOSE = "close", _("Its resolution becomes final")


class SharedWith(models.TextChoices):
    """Who else has a saved view in his list."""

    NOBODY = "nobody", _("Only me")
    POOL = "pool", _("One talent pool")
    STAFF = "staff", _("All staff")


class BulkVerb(models.TextChoices):
    """What can be done to many tickets at once: each is one verb of a ticket."""

    TAKE = "take", _("Take")
    ASSIGN = "assign", _("Give to somebody")
    RELEASE = "release", _("Put back into the pool")
    POOL = "pool", _("Move to a pool")
    PRIORITY = "priority", _("Set the priority")
    STATUS = "status", _("Set the status")
    NOTE = "note", _("Add an internal note")
    RESOLVE = "resolve", _("Resolve")
    CLOSE = "close", _("Close")


class BulkResult(models.TextChoices):
    PENDING = "pending", _("To be done")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class ChecklistSource(models.TextChoices):
    """Where a point of a checklist comes from."""

    CATEGORY = "category", _("The category")
    MACRO = "macro", _("A macro")
    HAND = "hand", _("By hand")


class Cadence(models.TextChoices):
    """How often a saved report is mailed."""

    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")
