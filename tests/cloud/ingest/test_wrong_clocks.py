"""Times that cannot be right: what carries them is stored, at the best time there is, flagged and counted."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from cloud.store.contract import EventsQuery, ReadingsQuery
from protocols.batch import seal
from protocols.reading import Event, Quality, Reading
from tests.cloud.ingest.rig import Rig, rig

DAY = 86_400_000
YEAR = 365 * DAY
FAR = 60 * DAY
Row = dict[str, object]


def sealed(seq: int, at: Sequence[int], sealed_at: int, *, events: Sequence[Event] = ()) -> bytes:
    """Readings whose value is seq and place: 3.02 is the third batch's third."""
    readings = [Reading("m1", "active_power_total", seq + place / 100, each) for place, each in enumerate(at)]
    return seal("e1", seq, readings, list(events), gateway="g1", sealed_at=sealed_at)


async def rows(it: Rig, device: str = "m1") -> list[Row]:
    ask = ReadingsQuery(site="east", device=device, point="active_power_total", from_at=0, to_at=2**52)
    page = await it.store.readings(ask)
    return [dict(zip(page.columns, row, strict=True)) for row in page.rows]


async def event_rows(it: Rig) -> list[Row]:
    page = await it.store.events(EventsQuery(from_at=0, to_at=2**52))
    return [dict(zip(page.columns, row, strict=True)) for row in page.rows]


def at_of(found: Sequence[Row]) -> list[int]:
    return [int(str(row["at"])) for row in found]


@pytest.mark.parametrize("off", [2 * DAY, 10 * YEAR, 200 * YEAR, -57 * YEAR], ids=["2 d", "10 y", "200 y", "1970"])
async def test_what_a_gateway_with_a_wrong_clock_sealed_is_stored_as_if_sealed_now(tmp_path: Path, off: int) -> None:
    async with rig(tmp_path) as it:
        now = it.clock.now_ms()
        said = now + off
        (ack,) = await it.send(sealed(1, [said - 3000, said - 2000, said - 500], said))
        arrived = int(str(it.handler.batches[0].received_at))
        assert ack.stored == [(1, 1)]
        found = await rows(it)
        assert at_of(found) == [arrived - 3000, arrived - 2000, arrived - 500]
        assert [row["value"] for row in found] == [1.0, 1.01, 1.02]
        assert {(row["quality"], row["reason"]) for row in found} == {("uncertain", "clock")}
        assert it.counters()["refused"] == {}
        number = it.preparer.gateways.find(("east", "g1"))  # type: ignore[arg-type]
        assert number is not None
        assert it.preparer.counters.of(number).retimed == 3
        alarm = it.alarms.standing[("gateway_clock_wrong", "east/g1")]
        assert alarm["count"] == 3
        assert str(alarm["off"])[0] == ("+" if off > 0 else "-")
        (given,) = it.handler.batches
        assert given.at.tolist() == at_of(found), "live state and roll-ups know only the corrected time"


