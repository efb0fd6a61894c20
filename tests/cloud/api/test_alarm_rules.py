"""Rules of alarms by the API, and at work on what is committed."""

import numpy as np

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.roles import Role
from tests.cloud.api.conftest import SERIES, Api
from tests.cloud.api.console import make_console

BODY = {
    "name": "Power is high",
    "site": "east",
    "point": "active_power_total",
    "condition": "high",
    "limit": 100,
    "delay_s": 10,
    "priority": 1,
    "todo": "Look.",
}
URL = "/api/v1/alarm-rules/power"


def batch(api: Api, at: list[int], value: list[float]) -> Committed:
    """Readings of the one series, as they are handed on after a commit."""
    number = api.series.find(SERIES)
    assert number is not None
    made = CommittedBatch(
        site="east",
        gateway="b3",
        epoch="e",
        seq=1,
        received_at=api.clock.now_ms(),
        stored_at=api.clock.now_ms(),
        series=np.full(len(at), number, np.int32),
        at=np.array(at, np.int64),
        value=np.array(value, np.float64),
        quality=np.zeros(len(at), np.uint8),
        events=[],
        refused=0,
        wire_bytes=1,
    )
    return Committed([made])


async def test_a_rule_is_tried_on_the_past_set_raises_and_is_taken_away(api: Api) -> None:
    now = api.clock.now_ms()
    before = now - 3_600_000 + np.arange(0, 600_000, 10_000)
    api.put(before, np.where((np.arange(60) // 10) % 2 == 0, 50.0, 150.0))
    console = await make_console(api)
    watch = console.features.alarm_rules
    async with await console.client() as client:
        tried = (await client.post(f"{URL}/dry-run", json=BODY)).json()
        assert (tried["raised"], tried["series"], tried["readings"], tried["whole"]) == (3, 1, 60, True)
        assert (await client.put(URL, json=BODY)).json()["rule"]["rev"] == 1
        assert (await client.put(URL, json={**BODY, "rev": 0})).status_code == 409
        assert (await client.put(URL, json={**BODY, "limit": None})).status_code == 422
        await watch.committed(batch(api, [now - 7_200_000, now - 7_100_000], [150, 150]))
        assert api.alarms.active() == [], "a backlog tells of the past"
        await watch.committed(batch(api, [now - 20_000, now - 5_000], [150, 150]))
        (alarm,) = api.alarms.active()
        assert (alarm.kind, alarm.source, alarm.priority) == ("rule_high.power", "east/m1", 1)
        assert all(word in alarm.text["en"] for word in ("Power is high", "150", "above 100", "Look."))
        await watch.committed(batch(api, [now], [float("nan")]))
        assert len(api.alarms.active()) == 1
        await watch.committed(batch(api, [now + 1], [50]))
        assert api.alarms.active() == []
        await watch.committed(batch(api, [now + 2], [150]))
        api.clock.step(11_000)
        watch.look()
        assert len(api.alarms.active()) == 1, "the delay runs also while nothing comes"
        assert [rule["name"] for rule in (await client.get("/api/v1/alarm-rules")).json()["rules"]] == ["Power is high"]
        assert (await client.delete(URL)).status_code == 204
        assert api.alarms.active() == []
    async with await console.client(Role.DISPATCHER) as client:
        assert (await client.put(URL, json=BODY)).status_code == 403
    await console.features.close()


async def test_rules_are_there_after_a_restart(api: Api) -> None:
    api.put(np.array([api.clock.now_ms() - 1000]), np.array([1.0]))
    console = await make_console(api)
    async with await console.client() as client:
        await client.put(URL, json=BODY)
    await console.features.close()
    again = await make_console(api)
    now = api.clock.now_ms()
    await again.features.alarm_rules.committed(batch(api, [now - 20_000, now], [150, 150]))
    (alarm,) = api.alarms.active()
    assert alarm.kind == "rule_high.power"
    await again.features.close()
    third = await make_console(api)
    await third.features.alarm_rules.committed(batch(api, [now + 1], [150]))
    assert [one.id for one in api.alarms.active()] == [alarm.id], "the delay does not interrupt what lasts"
    await third.features.close()
