"""Reports of mail servers (RFC 3464): which of our mails failed, and for good or not (rule M4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser

from ticketing.mail.parsing import ids_in
from ticketing.mail.texts import clean_line

_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_SMTP = re.compile(r"(?<![\d.])(4\d\d|5\d\d)[ -]")


@dataclass(frozen=True, slots=True)
class Report:
    """``original_ids`` are message ids found in the returned mail. ``action``: "failed", "delayed", "delivered", …"""

    recipient: str
    action: str
    status: str
    diagnostic: str
    original_ids: tuple[str, ...]
    is_complaint: bool = False
    is_given_up: bool = False
    """The server tries no longer, whatever the status: of a mail it could not hand over for days it stays 4.x."""

    @property
    def is_hard(self) -> bool:
        return self.action == "failed" and self.status.startswith("5")

    @property
    def is_soft(self) -> bool:
        return self.action == "delayed" or (self.action == "failed" and not self.status.startswith("5"))


def read(raw: bytes) -> Report:
    """What a report says. Of reports that no standard describes, what their text gives away."""
    message = BytesParser(policy=policy.compat32).parsebytes(raw)
    fields: dict[str, str] = {}
    ids: list[str] = []
    complaint = False
    text = ""
    for part in _some(message):
        type_ = part.get_content_type()
        if type_ in ("message/delivery-status", "message/feedback-report"):
            complaint |= type_ == "message/feedback-report"
            for block in _blocks(part):
                for name, value in block.items():
                    fields.setdefault(str(name).lower(), clean_line(str(value)))
        elif type_ in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            ids += _ids_of(part)
        elif type_ == "text/plain" and not text:
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace")[:20_000] if isinstance(payload, bytes) else ""
    diagnostic = fields.get("diagnostic-code", "") or next(
        (line.strip() for line in text.splitlines() if _SMTP.search(line) or _STATUS.search(line)), ""
    )
    status = fields.get("status", "").split(" ")[0] or _status_in(diagnostic)
    action = fields.get("action", "").lower() or ("failed" if status else "")
    recipient = fields.get("final-recipient", "") or fields.get("original-recipient", "")
    return Report(
        recipient=recipient.rpartition(";")[2].strip().strip("<>").lower()[:254],
        action=action,
        status=status[:20],
        diagnostic=clean_line(diagnostic.partition(";")[2] or diagnostic)[:500],
        original_ids=tuple(dict.fromkeys([*ids, *ids_in(text)])),
        is_complaint=complaint,
        is_given_up=fields.get("action", "").lower() == "failed",
    )


def _some(message: Message, most: int = 200) -> list[Message]:
    found: list[Message] = []
    for part in message.walk():
        found.append(part)
        if len(found) >= most:
            break
    return found


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else [part]


def _ids_of(part: Message) -> list[str]:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return ids_in(str(payload[0].get("message-id", "")))
    found = re.search(r"^message-id:\s*(<[^>\s]+>)", str(payload), re.IGNORECASE | re.MULTILINE)
    return ids_in(found[1]) if found else []


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    if found:
        return found[0]
    code = _SMTP.search(text)
    return f"{code[1][0]}.0.0" if code else ""
