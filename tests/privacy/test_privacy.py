"""What is held of a person can be copied whole and ended for good; nothing is left but what the answer says."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from decimal import Decimal

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models import BinaryField, CharField, JSONField, TextField

from boss.core import clock, exports, files, holdings, scoping, walls
from boss.core.actors import Actor
from boss.core.models import AuditEntry, StoredFile
from boss.core.permissions import PermissionDenied
from boss.core.problems import NotFound
from boss.notify.models import Delivery
from boss.notify.services import messages
from boss.platform import addresses
from boss.privacy import tasks
from boss.privacy.errors import NotConfirmed, StillACustomer
from boss.privacy.models import Erasure, PersonalExport
from boss.privacy.services import copies, erasures
from boss.privacy.services.erasures import scrubbed
from boss.tenancy.models import User
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Account, Charge, Order, Payment
from subscribers.services import accounts, billing, orders, subscriptions
from tests.cast import actor_of
from tests.portals.conftest import SET_UP, open_shop
from tests.workflow.driving import drive
from ticketing.models import Attachment
from ticketing.services import tickets
from workflow.services import definitions

NAME, EMAIL, PHONE = "Maria Ortiz-Quill", "maria.quill@home.example", "+1 512 555 0142"


def customer(realm, *, name=NAME, email=EMAIL, phone=PHONE, site="elm_1", shop=None) -> Order:
    """An order delivered, a question asked, a bill paid: traces in every room."""
    system = Actor.system(realm.pk)
    return orders.submit(
        actor=system, site=getattr(shop, site), plan_version=catalog.get_plan_version("internet-300"),
        options=[OptionChoice("self-install")], chosen={"mail.mailbox": {"address": "maria"}},
        contact=ContactDetails(name, email, phone), payment=PaymentChoice("card", "tok_ok"), channel="portal",
    )  # fmt: skip


@pytest.fixture
def maria(real_db, cast) -> Order:
    realm = cast.alpha
    with scoping.realm_transaction(realm.pk):
        system = Actor.system(realm.pk)
        shop = open_shop(realm)
        definitions.publish(actor=system, document=SET_UP)
        order = customer(realm, shop=shop)
        customer(realm, name="Nora Other", email="nora@home.example", phone="+1 512 555 0199", site="elm_2", shop=shop)
    with scoping.enter(scoping.Scope(realm.pk, "test")):
        drive(realm.pk)
    with scoping.realm_transaction(realm.pk):
        order = Order.objects.select_related("account", "site").get(pk=order.pk)
        user = User.objects.get(pk=order.account.user_id)
        ticket = tickets.open(actor=actor_of(user), category_key="internet", title=f"{NAME} has no light",
                              body=f"Call me at {PHONE}", requester=user, data={"light": "red"},
                              files=[SimpleUploadedFile("no light.txt", b"red lamp")])  # fmt: skip
        tickets.add_message(actor=system, ticket=ticket, body=f"{NAME} is rude", kind="internal",
                            files=[SimpleUploadedFile("inside.txt", b"between us")])  # fmt: skip
        tickets.fill(actor=system, ticket=ticket, data={"credit": "0"})
        tickets.resolve(actor=system, ticket=ticket)
        billing.receive(actor=system, account=order.account, amount=Decimal("5"), paid_by="cash")
        messages.send(actor=system, template="overdue", to=[(EMAIL, NAME)], key="m",
                      context={"name": NAME, "account_number": "1", "amount": "1"})  # fmt: skip
    return order


def leave(order: Order) -> Account:
    """Everything ends as it does in life."""
    system = Actor.system(order.realm_id)
    with scoping.realm_transaction(order.realm_id):
        subscriptions.end(actor=system, subscription=order.items.get().subscription, key="end")
        return accounts.close(actor=system, account=Account.objects.get(pk=order.account_id))


def erased(order: Order, cast) -> Erasure:
    account = leave(order)
    with scoping.realm_transaction(cast.alpha.pk):
        asked = erasures.ask(actor=actor_of(cast.alice), account=account)
        erasures.confirm(actor=actor_of(cast.alice), erasure=asked, number=account.number.lower())
    assert tasks.sweep() == 1
    with scoping.realm_transaction(cast.alpha.pk):
        return Erasure.objects.get()


def tables_with(database: str, *texts: str) -> set[str]:
    """Every table of the whole database in which one of the texts stands, in whatever column."""
    with psycopg.connect(addresses.admin_dsn(), dbname=database) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        return {
            str(name)
            for (name,) in names
            for text in texts
            if connection.execute(f'SELECT 1 FROM "{name}" t WHERE t::text ILIKE %s LIMIT 1', (f"%{text}%",)).fetchone()
        }


TEXT = (CharField, TextField, JSONField, BinaryField)
INNER = {"public_id", "state", "key", "kind"}


def test_every_table_with_text_says_what_it_holds_of_a_person():
    """A new model declares a Holding (``boss.core.holdings``): how a person's rows are found, or why there are none."""
    undeclared = [
        model._meta.label
        for model in walls.scoped_models()
        if any(isinstance(field, TEXT) and field.name not in INNER for field in model._meta.concrete_fields)
        and model._meta.label_lower not in holdings.holdings
    ]
    assert undeclared == []
    for label, holding in holdings.holdings:
        assert (holding.of is None) == bool(holding.nobody), label
        if holding.of is not None:
            assert holding.erased or holding.deleted or holding.kept, f"{label}: what becomes of it?"
            columns = {field.attname for field in holding.model._meta.concrete_fields}
            assert {*holding.erased, *holding.hidden} <= columns, label


