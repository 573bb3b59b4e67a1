"""Rules O1 and O2: what our own mails carry, so that an answer finds its ticket and no machine answers us."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formataddr

from ticketing.mail.matching import number_in, tag_of
from ticketing.mail.texts import clean_line
from ticketing.mail.tokens import Keyring, bounce_address, origin, reply_address

MOST_REFERENCES = 10


def headers(
    keys: Keyring,
    *,
    mailbox: str,
    brand: str,
    author: str,
    instance: str,
    ticket: str,
    participant: str,
    message_id: str,
    references: Sequence[str],
    automatic: str = "",
) -> dict[str, str]:
    """Headers of one mail to one participant. ``automatic``: "auto-generated" or "auto-replied"; "" for a person's."""
    shown = clean_line(f"{author} · {brand}" if author else brand)
    found = {
        "From": formataddr((shown, mailbox)),
        "Reply-To": formataddr(
            (clean_line(brand), reply_address(keys, mailbox, ticket=ticket, participant=participant))
        ),
        "Message-ID": f"<{message_id}>",
        "X-BOSS-Origin": origin(keys, instance),
    }
    recent = list(dict.fromkeys(each for each in references if each))[-MOST_REFERENCES:]
    if recent:
        found["In-Reply-To"] = f"<{recent[-1]}>"
        found["References"] = " ".join(f"<{each}>" for each in recent)
    if automatic:
        found["Auto-Submitted"] = automatic
        found["X-Auto-Response-Suppress"] = "All"
    return found


def envelope_sender(keys: Keyring, mailbox: str, mail: str) -> str:
    """Where a report of failure about this one mail goes."""
    return bounce_address(keys, mailbox.rpartition("@")[2], mail)


def subject(title: str, number: str) -> str:
    """O2: the same in every mail of a ticket, whatever a customer makes of it."""
    title = clean_line(title)
    if number_in(title) == number:
        return f"Re: {title}"
    return f"Re: {title} {tag_of(number)}"


def quoted(author: str, text: str, *, most_lines: int = 40) -> str:
    """The last public message, as mail programs quote it."""
    lines = text.strip().splitlines()
    shown = lines[:most_lines] + (["…"] if len(lines) > most_lines else [])
    return "\n".join([f"{clean_line(author)}:", *(f"> {line}".rstrip() for line in shown)])
