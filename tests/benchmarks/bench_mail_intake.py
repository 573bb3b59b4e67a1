"""Inbound mail through the whole pipeline: kept, read, matched, on a ticket. Beside the bare keeping of the same mail.

``BOSS_TEST_DURABLE=1 python3 manage.py test tests/benchmarks/bench_mail_intake.py -n 0 -s``; ``BOSS_BENCH_MAILS`` says
how many. Half open tickets, half answer to one. One process, no door and no broker between.
"""

from __future__ import annotations

import os
import time

from boss.core import scoping
from boss.core.actors import Actor
from tests.benchmarks.frame import measure
from tests.mail.conftest import make_post
from ticketing.mail import tokens
from ticketing.models import InboundMail, Participant
from ticketing.services.mail import intake, keys, mailboxes

MAILS = int(os.environ.get("BOSS_BENCH_MAILS", "400"))


def _mail(n: int) -> bytes:
    return (
        f"Authentication-Results: mx.alpha.example; dmarc=pass\nFrom: Sender {n} <s{n}@home.example>\n"
        f"To: help@alpha.example\nSubject: Matter {n}\nMessage-ID: <{n}@home.example>\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{'Words of a customer. ' * 40}{n}\n"
    ).encode()


def test_inbound_mails_per_second(real_db, cast, settings):
    settings.BOSS_MAIL_AUTHSERV_ID = "mx.alpha.example"
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        make_post(Actor.system(realm_id))
    place = mailboxes.place_of("help@alpha.example")

    began = time.perf_counter()
    for n in range(MAILS):
        intake.store(_mail(n), place=place, envelope_from="", envelope_to="help@alpha.example")
    kept = MAILS / (time.perf_counter() - began)
    with scoping.realm_transaction(realm_id):
        InboundMail.objects.update(state="discarded")

    began = time.perf_counter()
    for n in range(MAILS // 2):
        opened = intake.receive(_mail(n), envelope_from=f"s{n}@home.example", envelope_to="help@alpha.example")
        with scoping.realm_transaction(realm_id):
            participant = Participant.objects.get(ticket_id=opened.ticket_id)
            address = tokens.reply_address(
                keys.keyring(), "help@alpha.example", ticket=opened.ticket.public_id, participant=participant.public_id
            )
        answer = _mail(n).replace(b"@home.example>\nContent", b".re@home.example>\nContent")
        answered = intake.receive(answer, envelope_from=f"s{n}@home.example", envelope_to=address)
        assert (opened.state, answered.state, answered.rule) == ("applied", "applied", "M1")
    whole = 2 * (MAILS // 2) / (time.perf_counter() - began)

    measure("mail_intake.whole", whole, "mails/s", f"kept only: {kept:.0f}/s", whole / kept)
