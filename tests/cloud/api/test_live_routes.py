"""The state in one answer, the lists, metrics, the description of it all, and the pages' files."""

import re

import numpy as np
import pytest

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.roles import Role
from tests.cloud.api.conftest import START, Api


async def read(api: Api, value: float, at: int = START, device: str = "m1") -> None:
    batch = CommittedBatch(
        site="east",
        gateway="b3",
        epoch="e",
        seq=1,
        received_at=api.clock.now_ms(),
        stored_at=api.clock.now_ms(),
        series=api.series.table("east", [(device, "active_power_total")], device.encode()),
        at=np.array([at], np.int64),
        value=np.array([value]),
        quality=np.zeros(1, np.uint8),
        events=[],
        refused=0,
        wire_bytes=1,
    )
    await api.live.committed(Committed([batch]))


async def test_the_state_has_every_entity_with_age_and_quality(api: Api) -> None:
    await read(api, 8123.5)
    async with api.client(token=await api.token()) as client:
        answer = (await client.get("/api/v1/state")).json()
    assert answer["as_of"] == api.clock.now_ms()
    meter = next(entity for entity in answer["entities"] if entity["id"] == "east/m1")
    assert meter["observed_at"] == START
    assert meter["points"]["active_power_total"] == {
        "value": 8123.5,
        "unit": "W",
        "kind": "gauge",
        "quality": "good",
        "reason": "",
        "observed_at": START,
        "received_at": api.clock.now_ms(),
        "stale_after_s": 900.0,
        "label": None,
    }


