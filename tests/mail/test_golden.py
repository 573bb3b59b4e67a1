"""Every mail in ``golden/`` goes through the whole pipeline, and ends as the small file beside it says.

``name.eml`` is the mail as it comes, with ``%%WORDS%%`` where a signed address or id of the thread stands.
``name.json`` says by whom and to whom it was handed over (``from``, ``to``), what is ``made_of_it`` before (the way to
write down what no text file holds), and what is expected: any field of the inbound mail, ``ticket`` ("hers", "new",
"strange", none), ``kind`` and ``body`` of the message, ``trace`` (found among its steps), ``sent`` (mails that left).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ticketing.models import InboundMail, Message, OutboundMail, RawMail, Ticket

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.eml"))


def test_there_are_at_least_120_golden_messages_each_with_its_expectation():
    assert len(NAMES) >= 120
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == NAMES


def test_no_golden_message_is_the_copy_of_another():
    assert len({(GOLDEN / f"{name}.eml").read_bytes() for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_golden_message(name, thread, post, filled):
    wanted: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    raw = filled((GOLDEN / f"{name}.eml").read_bytes().decode("utf-8", "surrogateescape"))
    raw_bytes = made(raw.encode("utf-8", "surrogateescape"), wanted.pop("made_of_it", ""))
    sender = filled(wanted.pop("from", "dana@home.example"))
    recipient = filled(wanted.pop("to", "help@alpha.example"))
    messages, mails = Message.objects.count(), OutboundMail.objects.count()

    got = post.take(raw_bytes, sender, recipient)

    assert bytes(RawMail.objects.get(mail=got).content) == raw_bytes
    found = observed(got, thread, since_message=messages, since_mail=mails)
    steps = found.pop("trace")
    assert set(wanted.pop("trace", [])) <= set(steps), steps
    contained = wanted.pop("contains", [])
    for each in [contained] if isinstance(contained, str) else contained:
        assert each in found["body"], found["body"]
    for each in wanted.pop("lacks", []):
        assert each not in found["body"], found["body"]
    assert {key: found[key] for key in wanted} == wanted, (found, steps)


def made(raw: bytes, how: str) -> bytes:
    """What no text file can hold or would be too long in: said in one word, done here."""
    if how == "too_large":
        return raw + base64.encodebytes(b"\xff" * (20 * 1024 * 1024))
    if how == "long_header":
        return b"X-Padding: " + b"x" * (300 * 1024) + b"\n" + raw
    if how == "crlf":
        return raw.replace(b"\n", b"\r\n")
    if how == "nested":
        inner = b"Content-Type: text/plain\n\ndeep\n"
        for level in range(40):
            mark = b"level%d" % level
            inner = b'Content-Type: multipart/mixed; boundary="%s"\n\n--%s\n%s\n--%s--\n' % (mark, mark, inner, mark)
        return raw + inner
    if how == "many_parts":
        return raw + b"".join(b"--many\nContent-Type: text/plain\n\npart %d\n" % n for n in range(400)) + b"--many--\n"
    if how == "long_text":
        return raw + b"All work and no play makes a long mail. \n" * 40_000
    if how == "nul":
        return raw.replace(b"%NUL%", b"\x00")
    if how == "latin1":
        return raw.decode().encode("latin-1")
    if how == "cp1252":
        return raw.decode().encode("cp1252")
    if how.startswith("as:"):
        return raw.decode().encode(how.removeprefix("as:"))
    assert how == "", how
    return raw


def observed(got: InboundMail, thread: Any, *, since_message: int, since_mail: int) -> dict[str, Any]:
    ticket: Ticket | None = got.ticket
    which = {None: None, thread.ticket.pk: "hers", thread.strange.pk: "strange"}
    message: Message | None = got.message
    fresh = Ticket.objects.get(pk=ticket.pk) if ticket else None
    return {
        "state": got.state,
        "rule": got.rule,
        "class": got.mail_class,
        "auth": got.authentication,
        "sender": got.sender,
        "name": got.sender_name,
        "subject": got.subject,
        "ticket": which.get(ticket.pk if ticket else None, "new"),
        "hint": which.get(got.hint_id, "new"),
        "title": fresh.title if fresh else None,
        "requester": fresh.requester.email if fresh and fresh.requester else None,
        "ticket_state": fresh.state if fresh else None,
        "kind": message.kind if message else None,
        "trust": message.trust if message else None,
        "from_customer": message.from_customer if message else None,
        "author": message.author_label if message else None,
        "body": message.body if message else "",
        "parts": [part["name"] for part in got.parts],
        "refused": [part["refused"] for part in got.parts if part["refused"]],
        "messages": Message.objects.count() - since_message,
        "sent": OutboundMail.objects.count() - since_mail,
        "participants": sorted([*row] for row in fresh.participants.values_list("email", "state")) if fresh else [],
        "delivery": OutboundMail.objects.get(pk=thread.sent.pk).delivery.state,
        "trace": [f"{row['rule']} {row['what']}" for row in got.trace],
    }
