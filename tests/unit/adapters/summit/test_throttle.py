"""The wish of a platform to be left alone, shared by all that talk to it."""

from dataclasses import dataclass

import pytest

from stfc.adapters.summit.exchange import Exchange
from stfc.adapters.summit.throttle import Throttle, of_platform


@dataclass
class Watch:
    """A clock that stands still until it is moved."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def made(jitter: float = 0.5) -> tuple[Throttle, Watch]:
    watch = Watch()
    return Throttle(jitter=lambda: jitter, seconds=watch), watch


def test_a_platform_that_said_nothing_may_be_asked() -> None:
    assert made()[0].resting() == 0.0


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 10.0), (0.5, 10.5)])
def test_a_wish_is_honoured_and_a_little_more(jitter: float, seconds: float) -> None:
    throttle, watch = made(jitter)
    throttle.close(watch.now, 10.0)
    assert throttle.resting() == pytest.approx(seconds)
    watch.now += seconds
    assert throttle.resting() == 0.0


def test_a_shorter_wish_does_not_shorten_a_longer_one() -> None:
    throttle, watch = made(0.0)
    throttle.close(watch.now, 10.0)
    throttle.close(watch.now, 1.0)
    assert throttle.resting() == 10.0


def test_without_a_wish_each_refusal_of_a_later_request_doubles_the_wait_up_to_a_bound() -> None:
    throttle, watch = made()
    waits = []
    for _ in range(7):
        throttle.close(watch.now, None)
        waits.append(throttle.resting())
        watch.now += throttle.resting() + 1
    assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30])


def test_requests_that_were_under_way_together_count_once() -> None:
    throttle, watch = made()
    sent = watch.now
    watch.now += 1
    for _ in range(32):
        throttle.close(sent if _ else watch.now, None)
    assert throttle.resting() == pytest.approx(1.0)


def test_an_answer_ends_the_doubling() -> None:
    throttle, watch = made()
    for _ in range(5):
        throttle.close(watch.now, None)
        watch.now += 60
    throttle.passed(watch.now)
    throttle.close(watch.now, None)
    assert throttle.resting() == pytest.approx(1.0)


def test_what_another_process_was_told_is_honoured_too() -> None:
    throttle, _ = made()
    throttle.hold(7.0)
    assert throttle.resting() == 7.0


def test_every_exchange_with_one_platform_shares_its_throttle() -> None:
    def exchange(address: str) -> Exchange:
        return Exchange(address, "t", connections=1, whole_seconds=1, size_limit=1024, longest_rest=60)

    one, same, other = map(exchange, ("https://one.test/x", "https://one.test/x/", "https://other.test"))
    assert one.throttle is same.throttle is of_platform("https://one.test/x/")
    assert one.throttle is not other.throttle
