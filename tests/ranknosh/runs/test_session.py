"""ranknosh/runs/session.py: which signals ask for a stop."""

import signal

import pytest

from ranknosh.runs.events import silent
from ranknosh.runs.session import SIGNALS, StopRequest


@pytest.fixture
def before():
    """What a shell gives a program, whether or not the tests themselves run under nohup or in the background."""
    inherited = {number: signal.getsignal(number) for number in SIGNALS}
    found = dict.fromkeys(SIGNALS, signal.SIG_DFL) | {signal.SIGINT: signal.default_int_handler}
    for number, handler in found.items():
        signal.signal(number, handler)
    yield found
    for number, handler in inherited.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks_for_a_stop_and_handlers_are_put_back(before, number):
    stop = StopRequest()
    with stop.on_signals(silent, "this"):
        signal.raise_signal(number)
    assert stop.requested
    assert {each: signal.getsignal(each) for each in SIGNALS} == before


def test_a_second_ctrl_c_stops_at_once_and_a_second_hangup_does_not(before):
    stop = StopRequest()
    with stop.on_signals(silent, "this"):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_hangup_that_is_ignored_stays_so(before):
    """As under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = StopRequest()
    with stop.on_signals(silent, "this"):
        signal.raise_signal(signal.SIGHUP)
    assert not stop.requested
