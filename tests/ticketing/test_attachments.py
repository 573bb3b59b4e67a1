"""Files on tickets: what is taken, where it lies, and who gets it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile as File

from boss.core import clock, files, scanning, scoping
from boss.core.models import FileScan, StoredFile
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.notify.models import Delivery
from boss.notify.services import deliveries
from boss.tenancy.services import roles, sites, users
from tests.cast import PASSWORD, actor_of
from ticketing import attachments, handlers, selectors
from ticketing.events import MessageAdded
from ticketing.fields import FieldDef
from ticketing.models import Attachment, Message, Ticket, TicketEvent
from ticketing.services import attaching, categories, tickets

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def png(name: str = "router.png") -> File:
    return File(name, PNG, "image/png")


@pytest.fixture
def with_files(hers, dana) -> list[Attachment]:
    """Dana's ticket with a picture and a text that she sent."""
    tickets.add_message(
        actor=actor_of(dana), ticket=hers, body="Look", files=[png(), File("log.txt", b"down\n", "text/html")]
    )
    return list(Attachment.objects.order_by("id"))


# What is taken


def test_files_stand_beside_the_words_they_came_with(with_files, hers, dana):
    picture, log = with_files
    assert (picture.name, picture.size, picture.media_type) == ("router.png", len(PNG), "image/png")
    assert (log.media_type, log.scan) == ("text/plain", FileScan.UNSCANNED)
    assert {each.message.body for each in with_files} == {"Look"}
    assert TicketEvent.objects.latest("id").after["files"] == 2
    assert attachments.fetch(actor_of(dana), picture.public_id).content == PNG


def test_files_may_come_with_the_opening_and_need_no_words(desk, dana):
    opened = tickets.open(
        actor=actor_of(dana), category_key="trouble", title="Slow", data={"symptom": "slow"}, files=[png()]
    )
    assert [each.message.seq for each in opened.attachments.all()] == [1]
    tickets.add_message(actor=actor_of(dana), ticket=opened, body="", files=[png("again.png")])
    assert opened.attachments.count() == 2


def test_the_same_bytes_are_kept_once(hers, dana, nora):
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="One", files=[png("a.png"), png("b.png")])
    tickets.add_message(actor=actor_of(nora), ticket=hers, body="Two", files=[png("c.png")])
    assert Attachment.objects.count() == 3
    assert StoredFile.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([File("empty.png", b"")], "empty.png is empty."),
        ([File("setup.exe", b"MZ")], "setup.exe is a program"),
        ([File("holiday.jpg", b"\x7fELF\x02\x01")], "holiday.jpg is a program"),
        ([png(f"{n}.png") for n in range(4)], "At most 3 files"),
        ([File("long.txt", b"x" * (1024 * 1024 + 1))], "at most 1 MiB for one file"),
        ([File(f"{n}.txt", b"x" * (1024 * 1024)) for n in range(3)], "Too large together"),
    ],
)
def test_what_is_not_taken_is_refused_with_the_reason_and_nothing_is_said(hers, dana, system, given, said):
    attaching.set_limits(actor=system, count=3, file_mib=1, total_mib=2, mail_mib=1)
    before = (Message.objects.count(), hers.version)
    with pytest.raises(InvalidInput) as refused:
        tickets.add_message(actor=actor_of(dana), ticket=hers, body="Look", files=given)
    assert said in " ".join(refused.value.fields["files"])
    hers.refresh_from_db()
    assert (Message.objects.count(), hers.version) == before
    assert not Attachment.objects.exists() and not StoredFile.objects.exists()


def test_only_who_configures_the_desk_sets_limits_and_within_the_houses_own(nora, system):
    with pytest.raises(PermissionDenied):
        attaching.set_limits(actor=actor_of(nora), count=1, file_mib=1, total_mib=1, mail_mib=1)
    with pytest.raises(InvalidInput) as refused:
        attaching.set_limits(actor=system, count=0, file_mib=999, total_mib=5, mail_mib=1)
    assert set(refused.value.fields) == {"count", "file_mib"}


def test_a_part_of_a_refused_form_is_never_kept(desk, dana):
    with pytest.raises(InvalidInput):
        tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", data={}, files=[png()])
    assert not Ticket.objects.filter(title="Slow").exists() and not StoredFile.objects.exists()


# Who gets it


def test_a_neighbour_and_another_realm_get_no_file_and_do_not_learn_of_it(with_files, erin, charlie, in_beta):
    for each in with_files:
        with pytest.raises(NotFound):
            attachments.get(actor_of(erin), each.public_id)
    with in_beta(), pytest.raises(NotFound):
        attachments.get(charlie, with_files[0].public_id)


