from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import InvalidInput, NotFound, Problem, WrongState


class TicketNotFound(NotFound):
    code = "ticketing.ticket_not_found"
    title = _("There is no such ticket.")


class TicketChanged(WrongState):
    """Optimistic lock: the caller looked at an older version."""

    code = "ticketing.ticket_changed"
    title = _("Somebody has changed this ticket since you opened it. Look again before you go on.")


class AnswerIsGoing(WrongState):
    """Two would answer the same: whoever is second reads first what the first has said."""

    code = "ticketing.answer_is_going"
    title = _("Another answer is about to go. It stands here in some seconds: read it, then send yours.")

    def __str__(self) -> str:
        return f"{self.detail} {self.title}".strip()


class AnswerHasGone(WrongState):
    code = "ticketing.answer_has_gone"
    title = _("It has gone already and cannot be taken back.")


class TicketWrongState(WrongState):
    code = "ticketing.wrong_state"


class TicketClosed(WrongState):
    code = "ticketing.ticket_closed"
    title = _("This ticket is closed. Please open a new one.")


class BadUploadLink(NotFound):
    code = "ticketing.bad_upload_link"
    title = _("This link is not valid any more. Please answer our mail, or write to us once more.")


class TooManyUploads(Problem):
    code = "ticketing.too_many_uploads"
    status = 429
    title = _("That is a lot for one day. Please go on tomorrow, or call us.")


class NoRoom(WrongState):
    code = "ticketing.no_room"
    title = _("You have as much open work as you have room for. Finish something first.")


class NobodyToShareWith(WrongState):
    code = "ticketing.nobody_to_share_with"
    title = _("No organization looks after the place this ticket is about.")


class AlreadyClaimed(WrongState):
    code = "ticketing.already_claimed"
    title = _("Somebody else has taken this ticket.")


class TicketMerged(WrongState):
    """Another ticket goes on in its place; ``merged_into`` is its public id."""

    code = "ticketing.ticket_merged"
    title = _("This ticket was merged into another one.")


class MergeRefused(WrongState):
    """These two cannot be one; ``reasons`` are the words of :class:`ticketing.links.Doubt`."""

    code = "ticketing.merge_refused"
    title = _("These tickets cannot be merged.")


class MergeUnconfirmed(Problem):
    """Somebody would be written to, or could read, what he could not before; ``reasons`` say who."""

    code = "ticketing.merge_unconfirmed"
    status = 409
    title = _("By this merge others get to read or to hear what they did not before. Please confirm it.")


class MergeIsOver(WrongState):
    code = "ticketing.merge_is_over"
    title = _("This merge cannot be undone any more.")


class OpenChildren(InvalidInput):
    """A parent is to end while some of its children are open: whoever ends it says what becomes of them."""

    code = "ticketing.open_children"
    title = _("Some of its children are still open. Say what is to become of them.")


class LinkLoops(WrongState):
    code = "ticketing.link_loops"
    title = _("By this link a ticket would stand above itself.")


class NotInPool(Problem):
    code = "ticketing.not_in_pool"
    status = 403
    title = _("Only members of the ticket's talent pool can claim it.")


class OnlyPeopleClaim(Problem):
    code = "ticketing.only_people_claim"
    title = _("Only a person who is signed in can claim a ticket.")


class OnlyPeopleWork(Problem):
    code = "ticketing.only_people_work"
    title = _("Only a person who is signed in can write down working time.")


class NoTimer(WrongState):
    code = "ticketing.no_timer"
    title = _("No timer of yours is running.")


class OutcomeRequired(InvalidInput):
    """The subject offers outcomes, and the ticket must end by one of them."""

    code = "ticketing.outcome_required"
    title = _("Say how this ends: choose one of the outcomes.")


class ConfirmationRequired(Problem):
    code = "ticketing.confirmation_required"
    status = 409
    title = _("This outcome has effects that must be confirmed.")


class OutcomeIsFinal(WrongState):
    """A ticket that ended by an outcome has already had its effect, so it does not reopen."""

    code = "ticketing.outcome_is_final"
    title = _("This ticket ended with an outcome that has already taken effect, so it cannot be reopened.")


class KeyTaken(Problem):
    code = "ticketing.key_taken"
    status = 409
    title = _("This key is already in use.")


class DraftChanged(WrongState):
    """Optimistic lock: the caller worked on an older revision of the draft."""

    code = "ticketing.draft_changed"
    title = _("Somebody has changed this draft since you opened it. Look again before you go on.")


class CategoryRefused(InvalidInput):
    """The fields or statuses cannot be published; ``fields`` names every fault at its place."""

    code = "ticketing.category_refused"


class StatusNotAllowed(WrongState):
    code = "ticketing.status_not_allowed"
    title = _("The ticket cannot go to this status from the one it has.")


class MailboxUnknown(NotFound):
    """Mail for an address that is none of ours."""

    code = "ticketing.mailbox_unknown"
    title = _("There is no such mailbox.")


class MailNotFound(NotFound):
    code = "ticketing.mail_not_found"
    title = _("There is no such mail.")


class MailTextChanged(Problem):
    """Another version holds than the one that was changed."""

    code = "ticketing.mail_text_changed"
    status = 409
    title = _("Somebody has changed this text meanwhile.")


class ParticipantSettled(WrongState):
    """Somebody else has decided meanwhile who takes part."""

    code = "ticketing.participant_settled"
    title = _("Somebody has already decided about this person.")


class MailSettled(WrongState):
    """Somebody else has decided about this mail meanwhile."""

    code = "ticketing.mail_settled"
    title = _("Somebody has already decided about this mail.")


class NotYourPool(NotFound):
    """Neither its supervisor nor of those who configure pools: there is nothing to see."""

    code = "ticketing.not_your_pool"
    title = _("There is no such talent pool among those you supervise.")


class PoolsInCircle(InvalidInput):
    code = "ticketing.pools_in_circle"


class ViewNotFound(NotFound):
    code = "ticketing.view_not_found"
    title = _("There is no such view.")


class OnlyPeopleKeepViews(Problem):
    code = "ticketing.only_people_keep_views"
    title = _("Only a person who is signed in can keep views.")


class MacroRefused(Problem):
    """One of a macro's steps is refused, so none was taken; ``step`` counts from one."""

    code = "ticketing.macro_refused"
    status = 422
    title = _("Nothing was done: a step of the macro is not possible here.")


class MacroChanged(WrongState):
    """Another version of the macro holds than the one that was looked at."""

    code = "ticketing.macro_changed"
    title = _("Somebody has changed this macro since you looked at it. Look again before you run it.")


class SnippetChanged(WrongState):
    code = "ticketing.snippet_changed"
    title = _("Somebody has changed this text since you opened it. Look again before you go on.")


class ChecklistOpen(WrongState):
    """Points that must be done first are not; ``open`` names them."""

    code = "ticketing.checklist_open"


class OnlyPeopleWrite(Problem):
    code = "ticketing.only_people_write"
    title = _("Only a person who is signed in can keep a text for later.")


class OnlyPeopleWatch(Problem):
    code = "ticketing.only_people_watch"
    title = _("Only a person who is signed in can watch a ticket or has notices.")


class ClosingHeld(WrongState):
    """Something stands in the way of the end by the closing rules; ``obstacles`` names it."""

    code = "ticketing.closing_held"


class GrantRefused(Problem):
    """The authorization server of a mailbox gave no token; the detail says why."""

    code = "ticketing.grant_refused"
    status = 502
    title = _("Signing in for the mailbox did not work.")
