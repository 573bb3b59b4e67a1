"""Scenarios 6 to 9: mail through a real Postfix and into a real Dovecot, and what the desk sees of it in its pages.

The verdict on who sent a mail is the edge's and comes with it by LMTP; Postfix of the lab gives none.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.utils import parseaddr
from typing import TYPE_CHECKING

import pytest

from ipservices.labs import HOST
from tests.browser.portal_look import Look
from tests.cast import Cast, actor_of, make_user
from tests.mail.test_postfix import DANA, HELP, PASSWORD, ROBOT, Desk, desk, letter  # noqa: F401 - a fixture
from ticketing.models import Category, InboundMail, MailBreaker, OutboundMail, RawMail, SlaClock, Ticket
from ticketing.services import policies, tickets
from ticketing.services.mail import limits
from ticketing.sla.kinds import ClockState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

EDGE = "mx.edge.example"
RUNS = "script:not([src]):not([type='application/json']), svg script, [onerror], [onload]"


def by_the_edge(desk: Desk, raw: bytes, sender: str, to: str = HELP, verdict: str = "") -> None:  # noqa: F811
    """As the mail server before BOSS hands a mail over, with what it found of its sender."""
    head = f"Authentication-Results: {EDGE}; dmarc={verdict} header.from=homes.example\r\n" if verdict else ""
    with smtplib.LMTP(HOST, desk.lab.ports["desk"]) as client:
        client.sendmail(sender, [to], head.encode() + raw)


@pytest.fixture
def opened(desk: Desk, cast: Cast, settings) -> InboundMail:  # noqa: F811
    """Dana's first mail, of a known subscriber, about which something is promised; she has had its number."""
    settings.BOSS_MAIL_AUTHSERV_ID = EDGE
    make_user(cast.alpha, DANA, "Dana Dean", "subscriber", kind="subscriber", own=True)
    with desk.realm() as system:
        promise = policies.create(actor=system, kind="sla", key="answer", name="Answer")
        policies.draft(actor=system, policy=promise, rules={"rows": [{"calendar": "", "targets": {"first": 3600}}]})
        policies.publish(actor=system, policy=promise)
        policies.use(actor=system, policy=promise, category=Category.objects.get())
    desk.writes(letter("Internet is slow", "Since this morning."))
    [mail] = desk.until(lambda: desk.inbound(state="applied"))
    desk.until(lambda: desk.letters(DANA))
    return mail


def answered(desk: Desk, cast: Cast, mail: InboundMail):  # noqa: F811
    """Bob's answer as it lies in Dana's mailbox."""
    with desk.realm():
        tickets.add_message(actor=actor_of(cast.bob), ticket=mail.ticket, body="Please restart the modem.")
    return desk.until(lambda: [each for each in desk.letters(DANA) if "restart the modem" in str(each)])[0]


