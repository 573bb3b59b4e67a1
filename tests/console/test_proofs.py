"""Rights, keys and money want a proof of the last ten minutes; what was typed waits meanwhile, and nothing is done."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction

from boss.core import clock
from boss.tenancy.models import ApiKey, Role, RoleGrant, User
from boss.tenancy.services import api_keys, roles, users
from subscribers.contact import ContactDetails
from subscribers.models import Payment
from subscribers.services import accounts
from tests.cast import PASSWORD, make_user
from tests.portals.visiting import hidden, text

pytestmark = pytest.mark.usefixtures("alpha")

AGAIN = "/login/again/"
GO_ON = "/account/go-on/"


@pytest.fixture
def tom(cast):
    return make_user(cast.alpha, "tom@alpha.example", "Tom Tinker")


@pytest.fixture
def account(system):
    return accounts.open(actor=system, contact=ContactDetails("Maria Ortiz", "m@mail.example", "512 555 0142"))


def state():
    """Everything these pages could change."""
    return (
        list(RoleGrant.objects.order_by("id").values_list("user", "role", "kind")),
        list(Role.objects.order_by("id").values_list("key", "permissions", "archived_at")),
        list(ApiKey.objects.order_by("id").values_list("name", "expires_at")),
        list(User.objects.order_by("id").values_list("email", "is_active")),
        Payment.objects.count(),
    )


@pytest.fixture
def places(cast, system, alice, tom, account):
    """What is sent where: pages and the API."""
    users.deactivate(actor=system, user=(gone := make_user(cast.alpha, "gone@alpha.example", "Gone")))
    own = roles.create(actor=alice, name="Night", permissions=["core.use_console"])
    key, _plain = api_keys.create(actor=alice, name="Shop")
    granted = RoleGrant.objects.get(user=cast.bob)
    person, api = f"/console/people/{tom.public_id}", "/api/v1/tenancy"
    new = {"full_name": "New", "email": "new@alpha.example", "kind": "staff", "role": "noc"}
    pages = [
        (f"{person}/grant/", {"role": "noc", "where": "realm"}),
        (f"/console/people/{cast.bob.public_id}/revoke/", {"grant": granted.pk}),
        (f"{person}/change/", {"full_name": "Tom", "email": "tim@alpha.example", "phone": ""}),
        (f"/console/people/{gone.public_id}/reactivate/", {}),
        ("/console/people/invite/", new),
        ("/console/roles/new/", {"name": "Day", "audience": "staff", "permissions": ["core.use_console"]}),
        (f"/console/roles/{own.key}/edit/", {"name": "Night", "permissions": ["core.search"]}),
        (f"/console/roles/{own.key}/archive/", {}),
        ("/console/keys/new/", {"name": "Till", "role": "api_client", "days": "30", "form_key": "a"}),
        (f"/console/keys/{key.public_id}/rotate/", {"overlap_hours": "1", "form_key": "b"}),
        (f"/console/accounts/{account.public_id}/payments/", {"amount": "5.00", "paid_by": "cash", "once": "c"}),
    ]
    calls = [
        (f"{api}/users/{tom.public_id}/grant/", {"role": "noc"}),
        (f"{api}/users/{cast.bob.public_id}/revoke/", {"role": "csr"}),
        (f"{api}/users/{tom.public_id}/email/", {"email": "tim@alpha.example"}),
        (f"{api}/users/{gone.public_id}/reactivate/", {}),
        (f"{api}/users/", new),
        (f"{api}/users/invite/", new),
        (f"{api}/roles/", {"name": "Day", "permissions": ["core.use_console"]}),
        (f"{api}/roles/{own.key}/archive/", {}),
        (f"{api}/api-keys/", {"name": "Till", "role": "api_client"}),
        (f"{api}/api-keys/{key.public_id}/rotate/", {}),
        ("/api/v1/subscribers/payments/", {"account": account.public_id, "amount": "5.00", "paid_by": "cash"}),
    ]
    return pages, calls


@pytest.mark.asvs("7.5.3")
def test_without_a_fresh_proof_no_page_changes_rights_keys_or_money(cast, browser_of, places):
    client, before = browser_of(cast.alice, proven=False), state()
    for path, body in places[0]:
        answer = client.post(path, body)
        assert answer.status_code == 302 and answer["Location"].startswith(AGAIN), path
        assert state() == before, path


def test_with_one_every_one_of_them_does_what_it_says(cast, browser_of, places):
    """Or the refusals above and below would prove nothing."""
    client, before = browser_of(cast.alice), state()
    for path, body in places[0] + places[1]:
        how = {"content_type": "application/json"} if path.startswith("/api/") else {}
        with transaction.atomic():
            answer = client.post(path, body, **how)
            assert answer.status_code in (200, 201, 302) and state() != before, (path, answer.content[:500])
            transaction.set_rollback(True)


@pytest.mark.asvs("7.5.3")
def test_nor_does_the_api_for_a_person_whose_session_is_old(cast, browser_of, places):
    client, before = browser_of(cast.alice, proven=False), state()
    for path, body in places[1]:
        answer = client.post(path, body, content_type="application/json")
        assert answer.status_code == 403 and answer.json()["code"] == "tenancy.reauthentication_needed", path
        assert state() == before, path
    role = client.put("/api/v1/tenancy/roles/night/", {"name": "Night"}, content_type="application/json")
    assert role.json()["code"] == "tenancy.reauthentication_needed" and state() == before


def test_a_program_is_asked_for_nothing_but_its_key(cast, alice, tom, client):
    _key, plain = api_keys.create(actor=alice, name="HR", role_key="realm_admin")
    headers = {"host": "alpha.localhost", "authorization": f"Bearer {plain}"}
    answer = client.post(
        f"/api/v1/tenancy/users/{tom.public_id}/grant/", {"role": "noc"}, content_type="application/json",
        headers=headers,
    )  # fmt: skip
    assert answer.status_code == 200 and RoleGrant.objects.filter(user=tom, role__key="noc").exists()


def test_pages_that_are_a_form_ask_before_anything_is_typed(cast, browser_of):
    client = browser_of(cast.alice, proven=False)
    for path in ("/console/people/invite/", "/console/roles/new/", "/console/keys/new/"):
        assert client.get(path)["Location"].startswith(AGAIN), path
    for path in (f"/console/people/{cast.bob.public_id}/", "/console/roles/", "/console/keys/"):
        assert client.get(path).status_code == 200, path  # reading asks for nothing


def test_what_was_typed_waits_for_the_proof_and_is_sent_by_one_more_press(cast, browser_of, account):
    client, path = browser_of(cast.alice), f"/console/accounts/{account.public_id}"
    typed = {**hidden(client.get(f"{path}/money/")), "amount": "12.50", "paid_by": "cheque", "reference": "No. 7"}
    with clock.moved(dt.timedelta(minutes=11)):
        asked = client.post(f"{path}/payments/", typed, headers={"referer": f"http://alpha.localhost{path}/money/"})
        assert client.get(GO_ON)["Location"].startswith(AGAIN)
        proven = client.post(asked["Location"], {"password": PASSWORD})
        assert proven["Location"] == GO_ON
        waiting = client.get(GO_ON)
        assert not Payment.objects.exists(), "a proof alone does nothing"
        assert f'action="{path}/payments/"' in text(waiting) and f'href="{path}/money/"' in text(waiting)
        assert '<dt>Amount</dt><dd class="pre-line">12.50</dd>' in text(waiting), "nobody presses a blind button"
        assert client.post(f"{path}/payments/", hidden(waiting)).status_code == 302
        payment = Payment.objects.get()
        assert (payment.amount, payment.paid_by, payment.reference) == (Decimal("12.50"), "cheque", "No. 7")
        assert client.get(GO_ON)["Location"] == "/account/", "it does not wait any more"


def test_several_values_of_one_name_all_wait(cast, browser_of):
    client = browser_of(cast.alice, proven=False)
    body = {"name": "Night", "audience": "staff", "permissions": ["core.use_console", "core.search"]}
    asked = client.post("/console/roles/new/", body)
    client.post(asked["Location"], {"password": PASSWORD})
    assert text(client.get(GO_ON)).count('name="permissions"') == 2


def test_a_password_never_waits(cast, browser_of):
    client = browser_of(cast.alice, proven=False)
    asked = client.post("/account/password/", {"password": "a pond with nine herons"})
    assert asked["Location"] == f"{AGAIN}?next=%2F"
    assert "held_form" not in client.session and cast.alice.check_password(PASSWORD)


def test_what_waits_is_sealed_and_grows_old(cast, browser_of, tom):
    client = browser_of(cast.alice, proven=False)
    asked = client.post(f"/console/people/{tom.public_id}/grant/", {"role": "noc", "where": "realm"})
    assert "noc" not in str(client.session["held_form"])
    with clock.moved(dt.timedelta(minutes=11)):
        client.post(asked["Location"], {"password": PASSWORD})
        assert client.get(GO_ON)["Location"] == "/account/"
    assert not RoleGrant.objects.filter(user=tom).exists()


def test_taking_away_is_quick(cast, browser_of, tom, alice):
    key, _plain = api_keys.create(actor=alice, name="Shop")
    client = browser_of(cast.alice, proven=False)
    client.post(f"/console/people/{tom.public_id}/deactivate/")
    client.post(f"/console/keys/{key.public_id}/revoke/")
    key.refresh_from_db()
    assert not User.objects.get(pk=tom.pk).is_active and key.revoked_at is not None
