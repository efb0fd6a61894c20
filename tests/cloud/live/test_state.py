"""What live state says is true now."""

import time

import numpy as np

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.live.values import SeriesValues
from cloud.store.contract import EVENT_COLUMNS, NewestValues, Page
from protocols.points import VOCABULARY
from protocols.reading import Event
from protocols.status import ClockReport, DeviceReport, Report, Status
from tests.cloud.live.conftest import KEY, World


def report(*devices: DeviceReport) -> Report:
    return Report(
        epoch="e",
        backlog_batches=2,
        backlog_readings=100,
        backlog_bytes=900,
        buffer_max_bytes=1 << 29,
        oldest_unacked_s=1.5,
        live_in_flight=1,
        backlog_in_flight=0,
        acked_batches=5,
        resent_batches=0,
        quarantined=0,
        dropped_readings=0,
        dropped_events=0,
        untimed=0,
        clock=ClockReport("synced", 1),
        devices=list(devices),
    )


async def test_the_newest_reading_of_a_series_is_shown_with_its_times_and_quality(world: World) -> None:
    await world.born("m1")
    await world.read("m1", 8123.5, 5000)
    point = world.shown("east/m1").points["active_power_total"]
    assert (point.value, point.unit, point.kind, point.quality) == (8123.5, "W", "gauge", "good")
    assert (point.observed_at, point.received_at, point.stale_after_s) == (5000, world.clock.now_ms(), 30.0)


async def test_an_old_reading_never_replaces_a_newer_one(world: World) -> None:
    await world.read("m1", 2.0, 5000)
    await world.read("m1", 1.0, 4000)
    assert world.shown("east/m1").points["active_power_total"].value == 2.0
    assert world.shown("east/m1").observed_at == 5000


async def test_within_a_commit_the_newest_wins_in_whatever_order_it_comes(world: World) -> None:
    name = "active_power_total"
    mixed = world.batch(
        ("m1", name, 3.0, 7000), ("m1", name, 1.0, 5000), ("m2", name, 9.0, 100), ("m1", name, 2.0, 6000)
    )
    await world.commit(mixed, world.batch(("m1", name, 0.5, 4000)), world.batch(("m2", name, 8.0, 50)))
    assert world.shown("east/m1").points[name].value == 3.0
    assert world.shown("east/m2").points[name].value == 9.0


def test_arrays_agree_with_a_plain_loop_on_random_readings() -> None:
    rng = np.random.default_rng(7)
    values, plain = SeriesValues(4), {}
    for round_ in range(200):
        n = int(rng.integers(1, 40))
        series = rng.integers(0, 12, n).astype(np.int32)
        at = rng.integers(0, 50, n).astype(np.int64)
        value = rng.random(n)
        values.make_room(12)
        values.take(series, at, value, np.zeros(n, np.uint8), np.full(n, round_, np.int64))
        for one, moment, number in zip(series.tolist(), at.tolist(), value.tolist(), strict=True):
            if one not in plain or moment >= plain[one][0]:
                plain[one] = (moment, number)
    assert {one: (int(values.at[one]), float(values.value[one])) for one in plain} == plain


async def test_a_bad_reading_has_no_value_and_marks_its_device(world: World) -> None:
    await world.read("m1", 1.0, 5000)
    await world.read("m1", None, 6000, quality=("bad", "device_error"))
    shown = world.shown("east/m1")
    point = shown.points["active_power_total"]
    assert (point.value, point.quality, point.reason) == (None, "bad", "device_error")
    assert shown.quality == "bad"


async def test_a_state_is_shown_with_its_label(world: World) -> None:
    name = next(word.name for word in VOCABULARY.values() if word.kind == "state" and len(word.labels_en) > 1)
    await world.commit(world.batch(("d1", name, 1.0, 5000)))
    assert world.shown("east/d1").points[name].label == VOCABULARY[name].labels_en[1]


async def test_a_device_nobody_announced_is_shown_as_such(world: World) -> None:
    await world.read("m1", 1.0, 5000)
    shown = world.shown("east/m1")
    assert (shown.kind, shown.gateway, shown.attributes["state"]) == ("device", "b3", "unannounced")
    assert shown.points["active_power_total"].unit == "W"
    await world.born("m1")
    shown = world.shown("east/m1")
    assert (shown.kind, shown.name, shown.attributes["state"]) == ("meter", "M1", "ok")
    assert shown.points["active_power_total"].stale_after_s == 30.0


async def test_an_announced_device_without_a_reading_is_waiting(world: World) -> None:
    await world.born("m1")
    shown = world.shown("east/m1")
    assert (shown.attributes["state"], shown.observed_at, shown.points) == ("waiting", None, {})


async def test_a_device_that_is_gone_is_not_shown_even_when_its_backlog_still_comes(world: World) -> None:
    await world.born("m1", "m2")
    await world.read("m2", 1.0, 5000)
    await world.born("m1")
    assert world.shown("east/m2") is None
    await world.read("m2", 2.0, 6000)
    assert world.shown("east/m2") is None
    await world.born("m1", "m2")
    assert world.shown("east/m2").name == "M2"
    await world.read("m2", 3.0, 7000)
    assert world.shown("east/m2").points["active_power_total"].value == 3.0


