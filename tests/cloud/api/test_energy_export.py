"""Energy as files: CSV and XLSX, tokens in addresses, reports by plan, what is odd at a site, records tried first."""

import io
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import openpyxl
import pytest

from cloud.registry.roles import Role
from cloud.registry.tariff_book import TariffUse
from cloud.registry.tokens import Scope
from cloud.reports.plan import Period, Plan, period_of
from cloud.settings import load_cloud
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, make_console
from tests.cloud.api.test_energy import DAY, DAYS, MIDNIGHT, ready
from tests.cloud.tariffs.material import tariff

__all__ = ["ready"]
EXPORT = "/api/v1/energy/export"


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[ConsoleApi]:
    """As the others', but with a data folder of its own: reports are files."""
    made = await make_console(api, load_cloud(None, data=str(tmp_path / "data")))
    yield made
    await made.features.close()


def table(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    text = answer.content.decode("utf-8")
    return [line.split(",") for line in text.removeprefix("\ufeff").splitlines()]


async def test_amounts_come_as_csv_that_excel_opens_and_missing_is_empty(ready: ConsoleApi) -> None:
    async with await ready.client(Role.VIEWER) as client:
        answer = await client.get(EXPORT, params={**DAYS, "meter": "main", "step": "1h"})
        assert answer.content.startswith(b"\xef\xbb\xbf")
        assert "attachment" in answer.headers["content-disposition"]
        head, *rows = table(answer)
        assert head[:5] == ["kind", "id", "name", "from_local", "from_utc"]
        value, quality, source = head.index("value"), head.index("quality"), head.index("source")
        assert len(rows) == 72
        assert (rows[0][value], rows[0][quality], rows[0][source]) == ("40.0", "good", "measured")
        lost = rows[50]
        assert (lost[value], lost[head.index("coverage")], lost[quality]) == ("", "0.0", "nothing known")
        bare = await client.get(EXPORT, params={**DAYS, "meter": "main", "bom": "false", "language": "zh"})
        assert not bare.content.startswith(b"\xef\xbb\xbf")
        assert "实测" in bare.text


async def test_spaces_are_the_sum_of_their_topmost_meters(ready: ConsoleApi) -> None:
    async with await ready.client(Role.VIEWER) as client:
        head, *rows = table(await client.get(EXPORT, params={**DAYS, "space": "*", "step": "total"}))
        found = {row[head.index("id")]: float(row[head.index("value")]) for row in rows}
        assert found == {"east": 2400.0, "b3": 2400.0}
        assert (await client.get(EXPORT, params={**DAYS, "space": "nowhere"})).status_code == 422


async def test_an_xlsx_holds_numbers_dates_and_no_formula(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        structure = (await client.get("/api/v1/energy/structure/east")).json()
        structure["structure"]["meters"][0]["name"] = "=HYPERLINK(1)"
        await client.put("/api/v1/energy/structure/east?rev=1", json=structure["structure"])
        answer = await client.get(EXPORT, params={**DAYS, "meter": "main", "format": "xlsx", "headings": "true"})
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        head = [cell.value for cell in sheet[1]]
        assert sheet.max_row == 4
        name = sheet.cell(2, head.index("Name") + 1)
        assert (name.value, name.data_type) == ("=HYPERLINK(1)", "s")
        value = sheet.cell(2, head.index("Value") + 1)
        assert (value.value, value.data_type) == (960, "n")
        assert sheet.cell(2, 4).is_date
        csv = await client.get(EXPORT, params={**DAYS, "meter": "main"})
        assert "'=HYPERLINK(1)" in csv.text


async def test_bills_balances_and_anomalies_are_tables_too(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        days = {"site": "east", "from": str(MIDNIGHT), "to": str(MIDNIGHT + 2 * DAY)}
        head, row, *_ = table(await client.get(EXPORT, params={**days, "what": "balance"}))
        assert float(row[head.index("gap")]) == 192
        assert row[head.index("verdict")] == "gap"
        assert (await client.get(EXPORT, params={**days, "what": "bill", "meter": "main"})).status_code == 422
        assert (await client.get(EXPORT, params={**days, "what": "bill"})).status_code == 422
        await ready.features.tariffs.desk.put("east", tariff(), by="test")
        await ready.features.tariffs.desk.put_uses("east", [TariffUse("east", "main", "simple")])
        head, *lines = table(await client.get(EXPORT, params={**days, "what": "bill", "meter": "main"}))
        amounts = [float(line[head.index("amount")]) for line in lines]
        assert sum(amounts[:-1]) == pytest.approx(amounts[-1])
        assert lines[-1][head.index("kind")] == "Total"
        odd = await client.get(EXPORT, params={**days, "what": "anomalies"})
        assert table(odd)[0][0] == "meter"


async def test_a_token_for_energy_reads_that_alone_and_is_good_in_an_address(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        made = (await client.post("/api/v1/tokens", json={"name": "Excel"})).json()
        assert made["for"] == "energy"
        listed = (await client.get("/api/v1/tokens")).json()["tokens"]
        assert made["token"] not in str(listed)
    transport = httpx.ASGITransport(ready.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as excel:
        asked = {**DAYS, "token": made["token"]}
        assert (await excel.get(EXPORT, params=asked)).status_code == 200
        assert (await excel.get("/api/v1/energy/totals", params=asked)).status_code == 401
        assert (await excel.get("/api/v1/state", params=asked)).status_code == 401
        assert (await excel.get(EXPORT, params={**DAYS, "token": "dayuan_" + "x" * 43})).status_code == 401
        whole = await ready.api.token(Role.ADMINISTRATOR)
        assert (await excel.get(EXPORT, params={**DAYS, "token": whole})).status_code == 401
        by_header = {"Authorization": f"Bearer {made['token']}"}
        assert (await excel.get("/api/v1/energy/totals", params=DAYS, headers=by_header)).status_code == 200
        for path in ("/api/v1/state", "/api/v1/sites", "/api/v1/tokens", "/metrics", "/api/v1/alarms"):
            assert (await excel.get(path, headers=by_header)).status_code == 403, path
        refused = await excel.put("/api/v1/energy/structure/east?rev=1", json={}, headers=by_header)
        assert refused.status_code == 403
        async with await ready.client() as client:
            assert (await client.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
            assert (await client.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404
        await ready.clock.advance(3)
        assert (await excel.get(EXPORT, params=asked)).status_code == 401


async def test_a_token_in_an_address_reaches_neither_route_nor_log(
    ready: ConsoleApi, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = await ready.api.tokens.add("excel", Role.VIEWER, scope=Scope.ENERGY)
    seen: list[bytes] = []

    async def watched(scope, receive, send):  # type: ignore[no-untyped-def]
        await ready.app(scope, receive, send)
        seen.append(scope["query_string"])

    caplog.set_level("DEBUG")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched), base_url="http://collector") as excel:
        answer = await excel.get(f"{EXPORT}?site=east&what=bill&meter=%E6%80%BB&token={secret}&from=x")
        assert answer.status_code == 422
        assert secret not in answer.text
    assert b"token" not in seen[0]
    assert b"meter=%E6%80%BB" in seen[0]
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [record for record in ours if secret in record.getMessage()]


async def test_reports_are_written_by_plan_and_missed_ones_later(ready: ConsoleApi) -> None:
    reports = ready.features.reports_of_energy.reports
    async with await ready.client() as client:
        assert (await client.get("/api/v1/energy/reports/east")).json()["reports"] == []
        plan = {"daily": True, "weekly": True, "hour": 6, "language": "zh"}
        answer = await client.put("/api/v1/energy/reports/east?rev=0", json=plan)
        assert answer.status_code == 200, answer.text
        assert answer.json()["next_at"] > ready.clock.now_ms()
        assert (await client.put("/api/v1/energy/reports/east?rev=0", json=plan)).status_code == 409
        assert (await client.put("/api/v1/energy/reports/east", json={"hour": 25})).status_code == 422
        assert await reports.round() == []
        await ready.clock.advance(3 * 86_400)
        written = await reports.round()
        assert [period.kind for _, period in written].count("daily") == 3
        assert await reports.round() == []
        listed = (await client.get("/api/v1/energy/reports/east")).json()["reports"]
        assert {"csv", "xlsx"} == set(listed[0]["files"])
        named = f"/api/v1/energy/reports/east/{listed[0]['name']}.xlsx"
        book = openpyxl.load_workbook(io.BytesIO((await client.get(named)).content))
        assert book.sheetnames[0] == "说明"
        assert (await client.get("/api/v1/energy/reports/east/daily-2020-01-01.csv")).status_code == 404
        assert (await client.get("/api/v1/energy/reports/east/..%2Fx.csv")).status_code in (404, 422)
        made = await client.post("/api/v1/energy/reports/east?kind=monthly&day=2026-09-15")
        assert (made.status_code, made.json()["name"]) == (201, "monthly-2026-09-01")
    async with await ready.client(Role.VIEWER) as viewer:
        assert (await viewer.put("/api/v1/energy/reports/east", json=plan)).status_code == 403


async def test_what_is_odd_at_a_site_is_one_line_a_fault(ready: ConsoleApi) -> None:
    watch = ready.features.reports_of_energy.watch
    async with await ready.client(Role.VIEWER) as client:
        first = (await client.get("/api/v1/analysis/findings", params={"site": "east"})).json()
        assert (first["ready"], first["findings"]) == (False, [])
        await watch.now("east")
        found = (await client.get("/api/v1/analysis/findings", params={"site": "east"})).json()
        assert (found["ready"], found["done"], found["of"]) == (True, 3, 3)
        assert all(each["episodes"] for each in found["findings"])
        assert (await client.get("/api/v1/analysis/findings", params={"site": "nowhere"})).status_code == 404
        asked = {"site": "east", "meter": "main", "from": "2026-09-21", "until": "2026-09-24"}
        rows = (await client.get("/api/v1/analysis/expected", params=asked)).json()["rows"]
        assert len(rows) == 3 * 96
        assert {row[2] for row in rows} == {None}


async def test_a_record_is_tried_before_it_is_made_and_nothing_is_stored(ready: ConsoleApi) -> None:
    struck = {"type": "struck", "since": MIDNIGHT, "until": MIDNIGHT + DAY}
    async with await ready.client() as client:
        answer = await client.post("/api/v1/energy/records/east/main/try", json=struck)
        assert answer.status_code == 200, answer.text
        assert [day["from"] for day in answer.json()["days"]] == [MIDNIGHT, MIDNIGHT + DAY]
        assert (await client.get("/api/v1/energy/records/east/main")).json()["records"] == []
        odd = await client.post("/api/v1/energy/records/east/main/try", json={**struck, "until": 0})
        assert (odd.status_code, odd.json()["error"]["code"]) == (422, "bad_record")
        assert (await client.post("/api/v1/energy/records/east/rest/try", json=struck)).status_code == 404
        await client.post("/api/v1/energy/records/east/main?why=seen", json=struck)
        await client.post("/api/v1/energy/records/east/hvac?why=seen%20too", json=struck)
        listed = (await client.get("/api/v1/energy/records/east")).json()["records"]
        assert [(each["meter"], each["why"]) for each in listed] == [("hvac", "seen too"), ("main", "seen")]


def test_periods_are_the_sites_and_named_by_their_first_day() -> None:
    assert period_of("weekly", date(2026, 11, 22)) == Period("weekly", date(2026, 11, 16), date(2026, 11, 23))
    assert period_of("monthly", date(2026, 12, 31)).until == date(2027, 1, 1)
    assert period_of("daily", date(2026, 11, 22)).name == "daily-2026-11-22"
    assert not Plan().wants("daily")
