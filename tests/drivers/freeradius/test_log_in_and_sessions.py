"""FreeRADIUS seen by a subscriber and by an access device: who is let in, how fast, and who is put out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipservices.contracts import AuthFailed, Desired, Restriction, Transient
from ipservices.drivers.access_freeradius import radius
from ipservices.drivers.access_freeradius.lab.bench import radclient
from tests.drivers.freeradius.places import LOGIN, PASSWORD, REF, Place, at

# Logging in


@pytest.mark.parametrize("method", ["User-Password", "CHAP-Password", "MS-CHAP-Password"])
def test_a_subscriber_is_let_in_at_the_speed_of_the_plan(place: Place, wanted: Desired, method: str) -> None:
    more = {"static_address": "198.51.100.1", "vlan": 4012, "delegated_prefix": "2001:db8:1::/56"}
    place.establish(replace(wanted, attributes={**wanted.attributes, **more}))

    accepted, answer = place.log_in(method=method)

    assert accepted, answer
    for said in (
        'Mikrotik-Rate-Limit = "20M/300M"',
        "WISPr-Bandwidth-Max-Down = 300000000",
        "WISPr-Bandwidth-Max-Up = 20000000",
        "Acct-Interim-Interval = 300",
        "Framed-IP-Address = 198.51.100.1",
        "Delegated-IPv6-Prefix = 2001:db8:1::/56",
        'Tunnel-Private-Group-Id:0 = "4012"',
        f"Class = 0x{f'boss:{REF}'.encode().hex()}",
    ):
        assert said in answer


@pytest.mark.parametrize("method", ["User-Password", "CHAP-Password", "MS-CHAP-Password"])
def test_a_wrong_password_is_refused_and_tells_nothing_of_the_subscriber(
    place: Place, wanted: Desired, method: str
) -> None:
    place.establish(replace(wanted, attributes={**wanted.attributes, "static_address": "198.51.100.1"}))

    accepted, answer = place.log_in("wrong", method=method)

    assert not accepted
    assert "Received Access-Reject" in answer
    received = answer.partition("Received")[2]
    assert "Class" not in received and "Framed" not in received


def test_a_request_without_message_authenticator_is_dropped(place: Place, wanted: Desired) -> None:
    place.establish(wanted)

    accepted, answer = radclient(place.lab, f'User-Name="{LOGIN}",User-Password="{PASSWORD}"')

    assert not accepted
    assert "No reply from server" in answer


def test_more_sessions_than_sold_are_refused(place: Place, wanted: Desired) -> None:
    place.establish(replace(wanted, attributes={**wanted.attributes, "simultaneous": 1}))

    first = place.device.log_in(LOGIN, PASSWORD)
    assert first is not None
    assert place.device.log_in(LOGIN, PASSWORD) is None
    place.device.log_out(first)

    assert place.device.log_in(LOGIN, PASSWORD) is not None


def test_an_extra_is_a_group_the_operator_may_fill(place: Place, wanted: Desired) -> None:
    place.sql("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES (%s, 'Filter-Id', ':=', 'games')",
              "boss-extra-game.boost")  # fmt: skip
    place.establish(replace(wanted, attributes={**wanted.attributes, "extras": ["game.boost"], "cap_gb": 500}))

    accepted, answer = place.log_in()

    assert accepted
    assert 'Filter-Id = "games"' in answer and 'Mikrotik-Rate-Limit = "20M/300M"' in answer


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("198.51.100.8/29", 'Framed-Route = "198.51.100.8/29 0.0.0.0 1"'),
        ("198.51.100.7/32", "Framed-IP-Address = 198.51.100.7"),
        ("2001:db8::7", "Framed-IPv6-Address = 2001:db8::7"),
        ("2001:db8:7::/56", 'Framed-IPv6-Route = "2001:db8:7::/56 :: 1"'),
    ],
)
def test_addresses_and_blocks_reach_the_access_device(place: Place, wanted: Desired, address: str, said: str) -> None:
    place.establish(replace(wanted, attributes={**wanted.attributes, "static_address": address}))

    assert said in place.log_in()[1]


# Suspension


def test_a_blocked_subscriber_is_refused_and_the_session_is_cut_at_the_device(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    assert session is not None

    found = place.establish(replace(wanted, restriction=Restriction.BLOCKED, secrets={}))

    assert found.restriction is Restriction.BLOCKED
    [heard] = place.device.heard
    assert heard.code == radius.Code.DISCONNECT_REQUEST
    # The device takes only requests whose Message-Authenticator is right, so this one had it.
    assert (heard.get("User-Name"), heard.get("Acct-Session-Id")) == (LOGIN, session.id)
    assert heard.get("Message-Authenticator") is not None and heard.get("Event-Timestamp")
    assert session.ended
    accepted, answer = place.log_in()
    assert not accepted and 'Reply-Message = "Service suspended"' in answer


def test_a_walled_subscriber_comes_in_slowly_and_gets_everything_back(place: Place, wanted: Desired) -> None:
    place.establish(wanted)

    found = place.establish(replace(wanted, restriction=Restriction.OUTGOING_BARRED, secrets={}))
    walled = place.device.log_in(LOGIN, PASSWORD)

    assert found.restriction is Restriction.WALLED
    assert walled is not None and walled.granted["Mikrotik-Rate-Limit"] == "1M/1M"
    assert 'Mikrotik-Address-List = "walled"' in place.log_in()[1]
    with place.driver() as driver:
        assert driver.gets_through(wanted) is False

    place.establish(replace(wanted, secrets={}), "resume")
    # A session begun inside the walls would stay there: it is ended, and comes back outside.
    assert walled.ended
    again = place.device.log_in(LOGIN, PASSWORD)
    assert again is not None and again.granted["Mikrotik-Rate-Limit"] == "20M/300M"
    with place.driver() as driver:
        assert driver.gets_through(wanted) is True


def test_a_device_that_does_not_answer_leaves_the_door_shut_and_is_asked_again(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    place.device.deaf = True
    blocked = replace(wanted, restriction=Restriction.BLOCKED, secrets={})

    with pytest.raises(Transient) as caught:
        place.establish(blocked)

    assert caught.value.retryable and caught.value.outcome_unknown
    assert "does not answer a Disconnect-Request" in str(caught.value)
    assert not place.log_in()[0]
    assert session is not None and not session.ended

    place.device.deaf = False
    place.establish(blocked, "again")
    assert session.ended


def test_a_session_the_device_does_not_know_is_no_obstacle_and_counts_no_more(place: Place, wanted: Desired) -> None:
    place.establish(replace(wanted, attributes={**wanted.attributes, "simultaneous": 1}))
    session = place.device.log_in(LOGIN, PASSWORD)
    assert session is not None
    session.ended = True  # the device lost it without a word: accounting takes it for alive, and bars its owner
    assert not place.log_in()[0]

    with place.driver() as driver:
        assert driver.cut_sessions(wanted) == 0

    assert place.log_in()[0]
    [(ended, why)] = place.sql("SELECT acctstoptime IS NOT NULL, acctterminatecause FROM radacct")
    assert (ended, why) == (True, "Lost-Service")


def test_a_disabled_group_that_refuses_nobody_is_no_suspension(place: Place, wanted: Desired) -> None:
    blocked = replace(wanted, restriction=Restriction.BLOCKED, secrets={})
    place.establish(wanted)
    place.establish(blocked)
    place.sql("DELETE FROM radgroupcheck WHERE groupname = 'disabled'")

    with place.driver() as driver:
        found = {difference.field for difference in driver.compare(blocked, driver.observe(blocked))}
    assert "restriction" in found
    assert place.log_in()[0]

    place.establish(blocked, "repair")
    assert not place.log_in()[0]


# Another speed


def test_a_live_session_gets_the_new_speed_and_lives_on(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    assert session is not None and session.granted["Mikrotik-Rate-Limit"] == "20M/300M"

    found = place.establish(at(wanted, 600, 50))

    assert found.attributes["down_mbps"] == 600
    [heard] = place.device.heard
    assert heard.code == radius.Code.COA_REQUEST
    assert session.granted["Mikrotik-Rate-Limit"] == "50M/600M"
    assert session.granted["WISPr-Bandwidth-Max-Down"] == 600_000_000
    assert not session.ended
    assert 'Mikrotik-Rate-Limit = "50M/600M"' in place.log_in()[1]


def test_a_device_that_missed_the_new_speed_is_told_at_the_next_attempt(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    place.device.deaf = True

    with pytest.raises(Transient) as caught:
        place.establish(at(wanted, 600))
    assert "does not answer a CoA-Request" in str(caught.value)
    with place.driver() as driver:
        differences = [str(one) for one in driver.compare(at(wanted, 600), driver.observe(wanted))]
    assert differences == ["sessions: wanted 'as the account is now', found 'not told yet'"]

    place.device.deaf = False
    place.establish(at(wanted, 600), "again")
    assert session is not None and session.granted["Mikrotik-Rate-Limit"] == "20M/600M"
    with place.driver() as driver:
        assert driver.compare(at(wanted, 600), driver.observe(wanted)) == ()


def test_a_session_whose_device_cannot_change_speed_is_ended(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    place.device.refuses = 401  # Unsupported-Attribute

    place.establish(at(wanted, 600))

    assert [packet.code for packet in place.device.heard] == [
        radius.Code.COA_REQUEST,
        radius.Code.DISCONNECT_REQUEST,
    ]
    assert session is not None and session.ended


def test_another_address_ends_the_session_that_has_the_old_one(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)

    place.establish(replace(wanted, attributes={**wanted.attributes, "static_address": "198.51.100.1"}))

    assert session is not None and session.ended


def test_a_new_password_leaves_the_session_alone(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)

    place.establish(replace(wanted, secrets={"password": "another"}))

    assert place.device.heard == [] and session is not None and not session.ended
    assert place.log_in("another")[0] and not place.log_in()[0]


def test_a_session_of_somebody_who_had_the_name_before_is_not_touched(place: Place, wanted: Desired) -> None:
    place.establish(replace(wanted, service_ref="svc-before0000001"))
    session = place.device.log_in(LOGIN, PASSWORD)
    place.sql("DELETE FROM radreply")
    place.sql("DELETE FROM radcheck")
    place.sql("DELETE FROM radusergroup")
    place.establish(wanted)

    with place.driver() as driver:
        assert driver.cut_sessions(wanted) == 0
    assert session is not None and not session.ended and place.device.heard == []


# The device's secret


def test_the_secret_of_the_servers_own_table_of_devices_comes_first(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    session = place.device.log_in(LOGIN, PASSWORD)
    place.sql("INSERT INTO nas (nasname, shortname, secret) VALUES ('127.0.0.1', 'bras', %s)",
              place.secrets["coa_secret"])  # fmt: skip
    place.secrets["coa_secret"] = "wrong"

    with place.driver() as driver:
        assert driver.cut_sessions(wanted) == 1
        assert place.lab.radius_secret not in str([exchange.answer for exchange in driver.tape])
    assert session is not None and session.ended


def test_without_a_secret_for_the_device_a_person_is_needed(place: Place, wanted: Desired) -> None:
    place.establish(wanted)
    assert place.device.log_in(LOGIN, PASSWORD)
    place.secrets["coa_secret"] = ""

    with pytest.raises(AuthFailed), place.driver() as driver:
        driver.cut_sessions(wanted)


def test_freeradius_itself_takes_what_the_driver_sends_to_devices(place: Place, wanted: Desired) -> None:
    """The lab's own port for changes is FreeRADIUS, which drops what is not signed."""
    place.establish(wanted)
    assert place.device.log_in(LOGIN, PASSWORD)
    port = place.lab.ports["coa_port"]

    with place.driver(coa_port=port) as driver:
        driver.establish(at(wanted, 600), key="coa")
        assert [x.answer["radius"] for x in driver.tape if "radius" in x.answer] == ["CoA-ACK"]
    with place.driver(coa_port=port) as driver:
        assert driver.cut_sessions(wanted) == 1
        assert driver.cut_sessions(wanted) == 0  # the lab's device has written the Stop
    place.secrets["coa_secret"] = "wrong"
    assert place.device.log_in(LOGIN, PASSWORD)
    with pytest.raises(Transient), place.driver(coa_port=port) as driver:
        driver.cut_sessions(wanted)