async def test_a_point_that_is_no_longer_announced_is_not_shown(world: World) -> None:
    await world.born("m1", points=("active_power_total", "voltage_l1_n"))
    await world.commit(world.batch(("m1", "active_power_total", 1.0, 5000), ("m1", "voltage_l1_n", 230.0, 5000)))
    await world.born("m1", points=("active_power_total",))
    assert list(world.shown("east/m1").points) == ["active_power_total"]


async def test_the_last_event_is_kept_and_an_older_one_does_not_replace_it(world: World) -> None:
    await world.commit(world.batch(events=[Event("gate", "card_read", 6000, {"card_key": "k"})]))
    await world.commit(world.batch(events=[Event("gate", "door_opened", 5000)]))
    shown = world.shown("east/gate")
    assert shown.attributes["last_event"].kind == "card_read"
    assert shown.observed_at == 6000


async def test_a_status_report_reaches_gateway_and_devices(world: World) -> None:
    await world.born("m1")
    lost = DeviceReport(id="m1", state="lost", every_s=10.0, achieved_s=None, last_error="timeout")
    status = Status(state="online", session=1, at=1, report=report(lost))
    await world.live.status(KEY, status, received_at=world.clock.now_ms(), retained=False)
    shown = world.shown("east/m1")
    assert (shown.attributes["state"], shown.attributes["last_error"]) == ("lost", "timeout")
    gateway = world.shown("east/@b3")
    assert gateway.attributes["online"] is True
    assert gateway.attributes["report"].backlog_readings == 100


async def test_the_late_will_of_an_old_session_does_not_mark_a_newer_one_offline(world: World) -> None:
    now = world.clock.now_ms()
    await world.born("m1", session=7)
    await world.live.status(KEY, Status(state="online", session=8, at=1), received_at=now, retained=False)
    await world.live.status(KEY, Status(state="offline", session=7), received_at=now, retained=False)
    assert world.shown("east/@b3").attributes["online"] is True
    await world.live.status(KEY, Status(state="offline", session=8), received_at=now, retained=False)
    assert world.shown("east/@b3").attributes["online"] is False


async def test_a_gateway_with_a_new_card_begins_at_session_one_and_is_online(world: World) -> None:
    now = world.clock.now_ms()
    await world.live.status(KEY, Status(state="online", session=41, at=1), received_at=now, retained=False)
    await world.live.status(KEY, Status(state="online", session=1, at=1), received_at=now, retained=False)
    await world.live.status(KEY, Status(state="offline", session=1), received_at=now, retained=False)
    assert world.shown("east/@b3").attributes["online"] is False


async def test_after_a_start_values_have_their_true_ages(world: World) -> None:
    series = world.series.table("east", [("m1", "active_power_total")], b"x")
    stored = NewestValues(
        series=series,
        at=np.array([5000], np.int64),
        value=np.array([7.5]),
        quality=np.zeros(1, np.uint8),
        received_at=np.array([5100], np.int64),
    )
    events = Page(EVENT_COLUMNS, [(4000, "east", "gate", "card_read", {"card_key": "k"}, "b3", "e", 1, 4100, "clock")])
    world.live.refill(stored, events)
    point = world.shown("east/m1").points["active_power_total"]
    assert (point.value, point.observed_at, point.received_at) == (7.5, 5000, 5100)
    event = world.shown("east/gate").attributes["last_event"]
    assert (event.data, event.reason) == ({"card_key": "k"}, "clock")
    assert world.shown("east/m1").gateway == ""
    await world.read("m1", 8.0, 6000)
    assert world.shown("east/m1").gateway == "b3"


async def test_half_a_million_readings_a_second_leave_most_of_a_core_free(world: World) -> None:
    points = [name for name, word in VOCABULARY.items() if word.kind != "state"][:25]
    tables = [
        world.series.table("east", [(f"m{g}-{d}", p) for d in range(4) for p in points], bytes([g])) for g in range(10)
    ]
    now = world.clock.now_ms()

    def thousand(gateway: int, number: int) -> CommittedBatch:
        return CommittedBatch(
            site="east",
            gateway=f"g{gateway}",
            epoch="e",
            seq=number,
            received_at=now,
            stored_at=now,
            series=np.resize(tables[gateway], 1000).astype(np.int32),
            at=now + number * 100 + np.arange(1000, dtype=np.int64) // 100,
            value=np.full(1000, 1.5),
            quality=np.zeros(1000, np.uint8),
            events=[],
            refused=0,
            wire_bytes=1,
        )

    with world.stream.join(None, credential="c", owner="o") as client:
        await world.stream.take(client)
        commits = [Committed([thousand(gateway, number) for gateway in range(10)]) for number in range(30)]
        await world.live.committed(commits[0])
        shares = []
        for commit in commits[1:]:
            started = time.thread_time()
            await world.live.committed(commit)
            shares.append((time.thread_time() - started) / 10_000 * 500_000)
    assert sorted(shares)[len(shares) // 2] < 0.1
