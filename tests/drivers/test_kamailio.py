"""A real Kamailio, telephoned with by sipp: what subscribers notice of what BOSS does, and what the records say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ipservices import labs as lab_tools
from ipservices.contracts import AuthFailed, Connection, Desired, Invalid, Restriction
from ipservices.drivers.voip_kamailio.driver import KamailioDriver
from ipservices.drivers.voip_kamailio.lab import DATABASE, Lab, bindings
from ipservices.drivers.voip_kamailio.lab.telephones import Refused, Telephones
from ipservices.labs import Names
from tests.labs import Labs

DOMAIN = "sip.alpha.example"
ANNA, BERT = "+15550101", "+15550102"
PASSWORD = {ANNA: "annas-secret", BERT: "berts-secret"}
OUTSIDE = "+15558880000"
PATIENCE = 5.0


def line(number: str, /, **attributes: Any) -> Desired:
    said = {"number": number, "display_name": number, "channels": 1, "barring": [], **attributes}
    return Desired(f"svc-{number[1:]}", "voip", "line", number, said, secrets={"password": PASSWORD[number]})


class Server:
    """The server under test, its driver, its telephones and its tables."""

    def __init__(self, lab: Lab, telephones: Telephones) -> None:
        self.lab = lab
        self.telephones = telephones
        [self.bound] = bindings(lab.facts(), Names("subs.alpha.example", "alpha.example", DOMAIN))

    def driver(
        self, *, settings: dict[str, Any] | None = None, secrets: dict[str, str] | None = None
    ) -> KamailioDriver:
        return KamailioDriver(
            Connection(
                1, 1, {**self.bound.settings, **(settings or {})}, {**self.bound.secrets, **(secrets or {})},
                networks=("127.0.0.0/8",),
            )
        )  # fmt: skip

    def establish(self, desired: Desired) -> None:
        with self.driver() as driver:
            driver.establish(desired, key="test")

    def sql(self, statement: str) -> list[Any]:
        with self.lab.sql.connect(DATABASE) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def logs_in(self, number: str, *, port: int = 0, last: int = 200, password: str = "") -> None:
        self.telephones.register(
            number[1:], DOMAIN, password or PASSWORD[number], port=port or lab_tools.free_port(), last=last
        )

    def calls(self, number: str, called: str, *, seconds: float = 0.2, refused: int = 0) -> None:
        self.telephones.call(number[1:], DOMAIN, PASSWORD[number], called, seconds=seconds, refused=refused)

    def bindings_of(self, number: str) -> int:
        return int(self.sql(f"SELECT count(*) FROM location WHERE username = '{number[1:]}'")[0][0])

    def records(self) -> list[tuple[str, str, float]]:
        return self.sql("SELECT service, callee, duration FROM acc_cdrs ORDER BY id")

    def eventually(self, holds: Callable[[], bool]) -> bool:
        ends = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > ends:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture
def server(labs: Labs, tmp_path: Any) -> Iterator[Server]:
    lab = labs.of("voip_kamailio")
    telephones = Telephones(lab, tmp_path / "telephones")
    found = Server(lab, telephones)
    telephones.world()
    found.sql("DELETE FROM acc_cdrs")
    try:
        yield found
    finally:
        for number in PASSWORD:
            with found.driver() as driver:
                driver.take_away(line(number), key="test:clean")
        telephones.close()


def test_a_telephone_logs_in_with_the_right_password_only(server: Server) -> None:
    server.establish(line(ANNA))

    server.logs_in(ANNA, last=401, password="not-the-secret")
    assert server.bindings_of(ANNA) == 0

    server.logs_in(ANNA)
    assert server.bindings_of(ANNA) == 1


def test_a_line_without_a_password_lets_nobody_in(server: Server) -> None:
    server.establish(replace(line(ANNA), secrets={}))

    server.logs_in(ANNA, last=401)

    # Nor by proof of an empty hash.
    assert server.sql("SELECT length(ha1) FROM subscriber WHERE username = '15550101'") == [(32,)]
    assert server.bindings_of(ANNA) == 0


def test_a_call_by_number_reaches_the_other_line_and_is_recorded_with_its_length(server: Server) -> None:
    server.establish(line(ANNA))
    server.establish(line(BERT))
    with server.driver() as driver:
        reached = driver.usage({}).cursor
    port = lab_tools.free_port()
    server.logs_in(BERT, port=port)
    server.telephones.answer(port)

    server.calls(ANNA, BERT, seconds=1.5)

    assert server.eventually(lambda: len(server.records()) == 1)
    [(service, callee, duration)] = server.records()
    assert (service, callee) == ("svc-15550101", BERT)
    assert 1.4 < duration < 2.5
    with server.driver() as driver:
        used = {(one.service_ref, one.metric): one.amount for one in driver.usage(reached).samples}
    assert used == {("svc-15550101", "calls"): 1, ("svc-15550101", "seconds"): round(duration)}


def test_one_call_more_than_the_line_may_make_is_busy(server: Server) -> None:
    server.establish(line(ANNA, channels=1))
    first = server.telephones.talk(ANNA[1:], DOMAIN, PASSWORD[ANNA], OUTSIDE)
    assert first is not None

    server.calls(ANNA, OUTSIDE, refused=486)
    assert first.poll() is None

    server.establish(line(ANNA, channels=2))
    server.calls(ANNA, OUTSIDE)


def test_a_called_line_that_talks_already_is_busy(server: Server) -> None:
    server.establish(line(ANNA, channels=2))
    server.establish(line(BERT, channels=1))
    server.logs_in(BERT)
    assert server.telephones.talk(BERT[1:], DOMAIN, PASSWORD[BERT], OUTSIDE) is not None

    server.calls(ANNA, BERT, refused=486)


def test_with_outgoing_calls_barred_only_emergency_numbers_answer_and_incoming_calls_come_in(server: Server) -> None:
    server.establish(line(ANNA))
    server.establish(line(BERT))
    port = lab_tools.free_port()
    server.logs_in(ANNA, port=port)
    server.telephones.answer(port)

    server.establish(replace(line(ANNA), restriction=Restriction.OUTGOING_BARRED, secrets={}))

    server.calls(ANNA, OUTSIDE, refused=403)
    server.calls(ANNA, BERT, refused=403)
    server.calls(ANNA, "911")
    server.calls(ANNA, "112")
    server.calls(BERT, ANNA)


def test_the_emergency_numbers_are_those_of_the_binding(server: Server) -> None:
    barred = replace(line(ANNA), restriction=Restriction.OUTGOING_BARRED)
    with server.driver(settings={"emergency_numbers": "110"}) as driver:
        driver.establish(barred, key="test")
    server.calls(ANNA, "110")
    server.calls(ANNA, "911", refused=403)

    with server.driver() as driver:
        differences = [str(one) for one in driver.compare(barred, driver.observe(barred))]

    assert differences == ["emergency_numbers: wanted '112 911', found '110'"]


def test_an_emergency_call_is_not_cut_by_a_bar_on_outgoing_calls_and_another_is(server: Server) -> None:
    server.establish(line(ANNA, channels=2))
    help_call = server.telephones.talk(ANNA[1:], DOMAIN, PASSWORD[ANNA], "911")
    chat = server.telephones.talk(ANNA[1:], DOMAIN, PASSWORD[ANNA], OUTSIDE)
    assert help_call is not None
    assert chat is not None

    server.establish(replace(line(ANNA, channels=2), restriction=Restriction.OUTGOING_BARRED))

    assert server.eventually(lambda: chat.poll() is not None)
    assert help_call.poll() is None


def test_calls_abroad_and_to_premium_numbers_can_be_barred_one_by_one(server: Server) -> None:
    server.establish(line(ANNA, barring=["international"]))
    server.calls(ANNA, "+442079460000", refused=403)
    server.calls(ANNA, "011442079460000", refused=403)
    server.calls(ANNA, "+19005550100")
    server.calls(ANNA, OUTSIDE)

    server.establish(line(ANNA, barring=["premium"]))
    server.calls(ANNA, "+442079460000")
    server.calls(ANNA, "+19005550100", refused=403)
    server.calls(ANNA, "19005550100", refused=403)


def test_a_suspension_in_the_middle_of_a_call_cuts_it_and_keeps_its_record(server: Server) -> None:
    server.establish(line(ANNA))
    server.logs_in(ANNA)
    call = server.telephones.talk(ANNA[1:], DOMAIN, PASSWORD[ANNA], OUTSIDE)
    assert call is not None
    assert server.records() == []
    time.sleep(1.2)

    server.establish(replace(line(ANNA), restriction=Restriction.BLOCKED, secrets={}))

    assert server.eventually(lambda: call.poll() == 0)
    time.sleep(0.5)  # the server's own record, if it wrote one
    [(service, callee, duration)] = server.records()
    assert (service, callee) == ("svc-15550101", OUTSIDE)
    assert 1.1 < duration < 3
    assert server.bindings_of(ANNA) == 0
    server.logs_in(ANNA, last=403)
    server.calls(ANNA, OUTSIDE, refused=403)
    assert server.bindings_of(ANNA) == 0


def test_registrations_outlast_a_restart_and_ended_calls_do_not(server: Server) -> None:
    server.establish(line(ANNA, channels=1))
    port = lab_tools.free_port()
    server.logs_in(ANNA, port=port)
    server.calls(ANNA, OUTSIDE, seconds=0.1)

    server.lab.restart()

    assert server.bindings_of(ANNA) == 1
    server.establish(line(BERT))
    server.telephones.answer(port)
    server.calls(BERT, ANNA)
    server.calls(ANNA, OUTSIDE)


def test_a_new_password_logs_out_whoever_had_the_former_and_undo_brings_the_former_back(server: Server) -> None:
    server.establish(line(ANNA))
    server.logs_in(ANNA)
    with server.driver() as driver:
        former = driver.observe(line(ANNA))
        driver.establish(replace(line(ANNA), secrets={"password": "another-secret"}), key="test")
    assert server.bindings_of(ANNA) == 0
    server.logs_in(ANNA, last=401)

    with server.driver() as driver:
        driver.restore(line(ANNA), former, key="test:undo")

    server.logs_in(ANNA)


def test_no_hash_and_no_password_is_on_the_tape_or_in_the_attributes(server: Server) -> None:
    server.establish(line(ANNA))
    [(stored,)] = server.sql("SELECT ha1 FROM subscriber WHERE username = '15550101'")
    with server.driver() as driver:
        driver.establish(line(ANNA, channels=3), key="test")
        found = driver.observe(line(ANNA))
        driver.restore(line(ANNA), found, key="test:undo")

        assert found is not None
        assert found.native["ha1"] == stored
        shown = f"{driver.tape} {found.attributes} {driver.compare(line(ANNA), found)} {found!r}"

    assert stored not in shown
    assert PASSWORD[ANNA] not in shown


def test_a_wrong_token_is_said_to_be_one_and_nothing_is_cut(server: Server) -> None:
    server.establish(line(ANNA))
    call = server.telephones.talk(ANNA[1:], DOMAIN, PASSWORD[ANNA], OUTSIDE)
    assert call is not None

    with pytest.raises(AuthFailed), server.driver(secrets={"rpc_token": "wrong"}) as driver:
        driver.establish(replace(line(ANNA), restriction=Restriction.BLOCKED), key="test")

    assert call.poll() is None
    with server.driver(secrets={"rpc_token": "wrong"}) as driver:
        health = driver.health()
    assert not health.control
    assert health.service


def test_the_drivers_own_log_in_takes_nothing_from_the_subscribers_telephone(server: Server) -> None:
    server.establish(line(ANNA))
    server.logs_in(ANNA)

    with server.driver() as driver:
        assert driver.gets_through(line(ANNA)) is True
        assert driver.gets_through(line(ANNA), "outgoing") is True
        assert driver.gets_through(replace(line(ANNA), secrets={"password": "wrong"})) is False
        assert driver.gets_through(line(ANNA), "voicemail") is None

    assert server.bindings_of(ANNA) == 1


def test_nobody_calls_in_another_subscribers_name(server: Server) -> None:
    server.establish(line(ANNA))
    server.establish(line(BERT))

    with pytest.raises(Refused):
        server.telephones.call(BERT[1:], DOMAIN, PASSWORD[ANNA], OUTSIDE)

    assert server.records() == []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("number", line(ANNA, number=BERT)),
        ("barring", line(ANNA, barring=["mondays"])),
        ("channels", line(ANNA, channels="many")),
        ("colour", line(ANNA, colour="red")),
        ("name", replace(line(ANNA), name="5550101")),
    ],
)
def test_what_no_line_can_be_is_refused_with_the_field(server: Server, field: str, wrong: Desired) -> None:
    with pytest.raises(Invalid) as caught, server.driver() as driver:
        driver.validate(wrong)

    assert field in caught.value.fields
