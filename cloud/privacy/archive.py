"""What is held on a person as one ZIP: JSON for programs, CSV for tables, ``index.html`` for people, in zh and en."""

import html
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from cloud.privacy.contract import RECORDS_MAX, Found
from cloud.sheets.csv_text import BOM, cell

WORDS: Mapping[str, tuple[str, str]] = {
    "account": ("User account and logins", "用户账号与登录"),
    "requests": ("Requests", "请求"),
    "bookings": ("Rooms booked", "会议室预订"),
    "visits": ("Visits", "来访记录"),
    "access": ("Doors and gates passed", "门禁通行记录"),
    "trips": ("Trips", "行程"),
    "timeline": ("Timeline", "时间线"),
    "states": ("States shown", "历史状态"),
    "alarms": ("Alarms", "告警"),
    "patrols": ("Rounds of guards", "巡更记录"),
    "deeds": ("Alarms handled, commands, settings", "告警处理、命令与设置"),
    "holders": ("Card holders and cards", "持卡人与卡"),
    "texts": ("Words that name them", "提及其姓名的文字"),
    "tokens": ("Tokens and calendars named after them", "以其命名的令牌与日历"),
    "things": ("List of things", "对象清单"),
    "audit": ("Audit trail", "审计记录"),
}
"""Source -> what people call it."""
SHOWN_MAX = 200


def archive(found: Mapping[str, Sequence[Found]], at: int) -> bytes:
    """The whole ZIP. ``at``: ms, the instant it stands for."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, records in found.items():
            rows = [{"id": each.id, "at": each.at, "stays": each.stays, **each.facts} for each in records]
            file.writestr(f"{name}.json", msgspec.json.format(msgspec.json.encode(rows)))
            file.writestr(f"{name}.csv", _csv(rows))
        file.writestr("index.html", _page(found, at))
    return out.getvalue()


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, *([_text(row.get(name)) for name in columns] for row in rows)]
    return BOM + "".join(",".join(map(cell, line)) + "\r\n" for line in lines)


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def _page(found: Mapping[str, Sequence[Found]], at: int) -> str:
    parts = [_section(name, records) for name, records in found.items()]
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>个人信息副本 · Copy of personal data</title>'
        "<style>body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}table{border-collapse:"
        "collapse}td,th{border:1px solid #999;padding:.2rem .5rem;text-align:left;vertical-align:top}</style>"
        '<h1>个人信息副本 <small lang="en">Copy of personal data</small></h1>'
        f"<p>{_instant(at)}</p>{''.join(parts)}</html>"
    )


def _section(name: str, records: Sequence[Found]) -> str:
    english, chinese = WORDS.get(name, (name, name))
    rows = "".join(
        f"<tr><td>{_instant(each.at)}</td><td>{html.escape(_text(dict(each.facts)))}</td></tr>"
        for each in records[:SHOWN_MAX]
    )
    more = len(records) - SHOWN_MAX
    note = (
        f'<p>另有 {more} 条，见文件 · <span lang="en">{more} more in the files</span> {name}.json</p>'
        if more > 0
        else ""
    )
    if len(records) >= RECORDS_MAX:
        note += f'<p>只列出最早的 {RECORDS_MAX} 条 · <span lang="en">only the oldest {RECORDS_MAX}</span></p>'
    table = f"<table>{rows}</table>" if records else '<p>无 · <span lang="en">nothing</span></p>'
    return f'<h2>{chinese} <small lang="en">{english}</small> ({len(records)})</h2>{table}{note}'


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
