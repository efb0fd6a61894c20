"""Alarms of the boxes gateways run on."""

from cloud.alarms.kind import HOUR, SOON, URGENT, AlarmKind

OF_MACHINES = {
    "gateway_buffer_fails": AlarmKind(
        URGENT,
        "Gateway {source}: its buffer cannot be written ({error}). {in_memory} readings and events are held in memory "
        "only. The disk may be worn out or read-only: have a card or disk ready, and look at the box. Ends by itself.",
        "网关 {source}：缓存无法写入（{error}）。{in_memory} 条读数和事件仅保存在内存中。"
        "磁盘可能已磨损或变为只读：请准备存储卡或磁盘，并检查该设备。恢复写入后告警结束。",
    ),
    "gateway_power_low": AlarmKind(
        SOON,
        "Gateway {source}: its power supply is too weak; the voltage was too low within the last hour. Boxes and "
        "memory cards fail of that. Put in a supply and a cable that carry the box. Ends an hour after the last time.",
        "网关 {source}：供电不足，最近一小时内出现过欠压，可能损坏设备和存储卡。请更换合格的电源和线缆。"
        "最后一次之后一小时告警结束。",
        HOUR,
    ),
    "gateway_hot": AlarmKind(
        SOON,
        "Gateway {source} is hot: {temperature} degrees C, the limit is {limit}. It gets slow, and ages. Give it "
        "air, or a cooler place. Ends 5 degrees below the limit.",
        "网关 {source} 温度过高：{temperature} °C，超过 {limit} °C，会变慢并加速老化。请改善通风或更换位置。"
        "低于限值 5 °C 后告警结束。",
    ),
    "gateway_disk_low": AlarmKind(
        SOON,
        "Gateway {source}: {free} MiB are free on the disk of its buffer. An outage of the link may fill it. Make "
        "room. Ends when there is.",
        "网关 {source}：缓存所在磁盘仅剩 {free} MiB，链路中断时可能写满。请清理磁盘。清理后告警结束。",
    ),
}
