"""The kinds of alarms: how urgent, and what they say in English and Chinese."""

from collections.abc import Mapping
from typing import NamedTuple

ArgValue = str | int | float | bool | None

URGENT, SOON, NOTE = 1, 2, 3


class AlarmKind(NamedTuple):
    """``en`` and ``zh`` are templates over ``source`` and the alarm's args: what, where, and what to do.

    With ``quiet_after_s`` the alarm returns to normal by itself when it was not raised again for so long.
    """

    priority: int
    en: str
    zh: str
    quiet_after_s: float | None = None


HOUR, DAY = 3600.0, 86400.0

ALARM_KINDS: dict[str, AlarmKind] = {
    "store_damaged": AlarmKind(
        URGENT,
        "The store file could not be read ({detail}). It lies at {path}; a new one was begun. "
        "Ends when the file is taken away.",
        "存储文件无法读取（{detail}），已移至 {path}，并新建了文件。取走该文件后本告警结束。",
    ),
    "store_part_lost": AlarmKind(
        URGENT,
        "A damaged block of the store file: {rows} rows of {source} are lost ({period}). The rest can be read. "
        "{path} lists them. Ends when that file is taken away; look at the disk.",
        "存储文件有损坏的块：{source} 丢失 {rows} 行（{period}），其余可正常读取，清单见 {path}。"
        "取走该文件后本告警结束，请检查磁盘。",
    ),
    "store_log_damaged": AlarmKind(
        URGENT,
        "The log of the store file was damaged. What was stored in the last minutes before the start may be lost "
        "({bytes} bytes): holes in the gateways' batch numbers show which. A copy lies at {path}. "
        "Ends when it is taken away; look at the disk.",
        "存储日志损坏，启动前最后几分钟入库的数据可能丢失（{bytes} 字节），可由各网关批次编号的空缺查知。"
        "副本位于 {path}，取走后本告警结束，请检查磁盘。",
    ),
    "registry_damaged": AlarmKind(
        URGENT,
        "The registry file could not be read. It lies at {path}; a new one with a new administrator was begun. "
        "Ends when the file is taken away.",
        "登记库文件无法读取，已移至 {path}，并新建了登记库和管理员。取走该文件后本告警结束。",
    ),
    "buffer_damaged": AlarmKind(
        URGENT,
        "{source}: its buffer file could not be read; it lies on the gateway at {path}. "
        "Saved {salvaged} batches, lost {lost}.",
        "{source}：缓存文件无法读取，已移至网关上的 {path}。抢救 {salvaged} 批，丢失 {lost} 批。",
        7 * DAY,
    ),
    "identity_conflict": AlarmKind(
        URGENT,
        "{source}: two different batches came as number {seq} of {epoch}: a copied card or image. "
        "Its new batches wait; find the copy, then lift the fence.",
        "{source}：{epoch} 的第 {seq} 批出现两个不同内容，可能是复制的存储卡或镜像。"
        "新批次暂不入库，请找出副本后解除隔离。",
    ),
    "batch_rejected": AlarmKind(
        SOON,
        "{source}: batches could not be taken ({reason}): {count} so far, kept in quarantine. Last: {detail}",
        "{source}：批次无法接收（{reason}），累计 {count} 批，已隔离保存。最近：{detail}",
        HOUR,
    ),
    "foreign_batch": AlarmKind(
        URGENT,
        "{source} sent a batch in the name of gateway {claimed}. It was refused.",
        "{source} 以网关 {claimed} 的名义发送批次，已拒绝。",
        HOUR,
    ),
    "readings_refused": AlarmKind(
        SOON,
        "{source}: {count} readings were refused ({reason}), last of {device} {point}.",
        "{source}：{count} 条读数被拒绝（{reason}），最近为 {device} {point}。",
        HOUR,
    ),
    "store_unavailable": AlarmKind(
        URGENT,
        "The collector cannot write to its store ({detail}). Gateways keep their readings; free space or repair it.",
        "采集平台无法写入存储（{detail}）。读数仍保存在各网关，请清理空间或修复存储。",
    ),
    "disk_full": AlarmKind(
        URGENT,
        "{source}: the disk is nearly full: {free} left.",
        "{source}：磁盘将满，剩余 {free}。",
    ),
    "buffer_full": AlarmKind(
        URGENT,
        "{source}: its buffer is full; the oldest readings are being dropped. Restore its link.",
        "{source}：缓存已满，正在丢弃最早的读数。请恢复其通信链路。",
        HOUR,
    ),
    "broker_lost": AlarmKind(
        URGENT,
        "The collector has no connection to the broker ({detail}). Gateways keep their readings.",
        "采集平台与消息代理断开（{detail}）。读数仍保存在各网关。",
    ),
    "messages_dropped": AlarmKind(
        SOON,
        "The broker or the collector dropped {count} messages; gateways send them again.",
        "消息被丢弃 {count} 条，网关会重新发送。",
        HOUR,
    ),
    "handler_failed": AlarmKind(
        SOON,
        "A part of the collector failed ({handler}: {detail}). Readings are stored; restart the collector.",
        "采集平台的一个部件出错（{handler}：{detail}）。读数已入库，请重启采集平台。",
        DAY,
    ),
    "gateway_offline": AlarmKind(
        SOON,
        "{source} is offline. Check its power and network.",
        "{source} 离线，请检查电源和网络。",
    ),
    "device_lost": AlarmKind(
        SOON,
        "{source} does not answer: {error}",
        "{source} 无应答：{error}",
    ),
    "clock_unsynced": AlarmKind(
        SOON,
        "{source}: its clock is not set; readings wait for a time. Check its time server.",
        "{source}：时钟未校准，读数等待授时。请检查其时间服务器。",
    ),
    "backlog_age": AlarmKind(
        SOON,
        "{source}: its oldest unconfirmed reading has waited {waiting} and {readings} readings wait.",
        "{source}：最早的未确认读数已等待 {waiting}，共 {readings} 条读数待传。",
    ),
    "unannounced": AlarmKind(
        NOTE,
        "{source} sends batches but never announced itself. Its points are taken from the vocabulary.",
        "{source} 发送批次但从未注册，其测点按词汇表解释。",
    ),
}


class _Named(dict[str, ArgValue]):
    def __missing__(self, name: str) -> str:
        return "?"


def texts(kind: str, source: str, args: Mapping[str, ArgValue]) -> dict[str, str]:
    """What the alarm says, by language. A missing argument reads ``?``; an unknown kind is named as it is."""
    known = ALARM_KINDS.get(kind)
    if known is None:
        return {"en": f"{source}: {kind}", "zh": f"{source}：{kind}"}
    values = _Named({"source": source, **{name: _short(value) for name, value in args.items()}})
    return {"en": known.en.format_map(values), "zh": known.zh.format_map(values)}


def _short(value: ArgValue) -> ArgValue:
    return value if not isinstance(value, str) or len(value) <= 200 else value[:199] + "…"
