"""Mail fetched from an existing mailbox, at a real Dovecot: none is lost and none is taken twice, whatever dies."""

from __future__ import annotations

import datetime as dt
import hashlib
import imaplib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from boss.core import scoping
from boss.core.actors import Actor
from ipservices.labs import HOST
from tests.labs import Labs
from tests.mail.conftest import make_post
from tests.mail.test_postfix import PASSWORD, move_in
from ticketing.mail import imap
from ticketing.models import InboundMail, Mailbox, MailSource, RawMail, Ticket
from ticketing.services.mail import fetching, intake, sources

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

OLD_BOX = "dana@homes.example"
"""The mailbox the provider had before: in these tests it is the desk's."""


def raw(n: int, message_id: str = "") -> bytes:
    named = f"Message-ID: <{message_id or f'{n}@home.example'}>\r\n" if message_id != "none" else ""
    return f"From: <guest{n}@home.example>\r\nSubject: Matter {n}\r\n{named}\r\nWords {n}\r\n".encode()


@dataclass
class Box:
    """The old mailbox as its owner sees it, and BOSS that fetches it."""

    port: int
    lab: Any
    realm_id: int
    mailbox: Mailbox

    def opened(self, folder: str = "INBOX") -> imaplib.IMAP4:
        client = imaplib.IMAP4(HOST, self.port, timeout=10)
        client.login(OLD_BOX, PASSWORD)
        client.select(folder)
        return client

    def holds(self, *mails: bytes) -> None:
        with self.opened() as client:
            for each in mails:
                client.append("INBOX", None, None, each)  # type: ignore[arg-type]

    def count(self, criterion: str = "ALL", folder: str = "INBOX") -> int:
        with self.opened(folder) as client:
            return len(client.search(None, criterion)[1][0].split())

    def define(self, **more: Any) -> MailSource:
        how = {
            "host": HOST, "port": self.port, "security": "none", "username": OLD_BOX, "password": PASSWORD,
            "takes_old": True, **more,
        }  # fmt: skip
        with scoping.realm_transaction(self.realm_id):
            return sources.define(actor=Actor.system(self.realm_id), mailbox=self.mailbox, **how)

    def fetch(self) -> int:
        with scoping.realm_transaction(self.realm_id):
            MailSource.objects.update(due_at="2026-01-01T00:00:00Z")
        [(realm_id, source_id)] = fetching.due_everywhere()
        return fetching.fetch(realm_id, source_id)

    def source(self) -> MailSource:
        with scoping.realm_transaction(self.realm_id):
            found: MailSource = MailSource.objects.get()
            return found

    def kept(self) -> list[str]:
        with scoping.realm_transaction(self.realm_id):
            rows = RawMail.objects.order_by("id").values_list("content", flat=True)
            return [bytes(each).rpartition(b"Words ")[2].strip().decode() for each in rows]