async def test_a_backlog_of_such_a_gateway_keeps_its_order_although_the_newest_comes_first(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms() + FAR
        for seq in (10, 1, 2, 3):  # one sealed each minute, ten minutes ago until now
            sealed_at = said - (10 - seq) * 60_000
            await it.send(sealed(seq, [sealed_at - 2000, sealed_at - 1000], sealed_at))
        found = await rows(it)
        assert [row["value"] for row in found] == [1.0, 1.01, 2.0, 2.01, 3.0, 3.01, 10.0, 10.01]
        assert [after - before for before, after in pairwise(at_of(found))][::2] == [1000] * 4
        assert at_of(found)[-1] - at_of(found)[0] == 9 * 60_000 + 1000, "as far apart as they were made"


async def test_no_two_readings_share_an_instant_when_the_network_delivers_faster_than_before(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms() + FAR
        for seq in range(1, 6):  # each seems sealed later than the last by more than passed since
            await it.send(sealed(seq, [said + seq * 5000 - 10_000 + n for n in range(3)], said + seq * 5000))
        found = await rows(it)
        times = at_of(found)
        assert len(set(times)) == 15
        assert times == sorted(times)
        assert [row["value"] for row in found] == sorted(float(str(row["value"])) for row in found)


async def test_a_clock_that_is_set_from_one_wrong_time_to_another_is_followed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        for seq, off in ((1, 10 * YEAR), (2, 3 * YEAR), (3, 3 * YEAR + 3_600_000), (4, 2 * DAY)):
            said = it.clock.now_ms() + off
            await it.send(sealed(seq, [said - 100, said], said))
        now = it.clock.now_ms()
        found = await rows(it)
        assert [row["value"] for row in found] == [1.0, 1.01, 2.0, 2.01, 3.0, 3.01, 4.0, 4.01]
        assert all(now - 30_000 < at <= now + 100 for at in at_of(found))


async def test_a_device_with_a_wrong_clock_behind_a_right_gateway_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        now = it.clock.now_ms()
        odd = [Reading("m2", "active_power_total", float(n), now + YEAR + n * 1000) for n in range(3)]
        good = [Reading("m1", "active_power_total", float(n), now - 5000 + n) for n in range(3)]
        payload = seal("e1", 1, [*good, *odd], [Event("m2", "button", now + YEAR)], gateway="g1", sealed_at=now - 1000)
        await it.send(payload)
        assert at_of(await rows(it)) == [now - 5000, now - 4999, now - 4998]
        assert {row["quality"] for row in await rows(it)} == {"good"}
        found = await rows(it, "m2")
        assert at_of(found) == [now - 3000, now - 2000, now - 1000]
        assert {row["reason"] for row in found} == {"clock"}
        assert it.alarms.standing[("device_clock_wrong", "east/g1")]["device"] == "m2"
        assert ("gateway_clock_wrong", "east/g1") not in it.alarms.standing


async def test_a_moved_reading_never_takes_the_instant_of_one_that_stays(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        now = it.clock.now_ms()
        await it.send(sealed(1, [now - 1, now, now + YEAR], now))
        assert at_of(await rows(it)) == [now - 1, now, now + 1]


async def test_a_json_batch_that_does_not_say_when_it_was_sealed_is_from_now(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms() + FAR
        one = '{{"device":"m1","point":"active_power_total","at":{at},"value":{value}}}'
        readings = ",".join(one.format(at=said + n * 1000, value=n) for n in range(3))
        event = f'{{"device":"gate","kind":"button","at":{said + 500},"data":{{}}}}'
        payload = f'{{"v":1,"epoch":"e1","seq":1,"readings":[{readings}],"events":[{event}]}}'
        await it.send(payload.encode())
        arrived = it.handler.batches[0].received_at
        assert at_of(await rows(it)) == [arrived - 2000, arrived - 1000, arrived]
        assert at_of(await event_rows(it)) == [arrived - 1500]


async def test_events_of_a_wrong_clock_keep_their_order_and_say_that_their_time_is_not_certain(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms() + FAR
        events = [Event("gate", "button", said - 300 + n * 100, {"detail": str(n)}) for n in range(3)]
        await it.send(sealed(1, [], said, events=[*events, Event("gate", "tamper", said - FAR)]))
        arrived = it.handler.batches[0].received_at
        found = await event_rows(it)
        assert [(row["kind"], row["reason"]) for row in found if row["kind"] == "tamper"] == [("tamper", "")]
        buttons = [row for row in found if row["kind"] == "button"]
        assert at_of(buttons) == [arrived - 300, arrived - 200, arrived - 100]
        assert {row["reason"] for row in buttons} == {"clock"}


async def test_a_bad_reading_of_a_wrong_clock_stays_bad_with_its_own_reason(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms() + FAR
        bad = Reading("m1", "active_power_total", None, said, Quality.BAD, "device_error")
        await it.send(seal("e1", 1, [bad], [], gateway="g1", sealed_at=said))
        (found,) = await rows(it)
        assert (found["quality"], found["reason"], found["value"]) == ("bad", "device_error", None)


async def test_while_the_collectors_own_clock_was_never_set_nobody_elses_is_called_wrong(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        said = it.clock.now_ms()
        it.clock = Ancient()  # type: ignore[assignment]
        await it.send(sealed(1, [said - 100, said], said))
        found = await rows(it)
        assert at_of(found) == [said - 100, said]
        assert {row["quality"] for row in found} == {"good"}


class Ancient:
    def now_ms(self) -> int:
        return 5_000
