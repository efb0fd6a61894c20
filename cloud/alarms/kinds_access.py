"""Kinds of alarms of the lists by which gateways decide who comes in."""

from cloud.alarms.kind import SOON, URGENT, AlarmKind

KINDS: dict[str, AlarmKind] = {
    "access_list_old": AlarmKind(
        SOON,
        "Gateway {source} is online and still goes by grant list {held}, not by {number}: cards that were blocked "
        "since may open its doors. {detail} Look at its log and restart it. Ends when it holds the newest.",
        "网关 {source} 在线，但仍使用授权名单 {held}，而非 {number}：此后被挂失的卡仍可能开门。{detail} "
        "请查看其日志并重启。网关报告已使用最新名单后告警结束。",
    ),
    "access_list_expires": AlarmKind(
        URGENT,
        "The grant list {number} of gateway {source} ends in {hours} h. Then its doors let nobody in. Bring its link "
        "back. Ends when it holds a newer one.",
        "网关 {source} 的授权名单 {number} 将在 {hours} 小时后过期，届时其各门将拒绝所有人。请恢复其链路。"
        "网关取得新名单后告警结束。",
    ),
    "access_list_ahead": AlarmKind(
        URGENT,
        "The grant list {number} of gateway {source} was made {minutes} min after the gateway's own time: its doors "
        "let nobody in (clock_unknown). Set the clock that is wrong, the collector's or the gateway's; a list of the "
        "right time follows by itself. Ends when the gateway holds one.",
        "网关 {source} 的授权名单 {number} 的签发时间比网关时间晚 {minutes} 分钟，其各门拒绝所有人（clock_unknown）。"
        "请校准有误的时钟（采集端或网关），之后会自动下发正确时间的名单。网关取得后告警结束。",
    ),
    "access_list_not_made": AlarmKind(
        URGENT,
        "Gateway {source} gets no newer grant list: {detail}. It goes by the one it has until that ends. Ends when "
        "one can be made.",
        "无法为网关 {source} 生成新的授权名单：{detail}。在现有名单过期前仍按其执行。可生成后告警结束。",
    ),
}
