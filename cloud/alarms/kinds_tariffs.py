"""Kinds of alarms about what bills are made by."""

from cloud.alarms.kind import NOTE, AlarmKind

KINDS: dict[str, AlarmKind] = {
    "calendar_missing": AlarmKind(
        NOTE,
        "{source}: the holidays and make-up workdays of {year} were not entered. Without them they are taken as their "
        "weekday says: in bills, room hours and alarms. Enter them from the notice of the State Council (November), or "
        "take a newer version, which brings them along.",
        "{source}：尚未录入 {year} 年的节假日和调休上班日。未录入前按星期判断，会影响电费、会议室时段和告警。"
        "请按国务院办公厅通知（每年 11 月）录入，或升级到自带该年数据的版本。",
    ),
}
