"""Kinds of alarms of requests."""

from cloud.alarms.kind import NOTE, SOON, URGENT, AlarmKind

_EN = "Request {number} ({title}; {unit}, {place}) filed at {filed}: {step} was due at {due}, {late} late. {todo}"
_ZH = "请求 {number}（{title}；{unit}，{place}）{filed} 提交：应于 {due} 前{step}，已超时 {late}。{todo}"

KINDS: dict[str, AlarmKind] = {
    "request_at_risk": AlarmKind(
        NOTE,
        "Request {number} ({title}; {unit}, {place}) filed at {filed}: {step} is due at {due}. {todo}",
        "请求 {number}（{title}；{unit}，{place}）{filed} 提交：须在 {due} 前{step}。{todo}",
    ),
    "request_overdue": AlarmKind(SOON, _EN, _ZH),
    "request_escalated": AlarmKind(
        URGENT,
        _EN + " Nobody has reacted: tell whoever leads the shift.",
        _ZH + "一直无人处理，请通知值班负责人。",
    ),
}
"""Source: entity of the request. One of the three at a time; each ends when the step is done or the request ends."""