async def test_the_state_is_not_sent_again_while_nothing_changed(api: Api) -> None:
    await read(api, 1.0)
    async with api.client(token=await api.token()) as client:
        tag = (await client.get("/api/v1/state")).headers["etag"]
        again = await client.get("/api/v1/state", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        await read(api, 2.0, START + 1)
        changed = await client.get("/api/v1/state", headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


async def test_the_state_can_be_narrowed(api: Api) -> None:
    await read(api, 1.0)
    async with api.client(token=await api.token()) as client:
        for query, count in (("kind=gateway", 1), ("kind=device", 1), ("site=east", 2), ("site=west", 0)):
            assert len((await client.get(f"/api/v1/state?{query}")).json()["entities"]) == count, query


async def test_lists_name_what_there_is(api: Api) -> None:
    await read(api, 1.0)
    async with api.client(token=await api.token()) as client:
        sites = (await client.get("/api/v1/sites")).json()["sites"]
        assert sites == [{"id": "east", "name": "east", "time_zone": "Asia/Shanghai", "gateways": 1, "devices": 1}]
        devices = (await client.get("/api/v1/devices")).json()["devices"]
        assert devices[0]["announced"] is False
        assert devices[0]["points"][0]["unit"] == "W"
        gateways = (await client.get("/api/v1/gateways")).json()["gateways"]
        assert (gateways[0]["id"], gateways[0]["stored_readings"], gateways[0]["refused"]) == ("b3", 300, {"clock": 2})
        one = (await client.get("/api/v1/gateways/east/b3")).json()
        assert one["ranges"] == {"e": [[1, 6]]}
        assert one["fences"][0]["seq"] == 7
        assert (await client.get("/api/v1/gateways/east/none")).json()["error"]["code"] == "unknown_gateway"


async def test_alarms_are_listed_in_both_languages(api: Api) -> None:
    api.alarms.raise_alarm("gateway_offline", "east/b3", {})
    api.alarms.raise_alarm("disk_full", "collector", {"free": "5 MiB"})
    api.alarms.clear_alarm("gateway_offline", "east/b3")
    async with api.client(token=await api.token()) as client:
        active = (await client.get("/api/v1/alarms")).json()["alarms"]
        # What returned to normal and nobody has seen waits for somebody.
        assert [(alarm["kind"], alarm["active"]) for alarm in active] == [
            ("disk_full", True),
            ("gateway_offline", False),
        ]
        assert set(active[0]["text"]) == {"en", "zh"}


async def test_metrics_are_prometheus_text(api: Api) -> None:
    await read(api, 1.0)
    async with api.client(token=await api.token()) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = set()
    for line in answer.text.splitlines():
        if line.startswith("#"):
            names.add(line.split()[2])
        else:
            name, value = line.rsplit(" ", 1)
            float(value)
            assert name.split("{")[0] in names
    assert 'dayuan_gateway_readings_total{site="east",gateway="b3"} 300' in answer.text
    assert 'dayuan_gateway_readings_refused_total{site="east",gateway="b3",reason="clock"} 2' in answer.text
    assert "dayuan_ingest_commit_seconds 0.0125" in answer.text
    assert {"process_resident_memory_bytes", "dayuan_sse_clients"} <= names


async def test_every_route_is_described_with_an_example_or_a_summary(api: Api) -> None:
    async with api.client(token=await api.token(Role.VIEWER)) as client:
        described = (await client.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/state", "/api/v1/stream", "/api/v1/readings", "/api/v1/session", "/metrics"} <= set(
        described["paths"]
    )
    for path, methods in described["paths"].items():
        for method, facts in methods.items():
            assert facts.get("description"), (method, path)
    example = described["paths"]["/api/v1/state"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    assert example["entities"]


async def test_pages_are_served_with_tags_and_compressed(api: Api) -> None:
    async with api.client() as client:
        index = await client.get("/")
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        assert index.headers["content-encoding"] == "gzip"
        assert "script-src 'self'" in index.headers["content-security-policy"]
        again = await client.get("/", headers={"If-None-Match": index.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        script = await client.get("/web/app/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["cache-control"] == "no-cache"
        (api.web / "app" / "main.js").write_text("export const a = 22;\n")
        assert "22" in (await client.get("/web/app/main.js")).text


async def test_the_index_names_every_module_at_an_address_that_is_kept_for_ever(api: Api) -> None:
    (api.web / "index.html").write_text('<head><script type="module" src="/web/app/main.js"></script></head>')
    (api.web / "app" / "main.js").write_text('import { b } from "./b.js";\nimport {\n  c,\n} from "../x/c.js";\n')
    (api.web / "app" / "b.js").write_text('export { c } from "../x/c.js";\nimport "./gone.js";\n')
    (api.web / "x").mkdir()
    (api.web / "x" / "c.js").write_text("export const c = 1;\n")
    async with api.client() as client:
        first = (await client.get("/")).text
        assert (await client.get("/")).headers["cache-control"] == "no-cache"
        (base,) = set(re.findall(r"/web/v/[0-9a-f]{16}/", first))
        assert f'src="{base}app/main.js"' in first
        ahead = re.findall(r'<link rel="modulepreload" href="([^"]+)">', first)
        assert ahead == [base + name for name in ("app/main.js", "app/b.js", "x/c.js")]
        module = await client.get(f"{base}x/c.js")
        assert (module.text, module.headers["cache-control"]) == (
            "export const c = 1;\n",
            "public, max-age=31536000, immutable",
        )
        (api.web / "x" / "c.js").write_text("export const c = 22;\n")
        second = (await client.get("/")).text
        assert base not in second
        old = await client.get(f"{base}x/c.js")
        assert (old.text, old.headers["cache-control"]) == ("export const c = 22;\n", "no-cache")
        assert (await client.get("/web/v/0123456789abcdef/../tools/secret.js")).status_code in (401, 404)


@pytest.mark.parametrize(
    "path",
    [
        "../outside.js",
        "v/0123456789abcdef/../../outside.js",
        "v/0123456789abcdef/tools/secret.js",
        "v/0123456789abcdef/",
        "v/x/app/main.js",
        "..%2foutside.js",
        "%2e%2e/outside.js",
        "app/../../outside.js",
        "link.js",
        "tools/secret.js",
        "app/notes.md",
        "app",
        "app/",
        "",
        ".",
        "app//main.js",
        "app/main.js%00.js",
        "..\\outside.js",
        "/etc/passwd",
        "app/main.js/x.js",
        "x" * 5000 + ".js",
    ],
)
async def test_nothing_but_the_pages_files_is_served(api: Api, path: str) -> None:
    async with api.client() as client:
        answer = await client.get(f"http://collector/web/{path}")
    assert answer.status_code in (401, 404)
    assert answer.text != "no"
