"""Kinds of alarms of rooms, patrols, doors and visitors."""

from cloud.alarms.kind import DAY, NOTE, SOON, URGENT, AlarmKind

KINDS: dict[str, AlarmKind] = {
    "door_forced": AlarmKind(
        URGENT,
        "{name} was opened at {since} and nobody had been let in. Send somebody; if nothing is wrong there, have its "
        "contact looked at. Ends when it is closed.",
        "{name} 于 {since} 在未授权的情况下被打开。请派人查看，若现场无异常，请检查门磁。关门后告警结束。",
    ),
    "door_held": AlarmKind(
        SOON,
        "{name} has been open since {since}, longer than {limit}. Have it closed. Ends when it is closed.",
        "{name} 自 {since} 起一直敞开，已超过 {limit}。请安排关门。关门后告警结束。",
    ),
    "door_tampered": AlarmKind(
        URGENT,
        "Somebody has opened or pulled off the device at {name} (since {since}). Send somebody to look at it. "
        "Ends when the device says that it is whole.",
        "{name} 的设备自 {since} 起报告被拆动。请派人查看。设备恢复后告警结束。",
    ),
    "door_denied_burst": AlarmKind(
        SOON,
        "{name} has refused {count} cards within a minute (since {since}). Look at the camera or call the gate: "
        "somebody needs help, or tries cards. Ends a minute after the last refusal.",
        "{name} 自 {since} 起一分钟内 {count} 次刷卡被拒。请查看监控或联系门岗：可能有人需要帮助，或有人在试卡。"
        "最后一次拒绝一分钟后告警结束。",
    ),
    "card_denied_widely": AlarmKind(
        SOON,
        "{who} has been refused at several doors since {since}: {doors}. Find the person; the card may be lost or its "
        "rights wrong. Ends five minutes after the last refusal.",
        "{who} 自 {since} 起在多个门被拒：{doors}。请找到持卡人，可能是卡片遗失或权限有误。"
        "最后一次拒绝五分钟后告警结束。",
        DAY,
    ),
    "card_two_places": AlarmKind(
        SOON,
        "{who} was held to readers at {first} and {second}, {metres} m apart, within {seconds} s (at {at}). Nobody is "
        "so fast: the card may be copied. Look at both cameras and block it. Ends ten minutes after the last time.",
        "{who} 在 {seconds} 秒内先后出现在相距 {metres} 米的 {first} 与 {second}（{at}）。"
        "无人能这么快到达，卡片可能被复制。请查看两处监控并挂失该卡。最后一次十分钟后告警结束。",
        DAY,
    ),
    "checkpoint_missed": AlarmKind(
        SOON,
        "Patrol {route} of {begins}: {checkpoint} was not reached by {until}. Guard: {guard}. Call the guard and have "
        "the place looked at. Ends when it is reached, or an hour after the round.",
        "{begins} 的巡更“{route}”：{checkpoint} 未在 {until} 前到达。保安：{guard}。请联系保安并查看现场。"
        "到达后或本次巡更结束一小时后告警结束。",
        DAY,
    ),
    "patrol_late": AlarmKind(
        SOON,
        "Patrol {route} was due to begin at {since} and nobody has begun it. Guard: {guard}. Call the guard or send "
        "another. Ends when it begins or its time is over.",
        "巡更“{route}”应于 {since} 开始，至今无人开始。保安：{guard}。请联系保安或另派人员。"
        "开始后或时段结束后告警结束。",
        DAY,
    ),
    "visitor_overdue": AlarmKind(
        NOTE,
        "Visitor {name} (host {host}, {unit}) should have left by {until} and was not seen leaving. Ask the host, or "
        "write the departure down. Ends then.",
        "访客 {name}（接待人 {host}，{unit}）应于 {until} 前离开，尚未见离开。请询问接待人，或登记离开，"
        "登记后告警结束。",
    ),
}