def test_the_files_of_a_note_are_the_staffs_alone_by_both_walls(hers, dana, nora):
    tickets.add_message(actor=actor_of(nora), ticket=hers, body="Between us", kind="internal", files=[png()])
    note = Attachment.objects.get()
    assert attachments.get(actor_of(nora), note.public_id) == note
    with pytest.raises(NotFound):
        attachments.get(actor_of(dana), note.public_id)
    with scoping.as_customer(actor_of(dana)):
        assert not Attachment.objects.exists()  # nothing asked who looks: the database itself does not show it


def test_the_second_wall_shows_a_customer_her_own_files_and_no_others(with_files, dana, erin):
    with scoping.as_customer(actor_of(dana)):
        assert Attachment.objects.count() == 2
    with scoping.as_customer(actor_of(erin)):
        assert Attachment.objects.count() == 0


def test_who_looks_after_the_house_gets_the_files_of_what_is_shared_and_only_as_long(desk, alpha, system):
    owner = sites.create_organization(actor=system, name="Alder Homes", kind="owner")
    flat = sites.create(actor=system, street="1 Elm St", unit="3", city="Springfield", organization=owner)
    lee = users.create(
        actor=system, email="lee@home.example", full_name="Lee", kind="subscriber", site=flat, password=PASSWORD
    )
    roles.grant(actor=system, user=lee, role_key="subscriber", own=True)
    olga = users.create(
        actor=system, email="olga@owner.example", full_name="Olga", kind="contact", organization=owner,
        password=PASSWORD,
    )  # fmt: skip
    roles.grant(actor=system, user=olga, role_key="property_owner", organization=owner)
    ticket = tickets.open(
        actor=actor_of(lee), category_key="trouble", title="Slow", data={"symptom": "slow"}, files=[png()]
    )
    file = ticket.attachments.get()
    with pytest.raises(NotFound):
        attachments.get(actor_of(olga), file.public_id)
    tickets.share(actor=actor_of(lee), ticket=ticket)
    assert attachments.get(actor_of(olga), file.public_id) == file
    with scoping.as_customer(actor_of(olga)):
        assert Attachment.objects.count() == 1
    tickets.stop_sharing(actor=actor_of(lee), ticket=ticket)
    with pytest.raises(NotFound):
        attachments.get(actor_of(olga), file.public_id)


def test_by_a_merge_nobody_gets_a_file_he_could_not_get_before(desk, hers, with_files, erin, nora, system):
    theirs = tickets.open(actor=system, category_key="office", title="Same matter")
    tickets.add_message(
        actor=actor_of(nora), ticket=theirs, body="Inside", kind="internal", files=[File("in.txt", b"x")]
    )
    tickets.merge(actor=system, tickets=[theirs], into=hers, confirmed=True)
    staff, customer = actor_of(nora), actor_of(hers.requester)
    seen = {
        who: sum(len(rows) for rows in attachments.of_messages(who, selectors.list_messages(who, hers)).values())
        for who in (staff, customer)
    }
    assert seen == {staff: 3, customer: 2}


# In fields


@pytest.fixture
def photos(desk, system) -> None:
    categories.create(
        actor=system, key="photos", name="Photos", portal_visible=True,
        fields=[
            FieldDef("plate", "file", label="Type plate", required=True),
            FieldDef("report", "file", label="Report", end_user="none"),
        ],
    )  # fmt: skip


def test_a_field_holds_a_file_that_follows_the_fields_own_audience(photos, dana, erin, nora):
    ticket = tickets.open(actor=actor_of(dana), category_key="photos", title="My box", data={"plate": png("plate.png")})
    plate = ticket.attachments.get()
    assert ticket.data["plate"] == plate.public_id and plate.field == "plate"
    tickets.fill(actor=actor_of(nora), ticket=ticket, data={"report": File("r.pdf", b"%PDF-1.7 x")})
    report = ticket.attachments.get(field="report")
    assert attachments.get(actor_of(dana), plate.public_id) == plate
    assert attachments.get(actor_of(nora), report.public_id) == report
    for who, file in ((dana, report), (erin, plate)):
        with pytest.raises(NotFound):
            attachments.get(actor_of(who), file.public_id)


def test_a_file_is_brought_and_never_named(photos, dana, with_files):
    for wrong in (with_files[0].public_id, "anything", {"id": 1}):
        with pytest.raises(InvalidInput) as refused:
            tickets.open(actor=actor_of(dana), category_key="photos", title="My box", data={"plate": wrong})
        assert refused.value.fields == {"data.plate": ["Choose a file."]}
    with pytest.raises(InvalidInput) as refused:
        tickets.open(actor=actor_of(dana), category_key="photos", title="My box", data={})
    assert refused.value.fields == {"data.plate": ["Please fill this in."]}
    with pytest.raises(InvalidInput) as refused:
        tickets.open(actor=actor_of(dana), category_key="photos", title="B", data={"plate": File("a.exe", b"MZ")})
    assert "is a program" in refused.value.fields["data.plate"][0]


