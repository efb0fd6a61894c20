"""What is of now, what comes late and what waits, without a broker."""

from __future__ import annotations

from edge.northbound import sparkplug_outbox
from edge.northbound.current import Current
from edge.northbound.hold import Hold
from edge.northbound.sparkplug_metrics import Catalogue
from edge.northbound.sparkplug_outbox import Outbox, Said
from protocols.birth import Birth, DeviceBirth, PointBirth
from protocols.clock import ManualClock
from protocols.reading import Quality, Reading

LIMIT_S = 30.0


def birth_of(limit_s: float = LIMIT_S) -> Birth:
    points = [PointBirth("active_power_total", "W", "gauge", limit_s), PointBirth("relay_1", "", "state", 0.0)]
    device = DeviceBirth("meter", "Meter", "meter", "x/y", "line", 10.0, limit_s, points)
    return Birth(
        site="east",
        gateway="b3",
        name="b3",
        site_name="",
        time_zone="Asia/Shanghai",
        software="",
        config_hash="",
        session=0,
        started_at=0,
        devices=[device],
    )


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.current = Current(birth_of(), self.clock)
        self.outbox = Outbox(self.current, Hold(100), lambda: True)
        self.outbox.is_born = True

    def power(self, value: float, ago_ms: int = 0) -> Reading:
        return Reading("meter", "active_power_total", value, self.clock.now_ms() - ago_ms)

    def live(self) -> list[tuple[float | None, bool]]:
        return [(said.reading.value, said.is_historical) for said in self.outbox.next_live(100)]


def test_what_a_birth_said_is_not_said_again_and_what_is_older_is_history() -> None:
    bench = Bench()
    older, newest = bench.power(1.0, 500), bench.power(2.0)
    bench.outbox.sort([older, newest])
    bench.outbox.told_in_birth("meter", ["active_power_total"])
    assert bench.live() == [(1.0, True)]


async def test_a_value_that_was_told_as_stale_is_news_again() -> None:
    bench = Bench()
    bench.outbox.sort([bench.power(1.0)])
    assert bench.live() == [(1.0, False)]
    await bench.clock.advance(LIMIT_S + 1)
    assert list(bench.current.gone_stale()) == [("meter", "active_power_total")]
    assert list(bench.current.gone_stale()) == []
    bench.outbox.told_stale([("meter", "active_power_total")])
    bench.outbox.sort([bench.power(1.0)])
    assert bench.live() == [(1.0, False)]


def test_what_the_broker_takes_too_slowly_is_held(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(sparkplug_outbox, "LIVE_MAX", 3)
    bench = Bench()
    bench.outbox.sort([bench.power(float(number), 10 - number) for number in range(10)])
    assert (len(bench.outbox.live), len(bench.outbox.hold)) == (3, 7)


def test_when_the_session_ends_what_was_live_waits() -> None:
    bench = Bench()
    bench.outbox.hold.sent([bench.power(0.0, 50)], 1.0)
    bench.outbox.sort([bench.power(1.0)])
    bench.outbox.end_session(2.0)
    assert [reading.value for reading in bench.outbox.hold.take(["meter"], 10)] == [0.0, 1.0]
    assert not bench.outbox.is_born


def test_a_clock_that_was_put_back_does_not_make_everything_late() -> None:
    bench = Bench()
    bench.outbox.sort([bench.power(1.0)])
    bench.clock.step(-3_600_000)
    bench.outbox.sort([bench.power(2.0)])
    assert bench.live() == [(2.0, False), (1.0, False)]


def test_a_state_without_a_whole_number_is_bad_and_a_time_before_1970_is_carried() -> None:
    bench = Bench()
    reading = Reading("meter", "relay_1", 0.5, -5, Quality.GOOD)
    (metric,) = Catalogue(birth_of()).data([Said(reading, True)], bench.clock.now_ms())
    assert (metric.value, metric.is_null, metric.timestamp) == (None, True, 0)
    assert metric.properties[0].value is not None
    assert metric.properties[0].value.value == 0
