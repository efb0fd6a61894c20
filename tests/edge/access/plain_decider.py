"""A second, slow and plain way to the same decision, written from the papers, not from the code it is held against."""

from __future__ import annotations

import datetime
import zoneinfo

from protocols.grants import GrantList


def plain_decision(
    grants: GrantList | None,
    *,
    card: str,
    door: str,
    now_ms: int,
    clock_known: bool,
    reader_level: int,
    here: str,
    ignores_times: bool,
    places: dict[int, tuple[str, int]],
) -> tuple[bool, str, str]:
    """(granted, reason, passback)."""
    if grants is None:
        return False, "no_list", ""
    times_count = clock_known
    if now_ms < grants.issued_at - 600_000:
        times_count = False
    if not times_count and not ignores_times:
        return False, "clock_unknown", ""
    mine = [each for each in list(grants.cards) if each.key == card]
    over = now_ms >= grants.expires_at
    lasting = bool(mine) and mine[0].flags in (2, 3)
    if over and not lasting:
        return False, "list_expired", ""
    if not mine:
        return False, "unknown_card", ""
    settings = [each for each in grants.doors if each.id == door]
    wanted = [each for each in grants.sets[mine[0].set] if each.door == door]
    if not settings or not wanted:
        return False, "not_here", ""
    wall = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.UTC).astimezone(zoneinfo.ZoneInfo(grants.time_zone))
    faults = set()
    for grant in wanted:
        if grant.valid_until is not None and not now_ms < grant.valid_until:
            faults.add("no_longer_valid")
        elif not times_count:
            faults.add("")
        elif grant.valid_from is not None and not grant.valid_from <= now_ms:
            faults.add("not_yet_valid")
        elif grant.schedule is not None:
            (schedule,) = [each for each in grants.schedules if each.id == grant.schedule]
            date = f"{wall.year:04}-{wall.month:02}-{wall.day:02}"
            day = schedule.dates[date] if date in schedule.dates else schedule.week[wall.isoweekday() - 1]
            minutes = [minute for start, end in day for minute in range(start, end)]
            faults.add("" if wall.hour * 60 + wall.minute in minutes else "not_now")
        else:
            faults.add("")
    if "" not in faults:
        for reason in ("not_now", "not_yet_valid", "no_longer_valid"):
            if reason in faults:
                return False, reason, ""
    if mine[0].level < settings[0].level or reader_level < settings[0].level:
        return False, "assurance", ""
    reason = "times_ignored" if not times_count else "lasting" if over else "list"
    rule = settings[0]
    exempt = mine[0].flags in (1, 3)
    if rule.passback != "off" and not exempt and here and times_count and mine[0].person in places:
        zone, at = places[mine[0].person]
        old = rule.forgiven_min > 0 and now_ms - at >= rule.forgiven_min * 60_000
        other_clock = at - now_ms > 60_000
        if zone != here and not old and not other_clock:
            return (True, reason, "soft") if rule.passback == "soft" else (False, "passback", "")
    return True, reason, ""