def test_a_file_that_took_anothers_place_is_what_the_customer_sees(photos, dana, nora):
    ticket = tickets.open(actor=actor_of(dana), category_key="photos", title="My box", data={"plate": png("1.png")})
    first = ticket.attachments.get()
    kept = tickets.fill(actor=actor_of(nora), ticket=ticket, data={"plate": first.public_id})
    assert kept.version == ticket.version  # given as it was: nothing has changed
    tickets.fill(actor=actor_of(nora), ticket=ticket, data={"plate": png("2.png")})
    with pytest.raises(NotFound):
        attachments.get(actor_of(dana), first.public_id)
    assert attachments.get(actor_of(nora), first.public_id) == first


# The scanner


class Scanner:
    def __init__(self, answer: str = "", down: bool = False) -> None:
        self.answer, self.down, self.seen = answer, down, 0

    def scan(self, content: bytes) -> str:
        self.seen += 1
        if self.down:
            raise scanning.ScannerUnavailable("connection refused")
        return self.answer


@pytest.fixture
def scanner(settings, monkeypatch) -> Scanner:
    settings.BOSS_FILE_SCANNER = "tests"
    made = Scanner()
    monkeypatch.setattr(scanning, "scanner", lambda: made)
    return made


def scan_all() -> None:
    for row in StoredFile.objects.filter(scan="pending"):
        StoredFile.objects.filter(pk=row.pk).update(scan_due_at=clock.now() - dt.timedelta(hours=1))
        files.scan(row.realm_id, row.pk)
        attaching.note_scan(row.pk)


def test_a_file_waits_for_the_scanner_and_is_offered_when_it_is_clean(scanner, hers, dana):
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Look", files=[png()])
    file = Attachment.objects.get()
    with pytest.raises(attachments.NotOffered):
        attachments.fetch(actor_of(dana), file.public_id)
    scan_all()
    assert attachments.fetch(actor_of(dana), file.public_id).content == PNG


def test_what_the_scanner_refuses_is_shown_and_never_handed_out(scanner, hers, dana, nora):
    scanner.answer = "Eicar-Test-Signature"
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Look", files=[png()])
    scan_all()
    file = Attachment.objects.get()
    assert file.scan == FileScan.BLOCKED
    for who in (dana, nora):
        with pytest.raises(attachments.NotOffered):
            attachments.fetch(actor_of(who), file.public_id)
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Again", files=[png("other name.png")])
    assert {row.scan for row in Attachment.objects.all()} == {FileScan.BLOCKED}


def test_a_scanner_that_is_down_leaves_the_file_waiting(scanner, hers, dana):
    scanner.down = True
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Look", files=[png()])
    scan_all()
    row = StoredFile.objects.get()
    assert (row.scan, row.scan_note) == (FileScan.PENDING, "connection refused")
    scanner.down = False
    scan_all()
    assert Attachment.objects.get().scan == FileScan.CLEAN


# On the way out, and at the end


def answered(ticket: Ticket, who, *given: File) -> Delivery:
    message = tickets.add_message(actor=actor_of(who), ticket=ticket, body="Here it is", files=given)
    handlers.pass_on_answer(MessageAdded(ticket_id=ticket.pk, message_id=message.pk))
    found: Delivery = Delivery.objects.get(message__template="ticket_answer")
    return found


def test_an_answers_files_go_along_and_what_is_too_large_for_a_mail_is_named(hers, nora, system, mailoutbox):
    attaching.set_limits(actor=system, count=5, file_mib=1, total_mib=5, mail_mib=1)
    delivery = answered(hers, nora, png(), File("big.txt", b"x" * (1024 * 1024)))
    assert deliveries.deliver(delivery.realm_id, delivery.pk)
    [mail] = mailoutbox
    assert [(part[0], part[1]) for part in mail.attachments if isinstance(part, tuple)] == [("router.png", PNG)]
    assert "Attached: router.png" in mail.body and "big.txt" in mail.body and "Too large for a mail" in mail.body


def test_a_mail_waits_until_its_files_were_scanned(scanner, hers, nora, mailoutbox):
    delivery = answered(hers, nora, png())
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, mailoutbox) == ("queued", 0, [])
    scan_all()
    Delivery.objects.filter(pk=delivery.pk).update(due_at=clock.now() - dt.timedelta(hours=1))
    assert deliveries.deliver(delivery.realm_id, delivery.pk)
    assert len(mailoutbox[0].attachments) >= 1


def test_what_the_scanner_refuses_does_not_leave_by_mail(scanner, hers, nora, mailoutbox):
    scanner.answer = "Eicar"
    delivery = answered(hers, nora, png())
    scan_all()
    assert deliveries.deliver(delivery.realm_id, delivery.pk)
    [mail] = mailoutbox
    assert not [part for part in mail.attachments if isinstance(part, tuple)]
    assert "virus scanner refuses it: router.png" in mail.body
