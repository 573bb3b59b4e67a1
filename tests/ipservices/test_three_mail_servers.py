"""Three mail servers, one behaviour: the provider's own, a hosted one, and another company's product with a directory.

The same order, and the same subscriber with the same mail program, at all three. Nothing here asks which one it is.
"""

from __future__ import annotations

import contextlib
import email
import imaplib
import poplib
import re
import smtplib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from boss.core import scoping
from boss.tenancy.models import Realm
from ipservices import sealing
from ipservices.contracts import Conflict, Invalid
from ipservices.labs import HOST, Names
from ipservices.mailing import webmail
from ipservices.mailing.driver import MailDriver
from ipservices.mailing.lab.servers import MailLab
from ipservices.models import Service, UsageRecord
from ipservices.services import bindings, calls, establishing, looking, provisioning, reconciling
from tests.ipservices.conftest import Network
from tests.labs import Labs

pytestmark = pytest.mark.lab

PATIENCE_SECONDS = 15.0
FRIEND = "friend@elsewhere.example"


@dataclass(frozen=True)
class Place:
    """Where a realm's mail is: which lab's server, under which domain."""

    folder: str
    instance: str
    placement: str
    domain: str


PLACES = {
    "on site": Place("mail_postfix_dovecot", "", "on_site", "alpha.example"),
    "hosted": Place("mail_postfix_dovecot", "hosted", "hosted", "alpha-hosted.example"),
    "third party": Place("mail_ldap", "", "third_party", "alpha-third.example"),
}


