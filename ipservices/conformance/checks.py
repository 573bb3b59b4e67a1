"""The checks of the conformance kit. Each leaves the object under test behind; ``bench.reset`` takes it away."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections
from django.utils.translation import gettext_lazy as _

from boss.core.problems import Text
from ipservices.conformance.bench import Bench
from ipservices.contracts import AuthFailed, Conflict, Desired, DriverError, Invalid, Observed, Restriction

PARALLEL = 20
_PATIENCE_SECONDS = 8.0


class Broken(AssertionError):
    """A promise was not kept; the message says which, with what was found."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. ``means``: whether it means anything for a bench's kind and capabilities."""

    key: str
    title: Text
    run: Callable[[Bench], None]
    means: Callable[[Bench], bool] = lambda bench: True

    def applies_to(self, bench: Bench) -> bool:
        return self.key not in bench.cannot and self.means(bench)


def _expect(kept: object, words: str) -> None:
    if not kept:
        raise Broken(words)


def _establish(bench: Bench, desired: Desired, key: str = "kit") -> Observed:
    with bench.driver() as driver:
        return driver.establish(desired, key=key)


def _observe(bench: Bench, desired: Desired) -> Observed | None:
    with bench.driver() as driver:
        return driver.observe(desired)


def _differences(bench: Bench, desired: Desired) -> list[str]:
    with bench.driver() as driver:
        return [str(difference) for difference in driver.compare(desired, driver.observe(desired))]


def _as_wanted(bench: Bench, desired: Desired) -> None:
    found = _differences(bench, desired)
    _expect(not found, f"the server differs from what was asked: {'; '.join(found)}")


def _neutral(observed: Observed) -> dict[str, object]:
    """What the neutral words say; a native picture may hold a password under a new salt."""
    kept = observed.as_json()
    del kept["native"], kept["sessions"]
    return kept


def _doors(bench: Bench) -> tuple[str, ...]:
    return ("", *bench.switches)


def _all_open(bench: Bench, desired: Desired) -> None:
    shut = [door or "the service" for door in _doors(bench) if not bench.works(desired, door)]
    _expect(not shut, f"shut though it should be open: {', '.join(shut)}")


def _all_shut(bench: Bench, desired: Desired) -> None:
    left = [door or "the service" for door in _doors(bench) if bench.works(desired, door)]
    _expect(not left, f"open though it should be shut: {', '.join(left)}")


