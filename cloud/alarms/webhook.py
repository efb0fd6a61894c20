"""Where alarms are sent, and what exactly is sent: our own signed JSON, or a message for DingTalk or WeCom. Pure.

Ours: headers ``X-Dayuan-Timestamp`` (ms), ``X-Dayuan-Delivery`` (the same when a message is sent again) and, with a
secret, ``X-Dayuan-Signature: sha256=<hex>``, the HMAC-SHA256 of timestamp, a dot and the body as sent.
DingTalk's robot takes its sign in the query: base64 of the HMAC-SHA256 of ``timestamp\\nsecret`` under the secret.
WeCom's robot has its key in the address and no sign.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote_plus, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import msgspec

from cloud.alarms.shown import AlarmView

Format = Literal["json", "dingtalk", "wecom"]
Event = Literal["raised", "returned", "test"]
ROBOT_TEXT_MAX = 3_500
"""Bytes; WeCom takes 4096, DingTalk 20,000."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver. Empty ``site`` and ``kinds`` are all; ``min_priority`` 2 takes P1 and P2."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    format: Format = "json"
    min_priority: Annotated[int, msgspec.Meta(ge=1, le=3)] = 2
    site: Annotated[str, msgspec.Meta(max_length=32)] = ""
    kinds: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    language: Literal["en", "zh"] = "zh"
    returned: bool = True
    """Also tell when the condition ended."""
    ca_file: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """File on the collector with the authority its certificate is checked against; empty: the system's."""
    enabled: bool = True

    def wants(self, alarm: AlarmView) -> bool:
        """Whether alarms like this are sent there."""
        site = not self.site or alarm.source == self.site or alarm.source.startswith(f"{self.site}/")
        kind = not self.kinds or alarm.kind in self.kinds or alarm.kind.partition(".")[0] in self.kinds
        return self.enabled and alarm.priority <= self.min_priority and site and kind


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, as it is kept until it is: also the body of format ``json``."""

    event: Event
    at: int
    alarm: str
    kind: str
    priority: int
    source: str
    since: int
    ended_at: int | None
    text: dict[str, str]
    name: str = ""
    """What people call the source."""
    site_name: str = ""
    zone: str = "UTC"
    """The site's; times in messages of robots are by its clock."""


class Prepared(NamedTuple):
    """A request, ready to be posted."""

    url: str
    headers: dict[str, str]
    body: bytes


def told(event: Event, alarm: AlarmView, at: int, *, site_name: str = "", zone: str = "UTC") -> Told:
    """What a receiver is told of an alarm."""
    return Told(
        event=event,
        at=at,
        alarm=alarm.id,
        kind=alarm.kind,
        priority=alarm.priority,
        source=alarm.source,
        since=alarm.since,
        ended_at=alarm.ended_at,
        text=alarm.text,
        name=alarm.name,
        site_name=site_name,
        zone=zone,
    )


def address_fault(url: str) -> str | None:
    """What is wrong with an address; None when nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "must begin with https:// (or http:// inside your own network) and name a host"
    if parts.username or parts.password:
        return "must not hold a name or password"
    return None


def masked(url: str) -> str:
    """The address without what is secret in it: its query, and the end of its path."""
    parts = urlsplit(url)
    path = parts.path if len(parts.path) < 24 else parts.path[:12] + "…"
    return urlunsplit((parts.scheme, parts.netloc, path, "…" if parts.query else "", ""))


def prepare(webhook: Webhook, url: str, secret: str, message: Told, *, delivery: int, at: int) -> Prepared:
    """The request as it is sent at an instant."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "dayuan-collector"}
    if webhook.format == "json":
        body = msgspec.json.encode(message)
        headers |= {"X-Dayuan-Timestamp": str(at), "X-Dayuan-Delivery": str(delivery)}
        if secret:
            headers["X-Dayuan-Signature"] = f"sha256={signature(secret, at, body)}"
        return Prepared(url, headers, body)
    title, text = _title(webhook, message), _text(webhook, message)
    if webhook.format == "wecom":
        return Prepared(url, headers, msgspec.json.encode({"msgtype": "markdown", "markdown": {"content": text}}))
    body = msgspec.json.encode({"msgtype": "markdown", "markdown": {"title": title, "text": text}})
    if secret:
        url += f"{'&' if '?' in url else '?'}timestamp={at}&sign={dingtalk_sign(secret, at)}"
    return Prepared(url, headers, body)


def signature(secret: str, at: int, body: bytes) -> str:
    """Hex of the HMAC-SHA256 over ``<at>.<body>``."""
    return hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()


def dingtalk_sign(secret: str, at: int) -> str:
    """What DingTalk's robot wants in ``sign``, ready for a query."""
    digest = hmac.new(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256).digest()
    return quote_plus(base64.b64encode(digest))


def _title(webhook: Webhook, message: Told) -> str:
    words = {
        "en": {"raised": "Alarm", "returned": "Back to normal", "test": "Test"},
        "zh": {"raised": "告警", "returned": "已恢复", "test": "测试"},
    }
    where = " · ".join(part for part in (message.site_name, message.name) if part) or message.source
    return f"[P{message.priority}] {words[webhook.language][message.event]} {where}"


def _text(webhook: Webhook, message: Told) -> str:
    """Title, what it says, and when: a message may come long after it was written."""
    lines = f"**{_title(webhook, message)}**\n\n> {message.text[webhook.language]}\n\n{_when(webhook, message)}"
    return lines.encode()[:ROBOT_TEXT_MAX].decode("utf-8", "ignore")


def _when(webhook: Webhook, message: Told) -> str:
    since = _local(message.since, message.zone)
    if message.event == "test":
        return since
    if message.ended_at is None:
        return f"Since {since}" if webhook.language == "en" else f"{since} 起"
    return f"{since} – {_local(message.ended_at, message.zone)}"


def _local(at: int, zone: str) -> str:
    return f"{datetime.fromtimestamp(at / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def accepted(webhook: Webhook, status: int, answer: bytes) -> bool:
    """Whether the receiver took it. Robots answer 200 with an ``errcode`` also when they did not."""
    if not 200 <= status < 300:
        return False
    if webhook.format == "json":
        return True
    try:
        said = msgspec.json.decode(answer, type=dict[str, object])
    except msgspec.DecodeError:
        return False
    return said.get("errcode") == 0