@dataclass
class Subscriber:
    """Maria with her mail program; she knows her address and her password."""

    lab: MailLab
    address: str
    password: str
    opened: list[imaplib.IMAP4] = field(default_factory=list)

    def reads(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(HOST, self.lab.ports["imap"], timeout=10)
        client.login(self.address, self.password)
        client.select()
        self.opened.append(client)
        return client

    def may_read(self) -> bool:
        try:
            self.reads()
        except imaplib.IMAP4.error:
            return False
        return True

    def may_pop(self) -> bool:
        client = poplib.POP3(HOST, self.lab.ports["pop"], timeout=10)
        try:
            client.user(self.address)
            client.pass_(self.password)
        except poplib.error_proto:
            return False
        finally:
            client.close()
        return True

    @contextlib.contextmanager
    def sending(self) -> Iterator[smtplib.SMTP]:
        client = smtplib.SMTP(HOST, self.lab.ports["submission"], timeout=10)
        try:
            client.login(self.address, self.password)
            yield client
        finally:
            client.close()

    def sends(self, to: str, subject: str) -> None:
        with self.sending() as client:
            client.sendmail(self.address, [to], letter(self.address, to, subject))

    def may_send(self) -> bool:
        try:
            with self.sending():
                return True
        except smtplib.SMTPAuthenticationError:
            return False

    def subjects(self) -> list[str]:
        client = self.reads()
        found = client.search(None, "ALL")[1][0].split()
        heads: list[Any] = [client.fetch(number, "(BODY.PEEK[HEADER])")[1][0] for number in found]
        client.logout()
        return [str(email.message_from_bytes(head[1])["Subject"]) for head in heads]

    def quota(self) -> str:
        client = self.reads()
        found: list[Any] = client.getquotaroot("INBOX")[1]
        client.logout()
        return str(found[1][0])


def letter(sender: str, to: str, subject: str, size: int = 100) -> str:
    lines = ("x" * 70 + "\r\n") * (size // 72 + 1)
    return f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\n{lines}"


def writes(lab: MailLab, to: str, subject: str, size: int = 100) -> None:
    """Somebody elsewhere writes a mail. Raises what the server answers."""
    with smtplib.SMTP(HOST, lab.ports["smtp"], timeout=10) as client:
        client.sendmail(FRIEND, [to], letter(FRIEND, to, subject, size))


def refusal(act: Callable[[], object]) -> int:
    """The code with which the server refuses the recipient; 250 when it does not."""
    try:
        act()
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    return 250


def answer_to(client: smtplib.SMTP, to: str) -> int:
    """What a server that has been talked to before says of a recipient now."""
    client.rset()
    client.mail(FRIEND)
    return client.rcpt(to)[0]


def eventually(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


@dataclass
class Mail:
    """Alpha with its mail at one of the three places, and Maria's mailbox ordered there."""

    network: Network
    lab: MailLab
    place: Place

    def service(self) -> Service:
        with scoping.realm_transaction(self.network.realm.pk):
            found: Service = Service.objects.select_related("binding").get(family="mail")
            return found

    def maria(self) -> Subscriber:
        service = self.service()
        return Subscriber(self.lab, service.name, sealing.open_secrets(service)["password"])

    def change(self, **attributes: Any) -> None:
        """The mailbox shall have other values; the worker brings them to the server."""
        with scoping.realm_transaction(self.network.realm.pk):
            row = Service.objects.get(family="mail")
            row.desired = {**row.desired, **attributes}
            row.revision += 1
            row.save()
        self.reconcile()

    def ask(self, verb: Callable[..., Service], **how: Any) -> None:
        service = self.service()
        with scoping.realm_transaction(self.network.realm.pk):
            verb(actor=self.network.system, service=service, **how)
        self.reconcile()

    def reconcile(self) -> None:
        reconciling.reconcile(realm_id=self.network.realm.pk, service_id=self.service().pk)

    def held(self) -> list[str]:
        with scoping.realm_transaction(self.network.realm.pk):
            binding = self.network.bindings["mail"]
            return [
                f"{one.service_ref} {one.name}" for one in looking.held_now(actor=self.network.system, binding=binding)
            ]

    def used(self) -> dict[str, int]:
        """What the meters have read of the mailbox so far."""
        binding = self.network.bindings["mail"]
        bindings.read_usage(realm_id=self.network.realm.pk, binding_id=binding.pk)
        total: dict[str, int] = {}
        with scoping.realm_transaction(self.network.realm.pk):
            for record in UsageRecord.objects.filter(service__family="mail"):
                total[record.metric] = total.get(record.metric, 0) + record.amount
        return total


def canary_password(mail: Mail) -> str:
    """The password of the mailbox that health sends mail to: a second mailbox on the same server."""
    with scoping.realm_transaction(mail.network.realm.pk):
        connection = calls.connection_of(mail.network.bindings["mail"])
        with calls.open_driver(mail.network.bindings["mail"], connection) as driver:
            assert isinstance(driver, MailDriver)
            return driver.canary()[1]


@pytest.fixture(params=PLACES)
def mail(request: pytest.FixtureRequest, network: Network, labs: Labs) -> Iterator[Mail]:
    place = PLACES[request.param]
    lab = labs.empty(place.folder, place.instance)
    module = __import__(f"ipservices.drivers.{place.folder}.lab", fromlist=["bindings"])
    [bound] = module.bindings(lab.facts(), Names("subs.alpha.example", place.domain, "sip.alpha.example"))
    with scoping.realm_transaction(network.realm.pk):
        realm = Realm.objects.get(pk=network.realm.pk)
        realm.settings = {**realm.settings, "provisioning": {"mail_domain": place.domain}}
        realm.save()
        network.bindings["mail"] = bindings.create(
            actor=network.system,
            family="mail",
            driver_key=bound.driver_key,
            name=f"Mail {request.param}",
            settings=bound.settings,
            secrets=bound.secrets,
            placement=place.placement,
            position=1,
        )
    network.run("design_services")
    found = Mail(network, lab, place)
    yield found
    if not found.held():
        return
    network.undo("activate_family", family="mail")


def test_a_mailbox_lives_from_the_order_to_its_undoing(mail: Mail) -> None:
    assert mail.held() == []

    mail.network.run("activate_family", family="mail")
    maria = mail.maria()
    assert maria.address == f"maria@{mail.place.domain}"
    assert mail.held() == [f"{mail.service().service_ref} {maria.address}"]

    # Mail comes in by SMTP, goes by LMTP into the mailbox, and is read by IMAP.
    writes(mail.lab, maria.address, "Welcome")
    eventually(lambda: "Welcome" in maria.subjects())
    assert refusal(lambda: writes(mail.lab, f"nobody@{mail.place.domain}", "Who?")) == 550

    # She sends; nobody sends in another's name or with a wrong password.
    maria.sends(maria.address, "To myself")
    eventually(lambda: "To myself" in maria.subjects())
    with maria.sending() as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(f"boss@{mail.place.domain}", [maria.address], letter("boss", maria.address, "Forged"))
    assert not Subscriber(mail.lab, maria.address, "wrong").may_send()
    assert "Forged" not in maria.subjects()

    # An alias leads to her.
    mail.change(aliases=[f"hello@{mail.place.domain}"])
    writes(mail.lab, f"hello@{mail.place.domain}", "By alias")
    eventually(lambda: "By alias" in maria.subjects())

    # What was used is read off the server.
    eventually(lambda: mail.used().get("messages_in", 0) >= 3)
    assert mail.used()["storage_octets"] > 300

    # A full mailbox is said to be full before the mail is sent.
    mail.change(quota_mb=1)
    assert "1024" in maria.quota()
    writes(mail.lab, maria.address, "Much", 700_000)
    eventually(lambda: "Much" in maria.subjects())
    assert refusal(lambda: writes(mail.lab, maria.address, "Too much", 700_000)) == 552
    mail.change(quota_mb=2048)

    mail.network.undo("activate_family", family="mail")
    assert mail.held() == []
    assert not maria.may_read()
    assert not maria.may_send()
    assert refusal(lambda: writes(mail.lab, maria.address, "Too late")) in (550, 554)
    assert refusal(lambda: writes(mail.lab, f"hello@{mail.place.domain}", "Too late")) in (550, 554)


def test_a_suspended_mailbox_is_shut_at_every_door_and_nothing_bounces(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()
    mail.change(aliases=[f"hello@{mail.place.domain}"], forward=[f"boss-canary@{mail.place.domain}"])
    reading = maria.reads()
    with maria.sending() as sending:
        sending.sendmail(maria.address, [maria.address], letter(maria.address, maria.address, "Before"))
        eventually(lambda: "Before" in maria.subjects())

        mail.ask(provisioning.suspend, reason="non-payment")

        # Both sessions she had open are of no use any more.
        with pytest.raises((imaplib.IMAP4.error, OSError)):
            reading.noop()
            reading.noop()
        with pytest.raises(smtplib.SMTPException):
            sending.sendmail(maria.address, [maria.address], letter(maria.address, maria.address, "After"))
    assert not maria.may_read()
    assert not maria.may_pop()
    assert not maria.may_send()
    # Who writes to her, by her address or by an alias, is asked to come again later.
    assert refusal(lambda: writes(mail.lab, maria.address, "Wait")) == 450
    assert refusal(lambda: writes(mail.lab, f"hello@{mail.place.domain}", "Wait")) == 450

    mail.ask(provisioning.resume)

    assert maria.may_read() and maria.may_pop() and maria.may_send()
    writes(mail.lab, maria.address, "Open again")
    eventually(lambda: "Open again" in maria.subjects())
    assert "After" not in maria.subjects() and "Wait" not in maria.subjects()


def test_a_server_that_refused_a_mailbox_takes_its_mail_as_soon_as_it_is_open_again(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()
    with smtplib.SMTP(HOST, mail.lab.ports["smtp"], timeout=10) as friend:
        friend.ehlo()
        mail.ask(provisioning.suspend)
        assert answer_to(friend, maria.address) == 450

        mail.ask(provisioning.resume)

        # One connection is one of Postfix's processes, and each keeps for itself where mail for an address goes to.
        assert answer_to(friend, maria.address) == 250


def test_barred_outgoing_shuts_sending_alone_and_walled_only_lets_mail_in(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()

    mail.ask(provisioning.suspend, restriction="outgoing_barred")
    assert maria.may_read() and maria.may_pop() and not maria.may_send()

    mail.ask(provisioning.suspend, restriction="walled")
    assert not (maria.may_read() or maria.may_pop() or maria.may_send())
    writes(mail.lab, maria.address, "Kept for later")

    mail.ask(provisioning.resume)
    eventually(lambda: "Kept for later" in maria.subjects())


def test_what_the_owner_switched_off_stays_off_through_a_suspension(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()

    for switch, tries in (
        ("pop", maria.may_pop),
        ("imap", maria.may_read),
        ("submit", maria.may_send),
        ("deliver", lambda: refusal(lambda: writes(mail.lab, maria.address, "Off")) == 250),
    ):
        assert tries(), switch
        mail.ask(provisioning.switch, switched_off=[switch])
        assert not tries(), switch
        mail.ask(provisioning.suspend)
        mail.ask(provisioning.resume)
        assert not tries(), switch
        mail.ask(provisioning.switch, switched_off=[])
        assert tries(), switch


def test_a_forward_goes_on_until_the_mailbox_is_suspended(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()
    bindings.check_health(realm_id=mail.network.realm.pk, binding_id=mail.network.bindings["mail"].pk)
    target = f"boss-canary@{mail.place.domain}"
    mail.change(forward=[target])
    token = uuid.uuid4().hex
    friend = Subscriber(mail.lab, target, canary_password(mail))

    writes(mail.lab, maria.address, token)

    eventually(lambda: token in friend.subjects() and token in maria.subjects())
    mail.ask(provisioning.suspend)
    assert refusal(lambda: writes(mail.lab, maria.address, f"{token} again")) == 450
    mail.ask(provisioning.resume)
    assert f"{token} again" not in friend.subjects()


def test_an_alias_of_another_mailbox_is_refused_and_changes_nothing(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()
    bindings.check_health(realm_id=mail.network.realm.pk, binding_id=mail.network.bindings["mail"].pk)

    with pytest.raises(Conflict):
        mail.change(aliases=[f"boss-canary@{mail.place.domain}"])
    with pytest.raises(Invalid):
        mail.change(aliases=["näme@elsewhere.example"])

    writes(mail.lab, maria.address, "Still mine")
    eventually(lambda: "Still mine" in maria.subjects())
    mail.change(aliases=[])
    found = establishing.observe(actor=mail.network.system, service_id=mail.service().pk)
    assert found is not None and found.attributes["aliases"] == []


def signs_in(link: str) -> httpx.Response:
    """What a browser shows at the end of one click."""
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=20) as browser:
        return browser.get(link)


def is_in_the_mailbox(page: httpx.Response, address: str) -> bool:
    return page.status_code == 200 and "_task=mail" in str(page.url) and address in page.text


def test_one_click_in_the_portal_ends_in_the_mailbox(mail: Mail) -> None:
    mail.network.run("activate_family", family="mail")
    maria = mail.maria()

    def link() -> str:
        with scoping.realm_transaction(mail.network.realm.pk):
            found = looking.sign_in_link(actor=mail.network.system, service=mail.service())
        assert found is not None
        return found

    writes(mail.lab, maria.address, "Seen in the browser")
    eventually(lambda: "Seen in the browser" in maria.subjects())
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=20) as browser:
        first = link()
        page = browser.get(first)
        assert is_in_the_mailbox(page, maria.address)
        assert "_boss" not in str(page.url)
        proof = re.search(r'"request_token":"([^"]+)"', page.text)
        assert proof is not None
        shown = browser.get(
            f"{page.url.copy_with(query=None)}?_task=mail&_action=list&_mbox=INBOX&_remote=1",
            headers={"X-Roundcube-Request": proof[1], "X-Requested-With": "XMLHttpRequest"},
        )
        assert "Seen in the browser" in shown.text

    # The same link a second time, a forged one, one that is too old: the log-in page.
    assert not is_in_the_mailbox(signs_in(first), maria.address)
    fresh = link()
    body, _dot, _signature = fresh.partition("_boss=")[2].partition(".")
    key = mail.lab.webmail_key
    for token in (
        f"{body}.{'A' * 43}",
        webmail.token(maria.address, "another key"),
        webmail.token(maria.address, key, now=time.time() - 2 * webmail.SECONDS),
        webmail.token(maria.address, key, now=time.time() + 3600),
    ):
        page = signs_in(fresh.replace(fresh.partition("_boss=")[2], token))
        assert page.status_code in (200, 401) and not is_in_the_mailbox(page, maria.address)
    assert is_in_the_mailbox(signs_in(fresh), maria.address)

    # A suspended mailbox is shut to webmail, too.
    mail.ask(provisioning.suspend)
    assert not is_in_the_mailbox(signs_in(link()), maria.address)
    mail.ask(provisioning.resume)
    assert is_in_the_mailbox(signs_in(link()), maria.address)