def test_there_and_back_again_and_the_first_answer_is_bobs(
    desk: Desk,  # noqa: F811
    cast: Cast,
    opened: InboundMail,
    person: Callable[..., Page],
) -> None:
    for _again in range(2):
        desk.works()
    [told] = desk.letters(DANA)
    assert "Alpha Cable" in told["From"] and HELP in told["From"] and told["Auto-Submitted"] == "auto-replied"
    assert parseaddr(told["Reply-To"])[1].startswith(f"help+{opened.ticket.public_id}.")

    def first() -> SlaClock:
        with desk.realm():
            return SlaClock.objects.get(ticket=opened.ticket)

    assert first().state == ClockState.RUNNING, "a confirmation is no answer"
    page = person(cast.bob.email, f"/console/tickets/{opened.ticket.public_id}/")
    look = Look(page, "scene-mail")
    look.desktop()
    page.get_by_label("The customer", exact=True).check()
    page.get_by_text(DANA).first.wait_for()  # to whom it goes
    page.get_by_label("Text", exact=True).fill("Please restart the modem.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".talk", has_text="restart the modem").wait_for()
    assert first().state == ClockState.MET
    answer = desk.until(lambda: [each for each in desk.letters(DANA) if "restart the modem" in str(each)])[0]

    desk.writes(letter("Now for something else", "That helped!", to=answer["Reply-To"]))
    desk.until(lambda: desk.inbound(state="applied", subject="Now for something else"))
    page.reload()
    page.locator(".talk", has_text="That helped!").wait_for()
    with desk.realm():
        assert Ticket.objects.count() == 1
    look.at("thread")


def test_strangers_reach_no_ticket_and_bob_decides(
    desk: Desk,  # noqa: F811
    cast: Cast,
    opened: InboundMail,
    person: Callable[..., Page],
) -> None:
    ticket = opened.ticket
    stolen = answered(desk, cast, opened)["Reply-To"]
    tag = f"[{ticket.number.replace('-', ' #')}]"
    forged = f"<boss.t.{ticket.public_id}.3.aaaaaaaaaaaaaaaa@help.alpha.example>"
    desk.writes(letter(f"Re: {tag}", "I guess a number", sender=ROBOT), ROBOT)
    desk.writes(letter("Re: slow", "I forge a reference", sender=ROBOT, References=forged), ROBOT)
    desk.writes(letter("Re: slow", "I stole an address", sender=ROBOT, to=stolen), ROBOT)
    failed = letter("Re: slow", "I say that I am Dana", to=stolen)
    by_the_edge(desk, failed.as_bytes(), DANA, stolen, "fail")
    desk.until(lambda: len(desk.inbound()) == 5 and not desk.inbound(state="received"))
    with desk.realm():
        words = {bytes(raw.content).split()[-1].decode(): raw.mail for raw in RawMail.objects.select_related("mail")}
        assert {word: (words[word].state, words[word].ticket_id == ticket.pk) for word in words} == {
            "morning.": ("applied", True),
            "number": ("applied", False),
            "reference": ("applied", False),
            "address": ("held", True),
            "Dana": ("held", True),
        }
        assert words["number"].hint_id == ticket.pk

    page = person(cast.bob.email, "/console/mail/")
    look = Look(page, "scene-held")
    look.desktop()
    assert page.locator("[data-row]").count() == 2
    look.at("held")
    look.desktop()
    page.get_by_role("link", name=DANA).click()
    page.get_by_role("heading", name="Why is this here?").wait_for()
    look.at("held-mail")
    look.desktop()
    page.get_by_role("button", name=f"Put on {ticket.number}", exact=True).click()
    page.wait_for_load_state()
    page.goto(page.url.split("/console/")[0] + "/console/mail/")
    page.get_by_role("link", name=ROBOT).click()
    page.get_by_role("button", name="Make it a ticket").click()
    page.wait_for_load_state()
    page.goto(page.url.split("/console/")[0] + f"/console/tickets/{ticket.public_id}/")
    page.locator(".talk", has_text="I say that I am Dana").wait_for()
    for words_of_strangers in ("I guess", "I forge", "I stole"):
        assert page.get_by_text(words_of_strangers).count() == 0
    assert look.errors == []
    with desk.realm():
        assert Ticket.objects.count() == 4


def test_machines_are_not_answered_and_a_loop_is_cut(
    desk: Desk,  # noqa: F811
    cast: Cast,
    opened: InboundMail,
    person: Callable[..., Page],
) -> None:
    to = answered(desk, cast, opened)["Reply-To"]
    with desk.realm():
        tickets.resolve(actor=actor_of(cast.bob), ticket=opened.ticket)
        stopped = SlaClock.objects.get(ticket=opened.ticket).stopped_at
    desk.until(lambda: len(desk.letters(DANA)) == 3)
    desk.writes(letter("Out of office", "Back on Monday", to=to, Auto_Submitted="auto-replied"))
    bounce = letter("Returned mail", "It could not be delivered", to=to, sender="mailer-daemon@homes.example")
    by_the_edge(desk, bounce.as_bytes(), "", to)
    desk.until(lambda: len(desk.inbound()) == 3 and not desk.inbound(state="received"))
    with desk.realm():
        ticket = Ticket.objects.get()
        assert (ticket.state, ticket.reopen_count) == ("resolved", 0)
        assert SlaClock.objects.get(ticket=ticket).stopped_at == stopped
    page = person(cast.bob.email, f"/console/tickets/{opened.ticket.public_id}/")
    look = Look(page, "scene-loop")
    look.desktop()
    page.locator(".talk .system", has_text="Back on Monday").wait_for()

    with smtplib.SMTP(HOST, desk.lab.ports["submission"], timeout=20) as client:
        client.login(ROBOT, PASSWORD)
        for n in range(50):
            client.send_message(letter(f"Ping {n}", f"Ping {n}", sender=ROBOT), from_addr=ROBOT, to_addrs=[HELP])
    desk.until(lambda: len(desk.inbound(sender=ROBOT)) == 50 and not desk.inbound(state="received"))
    # Each of its tickets is resolved, and each time it would be told.
    with desk.realm():
        for each in Ticket.objects.filter(title__startswith="Ping", state="new"):
            tickets.resolve(actor=actor_of(cast.bob), ticket=each)
    for _again in range(4):
        desk.works()
    with desk.realm():
        assert OutboundMail.objects.filter(address=ROBOT).count() == limits.PER_QUARTER == 10
        assert MailBreaker.objects.get().address == ROBOT
        assert Ticket.objects.filter(title=f"Mail loop: {ROBOT}").count() == 1
    assert len(desk.until(lambda: len(desk.letters(ROBOT)) >= 10 and desk.letters(ROBOT))) == 10
    assert len(desk.letters(DANA)) == 3, "neither her absence nor the bounce was answered"
    page.goto(page.url.split("/console/")[0] + "/console/tickets/?text=Mail+loop")
    page.get_by_role("link", name=f"Mail loop: {ROBOT}").click()
    page.get_by_text("Nothing automatic goes there for a day.").first.wait_for()
    look.at("alert")


def test_hostile_mail_is_there_with_its_reason_and_runs_nothing(
    desk: Desk,  # noqa: F811
    cast: Cast,
    opened: InboundMail,
    person: Callable[..., Page],
) -> None:
    head = b"From: Mallory <mallory@homes.example>\r\nTo: help@help.alpha.example\r\n"
    html = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(14))
    svg = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee the picture\r\n--b\r\n'
        b'Content-Type: image/svg+xml\r\nContent-Disposition: attachment; filename="p.svg"\r\n\r\n'
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)"><script>alert(4)</script></svg>\r\n--b--\r\n'
    )
    first = b"Message-ID: <same@homes.example>\r\n"
    for raw in (
        b"Subject: script\r\n" + html + b"<p>Hello<script>alert(1)</script><img src=x onerror=alert(2)></p>",
        b"Subject: picture\r\n" + svg,
        b"Subject: deep\r\nMIME-Version: 1.0\r\n" + deep + b"\r\nAt the bottom\r\n",
        b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * (30 * 1024 * 1024 // 78),
        b"Subject: charset\r\nContent-Type: text/plain; charset=klingon-8\r\n\r\nna\xefve \xff words\r\n",
        b"Subject: no id\r\nMessage-ID: <>\r\n\r\nWithout a name\r\n",
        b"Subject: twice\r\n" + first + b"\r\nThe one\r\n",
        b"Subject: twice again\r\n" + first + b"\r\nThe other\r\n",
    ):
        by_the_edge(desk, head + raw, "mallory@homes.example")
    desk.until(lambda: not desk.inbound(state="received"))
    came = desk.inbound(envelope_from="mallory@homes.example")
    assert len(came) == 8
    # Nested too deep to be read, its subject included: kept apart. All others are tickets.
    assert [(each.subject, each.state) for each in came if each.state != "applied"] == [("", "quarantined")]
    with desk.realm():
        assert RawMail.objects.count() == 9

    page = person(cast.bob.email, "/console/mail/")
    look = Look(page, "scene-hostile")
    look.desktop()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="No sender").wait_for()
    home = page.url.split("/console/")[0]
    for each in came:
        page.goto(f"{home}/console/mail/{each.public_id}/")
        page.get_by_role("heading", name="Why is this here?").wait_for()
        assert page.locator("section[aria-labelledby=why-h] li").count() > 0
        if each.ticket is not None:
            page.goto(f"{home}/console/tickets/{each.ticket.public_id}/")
            page.get_by_role("heading", name="Conversation").wait_for()
            assert page.locator(RUNS).count() == 0
    look.judge("the last of them")
    assert dialogs == [] and look.errors == []
