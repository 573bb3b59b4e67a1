"""The table "who may write": from who the sender is and how well that is known, to what happens with his words."""

from __future__ import annotations

from enum import StrEnum

from ticketing.mail.authentication import Authentication, Verified


class Sender(StrEnum):
    """Who wrote, as seen from the ticket that was matched."""

    STAFF = "staff"  # with a token that was issued to him
    STAFF_WITHOUT_TOKEN = "staff_without_token"  # noqa: S105 - no password
    PARTICIPANT = "participant"
    SUBSCRIBER = "subscriber"  # known, not a participant, with a valid token or id
    UNKNOWN = "unknown"  # with a valid token or id
    NOBODY = "nobody"  # no match


class Verdict(StrEnum):
    STAFF_REPLY = "staff_reply"
    NOTE = "note"
    NOTE_UNVERIFIED = "note_unverified"
    REPLY = "reply"
    REPLY_UNVERIFIED = "reply_unverified"
    HOLD = "hold"
    QUARANTINE = "quarantine"
    NEW = "new"
    NEW_UNLINKED = "new_unlinked"
    NEW_MARKED = "new_marked"


_PASS, _NONE, _FAIL = Authentication.PASS, Authentication.NONE, Authentication.FAIL

TABLE: dict[Sender, dict[Authentication, Verdict]] = {
    Sender.STAFF: {_PASS: Verdict.STAFF_REPLY, _NONE: Verdict.NOTE_UNVERIFIED, _FAIL: Verdict.QUARANTINE},
    # The reference does not name him: his words are kept inside, and without a result somebody looks first.
    Sender.STAFF_WITHOUT_TOKEN: {_PASS: Verdict.NOTE, _NONE: Verdict.HOLD, _FAIL: Verdict.QUARANTINE},
    Sender.PARTICIPANT: {_PASS: Verdict.REPLY, _NONE: Verdict.REPLY_UNVERIFIED, _FAIL: Verdict.HOLD},
    Sender.SUBSCRIBER: {_PASS: Verdict.HOLD, _NONE: Verdict.HOLD, _FAIL: Verdict.QUARANTINE},
    Sender.UNKNOWN: {_PASS: Verdict.HOLD, _NONE: Verdict.HOLD, _FAIL: Verdict.QUARANTINE},
    Sender.NOBODY: {_PASS: Verdict.NEW, _NONE: Verdict.NEW_UNLINKED, _FAIL: Verdict.NEW_MARKED},
}


def decide(sender: Sender, verified: Verified) -> Verdict:
    """What happens. Without a match the domain's own wish decides over what failed."""
    if sender == Sender.NOBODY and verified.is_refused_by_domain:
        return Verdict.QUARANTINE
    return TABLE[sender][verified.result]
