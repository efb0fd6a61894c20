"""History by API: bounds, steps, pages, formats, and how fast a year comes."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.sheets.csv_text import csv_bytes, local_texts
from cloud.store.contract import ROLLUP_COLUMNS, Page, ReadingsQuery
from protocols.reading import Event
from tests.cloud.api.conftest import START, Api

URL = "/api/v1/readings?site=east&device=m1&point=active_power_total"


@pytest.fixture
async def hour(api: Api) -> Api:
    """An hour of readings, one each 10 s, from START."""
    at = START + np.arange(360) * 10_000
    api.put(at, np.arange(360.0), [Event("gate", "card_read", START + 5, {"card_key": "=cmd|x"})])
    return api


async def test_bounds_are_half_open_in_ms_and_in_iso(hour: Api) -> None:
    iso = datetime.fromtimestamp(START / 1000, UTC).isoformat()
    iso_z = iso.replace("+00:00", "Z")
    async with hour.client(token=await hour.token()) as client:
        answer = (await client.get(f"{URL}&from={START}&to={START + 20_000}")).json()
        assert answer["columns"] == ["at", "value", "quality", "reason"]
        assert answer["rows"] == [[START, 0.0, "good", ""], [START + 10_000, 1.0, "good", ""]]
        assert answer["series"] == {
            "site": "east",
            "device": "m1",
            "point": "active_power_total",
            "unit": "W",
            "kind": "gauge",
        }
        for written in (iso_z, iso, iso.replace("+", "%2B")):
            again = (await client.get(f"{URL}&from={written}&to={START + 20_000}")).json()
            assert again["rows"] == answer["rows"]


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("from=yesterday", "bad_time", "from"),
        ("from=2026-01-01T00:00:00", "bad_time", "no zone"),
        ("from=-5", "bad_time", "1970"),
        ("to=999999999999999", "bad_time", "9999"),
        (f"from={START}&to={START}", "bad_period", "before"),
        ("step=5m", "bad_request", "step"),
        ("format=xml", "bad_request", "format"),
        ("limit=0", "bad_request", "limit"),
        ("limit=100001", "bad_request", "limit"),
        ("step=1h&origin=1", "bad_request", "origin"),
        ("next=nonsense", "bad_request", "next"),
    ],
)
async def test_a_wrong_query_is_told_what_where_and_what_would_be_right(
    hour: Api, query: str, code: str, says: str
) -> None:
    async with hour.client(token=await hour.token()) as client:
        answer = await client.get(f"{URL}&{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, code)
    assert says in error["message"]


async def test_a_misspelt_name_is_an_error_with_a_hint(hour: Api) -> None:
    async with hour.client(token=await hour.token()) as client:
        answer = await client.get("/api/v1/readings?site=east&device=nope&point=active_power_total")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_device")
        assert (await client.get("/api/v1/readings?site=east")).status_code == 422


async def test_pages_lead_through_everything_exactly_once(hour: Api) -> None:
    seen: list[int] = []
    following = ""
    async with hour.client(token=await hour.token()) as client:
        while True:
            answer = (await client.get(f"{URL}&from={START}&to={START + 3_600_000}&limit=77{following}")).json()
            seen += [row[0] for row in answer["rows"]]
            assert len(answer["rows"]) <= 77
            if answer["next"] is None:
                break
            following = f"&next={answer['next']}"
    assert seen == [START + 10_000 * step for step in range(360)]


async def test_a_roll_up_has_its_columns_and_a_raw_reading_its_origin(hour: Api) -> None:
    async with hour.client(token=await hour.token()) as client:
        rolled = (await client.get(f"{URL}&from={START - 900_000}&to={START + 3_600_000}&step=15m")).json()
        assert rolled["columns"] == ["at", "min", "max", "mean", "last", "count", "coverage"]
        assert sum(row[5] for row in rolled["rows"]) == 360
        raw = (await client.get(f"{URL}&from={START}&to={START + 10_000}&origin=1")).json()
        assert raw["columns"][4:] == ["gateway", "epoch", "seq", "received_at"]
        assert raw["rows"][0][4:7] == ["b3", "e", 1]


async def test_csv_opens_in_a_spreadsheet_with_local_time_and_harms_nobody(hour: Api) -> None:
    async with hour.client(token=await hour.token()) as client:
        answer = await client.get(f"{URL}&from={START}&to={START + 20_000}&format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="east_m1_active_power_total_raw.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["at_local", "at_utc", "value [W]", "quality", "reason"]
    local, utc = datetime.fromisoformat(rows[1][0]), datetime.fromisoformat(rows[1][1])
    assert local == utc
    assert rows[1][0].endswith("+08:00")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    written = csv_bytes(["a"], [[text, -1.5, None, 'say "x", y']]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(written)))
    assert rows[1] == ["'" + text]
    assert rows[2] == ["-1.5"], "numbers stay numbers"
    assert rows[4] == ['say "x", y']


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]
)
def test_local_times_are_those_of_the_zone_through_a_whole_year(zone: str) -> None:
    begin = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    at = begin + np.arange(365 * 96) * 900_000 + 7
    written = local_texts(at, zone)
    for place in range(0, len(at), 11):
        truth = datetime.fromtimestamp(int(at[place]) / 1000, ZoneInfo(zone))
        assert written[place] == truth.isoformat(timespec="milliseconds")
    assert local_texts(np.array([], np.int64), zone) == []


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    before = int(datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC).timestamp() * 1000)
    written = local_texts(np.array([before, before + 1001]), "Europe/Berlin")
    assert written == ["2026-10-25T02:59:59.000+02:00", "2026-10-25T02:00:00.001+01:00"]


async def test_events_are_listed_with_where_they_came_from(hour: Api) -> None:
    async with hour.client(token=await hour.token()) as client:
        answer = (await client.get(f"/api/v1/events?from={START}&to={START + 10}&kind=card_read")).json()
        assert answer["rows"][0][:5] == [START + 5, "east", "gate", "card_read", {"card_key": "=cmd|x"}]
        none = (await client.get(f"/api/v1/events?from={START}&to={START + 10}&device=other")).json()
        assert none["rows"] == []


async def test_a_year_of_quarter_hours_comes_whole_in_one_answer(api: Api) -> None:
    year = 365 * 96
    rng = np.random.default_rng(1)
    numbers = [rng.random(year).tolist() for _ in range(4)]
    at = (START + np.arange(year) * 900_000).tolist()
    rows: list[tuple[object, ...]] = list(zip(at, *numbers, [90] * year, [1.0] * year, strict=True))

    async def whole_year(query: ReadingsQuery) -> Page:
        return Page(ROLLUP_COLUMNS, rows, None)

    api.put(np.array([START]), np.array([1.0]))
    api.store.readings = whole_year  # type: ignore[method-assign]
    async with api.client(token=await api.token()) as client:
        answer = await client.get(f"{URL}&step=15m&from={START}&to={START + 1}")
        assert len(answer.json()["rows"]) == year