def test_a_copy_holds_what_is_held_and_nothing_of_others(maria, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        account = Account.objects.get(pk=maria.account_id)
        user = actor_of(User.objects.get(pk=account.user_id))
        asked = copies.ask(actor=user, account=account)
        assert copies.ask(actor=user, account=account) == asked  # a second click makes no second one
        with pytest.raises(exports.NotReady):
            copies.fetch(actor=user, public_id=asked.public_id)
    assert tasks.sweep() == 1
    with scoping.realm_transaction(cast.alpha.pk):
        _found, data = copies.fetch(actor=user, public_id=asked.public_id)
        told = Delivery.objects.filter(message__template="data_ready").values_list("address", flat=True)
        assert list(told) == [EMAIL]
        actions = AuditEntry.objects.filter(action__startswith="privacy.").values_list("action", flat=True)
        assert set(actions) == {"privacy.export_asked", "privacy.export_fetched"}
    archive = zipfile.ZipFile(io.BytesIO(data))
    whole = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(whole["subscribers.account.json"])[0]["name"] == NAME
    assert "has no light" in whole["ticketing.ticket.csv"]
    assert "5.00" in whole["subscribers.payment.json"]
    assert [text for name, text in whole.items() if name.endswith("-no light.txt")] == ["red lamp"]
    everything = "".join(whole.values())
    assert "between us" not in everything and "inside.txt" not in everything
    assert "is rude" not in everything  # what our people write among themselves
    assert "Nora" not in everything
    for secret in ("argon2", "sealed_secrets", "pin_hash", "card_token"):
        assert secret not in everything


def test_a_copy_is_for_oneself_and_for_who_may(maria, cast, in_beta):
    with scoping.realm_transaction(cast.alpha.pk):
        account = Account.objects.get(pk=maria.account_id)
        with pytest.raises(PermissionDenied):
            copies.ask(actor=actor_of(cast.bob), account=account)
        assert not PersonalExport.objects.exists()
        copy = copies.ask(actor=actor_of(cast.alice), account=account)
        nora = User.objects.get(email="nora@home.example")
        with pytest.raises(NotFound):
            copies.fetch(actor=actor_of(nora), public_id=copy.public_id)


def test_nobody_is_erased_who_is_a_customer_or_without_the_number(maria, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        alice = actor_of(cast.alice)
        account = Account.objects.get(pk=maria.account_id)
        with pytest.raises(StillACustomer):
            erasures.ask(actor=alice, account=account)
    leave(maria)
    with scoping.realm_transaction(cast.alpha.pk):
        with pytest.raises(PermissionDenied):
            erasures.ask(actor=actor_of(cast.bob), account=account)
        asked = erasures.ask(actor=alice, account=account)
        with pytest.raises(NotConfirmed):
            erasures.confirm(actor=alice, erasure=asked, number="A-0")
    assert tasks.sweep() == 0
    with scoping.realm_transaction(cast.alpha.pk):
        assert Account.objects.get(pk=maria.account_id).name == NAME


def test_after_an_erasure_no_table_names_the_person_but_those_the_answer_lists(maria, real_db, cast):
    person = (NAME, EMAIL, PHONE, "15125550142", "maria ortiz")
    # Nora lives in the same house, so her door is looked for and not the street alone.
    texts = (*person, f"{maria.site.street} {maria.site.unit}", maria.site.label, maria.site.address_norm)
    before = tables_with(real_db, *texts)
    assert {"subscribers_account", "tenancy_user", "ticketing_message", "notify_message"} <= before
    erasure = erased(maria, cast)
    with scoping.system_transaction("test"):
        assert not Attachment.objects.exists() and StoredFile.objects.count() == 2
        StoredFile.objects.update(kept_at=clock.now() - dt.timedelta(days=2))
    assert files.drop_unnamed() == 2
    kept = {holdings.holdings.get(line["table"]).model._meta.db_table for line in erasure.answer["kept"]}
    assert tables_with(real_db, *texts) <= kept
    assert tables_with(real_db, "Nora Other") >= {"subscribers_account", "tenancy_user"}
    with scoping.realm_transaction(cast.alpha.pk):
        entry = AuditEntry.objects.get(action="privacy.erasure_done")
        assert not any(text.lower() in str((entry.after, entry.subject_label)).lower() for text in texts)
        # Accounting stands.
        assert Charge.objects.filter(account=maria.account).exists()
        assert Payment.objects.get(account=maria.account).amount == 5
        assert not User.objects.get(pk=maria.account.user_id).is_active


def test_what_a_restore_brings_back_is_erased_again_by_the_journal(maria, real_db, cast, tmp_path):
    erased(maria, cast)
    call_command("reapply_erasures", "--print", stdout=(out := io.StringIO()))
    assert NAME not in out.getvalue()
    (tmp_path / "journal").write_text(out.getvalue())
    with scoping.realm_transaction(cast.alpha.pk):  # the backup knew her name and nothing of the erasure
        Erasure.objects.all().delete()
        Account.objects.filter(pk=maria.account_id).update(name=NAME, email=EMAIL)
    call_command("reapply_erasures", "--journal", str(tmp_path / "journal"), stdout=(said := io.StringIO()))
    assert f"alpha/{maria.account.number}" in said.getvalue()
    call_command("reapply_erasures", stdout=(again := io.StringIO()))
    assert "Erased again: 0" in again.getvalue()
    with scoping.realm_transaction(cast.alpha.pk):
        assert Account.objects.get(pk=maria.account_id).name == holdings.BLOT
        assert Erasure.objects.get().asked_by == "journal"


def test_blotting_out_reaches_every_depth_and_case():
    assert scrubbed({"a": ["MARIA ortiz-Quill, 1"], "b": 3, NAME: None}, [NAME]) == {
        "a": [f"{holdings.BLOT}, 1"], "b": 3, holdings.BLOT: None,
    }  # fmt: skip
