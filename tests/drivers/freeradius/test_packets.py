"""RADIUS packets: what is not signed, not whole or not an answer is not taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipservices.contracts import UsageReading
from ipservices.drivers.access_freeradius import radius, usage
from ipservices.drivers.access_freeradius.radius import BadPacket, Code

SECRET = b"shared"
SESSION = [("User-Name", "a"), ("NAS-IP-Address", "192.0.2.1"), ("Mikrotik-Rate-Limit", "20M/300M")]


def test_what_is_sent_is_what_is_read() -> None:
    packet = radius.request(Code.COA_REQUEST, SESSION, SECRET)

    found = radius.read_request(packet, SECRET)

    assert found.code == Code.COA_REQUEST
    assert [pair for pair in found.attributes if pair[0] != "Message-Authenticator"] == SESSION


def test_a_request_of_somebody_without_the_secret_is_not_taken() -> None:
    with pytest.raises(BadPacket):
        radius.read_request(radius.request(Code.DISCONNECT_REQUEST, SESSION, b"other"), SECRET)


def test_an_answer_is_taken_only_for_the_question_it_answers() -> None:
    asked, another = (radius.request(Code.COA_REQUEST, SESSION, SECRET, identifier=7) for _time in range(2))
    another = radius.request(Code.COA_REQUEST, [*SESSION, ("NAS-Port", 1)], SECRET, identifier=7)
    answer = radius.response(Code.COA_ACK, asked, [], SECRET)

    assert radius.read_response(answer, asked, SECRET).code == Code.COA_ACK
    for question, secret in ((another, SECRET), (asked, b"other")):
        with pytest.raises(BadPacket):
            radius.read_response(answer, question, secret)


@given(st.data())
def test_no_byte_of_a_packet_can_be_changed_unnoticed(data: st.DataObject) -> None:
    packet = bytearray(radius.request(Code.DISCONNECT_REQUEST, SESSION, SECRET))
    place = data.draw(st.integers(0, len(packet) - 1))
    packet[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadPacket):
        radius.read_request(bytes(packet), SECRET)


@given(st.binary(max_size=60))
def test_whatever_arrives_is_a_packet_or_a_bad_one(rubbish: bytes) -> None:
    with pytest.raises(BadPacket):
        radius.read_request(rubbish, SECRET)


def row(number: int, octets: int, *, began: int = 100, seconds: int = 60, settled: bool = False) -> dict[str, object]:
    hexadecimal = f"0x{b'boss:svc-1'.hex()}"
    return {"radacctid": number, "class": hexadecimal, "started": began, "octets_in": octets, "octets_out": 0,
            "seconds": seconds, "settled": settled}  # fmt: skip


def octets(reading: UsageReading) -> int:
    return sum(one.amount for one in reading.samples if one.metric == "octets_in")


def test_a_session_that_began_anew_under_its_old_number_counts_in_full_and_a_late_report_not_at_all() -> None:
    first = usage.reading({}, [row(1, 5000)], 1)
    late = usage.reading(first.cursor, [row(1, 3000, seconds=30)], 1)
    anew = usage.reading(late.cursor, [row(1, 400, began=200, seconds=5)], 1)
    more = usage.reading(anew.cursor, [row(1, 500, began=200, seconds=9)], 1)

    assert [octets(one) for one in (first, late, anew, more)] == [5000, 0, 400, 100]


def test_sessions_that_ended_long_ago_are_forgotten_and_not_counted_again() -> None:
    rows = [row(number, 10, settled=number <= 2000) for number in range(1, 4001)]
    first = usage.reading({}, rows, 4000)
    asked = usage.question(first.cursor)
    again = [one for one in rows if one["radacctid"] > asked["floor"] or one["radacctid"] in asked["watched"]]

    second = usage.reading(first.cursor, again, 4000)

    assert octets(first) == 40_000 and octets(second) == 0
    assert len(first.cursor["watched"]) == 2000


def test_a_row_committed_after_later_ones_is_not_missed() -> None:
    first = usage.reading({}, [row(1, 10), row(3, 10)], 3)

    second = usage.reading(first.cursor, [row(1, 10), row(2, 10), row(3, 10)], 3)

    assert octets(second) == 10
