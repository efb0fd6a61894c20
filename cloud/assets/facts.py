"""What may be known of an asset, by kind: names, types and bounds of facts. One table; pages and importers read it.

A fact whose name begins with ``x_`` is the site's own: any text, number, true/false, or a list of texts.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeGuard

from cloud.assets.calendar import schedule_fault

FactType = Literal["text", "number", "whole", "flag", "texts", "choice", "schedule"]

TEXT_MAX = 200
TEXTS_MAX = 64


class Fact(NamedTuple):
    """One fact. low, high: bounds of a number. choices: of a choice."""

    type: FactType
    en: str
    zh: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    required: bool = False


class FactFault(NamedTuple):
    """What is wrong with a fact; ``allowed`` says what would be right."""

    fact: str
    message: str
    allowed: str = ""


_SPOT = {
    "latitude": Fact("number", "latitude (WGS-84)", "纬度（WGS-84）", -90, 90),
    "longitude": Fact("number", "longitude (WGS-84)", "经度（WGS-84）", -180, 180),
    "note": Fact("text", "note", "备注"),
}
_INSIDE = {"building": Fact("text", "building", "楼栋"), "floor": Fact("text", "floor", "楼层")}
_PERSON = _SPOT | {
    "number": Fact("text", "staff number", "工号"),
    "phone": Fact("text", "phone", "电话"),
    "cards": Fact("texts", "card keys", "卡片密钥"),
    "skills": Fact("texts", "skills", "技能"),
    "languages": Fact("texts", "languages", "语言"),
    "shift": Fact("schedule", "on duty", "班次"),
    "post": Fact("text", "post (a place)", "岗位（地点）"),
    "stale_after_s": Fact("number", "position is stale after, s", "位置失效时限（秒）", 1, 86_400 * 7),
}
_VEHICLE = _SPOT | {
    "plate": Fact("text", "plate", "车牌", required=True),
    "class": Fact(
        "choice",
        "class",
        "车型",
        choices=("sedan", "suv", "mpv", "van", "minibus", "bus", "truck", "pickup", "special", "cart"),
    ),
    "seats": Fact("whole", "seats for passengers", "载客座位", 1, 100),
    "skills": Fact("texts", "abilities", "能力"),
    "driver": Fact("text", "usual driver", "常用司机"),
    "driver_phone": Fact("text", "driver's phone", "司机电话"),
    "fuel": Fact("choice", "fuel", "动力", choices=("petrol", "diesel", "electric", "hybrid", "gas")),
    "home": Fact("text", "where it parks overnight (fence or place)", "定点停放（围栏或地点）"),
    "areas": Fact("texts", "where it may go without asking (fences)", "允许区域（围栏）"),
    "shift": Fact("schedule", "may be used", "可用时间"),
    "sealed_on_holidays": Fact("flag", "stays in on holidays", "节假日封存"),
    "out_of_service": Fact("text", "out of service, because", "停用原因"),
    "out_of_service_until": Fact("whole", "out of service until, ms", "停用至（毫秒）", 0, 253_402_300_800_000),
    "stale_after_s": Fact("number", "not contactable after, s", "失联时限（秒）", 1, 86_400 * 7),
    "odometer_offset_km": Fact("number", "odometer offset, km", "里程表偏移（公里）", -1e7, 1e7),
}
_ROOM = (
    _SPOT
    | _INSIDE
    | {
        "capacity": Fact("whole", "seats", "座位", 1, 5_000, required=True),
        "equipment": Fact("texts", "equipment", "设备"),
        "open": Fact("schedule", "may be booked", "可预约时间"),
        "approval": Fact("flag", "booking needs approval", "预约需审批"),
        "out_of_service": Fact("text", "out of service, because", "停用原因"),
        "no_show_after_min": Fact("number", "released when nobody came within, min", "未到自动释放（分钟）", 1, 240),
        "sign_in": Fact("choice", "signs in by", "签到方式", choices=("card", "presence", "either", "none")),
    }
)
_DOOR = (
    _SPOT
    | _INSIDE
    | {
        "gate": Fact("flag", "a gate of the compound", "大门"),
        "held_after_s": Fact("number", "held open after, s", "开门超时（秒）", 1, 86_400),
        "may_stand_open": Fact("schedule", "may stand open", "允许常开时间"),
        "lanes": Fact("whole", "lanes", "通道数", 1, 64),
        "direction": Fact("choice", "direction", "方向", choices=("in", "out", "both")),
        "free_exit": Fact("flag", "a button inside opens it", "内侧按钮可自由外出"),
        "denied_burst": Fact("whole", "refusals within a minute that are an alarm", "一分钟内拒绝次数告警", 2, 1_000),
        "card_level": Fact("whole", "assurance a card must have (1 to 3)", "卡片最低可信等级（1 至 3）", 1, 3),
        "passback": Fact("choice", "anti-passback", "防反传", choices=("off", "soft", "hard")),
        "forgiven_min": Fact("whole", "anti-passback forgets after, min", "防反传解除时间（分钟）", 0, 10_080),
    }
)
_READER = (
    _SPOT
    | _INSIDE
    | {
        "door": Fact("text", "door it belongs to", "所属门"),
        "room": Fact("text", "room it belongs to", "所属会议室"),
        "vehicle": Fact("text", "vehicle it is in", "所在车辆"),
        "checkpoint": Fact("text", "patrol checkpoint it is at", "巡更点"),
        "direction": Fact("choice", "direction", "方向", choices=("in", "out", "both")),
    }
)
_METER = _SPOT | _INSIDE | {"circuit": Fact("text", "circuit", "回路"), "parent": Fact("text", "meter above", "上级表")}
_GATEWAY = (
    _SPOT
    | _INSIDE
    | {"gateway": Fact("text", "its id on the wire, when it is another", "网关编号（与资产编号不同时）")}
)

FACTS: dict[str, dict[str, Fact]] = {
    "vehicle": _VEHICLE,
    "room": _ROOM,
    "guard": _PERSON,
    "technician": _PERSON,
    "driver": _PERSON | {"licence": Fact("text", "licence", "准驾车型")},
    "door": _DOOR,
    "reader": _READER,
    "meter": _METER,
    "gateway": _GATEWAY,
}
"""Facts by kind of asset."""


def check_facts(kind: str, facts: Mapping[str, object]) -> list[FactFault]:
    """Everything that is wrong with the facts of an asset; empty when all is well. ``kind`` is one of ``FACTS``."""
    known = FACTS[kind]
    faults = [
        FactFault(name, "missing", _shape(fact))
        for name, fact in known.items()
        if fact.required and facts.get(name) in (None, "")
    ]
    for name, value in facts.items():
        fact = known.get(name)
        if fact is None and name.startswith("x_"):
            faults += _check_own(name, value)
        elif fact is None:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"unknown fact of a {kind}; did you mean {near[0]!r}?" if near else f"unknown fact of a {kind}"
            faults.append(FactFault(name, hint, f"{', '.join(sorted(known))}, x_..."))
        elif (wrong := _fault(fact, value)) is not None:
            faults.append(FactFault(name, wrong, _shape(fact)))
    if ("latitude" in facts) != ("longitude" in facts):
        lacking = "longitude" if "latitude" in facts else "latitude"
        faults.append(FactFault(lacking, "latitude and longitude come together", _shape(known[lacking])))
    return faults


def _check_own(name: str, value: object) -> list[FactFault]:
    if isinstance(value, list):
        wrong = _texts_fault(value)
    elif isinstance(value, str):
        wrong = _text_fault(value)
    elif isinstance(value, bool) or _is_number(value):
        wrong = None
    else:
        wrong = f"{_spell(value)} cannot be kept"
    return [FactFault(name, wrong, "a text, a number, true, false, or a list of texts")] if wrong else []


def _fault(fact: Fact, value: object) -> str | None:
    match fact.type:
        case "text":
            return _text_fault(value)
        case "texts":
            return _texts_fault(value)
        case "schedule":
            return _texts_fault(value) or _schedule_fault(value)
        case "flag":
            return None if isinstance(value, bool) else f"{_spell(value)} is neither true nor false"
        case "choice":
            return None if value in fact.choices else f"{_spell(value)} is not allowed"
        case _:
            return _number_fault(fact, value)


def _number_fault(fact: Fact, value: object) -> str | None:
    if not _is_number(value):
        return f"{_spell(value)} is no number"
    if fact.type == "whole" and not isinstance(value, int):
        return f"{value} is no whole number"
    return None if fact.low <= value <= fact.high else f"{value} is out of range"


def _is_number(value: object) -> TypeGuard[int | float]:
    """True for what can be kept as a number and counted with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)


