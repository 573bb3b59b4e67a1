"""The desk's tables: categories and pools, tickets, and what is said and happens on them."""

from ticketing.models.answers import WaitingAnswer, WaitingFile
from ticketing.models.attachments import Attachment
from ticketing.models.automation import RuleBreaker, RuleRun
from ticketing.models.bounces import SoftBounce
from ticketing.models.bulks import TicketBulk, TicketBulkItem
from ticketing.models.categories import Category, CategoryDraft, CategorySchema
from ticketing.models.checklists import ChecklistItem
from ticketing.models.costs import CostRate
from ticketing.models.desk import Macro, MacroVersion, Snippet, TextDraft
from ticketing.models.escalations import EscalationTimer, StaffNotice, TicketDeadline
from ticketing.models.kept_files import KeptFile
from ticketing.models.links import TicketMerge, TicketRelation
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
from ticketing.models.mail_grants import MailGrant
from ticketing.models.mail_texts import MailText
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
from ticketing.models.pools import PoolMember, PoolSupervisor, RotaShift, TalentPool
from ticketing.models.reports import ReportRecipient, SavedReport
from ticketing.models.staffing import CategoryNeed, PoolWait, Skill, StaffPresence
from ticketing.models.thread import Message, TicketEvent, TicketLink
from ticketing.models.tickets import Ticket
from ticketing.models.time import TimeEntry, Timer
from ticketing.models.values import TicketFieldValue
from ticketing.models.views import SavedView, ViewPreference

__all__ = [
    "Attachment",
    "BlockedSender",
    "CalendarVersion",
    "Category",
    "CategoryDraft",
    "CategoryNeed",
    "CategorySchema",
    "ChecklistItem",
    "CostRate",
    "EscalationTimer",
    "InboundMail",
    "KeptFile",
    "Macro",
    "MacroVersion",
    "MailBreaker",
    "MailGrant",
    "MailKey",
    "MailSource",
    "MailText",
    "Mailbox",
    "Message",
    "OutboundMail",
    "Participant",
    "Policy",
    "PolicyUse",
    "PolicyVersion",
    "PoolMember",
    "PoolSupervisor",
    "PoolWait",
    "RawMail",
    "ReportRecipient",
    "RotaShift",
    "RuleBreaker",
    "RuleRun",
    "SavedReport",
    "SavedView",
    "Skill",
    "SlaClock",
    "SlaPause",
    "SlaTerm",
    "Snippet",
    "SoftBounce",
    "StaffNotice",
    "StaffPresence",
    "TalentPool",
    "TextDraft",
    "Ticket",
    "TicketBulk",
    "TicketBulkItem",
    "TicketDeadline",
    "TicketEvent",
    "TicketFieldValue",
    "TicketLink",
    "TicketMerge",
    "TicketRelation",
    "TimeEntry",
    "Timer",
    "ViewPreference",
    "WaitingAnswer",
    "WaitingFile",
]
