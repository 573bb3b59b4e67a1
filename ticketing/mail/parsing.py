"""From raw bytes to :class:`Mail`. Whatever is hostile in them ends in a warning or in :class:`Unparseable`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses

from boss.core import file_types
from ticketing.mail.limits import DEFAULT, Limits
from ticketing.mail.neutral import Address, Mail, Part, Unparseable
from ticketing.mail.texts import clean, clean_line, text_of_html

_ID = re.compile(r"<([^<>\s]{1,900})>")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_KEPT = 40
"""How many values of one header are kept, and how long each."""
_LONGEST_VALUE = 16_000


def parse(raw: bytes, limits: Limits = DEFAULT) -> Mail:
    """Read a mail. Raises :class:`Unparseable` with a sentence for people."""
    end = _END_OF_HEADER.search(raw)
    if (end.start() if end else len(raw)) > limits.header:
        raise Unparseable("The header block is larger than is read.")
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        return _neutral(message, limits)
    except Unparseable:
        raise
    except RecursionError:
        raise Unparseable("Parts are nested too deeply.") from None
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError) as error:
        # What the standard parser raises for headers that nobody ever should have written.
        raise Unparseable(f"The mail is malformed ({type(error).__name__}).") from error


def peek(raw: bytes, limits: Limits = DEFAULT) -> Mail:
    """Only the header of a mail that is too big to be read. Raises :class:`Unparseable`."""
    end = _END_OF_HEADER.search(raw, 0, limits.header)
    if end is None:
        raise Unparseable("The header block is larger than is read.")
    header = re.sub(
        rb"(?im)^content-(type|transfer-encoding):[^\n]*\n(?:[ \t][^\n]*\n)*", b"", raw[: end.start()] + b"\n"
    )
    return parse(header + b"\n", limits)


def _neutral(message: EmailMessage, limits: Limits) -> Mail:
    headers = _headers(message)
    senders = _addresses(headers, "from", limits)
    warnings: list[str] = []
    texts: list[str] = []
    pages: list[str] = []
    attachments: list[Part] = []
    digest = hashlib.sha256()
    for index, _depth, part in _leaves(message, limits):
        payload = _payload(part)
        digest.update(part.get_content_type().encode(errors="replace") + b"\0" + payload.rstrip() + b"\0")
        type_ = part.get_content_type()
        if type_ in ("text/plain", "text/html") and not _is_attached(part):
            (texts if type_ == "text/plain" else pages).append(_decoded(part, payload, warnings))
        elif type_ not in ("message/delivery-status", "text/rfc822-headers"):
            attachments.append(_attachment(part, index, payload, len(attachments), limits))
    html = "\n".join(pages)
    text = "\n\n".join(each.strip("\r\n") for each in texts if each.strip()) or text_of_html(html)
    if len(text.encode()) > limits.text:
        text = text.encode()[: limits.text].decode(errors="ignore")
        warnings.append("text_cut")
    if message.defects or any(part.defects for _i, _d, part in _leaves(message, limits)):
        warnings.append("defects")
    if len(headers.get("from", ())) > 1 or len(senders) > 1:
        warnings.append("several_senders")
    sender = senders[0] if senders else Address("")
    reply_to = _addresses(headers, "reply-to", limits)
    if reply_to and sender.email not in {each.email for each in reply_to}:
        warnings.append("reply_to_differs")
    return Mail(
        headers=headers,
        sender=sender,
        senders=max(len(senders), len(headers.get("from", ()))),
        to=_addresses(headers, "to", limits),
        cc=_addresses(headers, "cc", limits),
        reply_to=reply_to,
        subject=clean_line(_decoded_header(message, "subject", headers))[:500],
        message_id=next(iter(ids_in(_first(headers, "message-id"))), ""),
        in_reply_to=tuple(ids_in(_first(headers, "in-reply-to"))[:10]),
        references=tuple(ids_in(" ".join(headers.get("references", ())))[-100:]),
        text=clean(text).strip(),
        attachments=tuple(attachments),
        body_hash=digest.hexdigest(),
        content_type=message.get_content_type(),
        report_type=str(message.get_param("report-type") or "").lower(),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def contents(raw: bytes, wanted: Iterable[Part], limits: Limits = DEFAULT) -> Iterator[tuple[Part, bytes]]:
    """The bytes of these parts of a mail that :func:`parse` has read, in its order."""
    by_index = {part.index: part for part in wanted}
    message = BytesParser(policy=policy.default).parsebytes(raw)
    for index, _depth, part in _leaves(message, limits):
        if index in by_index:
            yield by_index[index], _payload(part)


def ids_in(value: str) -> list[str]:
    """Message ids of a header, in order, without their brackets."""
    return [clean(each) for each in _ID.findall(value)]


def _leaves(message: Message, limits: Limits) -> Iterator[tuple[int, int, EmailMessage]]:
    """Every part that holds something, with its index and depth. Mails inside the mail are one part each."""
    waiting: list[tuple[int, Message]] = [(1, message)]
    seen = 0
    while waiting:
        depth, part = waiting.pop()
        seen += 1
        if depth > limits.depth:
            raise Unparseable("Parts are nested too deeply.")
        if seen > limits.parts:
            raise Unparseable("There are too many parts.")
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [(depth + 1, each) for each in reversed(payload) if isinstance(each, Message)]
        else:
            yield seen, depth, part  # type: ignore[misc]


def _headers(message: EmailMessage) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        values = found.setdefault(clean(str(name)).lower()[:100], [])
        if len(values) < _KEPT:
            values.append(clean(re.sub(r"\r?\n[ \t]?", " ", str(value)))[:_LONGEST_VALUE])
    return found


def _first(headers: dict[str, list[str]], name: str) -> str:
    return next(iter(headers.get(name, ())), "")


def _decoded_header(message: EmailMessage, name: str, headers: dict[str, list[str]]) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # noqa: BLE001 - the standard parser raises a wild assortment for hostile headers
        return _first(headers, name)


def _addresses(headers: dict[str, list[str]], name: str, limits: Limits) -> tuple[Address, ...]:
    # Taken apart before encoded words are decoded, so that a name cannot smuggle in an address. Not by the structured
    # parser of the standard library: it raises for some addresses of spammers.
    found = []
    for shown, email in getaddresses(list(headers.get(name, ())))[: limits.addresses]:
        email = clean_line(email).lower()
        if len(email) <= 254 and _EMAIL.search(email):
            found.append(Address(email, clean_line(_from_words(shown))[:200]))
    return tuple(found)


def _from_words(value: str) -> str:
    if "=?" not in value:
        return value
    return str(policy.default.header_factory("subject", value))


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - broken transfer encodings raise what they like
        payload = None
    if isinstance(payload, bytes):
        return payload
    inner = part.get_payload()
    if isinstance(inner, list):  # a mail inside the mail
        return b"".join(_as_bytes(each) for each in inner if isinstance(each, Message))
    return str(inner or "").encode("utf-8", "surrogateescape")


def _as_bytes(message: Message) -> bytes:
    try:
        return message.as_bytes(policy=policy.compat32)
    except Exception:  # noqa: BLE001 - see above; its text is enough to keep it apart from another
        return str(message.get_payload()).encode("utf-8", "replace")


def _decoded(part: Message, payload: bytes, warnings: list[str]) -> str:
    charset = str(part.get_content_charset() or "utf-8").strip("\"' ").lower().removesuffix("-i")
    charset = {"gb2312": "gb18030", "x-sjis": "shift_jis", "us-ascii": "ascii"}.get(charset, charset)
    for wanted in dict.fromkeys((charset, "utf-8")):
        try:
            return payload.decode(wanted)
        except (LookupError, UnicodeError, ValueError):
            if wanted == charset and charset != "ascii":
                warnings.append("charset_guessed")
    warnings.append("charset_guessed")
    return payload.decode("cp1252", "replace")


def _is_attached(part: EmailMessage) -> bool:
    disposition = str(part.get("content-disposition", "")).lower().lstrip()
    return disposition.startswith("attachment") or bool(_raw_name(part))


def _raw_name(part: EmailMessage) -> str:
    try:
        return str(part.get_filename() or "")
    except Exception:  # noqa: BLE001 - see above
        return ""


def _name(part: EmailMessage, index: int) -> str:
    """A file name that is only a name: no folder, no control characters, no direction marks."""
    name = file_types.clean_name(clean_line(_raw_name(part)), fallback="")
    extension = {"message/rfc822": "eml", "text/calendar": "ics", "text/plain": "txt"}.get(
        part.get_content_type(), "bin"
    )
    return name or f"part-{index}.{extension}"


def _attachment(part: EmailMessage, index: int, payload: bytes, before: int, limits: Limits) -> Part:
    name = _name(part, index)
    refused = ""
    if before >= limits.attachments:
        refused = "too_many"
    elif len(payload) > limits.attachment:
        refused = "too_large"
    elif file_types.is_executable(name, payload):
        refused = "executable"
    return Part(index, name, part.get_content_type()[:100], len(payload), hashlib.sha256(payload).hexdigest(), refused)
