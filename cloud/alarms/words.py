"""What is put into the texts of alarms, as each language says it.

One rule for all: beside an argument ``x`` whoever raises the alarm may give ``x_en`` and ``x_zh``, and each language
takes its own. Codes that come from deeper down (why a reading was refused, names of points) have their words here, and
lengths of time get the language's unit. All else was named by people and stays as it is.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from cloud.alarms.kind import ArgValue
from protocols.points import VOCABULARY

_LENGTH = re.compile(r"([<+-] ?)?(\d[\d.,]*) (s|min|h|d|y)")
_UNITS = {"s": "秒", "min": "分钟", "h": "小时", "d": "天", "y": "年"}

CODES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "reason": {
        "checksum": ("its checksum is wrong", "校验和错误"),
        "damaged": ("it is damaged", "内容损坏"),
        "duplicate_key": ("a key stands in it twice", "字段重复"),
        "empty": ("it is empty", "内容为空"),
        "foreign": ("it names another gateway", "署名为其他网关"),
        "identity": ("its number cannot be read", "批次编号无法读取"),
        "json": ("it is no JSON", "不是有效的 JSON"),
        "schema": ("it is not built as agreed", "格式不符"),
        "series": ("its table of points is wrong", "测点表错误"),
        "too_large": ("it is too large", "过大"),
        "version": ("of a version that is not known here", "版本不受支持"),
        "not_finite": ("no finite number", "非有限数值"),
        "too_many_series": ("too many points", "测点过多"),
    },
}
"""By argument, then code: English, Chinese."""


class Spoken(NamedTuple):
    """The arguments of an alarm by language."""

    en: dict[str, ArgValue]
    zh: dict[str, ArgValue]


def spoken(args: Mapping[str, ArgValue]) -> Spoken:
    """The arguments as each language says them."""
    said = Spoken({}, {})
    for name, value in args.items():
        said.en[name], said.zh[name] = _both(name, _short(value))
    for name, value in args.items():
        if name.endswith(("_en", "_zh")):
            (said.en if name.endswith("_en") else said.zh)[name[:-3]] = _short(value)
    return said


def _both(name: str, value: ArgValue) -> tuple[ArgValue, ArgValue]:
    if not isinstance(value, str):
        return value, value
    if name == "point" and value in VOCABULARY:
        return VOCABULARY[value].en, VOCABULARY[value].zh
    if value in CODES.get(name, {}):
        return CODES[name][value]
    length = _LENGTH.fullmatch(value)
    return value, f"{length[1] or ''}{length[2]} {_UNITS[length[3]]}" if length else value


def _short(value: ArgValue) -> ArgValue:
    return value if not isinstance(value, str) or len(value) <= 200 else value[:199] + "…"
