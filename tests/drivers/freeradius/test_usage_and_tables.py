"""FreeRADIUS seen by its database: what is counted, what stands where, and how one knows that it serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ipservices.contracts import Desired, Invalid
from ipservices.drivers.access_freeradius import radius
from ipservices.drivers.access_freeradius.lab.bench import radclient
from ipservices.drivers.access_freeradius.lab.nas import INTERIM, START, STOP
from tests.drivers.freeradius.places import LOGIN, PASSWORD, Place, at

# Usage


def test_more_than_four_gigabytes_are_counted_while_the_session_lasts(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    assert session is not None
    nothing, cursor = place.usage({})
    assert nothing == {}

    place.device.use(session, 4_294_967_396, 9_000_000_000, 60)
    first, cursor = place.usage(cursor)
    again, cursor = place.usage(cursor)
    place.device.use(session, 100, 200, 60)
    place.device.log_out(session)
    last, cursor = place.usage(cursor)

    assert first == {"octets_in": 4_294_967_396, "octets_out": 9_000_000_000, "seconds": 60}
    assert again == {}
    assert last == {"octets_in": 100, "octets_out": 200, "seconds": 60}


def test_repeated_and_late_accounting_is_answered_and_counts_nothing(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    assert session is not None
    place.device.use(session, 1000, 2000, 60)
    late = place.device.told(session, INTERIM)
    place.device.use(session, 500, 500, 60)
    used, cursor = place.usage({})
    assert used == {"octets_in": 1500, "octets_out": 2500, "seconds": 120}

    for told in (late, place.device.told(session, START)):
        assert place.device.account(told).code == radius.Code.ACCOUNTING_RESPONSE
    assert place.usage(cursor)[0] == {}
    cursor = place.usage(cursor)[1]
    place.device.log_out(session)
    for told in (place.device.told(session, STOP), place.device.told(session, START), late):
        assert place.device.account(told).code == radius.Code.ACCOUNTING_RESPONSE

    assert place.usage(cursor)[0] == {}
    assert place.sql("SELECT count(*), sum(acctinputoctets) FROM radacct") == [(1, 1500)]


def test_a_device_that_restarts_and_counts_its_sessions_from_one_loses_nothing(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    first = place.device.log_in(LOGIN, PASSWORD, session_id="1")
    assert first is not None
    place.device.use(first, 5000, 0, 60)
    used, cursor = place.usage({})

    place.device.reboot()
    second = place.device.log_in(LOGIN, PASSWORD, session_id="1")
    assert second is not None
    place.device.use(second, 300, 0, 10)
    after, cursor = place.usage(cursor)

    assert used["octets_in"] == 5000
    assert after["octets_in"] == 300
    place.device.log_out(second)
    assert place.usage(cursor)[0] == {}


def test_usage_of_services_that_are_not_of_boss_is_left_out(place: Place, wanted: Desired) -> None:
    place.sql("INSERT INTO radcheck (username, attribute, op, value) VALUES ('other', 'Cleartext-Password', ':=', 'x')")
    session = place.device.log_in("other", "x")
    assert session is not None
    place.device.use(session, 1000, 1000, 60)

    with place.driver() as driver:
        assert driver.usage({}).samples == ()


# What stands in the tables


def test_a_user_cannot_have_two_passwords(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    place.establish(replace(wanted, secrets={"password": "another"}))

    assert place.sql("SELECT value FROM radcheck WHERE username = %s", LOGIN) == [("another",)]
    with pytest.raises(psycopg.errors.UniqueViolation):
        place.sql(
            "INSERT INTO radcheck (username, attribute, op, value) VALUES (%s, 'Cleartext-Password', ':=', 'x')", LOGIN
        )


def test_two_passwords_made_where_nothing_forbids_it_are_found_and_put_right(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    place.sql("DROP INDEX boss_radcheck_once")
    try:
        place.sql("INSERT INTO radcheck (username, attribute, op, value)"
                  " VALUES (%s, 'Cleartext-Password', ':=', 'second')", LOGIN)  # fmt: skip

        with place.driver() as driver:
            differences = [str(one) for one in driver.compare(wanted, driver.observe(wanted))]
        assert differences == ["others: wanted [], found ['2 passwords']"]

        place.establish(wanted, "repair")
        assert place.sql("SELECT value FROM radcheck WHERE username = %s", LOGIN) == [(PASSWORD,)]
    finally:
        place.sql("CREATE UNIQUE INDEX IF NOT EXISTS boss_radcheck_once ON radcheck (username, attribute)")


@pytest.mark.parametrize(
    "row",
    [
        ("radcheck", "Auth-Type", ":=", "Accept"),
        ("radreply", "Session-Timeout", ":=", "60"),
    ],
)
def test_a_row_somebody_added_is_found_and_taken_out(place: Place, wanted: Desired, row: tuple[str, ...]) -> None:
    place.establish(wanted)
    table, *said = row
    place.sql(f"INSERT INTO {table} (username, attribute, op, value) VALUES (%s, %s, %s, %s)", LOGIN, *said)

    with place.driver() as driver:
        [found] = driver.compare(wanted, driver.observe(wanted))
    assert (found.field, found.found) == ("others", [f"{table} {said[0]}"])

    place.establish(wanted, "repair")
    assert place.sql(f"SELECT 1 FROM {table} WHERE attribute = %s", said[0]) == []


def test_a_hash_somebody_set_is_kept_by_a_change_and_put_back_by_undo(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    hashed = ("SHA2-Password", ":=", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8")  # "password"
    place.sql("UPDATE radcheck SET attribute = %s, op = %s, value = %s", *hashed)

    place.establish(at(wanted, 600))
    assert place.log_in("password")[0]

    before, rows = place.observe(wanted), place.held()
    place.establish(replace(wanted, secrets={"password": "new"}))
    assert not place.log_in("password")[0]
    with place.driver() as driver:
        assert driver.restore(wanted, before, key="undo") == before

    assert place.held() == rows
    assert place.log_in("password")[0] and not place.log_in("new")[0]


def test_what_was_there_before_is_there_after_the_reversal_row_for_row(place: Place, wanted: Desired) -> None:
    place.establish(replace(wanted, name="b", attributes={**wanted.attributes, "login": "b"}))
    rows = place.held()

    more = {"extras": ["game.boost"], "cap_gb": 500, "service_class": "gold"}
    place.establish(replace(wanted, attributes={**wanted.attributes, "down_mbps": 900, **more}))
    assert place.held() != rows
    with place.driver() as driver:
        driver.restore(wanted, None, key="undo")

    assert place.held() == rows


def test_the_group_of_a_speed_goes_with_its_last_user_unless_somebody_added_to_it(
    place: Place, wanted: Desired
) -> None:
    other = replace(wanted, name="b", service_ref="svc-b0000000000b", attributes={**wanted.attributes, "login": "b"})
    groups = "SELECT DISTINCT groupname FROM radgroupreply ORDER BY 1"
    place.establish(wanted)
    place.establish(other)

    place.establish(at(wanted, 600))
    assert place.sql(groups) == [("boss-300-20",), ("boss-600-20",)]
    place.establish(at(other, 600))
    assert place.sql(groups) == [("boss-600-20",)]

    place.sql("INSERT INTO radgroupreply (groupname, attribute, op, value)"
              " VALUES ('boss-600-20', 'Filter-Id', ':=', 'x')")  # fmt: skip
    place.establish(at(wanted, 100))
    place.establish(at(other, 100))
    assert place.sql(groups) == [("boss-100-20",), ("boss-600-20",)]


def test_a_user_that_boss_did_not_make_is_left_alone(place: Place, wanted: Desired) -> None:
    place.sql(
        "INSERT INTO radcheck (username, attribute, op, value) VALUES (%s, 'Cleartext-Password', ':=', 'x')", LOGIN
    )
    rows = place.held()

    with place.driver() as driver:
        found = driver.observe(wanted)
        assert found is not None and found.service_ref == ""
        assert list(driver.list_all()) == []
    for attempt in ("establish", "take_away"):
        with pytest.raises(Exception, match="nobody BOSS knows"), place.driver() as driver:
            getattr(driver, attempt)(wanted, key="test")

    assert place.held() == rows


def test_a_new_account_without_a_password_is_refused(place: Place, wanted: Desired) -> None:
    rows = place.held()

    with pytest.raises(Invalid) as caught:
        place.establish(replace(wanted, secrets={}))

    assert "password" in caught.value.fields
    assert place.held() == rows


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"login": "another"}, "login"),
        ({"down_mbps": 0}, "down_mbps"),
        ({"up_mbps": "fast"}, "up_mbps"),
        ({"static_address": "198.51.100.9/29"}, "static_address"),
        ({"vlan": "x"}, "vlan"),
        ({"service_class": "gold; DROP"}, "service_class"),
        ({"extras": ["a b"]}, "extras"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_can_never_be_accepted_is_named_field_by_field(
    place: Place, wanted: Desired, attributes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught, place.driver() as driver:
        driver.validate(replace(wanted, attributes={**wanted.attributes, **attributes}))

    assert list(caught.value.fields) == [field]


def test_a_password_is_in_no_exchange_on_record(place: Place, wanted: Desired) -> None:
    with place.driver() as driver:
        driver.establish(wanted, key="test")
        driver.gets_through(wanted)
        driver.health()
        [(canary,)] = place.sql("SELECT value FROM radcheck WHERE username = 'boss-canary' AND op = ':='")
        told = str(driver.tape)

    assert driver.tape
    for secret in (PASSWORD, canary, *place.secrets.values()):
        assert secret not in told


# Health


def test_health_logs_in_as_a_user_that_only_boss_can_be(place: Place) -> None:
    with place.driver() as driver:
        found = driver.health()
    [(password,)] = place.sql("SELECT value FROM radcheck WHERE username = 'boss-canary' AND op = ':='")

    assert found.is_good, found.detail
    for whence, let_in in (("", False), (',NAS-Identifier="boss"', True)):
        asked = f'User-Name="boss-canary",User-Password="{password}"{whence},Message-Authenticator=0x00'
        assert radclient(place.lab, asked)[0] is let_in


def test_a_server_that_answers_but_does_not_see_the_users_is_not_healthy(place: Place) -> None:
    with place.driver() as driver:
        assert driver.health().is_good
    place.sql(
        "UPDATE radcheck SET attribute = 'NT-Password', value = '00' WHERE username = 'boss-canary' AND op = ':='"
    )
    place.sql("INSERT INTO radcheck (username, attribute, op, value)"
              " VALUES ('boss-canary', 'Cleartext-Password', '==', 'seen by us alone')")  # fmt: skip

    with place.driver() as driver:
        found = driver.health()

    assert found.control and not found.service
    assert "refuses a user that is in its database" in found.detail


def test_a_dead_server_is_seen_while_its_database_lives(place: Place) -> None:
    place.lab.kill()
    try:
        with place.driver() as driver:
            found = driver.health()
    finally:
        place.lab.restart()

    assert found.control and not found.service
    assert "nobody listens" in found.detail
