"""The kinds of events and the fields of each: the one list that gateway, collector and pages go by."""

import math
from typing import NamedTuple

from protocols.reading import Event, is_id

TEXT, COUNT, NUMBER, FLAG = "text", "count", "number", "flag"

_TYPES: dict[str, tuple[type, ...]] = {TEXT: (str,), COUNT: (int,), NUMBER: (int, float), FLAG: (bool,)}

GATEWAY_DEVICE = "gateway"
"""The device id under which a gateway reports events about itself."""


class EventKind(NamedTuple):
    """How a person calls the kind, and which fields its ``data`` may have (all optional unless in ``required``)."""

    en: str
    zh: str
    fields: dict[str, str]
    required: tuple[str, ...] = ()


_DECISION = {
    "card_key": TEXT,
    "door": TEXT,
    "reason": TEXT,
    "person": COUNT,
    "direction": TEXT,
    "passback": TEXT,
    "level": COUNT,
    "list": COUNT,
    "decision_ms": NUMBER,
    "strike": TEXT,
    "detail": TEXT,
    "waited_ms": COUNT,
}
"""``list``: the number of the grant list; ``strike``: what became of the pulse: done, unknown, refused."""

EVENT_KINDS: dict[str, EventKind] = {
    "card_read": EventKind(
        "card read",
        "刷卡",
        {"card_key": TEXT, "reader": TEXT, "known": FLAG, "access": TEXT, "door": TEXT, "observed": TEXT},
        ("card_key",),
    ),
    "plate_read": EventKind(
        "plate read", "识别车牌", {"plate": TEXT, "direction": TEXT, "gate": TEXT, "confidence": NUMBER}, ("plate",)
    ),
    "access_granted": EventKind("access granted", "准许通行", _DECISION),
    "access_denied": EventKind("access denied", "拒绝通行", _DECISION),
    "door_opened": EventKind("door opened", "门已打开", {"door": TEXT}),
    "door_closed": EventKind("door closed", "门已关闭", {"door": TEXT}),
    "door_forced": EventKind("door forced", "门被强开", {"door": TEXT}),
    "door_held": EventKind("door held open", "门开超时", {"door": TEXT, "open_s": NUMBER}),
    "tamper": EventKind("tamper", "防拆告警", {"detail": TEXT}),
    "button": EventKind("button pressed", "按钮", {"detail": TEXT, "input": TEXT}),
    "lock_operated": EventKind("lock operated", "门锁动作", {"action": TEXT, "source": TEXT}, ("action",)),
    "region_entered": EventKind(
        "region entered", "进入区域", {"region": TEXT, "latitude": NUMBER, "longitude": NUMBER}
    ),
    "region_left": EventKind("region left", "离开区域", {"region": TEXT, "latitude": NUMBER, "longitude": NUMBER}),
    "device_lost": EventKind("device lost", "设备失联", {"error": TEXT, "last_ok_at": COUNT}),
    "device_back": EventKind("device back", "设备恢复", {"lost_s": NUMBER}),
    "device_identified": EventKind(
        "device identified",
        "识别设备",
        {"vendor": TEXT, "model": TEXT, "serial_number": TEXT, "firmware": TEXT, "hardware": TEXT, "note": TEXT},
    ),
    "device_started": EventKind("device started", "设备启动", {"detail": TEXT}),
    "device_fault": EventKind("device fault", "设备故障", {"detail": TEXT}),
    "command_result": EventKind(
        "command result",
        "命令结果",
        {"command": TEXT, "ok": FLAG, "detail": TEXT, "id": TEXT, "result": TEXT},
        ("command",),
    ),
    "gap": EventKind(
        "gap record",
        "缺口记录",
        {
            "epoch": TEXT,
            "from_seq": COUNT,
            "to_seq": COUNT,
            "batches": COUNT,
            "readings": COUNT,
            "events": COUNT,
            "from_at": COUNT,
            "to_at": COUNT,
            "reason": TEXT,
        },
        ("reason",),
    ),
    "clock_stepped": EventKind("clock stepped", "时钟跳变", {"step_ms": COUNT, "reason": TEXT}),
    "clock_set": EventKind("clock set", "时钟已校准", {"retimed": COUNT, "step_ms": COUNT}),
    "buffer_damaged": EventKind(
        "buffer damaged", "缓存文件损坏", {"path": TEXT, "salvaged": COUNT, "lost": COUNT, "detail": TEXT}, ("path",)
    ),
    "buffer_full": EventKind("buffer full", "缓存已满", {"max_bytes": COUNT, "detail": TEXT}),
    "grants_held": EventKind(
        "grant list held", "授权名单已生效", {"number": COUNT, "cards": COUNT, "issued_at": COUNT, "expires_at": COUNT}
    ),
    "grants_refused": EventKind(
        "grant list refused", "授权名单被拒绝", {"number": COUNT, "reason": TEXT, "detail": TEXT}, ("reason",)
    ),
    "grants_expiring": EventKind("grant list expires soon", "授权名单即将过期", {"number": COUNT, "expires_at": COUNT}),
    "grants_expired": EventKind("grant list expired", "授权名单已过期", {"number": COUNT, "expires_at": COUNT}),
    "reads_left_out": EventKind("card reads left out", "刷卡过快被忽略", {"door": TEXT, "count": COUNT}),
    "config_applied": EventKind("configuration applied", "配置生效", {"config_hash": TEXT, "devices": COUNT}),
    "gateway_started": EventKind("gateway started", "网关启动", {"software": TEXT, "session": COUNT}),
}

TEXT_MAX = 512
FIELDS_MAX = 16


def check_event(event: Event) -> str | None:
    """None when the event is as declared above, else what is wrong with it, in words.

    A kind this version does not know is wrong too: the caller decides whether to refuse or to flag it.
    """
    kind = EVENT_KINDS.get(event.kind)
    if kind is None:
        return f"unknown event kind {event.kind[:40]!r}"
    if not is_id(event.device):
        return f"{event.device[:40]!r} is no device id"
    if len(event.data) > FIELDS_MAX:
        return f"{len(event.data)} fields, at most {FIELDS_MAX}"
    for field in kind.required:
        if field not in event.data:
            return f"{event.kind} needs the field {field!r}"
    for field, value in event.data.items():
        wrong = _check_field(kind, field, value)
        if wrong:
            return f"{event.kind}: {wrong}"
    return None


def _check_field(kind: EventKind, field: str, value: object) -> str | None:
    wanted = kind.fields.get(field)
    if wanted is None:
        return f"unknown field {field[:40]!r}; known: {', '.join(kind.fields)}"
    if value is None:
        return None
    if isinstance(value, bool) and wanted != FLAG:
        return f"{field} must be a {wanted}"
    if not isinstance(value, _TYPES[wanted]):
        return f"{field} must be a {wanted}"
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return f"{field} is longer than {TEXT_MAX} characters"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{field} is not a finite number"
    return None
