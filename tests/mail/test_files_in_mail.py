"""Files that come by mail stand beside the words they came with, and answers take theirs along."""

from __future__ import annotations

import email
from email.message import EmailMessage

import pytest
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile as File

from boss.core.problems import NotFound
from boss.notify.services import deliveries
from tests.cast import actor_of, make_user
from tests.mail.conftest import pass_on
from ticketing import attachments
from ticketing.models import Attachment, Message, OutboundMail
from ticketing.services import tickets
from ticketing.services.mail import settling

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


def letter(
    n: str = "1", sender: str = "dana@home.example", subject: str = "No internet", passes: str = "pass"
) -> EmailMessage:
    made = EmailMessage()
    made["Authentication-Results"] = f"mx.alpha.example; dmarc={passes}"
    made["From"], made["To"], made["Subject"], made["Message-ID"] = (
        sender,
        "help@alpha.example",
        subject,
        f"<{n}@x.example>",
    )
    made.set_content("Since this morning.")
    return made


def names() -> list[str]:
    return list(Attachment.objects.order_by("id").values_list("name", flat=True))


def test_parts_of_a_mail_and_pictures_in_its_text_are_files_of_its_message(post, dana):
    written = letter()
    written.add_alternative("<p>See <img src='cid:pic'></p>", subtype="html")
    written.get_payload()[1].add_related(PNG, "image", "png", cid="<pic>", filename="in text.png")
    written.add_attachment(b"down\n", "text", "plain", filename="../../log.txt")
    got = post.take(written.as_bytes())
    assert got.state == "applied"
    assert names() == ["in text.png", "log.txt"]
    for each in Attachment.objects.all():
        assert (each.message, each.by_mail, each.ticket) == (got.message, True, got.ticket)
        assert attachments.fetch(actor_of(dana), each.public_id).content in (PNG, b"down\n")
    assert "log.txt" not in got.message.body


def test_what_is_refused_is_named_with_the_reason_and_the_rest_is_kept(post, dana):
    written = letter()
    written.add_attachment(b"MZ\x90", "image", "png", filename="holiday.png")
    written.add_attachment(b"", "text", "plain", filename="nothing.txt")
    written.add_attachment(PNG, "image", "png", filename="ok.png")
    got = post.take(written.as_bytes())
    assert names() == ["ok.png"]
    assert "holiday.png" in got.message.body and "not kept: it is a program" in got.message.body
    assert "nothing.txt" in got.message.body


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("attachment; filename*=utf-8''%C3%9Cbersicht%202026.txt", "Übersicht 2026.txt"),
        ('attachment; filename="=?shift_jis?B?kL+LgY+RLnR4dA==?="', "請求書.txt"),
        ('attachment; filename="a\tb\x07c.txt"', "a b c.txt"),
        ("attachment; filename*=iso-8859-15''%E0%E9.txt", "àé.txt"),
    ],
)
def test_names_in_any_charset_are_read(post, dana, header, kept):
    raw = letter().as_string().replace("Content-Type: text/plain", "MIME-Version: 1.0\nX-First: text/plain", 1)
    head, _, _body = raw.partition("\n\n")
    lines = [line for line in head.splitlines() if not line.startswith(("Content-", "X-First", "MIME"))]
    body = (
        '\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nWords\n'
        f"--b\nContent-Type: text/plain\nContent-Disposition: {header}\n\nfile\n--b--\n"
    )
    post.take(("\n".join(lines) + body).encode())
    assert names() == [kept]


def test_a_held_mail_puts_its_files_on_the_ticket_when_it_is_let_in(post, thread, filled, bob):
    written = letter("2", "greta@farm.example", "Re: slow", passes="none")
    written.add_attachment(PNG, "image", "png", filename="strange.png")
    held = post.take(written.as_bytes(), "greta@farm.example", filled("%%REPLY_TO%%"))
    assert held.state == "held" and names() == []
    settling.accept(actor=bob, mail=held)
    assert names() == ["strange.png"]
    assert Attachment.objects.get().ticket == thread.ticket


def test_what_no_person_wrote_shows_its_files_to_staff_alone(post, dana, bob):
    first = post.take(letter().as_bytes())
    robot = letter("2", subject=f"Re: No internet [{first.ticket.number}]")
    robot["In-Reply-To"], robot["Auto-Submitted"] = "<1@x.example>", "auto-replied"
    robot.add_attachment(PNG, "image", "png", filename="robot.png")
    assert post.take(robot.as_bytes()).state == "applied"
    file = Attachment.objects.get()
    assert file.message.kind == "system" and attachments.get(bob, file.public_id) == file
    with pytest.raises(NotFound):
        attachments.get(actor_of(dana), file.public_id)


def test_an_answer_takes_its_files_along_to_each_who_takes_part(post, dana, cast):
    came = post.take(letter().as_bytes())
    nora = make_user(cast.alpha, "nora@alpha.example", "Nora North", "noc")
    message = tickets.add_message(actor=actor_of(nora), ticket=came.ticket, body="Here", files=[File("plan.png", PNG)])
    [sent] = pass_on(Message.objects.get(pk=message.pk))
    outbox.outbox.clear()
    assert deliveries.deliver(sent.realm_id, OutboundMail.objects.get(pk=sent.pk).delivery_id)
    [left] = outbox.outbox
    read = email.message_from_bytes(left.message().as_bytes(), policy=email.policy.default)
    files = {part.get_filename(): part.get_payload(decode=True) for part in read.walk() if part.get_filename()}
    assert files["plan.png"] == PNG
    assert "Attached: plan.png" in left.body
