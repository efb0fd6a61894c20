"""What of people comes too late to be kept is acknowledged, counted and not stored; all else is stored as ever."""

from pathlib import Path

from cloud.ingest.expired import Expiry
from cloud.privacy.sent_again import deleted_events
from cloud.privacy.tombstones import Deletion, Tombstones
from protocols.batch import seal
from protocols.reading import Event, Reading
from tests.cloud.ingest.rig import KEY, rig

DAY = 86_400_000


async def test_a_batch_of_months_ago_is_stored_without_what_is_of_people(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.preparer.expiry = Expiry({"access": 90, "tracks": 60})
        now = it.clock.now_ms()
        old, young = now - 91 * DAY, now - 10 * DAY
        readings = [
            Reading("m1", "active_power_total", 5.0, old),
            Reading("car", "latitude", 39.9, old),
            Reading("car", "odometer_km", 1200.0, old),
            Reading("car", "latitude", 39.9, young),
        ]
        events = [
            Event("r-1", "card_read", old, {"card_key": "ck-1"}),
            Event("d-1", "door_opened", old, {"door": "d1"}),
            Event("r-1", "card_read", young, {"card_key": "ck-1"}),
        ]
        payload = seal("e1", 1, readings, events, gateway="g1", sealed_at=now)
        (ack,) = await it.send(payload)
        assert ack.stored == [(1, 1)]
        assert [at for at, _ in await it.stored("car", "latitude")] == [young]
        assert [at for at, _ in await it.stored("car", "odometer_km")] == [old]
        assert len(await it.stored()) == 1
        assert [row[2] for row in await it.events()] == ["door_opened", "card_read"]
        number = it.preparer.gateways.find(KEY)
        assert number is not None
        counters = it.preparer.counters.of(number)
        assert (counters.expired, counters.stored_readings, counters.stored_events) == (2, 3, 2)
        assert counters.refused == {}
        (again,) = await it.send(payload)
        assert again.stored == [(1, 1)]
        assert it.preparer.counters.of(number).expired == 2
        assert [event.kind for event in it.handler.batches[0].events] == ["door_opened", "card_read"]
        assert it.handler.batches[0].refused == 0


async def test_what_was_deleted_of_a_person_and_comes_again_after_a_restore_is_left_out(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        now = it.clock.now_ms()
        young, old = now - DAY, now - 40 * DAY
        gone = {"access": [f"17:{young}:r-1:card_read", "not:one", f"3:{young}:r-2"], "trips": ["5"]}
        Tombstones(tmp_path).add(Deletion(id="1", at=now - 1000, ids=gone))
        Tombstones(tmp_path).add(Deletion(id="2", at=old, ids={"access": [f"9:{old}:r-1:card_read"]}))
        named = deleted_events(tmp_path, now)
        assert named == {(young, "r-1", "card_read")}
        it.preparer.expiry = Expiry({"access": 90}, named)
        events = [
            Event("r-1", "card_read", young, {"card_key": "ck-1"}),
            Event("r-1", "card_read", young + 1, {"card_key": "ck-2"}),
        ]
        (ack,) = await it.send(seal("e1", 1, [], events, gateway="g1", sealed_at=now))
        assert ack.stored == [(1, 1)]
        assert [row[0] for row in await it.events()] == [young + 1]
