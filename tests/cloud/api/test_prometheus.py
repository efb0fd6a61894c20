"""Prometheus' HTTP API over the real store, asked as Grafana asks."""

from urllib.parse import urlencode

import numpy as np
import pytest

from cloud.registry.roles import Role
from cloud.store.contract import SeriesKey
from protocols.birth import Birth, DeviceBirth, PointBirth
from tests.cloud.api.conftest import KEY, SERIES, START, Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

ROOT = "/api/v1/prometheus/api/v1"
POWER = 'dayuan_active_power_total{device="m1"}'


@pytest.fixture
async def metered(console: ConsoleApi, api: Api) -> ConsoleApi:
    """An hour of power each minute, and a counter beside it; then silence."""
    points = [
        PointBirth("active_power_total", "W", "gauge", 120.0),
        PointBirth("active_energy_import", "kWh", "counter", 900.0),
    ]
    device = DeviceBirth("m1", "Main meter", "meter", "", "", 60.0, 120.0, points)
    birth = Birth(
        site="east", gateway="b3", name="", site_name="", time_zone="Asia/Shanghai", software="", config_hash="",
        session=1, started_at=1, devices=[device],
    )  # fmt: skip
    await api.inventory.born(KEY, birth, START)
    at = START + np.arange(60) * 60_000
    api.put(at, np.arange(60) * 10.0, key=SERIES)
    api.put(at, 1000 + np.arange(60) * 0.5, key=SeriesKey("east", "m1", "active_energy_import"))
    api.put(at, np.full(60, 7.0), key=SeriesKey("east", "m2", "active_power_total"))
    return console


async def ask(console: ConsoleApi, path: str, post: bool = False, **asked: object) -> dict[str, object]:
    client = await console.client(Role.VIEWER)
    sent = {name.rstrip("_"): str(value) for name, value in asked.items()}
    if "match" in sent:
        sent["match[]"] = sent.pop("match")
    answer = await (client.post(ROOT + path, data=sent) if post else client.get(ROOT + path, params=sent))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "success"
    return body["data"]  # type: ignore[no-any-return]


async def test_the_newest_value_is_answered_and_a_stale_one_is_not(metered: ConsoleApi) -> None:
    last_s = START // 1000 + 59 * 60
    fresh = await ask(metered, "/query", query=POWER, time=last_s + 120)
    assert fresh["resultType"] == "vector"
    assert fresh["result"] == [
        {
            "metric": {
                "__name__": "dayuan_active_power_total",
                "device": "m1",
                "kind": "meter",
                "name": "Main meter",
                "site": "east",
                "unit": "W",
            },
            "value": [last_s + 120, "590"],
        }
    ]
    assert (await ask(metered, "/query", query=POWER, time=last_s + 120.001))["result"] == []


async def test_a_range_of_instants_is_answered_by_get_and_by_a_form(metered: ConsoleApi) -> None:
    begin = START // 1000
    asked = {"query": f"sum({POWER}) / 1000", "start": begin, "end": begin + 7_200, "step": "600"}
    by_get = await ask(metered, "/query_range", **asked)
    by_post = await ask(metered, "/query_range", post=True, **asked)
    assert by_get == by_post
    (line,) = by_get["result"]  # type: ignore[misc]
    assert line["metric"] == {}  # type: ignore[index]
    assert line["values"][:3] == [[begin, "0"], [begin + 600, "0.1"], [begin + 1200, "0.2"]]  # type: ignore[index]
    assert line["values"][-1][0] == begin + 3_600, "silence is a gap"  # type: ignore[index]