@pytest.fixture
def box(real_db: str, cast, labs: Labs, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    lab = labs.of("mail_postfix_dovecot", "desk")
    move_in(lab)
    settings.BOSS_DRIVER_NETWORKS = ["127.0.0.0/8"]
    settings.BOSS_MAIL_VERIFY = False
    monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
    with scoping.realm_transaction(cast.alpha.pk):
        post = make_post(Actor.system(cast.alpha.pk))
    yield Box(lab.ports["imap"], lab, cast.alpha.pk, post.help)


def test_what_lies_in_the_mailbox_is_kept_then_marked_and_becomes_tickets(box: Box) -> None:
    box.holds(raw(1), raw(2))
    box.define()
    assert box.fetch() == 2
    assert box.kept() == ["1", "2"] and box.count("UNSEEN") == 0
    assert box.fetch() == 0
    box.holds(raw(3))
    assert box.fetch() == 1
    for realm_id, mail_id in intake.due_everywhere():
        assert intake.process(realm_id, mail_id)
    with scoping.realm_transaction(box.realm_id):
        assert sorted(Ticket.objects.values_list("title", flat=True)) == ["Matter 1", "Matter 2", "Matter 3"]
        assert {each.envelope_to for each in InboundMail.objects.all()} == {"help@alpha.example"}


def test_only_mail_that_arrives_from_now_on_is_taken_unless_asked_otherwise(box: Box) -> None:
    box.holds(raw(1))
    box.define(takes_old=False)
    assert box.fetch() == 0 and box.count("UNSEEN") == 1
    box.holds(raw(2))
    assert box.fetch() == 1
    assert box.kept() == ["2"] and box.count("UNSEEN") == 1


def test_mail_is_moved_to_another_folder_when_that_is_wanted(box: Box) -> None:
    box.holds(raw(1), raw(2))
    box.define(after="move", move_to="Taken")
    assert box.fetch() == 2
    assert (box.count(), box.count(folder="Taken")) == (0, 2)
    box.holds(raw(3))
    assert box.fetch() == 1
    assert box.kept() == ["1", "2", "3"]


@pytest.mark.parametrize("where", ["before it is kept", "after it is kept", "before it is marked"])
def test_a_worker_killed_in_the_middle_loses_no_mail_and_takes_none_twice(
    box: Box, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    box.holds(raw(1), raw(2), raw(3))
    box.define()

    class Killed(BaseException):
        """Nothing catches it, as nothing catches a kill."""

    keep: Callable[..., int] = fetching._keep
    calls: list[int] = []

    def dies(look: Any, folder: imap.Folder, uid: int) -> int:
        calls.append(uid)
        if len(calls) == 2 and where == "before it is kept":
            raise Killed
        kept = keep(look, folder, uid)
        if len(calls) == 2 and where == "after it is kept":
            raise Killed
        return kept

    def never_marks(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(fetching, "_keep", dies)
    if where == "before it is marked":
        monkeypatch.setattr(imap.Folder, "mark_seen", never_marks)
    with pytest.raises(Killed):
        box.fetch()
    assert box.count("UNSEEN") == 3, "nothing is marked that might be lost"
    monkeypatch.undo()
    monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
    box.fetch()
    assert box.kept() == ["1", "2", "3"]
    assert box.count("UNSEEN") == 0


def test_marks_that_others_set_at_the_server_hide_no_mail(box: Box) -> None:
    box.define(takes_old=False)
    box.fetch()
    box.holds(raw(1))
    with box.opened() as client:
        client.store("1:*", "+FLAGS", r"(\Seen)")  # somebody has read it in his mail program
    assert box.fetch() == 1
    assert box.kept() == ["1"]


def test_a_folder_that_is_numbered_anew_loses_nothing_and_doubles_nothing(box: Box) -> None:
    box.define(takes_old=False)
    box.fetch()
    box.holds(raw(1), raw(2, "none"))
    assert box.fetch() == 2
    before = box.source().uid_validity
    # As after a restore from a backup: Dovecot's numbering is gone, the mails are there.
    with box.lab.sql.connect(box.lab.database) as connection:
        place = connection.execute("SELECT place FROM mailbox_door WHERE address = %s", (OLD_BOX,)).fetchone()[0]
    home = box.lab.dovecot_home / "mail" / place / "Maildir"
    time.sleep(1.1)  # UIDVALIDITY is a time in seconds
    for each in home.glob("dovecot*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    box.holds(raw(3))
    assert box.fetch() == 1
    assert box.source().uid_validity != before
    assert box.kept() == ["1", "2", "3"]


def test_a_wrong_password_and_a_server_that_is_away_are_told_and_tried_again_later(box: Box) -> None:
    box.define(password="wrong")
    assert box.fetch() == 0
    source = box.source()
    assert f"does not let {OLD_BOX} in" in source.error and source.failures == 1
    box.define(port=1)
    assert box.fetch() == 0 and "no connection" in box.source().error
    box.define(security="tls")  # the lab's server speaks none
    assert box.fetch() == 0 and box.source().error
    box.define()
    box.holds(raw(1))
    assert box.fetch() == 1 and box.source().error == ""


def test_an_unlisted_network_is_never_asked_in_the_clear(box: Box, settings) -> None:
    settings.BOSS_DRIVER_NETWORKS = []
    box.define()
    assert box.fetch() == 0
    assert "may not be reached" in box.source().error or "TLS only" in box.source().error


def test_two_workers_at_once_take_each_mail_once(box: Box) -> None:
    box.holds(raw(1))
    box.define()
    with scoping.realm_transaction(box.realm_id):
        MailSource.objects.update(due_at="2026-01-01T00:00:00Z")
    [due] = fetching.due_everywhere()
    assert fetching.fetch(*due) == 1
    assert fetching.fetch(*due) == 0  # it is leased, and then not due
    assert box.kept() == ["1"]


@pytest.fixture
def encrypted(box: Box) -> Iterator[str]:
    """The same Dovecot with a certificate of its own making; its SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imap.old.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    conf = box.lab.dovecot_home / "dovecot.conf"
    both = conf.with_name("test-tls.pem")
    both.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    plain = conf.read_text()
    conf.write_text(plain.replace("\nssl = no\n", f"\nssl = yes\nssl_cert = <{both}\nssl_key = <{both}\n"))
    reload(conf)
    yield hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
    conf.write_text(plain)
    reload(conf)


def reload(conf: Path) -> None:
    doveadm = shutil.which("doveadm")
    assert doveadm
    subprocess.run([doveadm, "-c", str(conf), "reload"], check=True, capture_output=True)


def test_over_tls_a_certificate_nobody_vouches_for_is_refused_and_told_and_the_password_stays_here(
    box: Box, encrypted: str
) -> None:
    box.define(security="starttls")
    box.holds(raw(1))
    assert fetched_within(box, 5) == 0
    assert "is not trusted" in box.source().error and encrypted in box.source().error
    assert box.kept() == []


def test_over_tls_the_certificate_the_provider_trusts_is_believed_and_no_other(box: Box, encrypted: str) -> None:
    box.holds(raw(1))
    box.define(security="starttls", certificate_sha256="0" * 64)
    assert fetched_within(box, 5) == 0
    assert "another certificate than the one you trust" in box.source().error and box.kept() == []
    box.define(security="starttls", certificate_sha256=":".join(encrypted[i : i + 2] for i in range(0, 64, 2)).upper())
    assert box.fetch() == 1, box.source().error
    assert box.kept() == ["1"] and box.source().error == ""


def fetched_within(box: Box, seconds: int) -> int:
    """Look until the reloaded server speaks TLS at all."""
    until = time.monotonic() + seconds
    got = box.fetch()
    while "certificate" not in box.source().error and time.monotonic() < until:
        time.sleep(0.1)
        got = box.fetch()
    return got
