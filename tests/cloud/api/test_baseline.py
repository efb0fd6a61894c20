"""Load by outdoor temperature over the API, from a sensor and from a file."""

import numpy as np
import pytest

from cloud.registry.roles import Role
from cloud.store.contract import Samples
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_analysis import QUERY, ready
from tests.cloud.tariffs.material import at

__all__ = ["console", "ready"]

HOUR_MS = 3_600_000
FIRST, LAST = at("2026-03-01T00:00"), at("2026-04-30T00:00")


def temperatures() -> tuple[np.ndarray, np.ndarray]:
    when = np.arange(FIRST, LAST, HOUR_MS)
    return when, 12 + 6 * np.sin(2 * np.pi * (when - FIRST) / (24 * HOUR_MS)) + (when - FIRST) / (20 * 24 * HOUR_MS)


class OneSensor:
    """A store that has nothing but the sensor ``weather``."""

    async def samples(self, wanted, to_at: int) -> Samples:
        [(key, since)] = wanted
        when, celsius = temperatures()
        chosen = (when >= since) & (when < to_at) & (key.device == "weather")
        n = int(chosen.sum())
        return Samples(
            place=np.zeros(n, np.int32), at=when[chosen], value=celsius[chosen], quality=np.zeros(n, np.uint8)
        )


@pytest.fixture
def sensed(ready: ConsoleApi, monkeypatch: pytest.MonkeyPatch) -> ConsoleApi:
    monkeypatch.setattr("cloud.api.baseline.store_of", lambda services: OneSensor())
    return ready


async def test_a_sensor_gives_a_model_with_its_statistics_and_an_honest_label(sensed: ConsoleApi) -> None:
    after = {"report_from": "2026-04-13", "report_until": "2026-04-27"}
    async with await sensed.client(Role.VIEWER) as client:
        found = (await client.get("/api/v1/analysis/baseline", params={**QUERY, "until": "2026-04-13", **after})).json()
    fit = found["hourly"]["fit"]
    assert fit["verdict"] == "passes"
    assert fit["n"] > 800
    assert abs(fit["nmbe"]) < 0.1
    assert found["temperature"]["known"] == 1
    assert len(found["days"]) == 42
    reporting = found["reporting"]
    assert reporting["difference"] == pytest.approx(60, abs=25), "15 kW too much for four hours of one evening"
    assert reporting["is_saving"] is False
    assert "not verified" in reporting["label"]["en"]


async def test_without_a_sensor_it_is_said_what_is_missing(sensed: ConsoleApi) -> None:
    async with await sensed.client(Role.VIEWER) as client:
        answer = await client.get("/api/v1/analysis/baseline", params={**QUERY, "device": "nobody"})
    found = answer.json()
    assert answer.status_code == 200
    assert (found["hourly"]["fit"], found["daily"]["workday"]) == (None, None)
    assert found["hourly"]["reason"].startswith("0 hours with load and temperature are known")
    assert {row[1] for row in found["days"]} == {None}


async def test_a_file_gives_the_same_as_a_sensor_and_is_an_administrators(sensed: ConsoleApi) -> None:
    when, celsius = temperatures()
    rows = zip(when.tolist(), celsius.tolist(), strict=True)
    text = "at,celsius\n" + "".join(f"{each},{value!r}\n" for each, value in rows)
    address = "/api/v1/analysis/baseline"
    async with await sensed.client(Role.VIEWER) as client:
        by_sensor = (await client.get(address, params=QUERY)).json()
        assert (await client.post(address, params=QUERY, content=text)).status_code == 403
    async with await sensed.client() as client:
        assert (await client.post(address, params=QUERY, content=text)).json() == by_sensor
        broken = await client.post(address, params=QUERY, content=text + "yesterday,4\n")
        assert (broken.status_code, broken.json()["error"]["code"]) == (422, "bad_temperatures")
        assert str(len(when) + 2) in broken.json()["error"]["message"]
        assert (await client.post(address, params=QUERY, content=b"\xff\xfe")).status_code == 422
        half = await client.get(address, params={**QUERY, "report_from": "2026-04-13"})
        assert (half.status_code, half.json()["error"]["code"]) == (422, "bad_period")


async def test_a_file_that_is_brought_in_is_kept_and_fills_what_no_sensor_measured(sensed: ConsoleApi) -> None:
    when, celsius = temperatures()
    half = int(np.searchsorted(when, at("2026-04-01T00:00")))

    class Half(OneSensor):
        async def samples(self, wanted, to_at: int) -> Samples:
            return await super().samples(wanted, min(to_at, int(when[half])))

    text = "at,celsius\n" + "".join(
        f"{each},{value!r}\n" for each, value in zip(when.tolist(), celsius.tolist(), strict=True)
    )
    kept, address = "/api/v1/analysis/temperatures/east", "/api/v1/analysis/baseline"
    with pytest.MonkeyPatch.context() as patch:
        async with await sensed.client() as client:
            whole = (await client.get(address, params=QUERY)).json()
            patch.setattr("cloud.api.baseline.store_of", lambda services: Half())
            before = (await client.get(address, params=QUERY)).json()["temperature"]
            assert before["known"] < 0.8
            assert (await client.get(kept)).json()["count"] == 0
            made = await client.put(kept, content=text + f"{when[0]},\n")
            assert made.status_code == 200, made.text
            again = (await client.put(kept, content=text)).json()
            assert (again["count"], again["from"], again["until"]) == (len(when), int(when[0]), int(when[-1]))
            filled = (await client.get(address, params=QUERY)).json()
            assert filled["temperature"]["imported"] == pytest.approx(1 - before["known"], abs=0.002)
            assert filled["hourly"] == whole["hourly"]
            assert (await client.put(kept, content="at,celsius\n")).status_code == 422
            broken = await client.put(kept, content=text + "yesterday,4\n")
            assert (broken.status_code, broken.json()["error"]["code"]) == (422, "bad_temperatures")
    async with await sensed.client(Role.DISPATCHER) as client:
        assert (await client.put(kept, content=text)).status_code == 403