def _eventually(holds: Callable[[], bool], words: str) -> None:
    """A client may need a moment to notice that it was cut off."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        _expect(time.monotonic() < ends, words)
        time.sleep(0.1)


# The promises


def create_twice(bench: Bench) -> None:
    first = _establish(bench, bench.desired())
    second = _establish(bench, bench.desired())
    _expect(_neutral(first) == _neutral(second), "the second time changed something")
    _expect(bench.works(bench.desired()), "a subscriber does not get through")


def change_twice(bench: Bench) -> None:
    _establish(bench, bench.desired())
    wanted = bench.changed(bench.desired())
    first = _establish(bench, wanted, "kit:change")
    second = _establish(bench, wanted, "kit:change")
    _expect(_neutral(first) == _neutral(second), "the second time changed something")
    _as_wanted(bench, wanted)
    _expect(bench.works(wanted), "a subscriber does not get through")


def read_back(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    found = _observe(bench, wanted)
    if found is None:
        raise Broken("what was made is not there")
    _as_wanted(bench, wanted)
    _expect(found.service_ref == wanted.service_ref, f"the service id read back is {found.service_ref!r}")
    _expect(found.restriction is Restriction.NONE, f"restricted: {found.restriction}")
    _expect(found.switched_off == frozenset(), f"switched off: {sorted(found.switched_off)}")


def drift_found(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    bench.tamper(wanted)
    _expect(_differences(bench, wanted), "a change past BOSS was not seen")
    _establish(bench, wanted, "kit:repair")
    _as_wanted(bench, wanted)


def suspend_closes(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    _all_open(bench, wanted)
    suspended = replace(wanted, restriction=Restriction.BLOCKED, reason="non-payment")
    found = _establish(bench, suspended, "kit:suspend")
    _expect(found.restriction is Restriction.BLOCKED, f"the server says {found.restriction}")
    _all_shut(bench, suspended)
    again = _establish(bench, wanted, "kit:resume")
    _expect(again.restriction is Restriction.NONE, f"the server says {again.restriction}")
    _all_open(bench, wanted)


def sessions_cut(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    _expect(bench.connect(wanted), "the subscriber was not let in")
    _expect(bench.sessions(wanted) == 1, "the session does not live")
    _establish(bench, replace(wanted, restriction=Restriction.BLOCKED), "kit:suspend")
    _eventually(lambda: bench.sessions(wanted) == 0, "the open session goes on")
    _expect(not bench.connect(wanted), "the subscriber was let in again")


def resume_respects_owner(bench: Bench) -> None:
    switch = bench.switches[0]
    own = replace(bench.desired(), switched_off=frozenset({switch}))
    _establish(bench, own)
    _expect(not bench.works(own, switch), f"{switch} works though its owner switched it off")
    _establish(bench, replace(own, restriction=Restriction.BLOCKED), "kit:suspend")
    found = _observe(bench, own)
    _expect(found is not None and found.switched_off == {switch}, "the owner's switch was lost in the suspension")
    resumed = _establish(bench, own, "kit:resume")
    _expect(resumed.restriction is Restriction.NONE, f"the server says {resumed.restriction}")
    _expect(resumed.switched_off == {switch}, "resuming changed the owner's switch")
    _expect(not bench.works(own, switch), f"resuming switched {switch} on")
    _establish(bench, bench.desired(), "kit:owner")
    _expect(bench.works(bench.desired(), switch), f"{switch} does not come back")


def delete_twice(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    for _time in range(2):
        with bench.driver() as driver:
            driver.take_away(wanted, key="kit:delete")
    _expect(_observe(bench, wanted) is None, "it is still there")
    _expect(not bench.works(wanted), "a subscriber still gets through")


def stranger_refused(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    stranger = replace(bench.changed(wanted), service_ref="svc-stranger0001")
    for attempt in ("change", "remove"):
        try:
            with bench.driver() as driver:
                if attempt == "change":
                    driver.establish(stranger, key="kit:stranger")
                else:
                    driver.take_away(stranger, key="kit:stranger")
        except Conflict:
            continue
        raise Broken(f"another service could {attempt} it")
    _as_wanted(bench, wanted)


def undo_exact(bench: Bench) -> None:
    wanted = bench.desired()
    with bench.driver() as driver:
        nothing = driver.observe(wanted)
        driver.establish(wanted, key="kit:make")
        before = driver.observe(wanted)
        driver.establish(bench.changed(wanted), key="kit:change")
        driver.restore(wanted, before, key="kit:undo change")
        after = driver.observe(wanted)
        _expect(after == before, f"not as before: {after} instead of {before}")
        driver.restore(wanted, nothing, key="kit:undo make")
        _expect(driver.observe(wanted) is None, "what this run made is still there")


def listed(bench: Bench) -> None:
    wanted, neighbour = bench.desired(), bench.neighbour()
    _establish(bench, wanted)
    try:
        if neighbour is not None:
            _establish(bench, neighbour, "kit:neighbour")
        _is_listed(bench, wanted)
    finally:
        if neighbour is not None:
            with bench.driver() as driver:
                driver.take_away(neighbour, key="kit:clean")


def _is_listed(bench: Bench, wanted: Desired) -> None:
    with bench.driver() as driver:
        held = sorted((one.service_ref, one.kind, one.name) for one in driver.list_all())
    _expect((wanted.service_ref, wanted.kind, wanted.name) in held, f"not among the {len(held)} listed")
    pages: list[tuple[str, str, str]] = []
    place, turns = "", 0
    while place or not turns:
        with bench.driver() as driver:  # another worker may go on
            page, place = driver.list_after(place, most=1)
        pages += [(one.service_ref, one.kind, one.name) for one in page]
        turns += 1
        _expect(turns <= len(held) + 1, f"{turns} pages of {len(held)} objects, and still no end")
    _expect(sorted(pages) == held, f"listed page by page {sorted(pages)}, all at once {held}")


def many_as_one(bench: Bench) -> None:
    wanted, neighbour = bench.desired(), bench.neighbour()
    asked = [wanted, *((neighbour,) if neighbour else ()), wanted]

    def same(when: str) -> list[Observed | None]:
        with bench.driver() as driver:
            together = list(driver.observe_many(asked))
            single = [driver.observe(one) for one in asked]
        _expect(together == single, f"{when}: read together {together}, one by one {single}")
        return together

    _expect(not any(same("with nothing there")), "something is there before anything was made")
    try:
        _establish(bench, replace(wanted, restriction=Restriction.BLOCKED))
        _expect(same("with one of them there")[0], "what was made is not there")
        if neighbour is None:
            return
        _establish(bench, neighbour, "kit:neighbour")
        _expect(all(same("with all of them there")), "what was made is not there")
    finally:
        if neighbour is not None:
            with bench.driver() as driver:
                driver.take_away(neighbour, key="kit:clean")


def usage_moves(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    with bench.driver() as driver:
        start = driver.usage({}).cursor
    used = bench.use(wanted).amounts
    seen: dict[str, int] = {}
    cursor = dict(start)

    def all_seen() -> bool:
        nonlocal cursor
        with bench.driver() as driver:
            reading = driver.usage(cursor)
        cursor = dict(reading.cursor)
        for sample in reading.samples:
            if sample.service_ref == wanted.service_ref:
                _expect(sample.amount >= 0, f"{sample.metric} went back by {-sample.amount}")
                seen[sample.metric] = seen.get(sample.metric, 0) + sample.amount
        return all(seen.get(metric, 0) >= amount for metric, amount in used.items())

    _eventually(all_seen, f"used {used}, counted {seen}")
    with bench.driver() as driver:
        again = [one for one in driver.usage(cursor).samples if one.service_ref == wanted.service_ref and one.amount]
    _expect(not again, f"counted twice: {again}")
    before = dict(seen)
    # As much as before: a counter begun anew that has come as far again must be told from one that stood still.
    bench.reset_counters()
    used = {metric: before.get(metric, 0) + amount for metric, amount in bench.use(wanted).amounts.items()}
    _eventually(all_seen, f"after a reset: used {used}, counted {seen}")


def contents_go_over(bench: Bench) -> None:
    wanted = bench.desired()
    other = bench.another()
    other.reset()
    try:
        _establish(bench, wanted)
        bench.use(wanted)
        _establish(other, replace(wanted, restriction=Restriction.BLOCKED), "kit:other")
        first = _handed_over(bench, other, wanted)
        _expect(_handed_over(bench, other, wanted) == first, "handing over a second time changed something")
        bench.use(wanted)
        _establish(bench, replace(wanted, restriction=Restriction.BLOCKED), "kit:suspend")
        more = _handed_over(bench, other, wanted)
        _expect(more != first, f"what came in between is not there: {more}")
        _establish(other, wanted, "kit:open")
        _expect(other.works(wanted), "a subscriber does not get in at the other server")
    finally:
        other.reset()


def _handed_over(bench: Bench, other: Bench, wanted: Desired) -> Mapping[str, Any]:
    """Hand over, and make sure that both hold the same, and something; what that is."""
    with other.driver() as there, bench.driver() as here:
        here.hand_over(wanted, there.taking_address())
        held, copied = here.contents(wanted), there.contents(wanted)
    _expect(held, "nothing is in it though it was used")
    _expect(held == copied, f"here {held}, there {copied}")
    return held


def twenty_parallel(bench: Bench) -> None:
    _establish(bench, bench.desired())
    wanted = [bench.changed(bench.desired(), number) for number in range(1, PARALLEL + 1)]

    def change(desired: Desired) -> str:
        try:
            driver = bench.driver()
            with bench.alone(driver.lock_key(desired)), driver:
                driver.establish(desired, key=f"kit:{desired.attributes}")
        except DriverError as error:
            return repr(error)
        finally:
            connections.close_all()
        return ""

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as crowd:
        faults = [fault for fault in crowd.map(change, wanted) if fault]
    _expect(not faults, f"{len(faults)} of {PARALLEL} failed: {faults[:3]}")
    left = sum(not _differences(bench, one) for one in wanted)
    _expect(left == 1, f"{left} of the {PARALLEL} wanted states are there")


def dies_in_the_middle(bench: Bench) -> None:
    _establish(bench, bench.desired())
    number = 0
    try:
        with bench.dying_in_the_middle():
            for number in range(1, 201):
                _establish(bench, bench.changed(bench.desired(), number), f"kit:dying {number}")
    except DriverError as error:
        _expect(error.retryable, f"another attempt would help, but {error!r} forbids it")
    else:
        raise Broken("the server never died")
    wanted = bench.changed(bench.desired(), number)
    _establish(bench, wanted, f"kit:dying {number}")
    _as_wanted(bench, wanted)
    real = bench.effects(f"kit:dying {number}")
    _expect(real in (None, 1), f"it was done {real} times")


def wrong_secret(bench: Bench) -> None:
    wanted = bench.desired()
    _establish(bench, wanted)
    try:
        with bench.driver(right_secret=False) as driver:
            driver.establish(bench.changed(wanted), key="kit:wrong")
    except AuthFailed as error:
        _expect(not error.retryable, "trying again with a wrong secret is useless")
    else:
        raise Broken("a wrong secret was not refused")
    _as_wanted(bench, wanted)


def health_service_plane(bench: Bench) -> None:
    _establish(bench, bench.desired())
    with bench.driver() as driver:
        good = driver.health()
    with bench.driver(service_plane=False) as driver:
        bad = driver.health()
    _expect(good.is_good, f"a server that serves is said not to: {good.detail}")
    _expect(bad.control and not bad.service, f"a dead service is said to live: {bad}")
    _expect(bad.detail, "the reason is missing")


def health_never_raises(bench: Bench) -> None:
    with bench.driver(right_secret=False) as driver:
        found = driver.health()
    _expect(not found.control, "a wrong secret is said to be fine")
    _expect(found.detail, "the reason is missing")


def invalid_refused(bench: Bench) -> None:
    wanted = bench.desired()
    for nonsense in (replace(wanted, name=""), replace(wanted, family="nonsense")):
        try:
            with bench.driver() as driver:
                driver.validate(nonsense)
        except Invalid:
            continue
        raise Broken(f"accepted: {nonsense.full_kind} {nonsense.name!r}")


CHECKS: tuple[Check, ...] = (
    Check("create_twice", _("Creating twice is as good as once"), create_twice),
    Check("change_twice", _("Changing twice is as good as once"), change_twice),
    Check("read_back", _("What is read back equals what was desired"), read_back),
    Check("drift_found", _("A change past BOSS is found and repaired"), drift_found),
    Check("suspend_closes", _("Suspending closes every door, resuming opens them"), suspend_closes),
    Check("sessions_cut", _("Open sessions are cut"), sessions_cut,
          lambda bench: bench.kind.has_sessions and bench.capabilities.cuts_sessions),
    Check("resume_respects_owner", _("Resuming never switches on what the owner switched off"), resume_respects_owner,
          lambda bench: bool(bench.switches)),
    Check("delete_twice", _("Deleting twice is as good as once"), delete_twice),
    Check("stranger_refused", _("Another service's object is neither changed nor removed"), stranger_refused),
    Check("undo_exact", _("Undo restores what was, and removes what was not"), undo_exact),
    Check("listed", _("Everything that carries our id is listed"), listed),
    Check("many_as_one", _("Objects read together are as they are when read one by one"), many_as_one),
    Check("usage_moves", _("Usage moves, and survives a counter that begins anew"), usage_moves,
          lambda bench: bool(bench.kind.metrics) and bench.capabilities.usage),
    Check("contents_go_over", _("What its owner has put in goes over to another server, all of it and once"),
          contents_go_over, lambda bench: bool(bench.capabilities.hands_over)),
    Check("twenty_parallel", _("Of twenty changes at once exactly one remains"), twenty_parallel),
    Check("dies_in_the_middle", _("A server that dies in the middle is right after the next attempt"),
          dies_in_the_middle),
    Check("wrong_secret", _("A wrong secret is said to be one and changes nothing"), wrong_secret),
    Check("health_service_plane", _("Health is red when only the service is dead"), health_service_plane),
    Check("health_never_raises", _("Health never raises"), health_never_raises),
    Check("invalid_refused", _("What can never be accepted is refused before the server is asked"), invalid_refused),
)  # fmt: skip
"""In the order of a driver's life; the table in ``docs/drivers.md`` has a column for each."""
