"""What must hold at whatever moment a signal comes."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from boss.platform import supervisor


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers as they were, afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = [signal.getsignal(number) for number in numbers]
    yield
    supervisor.asked_to_stop.clear()
    for number, handler in zip(numbers, former, strict=True):
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_inside_a_finalizer_is_not_lost(handlers: None) -> None:
    class Finalized:
        def __del__(self) -> None:
            supervisor.stop_on_signal(signal.SIGINT, None)

    Finalized()  # Python prints what a finalizer raises, and goes on.

    watching = supervisor.Supervisor.__new__(supervisor.Supervisor)
    with pytest.raises(supervisor.Stopped):
        watching.watch()


def test_no_library_that_catches_exceptions_swallows_a_signal(handlers: None) -> None:
    with pytest.raises(supervisor.Stopped):
        try:
            supervisor.stop_on_signal(signal.SIGTERM, None)
        except Exception:
            pytest.fail("swallowed")
