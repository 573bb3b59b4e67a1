"""Rule E5: no mail changes account, plan, contact or payment data; who asks for it by mail is told where to sign in."""

from __future__ import annotations

import pytest

from boss.notify.services.messages import bodies_of
from tests.mail.conftest import FIRST
from ticketing.mail import wishes
from ticketing.models import OutboundMail

ASKS = {
    "Please change my e-mail address to new@home.example.": ["contact"],
    "My new phone number is 555 0142.": ["contact"],
    "We have moved. Could you please update our billing address?": ["contact"],
    "Please replace my credit card, it expires in May.": ["payment"],
    "Please update my bank account, the IBAN is DE02.": ["payment"],
    "I want to upgrade to the Fiber 1000 plan.": ["plan"],
    "I hereby cancel my contract.": ["plan"],
    "Please reset my password": ["account"],
    "Can you change the account holder? It was my account, now it is hers. Change my plan, too.": ["plan"],
    "Please change my phone number and also change my card.": ["contact", "payment"],
    "Bitte ändern Sie meine Bankverbindung.": ["payment"],
    "Hiermit kündige ich meinen Vertrag.": ["plan"],
    "Quiero cambiar mi correo electrónico.": ["contact"],
}
DOES_NOT_ASK = [
    "Pages take minutes to load since the plan was changed.",
    "I changed my password and it works now, thank you.",
    "Can you set up my e-mail on my phone?",
    "The end of our street has no light, your address sign fell down.",
    "My card reader does not work.",
    "Thank you!\n\nOn Monday Bob wrote:\n> Please change my plan.",
    "Fine.\n-----Original Message-----\nChange my e-mail to x@y.example",
    "",
]


@pytest.mark.parametrize("text", ASKS)
def test_E5_a_wish_for_a_change_is_read(text):
    assert [each.value for each in wishes.of("Hello", text)] == ASKS[text]


@pytest.mark.parametrize("text", DOES_NOT_ASK)
def test_E5_what_only_speaks_of_such_things_is_no_wish(text):
    assert wishes.of("Hello", text) == []


def mail(n: int, body: str, *, auth: str = "dmarc=pass header.from=home.example", more: str = "") -> bytes:
    return (
        f"Authentication-Results: mx.alpha.example; {auth}\n{more}From: Dana Dean <dana@home.example>\n"
        f"To: help@alpha.example\nSubject: Re: Internet\nMessage-ID: <wish-{n}@home.example>\n\n{body}\n"
    ).encode()


def told() -> list[OutboundMail]:
    return list(OutboundMail.objects.filter(kind="sign_in").select_related("delivery__message").order_by("pk"))


def test_E5_who_asks_by_mail_gets_a_portal_link_after_sign_in_once_on_a_ticket(post, thread, filled, dana):
    to = filled("%%REPLY_TO%%")
    got = post.take(mail(1, "Please change my e-mail to new@home.example."), to=to)
    post.take(mail(2, "Please change my e-mail address now."), to=to)
    (sent,) = told()
    text, html = bodies_of(sent.delivery.message)
    assert (sent.address, sent.ticket, sent.is_automatic) == ("dana@home.example", thread.ticket, True)
    assert "/account/" in text and "/account/" in html and "your contact details" in text
    assert "nothing has been changed" in text
    assert {"rule": "E5", "what": "asks_for_change", "values": {"wishes": "contact"}} in got.trace
    assert got.state == "applied" and got.message.body.startswith("Please change my e-mail")
    dana.refresh_from_db()
    assert dana.email == "dana@home.example"


def test_E5_the_link_leads_to_a_page_that_asks_who_is_there(post, thread, filled, client, cast):
    post.take(mail(1, "Please upgrade my plan to Fiber 1000."), to=filled("%%REPLY_TO%%"))
    text, _html = bodies_of(told()[0].delivery.message)
    path = f"/my/tickets/{thread.ticket.public_id}/"
    assert path in text
    answer = client.get(path, headers={"host": cast.alpha.canonical_host})
    assert answer.status_code == 302 and "/login/" in answer["Location"]


def test_E5_a_first_mail_that_asks_gets_its_number_and_the_link(post, dana):
    post.take(FIRST.replace(b"Pages take minutes to load.", b"Please replace my credit card."))
    assert [each.kind for each in OutboundMail.objects.order_by("pk")] == ["received", "sign_in"]


def test_E5_machines_strangers_and_failed_senders_are_told_nothing(post, thread, filled):
    to, body = filled("%%REPLY_TO%%"), "Please change my e-mail to new@x.example."
    post.take(mail(1, body, more="Auto-Submitted: auto-replied\n"), to=to)
    post.take(mail(2, body, auth="dmarc=fail header.from=home.example"), to=to)
    post.take(mail(3, body).replace(b"dana@home.example>", b"mallory@home.example>"), "mallory@home.example", to)
    assert told() == []