def _text_fault(value: object) -> str | None:
    if not isinstance(value, str):
        return f"{_spell(value)} is no text"
    if len(value) > TEXT_MAX:
        return f"longer than {TEXT_MAX} characters"
    return None if value.isprintable() else f"{_spell(value)} has characters that cannot be shown"


def _texts_fault(value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return f"{_spell(value)} is no list of texts"
    if len(value) > TEXTS_MAX:
        return f"{len(value)} texts, at most {TEXTS_MAX}"
    return next((wrong for each in value if (wrong := _text_fault(each)) is not None), None)


def _schedule_fault(value: object) -> str | None:
    texts = value if isinstance(value, list | tuple) else ()
    return next((wrong for each in texts if (wrong := schedule_fault(str(each))) is not None), None)


def _shape(fact: Fact) -> str:
    match fact.type:
        case "choice":
            return ", ".join(fact.choices)
        case "number" | "whole":
            word = "a whole number" if fact.type == "whole" else "a number"
            return f"{word} from {fact.low:g} to {fact.high:g}" if math.isfinite(fact.low + fact.high) else word
        case "schedule":
            return 'a list like ["mon-fri 08:00-18:00", "workday 07:30-19:00", "daily"]'
        case other:
            return {"text": "a text", "texts": "a list of texts", "flag": "true or false"}[other]


def _spell(value: object) -> str:
    return repr(value)[:60]