async def test_what_a_counter_counted_in_an_hour_is_answered(metered: ConsoleApi) -> None:
    made = await ask(metered, "/query", query="increase(dayuan_active_energy_import[1h])", time=START // 1000 + 3_540)
    (line,) = made["result"]  # type: ignore[misc]
    assert line["value"][1] == "29.5"  # type: ignore[index]
    raw = await ask(metered, "/query", query=f"{POWER}[3m]", time=START // 1000 + 600)
    assert raw["resultType"] == "matrix"
    assert [value for _, value in raw["result"][0]["values"]] == ["80", "90", "100"]  # type: ignore[index]


async def test_grafana_finds_metrics_labels_and_their_values(metered: ConsoleApi) -> None:
    assert await ask(metered, "/labels") == ["__name__", "device", "kind", "name", "site", "unit"]
    names = await ask(metered, "/label/__name__/values", match='{site="east"}')
    assert names == ["dayuan_active_energy_import", "dayuan_active_power_total"]
    assert await ask(metered, "/label/device/values", match="dayuan_active_power_total") == ["m1", "m2"]
    assert await ask(metered, "/label/nothing/values") == []
    found = await ask(metered, "/series", match='{device=~"m1|m3"}')
    assert len(found) == 2
    metadata = await ask(metered, "/metadata")
    assert metadata["dayuan_active_energy_import"][0]["type"] == "counter"  # type: ignore[index]
    assert metadata["dayuan_active_energy_import"][0]["unit"] == "kWh"  # type: ignore[index]
    assert (await ask(metered, "/status/buildinfo"))["version"]
    assert (await ask(metered, "/query", post=True, query="1+1"))["result"][1] == "2"  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "asked", "says"),
    [
        ("/query", {}, "query is missing"),
        ("/query", {"query": "topk(3, x)"}, "no such function"),
        ("/query", {"query": "x", "time": "yesterday"}, "no instant"),
        ("/query", {"query": "x", "time": "1e300"}, "between the years"),
        ("/query", {"query": "rate(dayuan_active_power_total[5m])"}, "is of counters"),
        ("/query", {"query": "avg_over_time(dayuan_active_power_total[5y])"}, "series times days"),
        ("/query_range", {"query": "x", "start": 0, "end": 10**9, "step": 1}, "longer step"),
        ("/query_range", {"query": "x", "start": 10, "end": 5, "step": 1}, "end is before start"),
        ("/query_range", {"query": "x", "start": 1, "end": 5, "step": "0"}, "no length"),
        ("/query_range", {"query": "x", "start": 1, "end": 5, "step": "nan"}, "no length"),
        ("/series", {}, "match[] is missing"),
        ("/series", {"match[]": "1"}, "no selector"),
        ("/labels", {"match[]": '{site=~"(a+)+"}'}, "the pattern"),
    ],
)
async def test_what_is_not_answered_is_refused_in_prometheus_shape(
    metered: ConsoleApi, path: str, asked: dict[str, object], says: str
) -> None:
    client = await metered.client(Role.VIEWER)
    answer = await client.get(ROOT + path, params={name: str(value) for name, value in asked.items()})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (422, "error")
    assert body["errorType"] in ("bad_data", "execution")
    assert says in body["error"]


async def test_it_is_shut_to_who_may_not_read(metered: ConsoleApi) -> None:
    for post in (False, True):
        client = await metered.client(Role.REQUESTER)
        answer = await (client.post if post else client.get)(f"{ROOT}/query?query=1")
        assert answer.status_code == 403
        async with metered.api.client(app=metered.app) as nobody:
            assert (await (nobody.post if post else nobody.get)(f"{ROOT}/query?query=1")).status_code == 401


async def test_somebody_of_one_site_finds_only_what_is_there(metered: ConsoleApi, api: Api) -> None:
    at = START + np.arange(60) * 60_000
    api.put(at, np.full(60, 5.0), key=SeriesKey("west", "m9", "active_power_total"))
    asked = {"query": "count(dayuan_active_power_total)", "time": str(START // 1000 + 59 * 60)}
    asked |= {"match[]": '{__name__=~"dayuan_.*"}'}
    for site, count, devices in (("west", "1", ["m9"]), ("east", "2", ["m1", "m2"])):
        token = await api.token(Role.VIEWER, site)
        async with api.client(app=metered.app, token=token) as client:
            for ask_it in (client.get, client.post):
                answer = (await ask_it(f"{ROOT}/query?{urlencode(asked)}")).json()
                assert answer["data"]["result"][0]["value"][1] == count
                series = (await ask_it(f"{ROOT}/series?{urlencode(asked)}")).json()["data"]
                assert {one["site"] for one in series} == {site}
            assert (await client.get(f"{ROOT}/label/device/values")).json()["data"] == devices
            form = await client.post(f"{ROOT}/query", data={**asked, "query": 'dayuan_active_power_total{site=~".+"}'})
            assert {one["metric"]["site"] for one in form.json()["data"]["result"]} == {site}
            other = "east" if site == "west" else "west"
            assert (await client.get(f"{ROOT}/labels?site={other}")).status_code == 403
