"""Why a mail is where it is: every look and every decision, kept with the mail and shown in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

WORDS: dict[str, str | Promise] = {
    "stored": gettext_lazy("Kept as it came, for %(mailbox)s."),
    "again": gettext_lazy("The same mail has come before."),
    "same_id_other_body": gettext_lazy("Another mail with the same id but other words has come before."),
    "own": gettext_lazy("We sent it ourselves."),
    "automatic": gettext_lazy("No person wrote it: %(signs)s."),
    "blocked": gettext_lazy("Mail of this sender is blocked."),
    "unparseable": gettext_lazy("It cannot be read safely: %(why)s"),
    "too_large": gettext_lazy("It is larger than is taken: %(size)s bytes."),
    "stuck": gettext_lazy("It could not be processed, although that was tried several times."),
    "report": gettext_lazy("A mail server reports about our mail on %(number)s: %(status)s %(diagnostic)s"),
    "report_on_none": gettext_lazy("A mail server reports about our mail to %(address)s: %(status)s %(diagnostic)s"),
    "report_unknown": gettext_lazy("A mail server reports about a mail that we do not know."),
    "authentication": gettext_lazy("Authentication of the sender: %(result)s."),
    "token": gettext_lazy("It was sent to the signed address of %(number)s, which was given to %(issued_to)s."),
    "token_invalid": gettext_lazy("The signed address it was sent to is not one of ours."),
    "our_id": gettext_lazy("It answers our mail on %(number)s to %(issued_to)s."),
    "forged": gettext_lazy("It names an id that looks like ours and that we did not sign."),
    "stored_id": gettext_lazy("It answers a mail that is on %(number)s."),
    "same_conversation": gettext_lazy("It belongs to a conversation of the same sender on %(number)s."),
    "tag": gettext_lazy("Its subject names %(number)s."),
    "only_a_hint": gettext_lazy("The sender takes no part in %(number)s, so that is only a hint."),
    "new": gettext_lazy("It belongs to no ticket."),
    "verdict": gettext_lazy("Decided: %(verdict)s, as the sender is %(sender)s."),
    "not_participant": gettext_lazy("The sender takes no part in %(number)s."),
    "unverified_participant": gettext_lazy("It could not be verified that the sender is who takes part in %(number)s."),
    "refused_by_domain": gettext_lazy("The sender's domain asks that such mail is refused."),
    "unmatched_automatic": gettext_lazy("Mail of programs opens no tickets here."),
    "merged": gettext_lazy("%(number)s was merged into %(other)s."),
    "closed": gettext_lazy("%(number)s is closed, so this is a follow-up."),
    "reopened_too_often": gettext_lazy("%(number)s was reopened by mail too often today."),
    "repeated": gettext_lazy("The same words have come to %(number)s again and again."),
    "burst": gettext_lazy("This sender has opened too many tickets within an hour."),
    "forwarded": gettext_lazy("Forwarded by staff; the first sender seems to be %(sender)s."),
    "suggestion": gettext_lazy("The address belongs to %(name)s, which could not be verified."),
    "copies_held": gettext_lazy("Put in copy and held until somebody lets them in: %(who)s."),
    "asks_for_change": gettext_lazy("It asks for a change (%(wishes)s): the sender was told where to sign in for it."),
    "asks_for_change_again": gettext_lazy("It asks for a change (%(wishes)s): nothing more was sent about that."),
    "commands": gettext_lazy("Commands followed: %(which)s."),
    "warning": gettext_lazy("Noticed: %(sign)s."),
    "accepted": gettext_lazy("Let in by %(by)s."),
    "split": gettext_lazy("Made a ticket of its own by %(by)s."),
    "sender_blocked": gettext_lazy("Sender blocked by %(by)s."),
    "discarded": gettext_lazy("Set aside by %(by)s."),
}


@dataclass(slots=True)
class Trace:
    """Rows of rule, what was found, and the values in it."""

    rows: list[dict[str, object]] = field(default_factory=list)

    def say(self, rule: str, what: str, **values: object) -> None:
        self.rows.append({"rule": rule, "what": what, **({"values": values} if values else {})})


def in_words(row: Mapping[str, object]) -> str:
    """One row as people read it."""
    values = row.get("values")
    told = str(WORDS.get(str(row.get("what")), row.get("what")))
    return told % values if isinstance(values, dict) else told
