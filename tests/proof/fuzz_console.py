"""What people give the console: whole sites, maps, floor plans, settings, rules and webhooks; and tariffs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cloud.alarms.rule import Rule
from cloud.alarms.webhook import Told, Webhook, accepted, address_fault, masked, prepare
from cloud.api.answers import ApiError
from cloud.api.maps import _image_kind
from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar, schedule_fault
from cloud.assets.import_csv import read_csv
from cloud.assets.import_toml import read_toml
from cloud.assets.map_rules import check_map
from cloud.assets.maps import SiteMaps
from cloud.assets.site_plan import SitePlan, compare
from cloud.dispatch.settings import DispatchSettings
from cloud.fleet.settings import FleetSettings
from cloud.geo.earth import Spot
from cloud.patrol.routes import Route, run_starts
from cloud.tariffs.tariff_file import from_json, parse_tariff
from protocols.errors import BadPayload, BadSettings
from protocols.settings import Document
from tests.proof.api_bodies import CSV, JPEG, MAP, ODD_ADDRESSES, PLANT, PNG, ROUTE, RULE
from tests.proof.fuzz_engine import Target
from tests.proof.fuzz_files import DEEP, SAMPLES, WIDE
from tests.proof.mutate import change_bytes, change_json, change_toml

NOW = 1_795_000_000_000
DAY_MS = 86_400_000
SITE = "east"
TARIFFS = Path(__file__).parents[2] / "cloud" / "tariffs" / "samples"
TOLD = Told(
    event="raised",
    at=NOW,
    alarm="12",
    kind="device_lost",
    priority=2,
    source="east/m1",
    since=NOW - 5,
    ended_at=None,
    text={"en": "east/m1 does not answer", "zh": "east/m1 无应答"},
)


def console_targets() -> list[Target]:
    """Each refuses with what it says of the input, or takes it and uses it once."""
    bad = (BadPayload,)
    whole = [*DEEP, WIDE[0], *WIDE[3:]]
    sites = [PLANT.encode(), (SAMPLES / "east-compound.toml").read_bytes(), *whole]
    tables = [
        CSV,
        CSV.replace(b",", b";"),
        b"\xef\xbb\xbf" + CSV,
        b'kind,id\n"' + b"a\n" * 200_000,
        b"," * 200_000,
        WIDE_TABLE,
    ]
    maps = [json.dumps(MAP).encode(), (SAMPLES / "east-compound-map.geojson").read_bytes(), *deep_json()]
    images = [PNG, JPEG, b"\xff\xd8" + b"\xff\xe0\0\2" * 500_000, b"\xff\xd8" + b"\xff" * 100_000]
    tariffs = [path.read_bytes() for path in sorted(TARIFFS.glob("*.toml"))]
    hook = {"webhook": {"id": "erp", "name": "ERP"}, "url": "https://erp/in", "secret": "s", "answer": '{"errcode":0}'}
    hooks = [json.dumps(hook | {"url": url}).encode() for url in ("https://erp/in?key=k", *ODD_ADDRESSES)]
    hooks += [json.dumps({**hook, "webhook": {**hook["webhook"], "format": form}}).encode() for form in ROBOTS]  # type: ignore[dict-item]
    settings = [b"{}", json.dumps(msgspec.to_builtins(DispatchSettings())).encode(), *deep_json()]
    fleet = [b"{}", json.dumps(msgspec.to_builtins(FleetSettings())).encode(), *deep_json()]
    rules = [json.dumps({"id": "r", **RULE}).encode(), *deep_json()]
    return [
        Target("site as TOML", sites, change_toml, refusing(use_site_toml), bad, share=0.03, slow_s=0.6),
        Target("site as CSV", tables, change_bytes, refusing(use_site_csv), bad, share=0.3, slow_s=0.3),
        Target("GeoJSON map", maps, change_json, refusing(use_map), bad, share=0.1, slow_s=0.3),
        Target("floor plan", images, change_bytes, refusing(use_image), bad),
        Target("webhook", hooks, change_json, refusing(use_hook), bad),
        Target("alarm rule", rules, change_json, refusing(use_rule), bad),
        Target("patrol route", [json.dumps(ROUTE).encode()], change_json, refusing(use_route), bad, share=0.3),
        Target("schedule", SCHEDULES, change_bytes, refusing(use_schedule), bad),
        Target("dispatch settings", settings, change_json, refusing(use_dispatch), bad),
        Target("fleet settings", fleet, change_json, refusing(use_fleet), bad),
        Target("tariff as TOML", [*tariffs, *DEEP], change_toml, use_tariff, (BadSettings,), share=0.02, slow_s=0.6),
        Target("tariff as JSON", tariffs_json(), change_json, refusing(use_tariff_json), bad, share=0.1, slow_s=0.3),
    ]


WIDE_TABLE = b"kind,id," + b",".join(b"x_%d" % n for n in range(50_000)) + b"\n" + b"room,r\n" * 100
ROBOTS = ("dingtalk", "wecom")
SCHEDULES = [b"workday 07:00-20:00", b"mon-fri 22:00-06:00", b"daily", b"sat 00:00-24:00", b"holiday 08:30-12:00"]


def deep_json() -> list[bytes]:
    return [b'{"a":' + b"[" * 100_000, b'{"a":' * 20_000, b'{"a":' + b"9" * 100_000, b'{"a": "' + b"\\u0041" * 20_000]


def tariffs_json() -> list[bytes]:
    made = [parse_tariff(Document(path.name, path.read_text("utf-8"))) for path in sorted(TARIFFS.glob("*.toml"))]
    return [*(msgspec.json.encode(each) for each in made), *deep_json()]


def refusing(use: Callable[[bytes], str]) -> Callable[[bytes], str]:
    """What refuses in one of the ways the API answers with 422 is refused."""

    def attempt(data: bytes) -> str:
        try:
            return use(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, ApiError) as error:
            raise BadPayload(type(error).__name__, str(error)) from None

    return attempt


def _any_json(data: bytes) -> Any:
    """Of nothing but brackets msgspec says that it is too deep with an error of its own, which the API answers too."""
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise BadPayload("deep", "") from None


class _Zone:
    def time_zone(self, site: str) -> str:
        del site
        return "Asia/Shanghai"


class _NoBook:
    """A roster that is only looked at needs none."""


def _compared(plan: SitePlan) -> str:
    roster, maps = AssetRoster(_NoBook()), SiteMaps()  # type: ignore[arg-type]
    if not plan.faults:
        plan.check(roster, maps)
    if plan.faults:
        fault = plan.faults[0]
        assert isinstance(fault.line, int) and fault.message
        raise BadPayload("plan", f"{fault.key} {fault.message}")
    found = compare(plan, roster, SiteCalendar(_Zone()), maps, [], remove=True)
    if found.change is not None and found.change.document is not None:
        maps.take(SITE, found.change.document, 1)
    assert json.dumps(msgspec.to_builtins([(asset.name, asset.facts) for asset, _ in plan.assets])).encode()
    return f"{min(len(found.created), 3)} {plan.days is not None} {plan.units is not None} {len(plan.places) > 0}"


def use_site_toml(data: bytes) -> str:
    return _compared(read_toml(data.decode("utf-8"), SITE))


def use_site_csv(data: bytes) -> str:
    return _compared(read_csv(data.decode("utf-8"), SITE))


def use_map(data: bytes) -> str:
    """What is taken can be drawn, and asked where something is."""
    document = _any_json(data)
    faults = check_map(document, [Spot(30.27, 120.15)])
    if faults:
        assert msgspec.json.encode([fault._asdict() for fault in faults])
        raise BadPayload("map", f"{faults[0].key} {faults[0].message}")
    maps = SiteMaps()
    maps.take(SITE, document, 1)
    where = maps.where(SITE, Spot(30.27, 120.15))
    assert msgspec.json.encode(maps.document(SITE))
    return f"{len(maps.fences(SITE)) > 0} {len(maps.roads(SITE)) > 0} {len(maps.places(SITE)) > 0} {where != ''}"


def use_image(data: bytes) -> str:
    kind, width, height = _image_kind(data)
    assert width >= 0 and height >= 0
    return kind


def use_hook(data: bytes) -> str:
    """Settings, address, secret and answer of a webhook: what is taken is signed, shown masked, and answered."""
    given = msgspec.convert(_any_json(data), dict[str, Any])
    webhook = msgspec.convert(given.get("webhook"), Webhook)
    url, secret, answer = (msgspec.convert(given.get(name), str) for name in ("url", "secret", "answer"))
    fault = address_fault(url)
    if fault is not None:
        raise BadPayload("url", fault)
    sent = prepare(webhook, url, secret, TOLD, delivery=7, at=NOW)
    assert sent.body.isascii() or sent.body.decode("utf-8")
    assert len(sent.body) < 8_000
    masked(url)
    return f"{webhook.format} {accepted(webhook, 200, answer.encode())}"


def use_rule(data: bytes) -> str:
    rule = msgspec.json.decode(data, type=Rule)
    fault = rule.fault()
    if fault is not None:
        raise BadPayload("rule", fault)
    return f"{rule.condition} {rule.kind}"


def use_route(data: bytes) -> str:
    """A route that is taken says when its runs begin."""
    route = msgspec.json.decode(data, type=Route)
    wrong = route.fault() or next((fault for day in route.days if (fault := schedule_fault(day))), None)
    if wrong:
        raise BadPayload("route", wrong)
    starts = list(run_starts(route, SiteCalendar(_Zone()), SITE, NOW, NOW + DAY_MS))
    assert starts == sorted(starts)
    return f"{min(len(starts), 3)} {route.ordered}"


def use_schedule(data: bytes) -> str:
    text = data.decode("utf-8")
    fault = schedule_fault(text)
    if fault is not None:
        raise BadPayload("schedule", fault)
    return f"{SiteCalendar(_Zone()).within(SITE, NOW, [text])}"


def use_dispatch(data: bytes) -> str:
    return f"{len(msgspec.json.decode(data, type=DispatchSettings).approval) > 0}"


def use_fleet(data: bytes) -> str:
    settings = msgspec.json.decode(data, type=FleetSettings)
    for text in (*settings.hours, *settings.overnight):
        if (fault := schedule_fault(text)) is not None:
            raise BadPayload("schedule", fault)
    return f"{settings.orders} {len(settings.seals) > 0}"


def use_tariff(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadSettings("not UTF-8", file="x", line=1, key="") from None
    tariff = parse_tariff(Document("x", text))
    return f"{min(len(tariff.version), 2)}"


def use_tariff_json(data: bytes) -> str:
    tariff, faults = from_json(data)
    if tariff is None:
        assert faults and all(fault.message for fault in faults)
        raise BadPayload("tariff", faults[0].message)
    return f"{min(len(tariff.version), 2)}"
