"""The verbs of a ticket: ``from ticketing.services import tickets``, then ``tickets.open(actor=…, …)``."""

from ticketing.services.tickets.ending import cancel, close, close_obsolete, reopen, resolve
from ticketing.services.tickets.filling import fill, recategorise
from ticketing.services.tickets.journal import Mailed, MailMarks
from ticketing.services.tickets.linking import link, link_thing, unlink, unlink_thing
from ticketing.services.tickets.mailing import add_mail, is_final
from ticketing.services.tickets.merging import merge, unmerge
from ticketing.services.tickets.moving import move
from ticketing.services.tickets.opening import open
from ticketing.services.tickets.owning import assign, claim, release
from ticketing.services.tickets.placing import prioritize, send_to_pool
from ticketing.services.tickets.sharing import share, stop_sharing
from ticketing.services.tickets.splitting import split
from ticketing.services.tickets.taking import take_next
from ticketing.services.tickets.talking import add_message, wait

__all__ = [
    "MailMarks",
    "Mailed",
    "add_mail",
    "add_message",
    "assign",
    "cancel",
    "claim",
    "close",
    "close_obsolete",
    "fill",
    "is_final",
    "link",
    "link_thing",
    "merge",
    "move",
    "open",
    "prioritize",
    "recategorise",
    "release",
    "reopen",
    "resolve",
    "send_to_pool",
    "share",
    "split",
    "stop_sharing",
    "take_next",
    "unlink",
    "unlink_thing",
    "unmerge",
    "wait",
]
