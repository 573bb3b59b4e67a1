"""Mail of an outage that comes back: known again by its envelope or its id, like that of tickets (rule M4)."""

from __future__ import annotations

import pytest
from django.core import mail

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.models import Delivery, DeliveryState, Message
from boss.notify.services import deliveries
from ipservices import outages as reads
from ipservices.choices import NoticeState
from ipservices.models import Outage, OutageNotice
from ipservices.services import outages
from tests.cast import Cast
from tests.ipservices import outaging
from tests.ipservices.outaging import Street
from ticketing.errors import MailboxUnknown
from ticketing.models import Category, InboundMail, MailBreaker
from ticketing.services import categories
from ticketing.services.mail import intake, mailboxes, tracing

pytestmark = pytest.mark.usefixtures("alpha")
NED = "ned@home.example"


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


@pytest.fixture
def outage(street: Street, system: Actor) -> Outage:
    """Node 17 is down; Maria, Ned and Olga were written to, and help@alpha.example reads what comes back."""
    internet = Category.objects.get(key="internet")
    mailboxes.define(actor=system, address="help@alpha.example", category=internet)
    made = street.open()
    street.tell()
    Delivery.objects.update(state=DeliveryState.SENT)
    return made


def _to_ned() -> Message:
    return Message.objects.filter(deliveries__address=NED).latest("id")


def _returned(to: str, *, returned: str = "", status: str = "5.1.1", action: str = "failed") -> InboundMail:
    """A mail server's report, handed in at the door."""
    raw = (
        "From: MAILER-DAEMON@home.example\nSubject: Undelivered\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        f"Final-Recipient: rfc822; {NED}\nAction: {action}\nStatus: {status}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {returned}\n--b--\n"
    )
    return intake.receive(raw.encode(), envelope_from="", envelope_to=to)


def _states() -> dict[str, str]:
    return dict(Delivery.objects.values_list("address", "state"))


def test_M4_what_comes_back_marks_its_delivery_and_the_outages_page_says_so(outage: Outage) -> None:
    got = _returned(_to_ned().envelope_from)
    assert (got.state, got.rule, got.ticket) == ("applied", "M4", None)
    assert f"our mail to {NED}: 5.1.1" in tracing.in_words(got.trace[-1])
    assert _states() == {NED: "bounced", "maria@home.example": "sent", "olga@home.example": "sent"}
    assert reads.count(outage).bounced == 1
    assert [row.account.name for row in reads.list_members(outage) if row.is_lost] == ["Ned"]


def test_M4_without_its_envelope_it_is_known_by_the_id_that_we_signed(outage: Outage) -> None:
    got = _returned("help@alpha.example", returned=_to_ned().headers["Message-ID"])
    assert (got.rule, _states()[NED]) == ("M4", "bounced")


def test_O4_an_address_that_mail_came_back_from_is_written_to_no_more(street: Street, outage: Outage) -> None:
    _returned(_to_ned().envelope_from)
    assert MailBreaker.objects.get().address == NED
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    street.tell()
    notice = OutageNotice.objects.get(update__seq=2, member__account__name="Ned")
    assert (notice.state, notice.message) == (NoticeState.FAILED, None) and NED in notice.reason
    assert OutageNotice.objects.filter(update__seq=2, state=NoticeState.TOLD).count() == 2


def test_where_one_address_is_known_not_to_work_the_accounts_own_is_taken(street: Street, outage: Outage) -> None:
    ned = street.homes[1]
    ned.email = "ned@work.example"
    ned.save()
    _returned(_to_ned().envelope_from)
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    street.tell()
    assert Delivery.objects.filter(address="ned@work.example").count() == 1
    assert reads.count(outage).failed == 0


def test_a_mail_that_is_only_late_stops_nothing(outage: Outage) -> None:
    _returned(_to_ned().envelope_from, status="4.4.1", action="delayed")
    assert _states()[NED] == "sent" and not MailBreaker.objects.exists()


def test_a_forged_envelope_marks_nothing(outage: Outage) -> None:
    local, _at, domain = _to_ned().envelope_from.partition("@")
    got = _returned(f"{local[:-4]}aaaa@{domain}")
    assert got.state == "quarantined" and set(_states().values()) == {"sent"}


def test_another_providers_mailbox_takes_no_report_about_it(cast: Cast, outage: Outage) -> None:
    with scoping.realm_transaction(cast.beta.pk):
        theirs = Actor.system(cast.beta.pk)
        care = categories.create(actor=theirs, key="care", name="Care")
        mailboxes.define(actor=theirs, address="help@beta.example", category=care)
    local = _to_ned().envelope_from.partition("@")[0]
    with scoping.realm_transaction(cast.beta.pk), pytest.raises(MailboxUnknown):
        mailboxes.place_of(f"{local}@beta.example")
    assert set(_states().values()) == {"sent"}


def test_it_leaves_in_the_houses_name_and_comes_back_to_the_mail_room(outage: Outage) -> None:
    row = Delivery.objects.get(address=NED)
    Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.QUEUED)
    deliveries.deliver(row.realm_id, row.pk)
    sent = mail.outbox[-1]
    assert sent.from_email == row.message.envelope_from and sent.from_email.startswith("b+")
    written = sent.message()
    assert "no-reply@" in written["From"] and written["Auto-Submitted"] == "auto-generated"
    assert written["Message-ID"] == row.message.headers["Message-ID"]


def test_without_a_mailbox_it_leaves_as_everything_does(street: Street) -> None:
    street.open()
    street.tell()
    assert set(Message.objects.values_list("envelope_from", flat=True)) == {""}
    assert not any(each.headers for each in Message.objects.all())
