"""The kinds of alarms: how urgent, and what they say in English and Chinese."""

from collections.abc import Mapping

from cloud.alarms.kind import DAY, HOUR, NOTE, SOON, URGENT, AlarmKind, ArgValue
from cloud.alarms.kinds_access import KINDS as OF_ACCESS
from cloud.alarms.kinds_dispatch import KINDS as OF_DISPATCH
from cloud.alarms.kinds_energy import KINDS as OF_ENERGY
from cloud.alarms.kinds_fleet import KINDS as OF_FLEET
from cloud.alarms.kinds_machine import OF_MACHINES
from cloud.alarms.kinds_places import KINDS as OF_PLACES
from cloud.alarms.kinds_rules import KINDS as OF_RULES
from cloud.alarms.kinds_tariffs import KINDS as OF_TARIFFS
from cloud.alarms.words import spoken

ALARM_KINDS: dict[str, AlarmKind] = {
    "store_damaged": AlarmKind(
        URGENT,
        "The collector's store could not be read ({detail}). It was set aside as {path} and an empty one begun: what "
        "was stored before is missing until a backup is restored. Look at the disk. Ends when the file is taken away.",
        "采集平台的存储文件无法读取（{detail}），已移至 {path}，并新建了空文件：恢复备份前看不到此前的数据。"
        "请检查磁盘。取走该文件后告警结束。",
    ),
    "store_part_lost": AlarmKind(
        URGENT,
        "A damaged block of the store: {rows} rows of {source} are lost ({period}). The rest can be read. "
        "{path} lists them. Look at the disk. Ends when that file is taken away.",
        "存储文件有损坏的块：{source} 丢失 {rows} 行（{period}），其余可正常读取，清单见 {path}。"
        "请检查磁盘。取走该文件后告警结束。",
    ),
    "store_log_damaged": AlarmKind(
        URGENT,
        "The log of the store was damaged. What was stored in the last minutes before the start may be lost "
        "({bytes} bytes): holes in the gateways' batch numbers show which. A copy lies at {path}. Look at the disk. "
        "Ends when the copy is taken away.",
        "存储日志损坏，启动前最后几分钟入库的数据可能丢失（{bytes} 字节），可由各网关批次编号的空缺查知。"
        "副本位于 {path}。请检查磁盘。取走副本后告警结束。",
    ),
    "registry_damaged": AlarmKind(
        URGENT,
        "The registry (users, names, rules, requests) could not be read. It was set aside as {path} and an empty one "
        "with a new administrator begun. Restore a backup of it. Ends when the file is taken away.",
        "登记库（用户、名称、规则、请求）无法读取，已移至 {path}，并新建了空登记库和管理员。"
        "请恢复备份。取走该文件后告警结束。",
    ),
    "registry_log_damaged": AlarmKind(
        URGENT,
        "The log of the registry was damaged. The last changes before the start are lost: users, tokens, names, "
        "alarms. Look through them. A copy lies at {path}. Ends when the copy is taken away.",
        "登记库日志损坏，启动前最后的修改（用户、令牌、名称、告警）已丢失，请逐一核对。"
        "副本位于 {path}，取走后告警结束。",
    ),
    "audit_damaged": AlarmKind(
        URGENT,
        "The audit trail is not as it was left: {detail}. Somebody changed it, or an older registry was put in place. "
        "Find out who; check it with: dayuan-cloud audit verify. No checkpoints are made of a trail whose end was "
        "changed. Ends when the collector starts and finds it whole, or its file of checkpoints set aside.",
        "审计记录与先前不符：{detail}。可能被人改动，或放回了旧的登记库。请查明原因，"
        "并用 dayuan-cloud audit verify 核对。末端被改动的记录不再签署检查点。"
        "启动时核对无误，或检查点文件已另行存放，告警即结束。",
    ),
    "buffer_damaged": AlarmKind(
        URGENT,
        "Gateway {source}: its buffer could not be read and was set aside there as {path}. {salvaged} batches were "
        "saved from it, {lost} are lost. Look at the gateway's disk or card; replace it if this comes again.",
        "网关 {source}：缓存文件无法读取，已移至网关上的 {path}。抢救 {salvaged} 批，丢失 {lost} 批。"
        "请检查网关的磁盘或存储卡，若再次出现请更换。",
        7 * DAY,
    ),
    "identity_conflict": AlarmKind(
        URGENT,
        "Gateway {source}: two different batches came as number {seq} of {epoch}: its card or image was copied and two "
        "run at once. Its new batches wait. Find and switch off the copy, then lift the fence on the gateway's page.",
        "网关 {source}：{epoch} 的第 {seq} 批出现两个不同内容，应是存储卡或镜像被复制，两台同时在运行。"
        "新批次暂不入库。请找出并停用副本，再在网关页面解除隔离。",
    ),
    "batch_rejected": AlarmKind(
        SOON,
        "Gateway {source}: {count} batches could not be taken, the last because {reason} ({detail}). They are kept in "
        "quarantine. Look at the gateway's version and disk. Ends an hour after the last one.",
        "网关 {source}：{count} 批无法接收，最近一批原因：{reason}（{detail}），已隔离保存。"
        "请检查网关的版本和磁盘。最后一次之后一小时告警结束。",
        HOUR,
    ),
    "foreign_batch": AlarmKind(
        URGENT,
        "Gateway {source} sent a batch in the name of gateway {claimed}. It was refused. One of them has the other's "
        "settings, or somebody has its password: look at both. Ends an hour after the last one.",
        "网关 {source} 以网关 {claimed} 的名义发送批次，已拒绝。可能配置用错，或密码外泄，请检查两台网关。"
        "最后一次之后一小时告警结束。",
        HOUR,
    ),
    "gateway_not_enrolled": AlarmKind(
        SOON,
        "Gateway {gateway} sends, but is not enrolled here: {count} batches were refused and wait on it. If it is "
        "yours, enrol it (dayuan-cloud gateway add); if not, find it. Ends an hour after the last one.",
        "网关 {gateway} 在发送数据，但未在此登记：{count} 批已拒绝，保存在该网关上。若是自有网关，请登记"
        "（dayuan-cloud gateway add）；否则请查找其来源。最后一次之后一小时告警结束。",
        HOUR,
    ),
    "gateway_revoked": AlarmKind(
        URGENT,
        "Gateway {gateway} was revoked and still sends: {count} batches were refused. Find the box; let the broker "
        "read its revocation list. Ends an hour after the last one.",
        "网关 {gateway} 已被吊销但仍在发送：{count} 批已拒绝。请找到该设备，并让消息代理重新读取吊销列表。"
        "最后一次之后一小时告警结束。",
        HOUR,
    ),
    "gateway_certificate_ending": AlarmKind(
        SOON,
        "The certificate of gateway {source} ends on {until} and was not renewed, though two thirds of its time are "
        "over. See what dayuan-edge status says there; after that day it must be enrolled again. Ends when it has the "
        "next one, or is revoked.",
        "网关 {source} 的证书将于 {until} 到期，有效期已过三分之二仍未续期。请在该网关上查看 dayuan-edge status；"
        "到期后须重新登记。取得新证书或被吊销后告警结束。",
    ),
    "rollout_halted": AlarmKind(
        SOON,
        "Roll-out {n} of site files has halted by itself: {why}. Look at it under Settings, Roll-outs; continue or end "
        "it. Ends then.",
        "分批下发 {n} 已自行停止：{why}。请在“设置 → 分批下发”中查看，并继续或结束。处理后告警结束。",
    ),
    "approval_waiting": AlarmKind(
        NOTE,
        "A command waits for a second person: {device}, {what}. Why: {reason}. Approve or reject it under Settings, "
        "Approvals. Ends when somebody decides, or after 5 min.",
        "一条指令等待第二人批准：{device}，{what}。原因：{reason}。请在“设置 · 审批”中批准或驳回。"
        "有人决定或满 5 分钟后告警结束。",
    ),
    "broker_certificate_ending": AlarmKind(
        SOON,
        "The certificate of the broker ends on {until} and was not renewed: {detail}. After that day no gateway "
        "connects. Run dayuan-cloud broker renew and let the broker read it. Ends when it is renewed.",
        "消息代理的证书将于 {until} 到期，尚未续期：{detail}。到期后所有网关都无法连接。请运行 "
        "dayuan-cloud broker renew 并让消息代理重新读取。续期后告警结束。",
    ),
    "readings_refused": AlarmKind(
        SOON,
        "Gateway {source}: {count} readings or events were refused, the last of {device}, {point}: {reason}. "
        "Look at the device and its profile. Ends an hour after the last one.",
        "网关 {source}：{count} 条读数或事件被拒绝，最近一条：{device}，{point}，{reason}。"
        "请检查该设备及其配置文件。最后一次之后一小时告警结束。",
        HOUR,
    ),
    "store_unavailable": AlarmKind(
        URGENT,
        "The collector cannot write to its store ({detail}). Nothing is lost: gateways keep their readings, but pages "
        "stand still. Make room on the disk or repair it. Ends by itself.",
        "采集平台无法写入存储（{detail}）。数据没有丢失，读数保存在各网关，但页面不再更新。"
        "请清理或修复磁盘。恢复后告警结束。",
    ),
    "disk_full": AlarmKind(
        URGENT,
        "The collector's disk is nearly full: {free} left at {path}. Make room before it can store nothing more. "
        "Ends by itself.",
        "采集平台磁盘将满：{path} 剩余 {free}。请尽快清理，否则将无法入库。清理后告警结束。",
    ),
    "batches_lost": AlarmKind(
        URGENT,
        "Gateway {source}: {count} batches that the collector had acknowledged are neither here nor on the gateway any "
        "more (received between {from} and {to}). A backup was put back that is older than what the gateway still had. "
        "The readings and events of that time are missing for good. Ends after a week.",
        "网关 {source}：有 {count} 个曾经确认的批次既不在平台上，也已不在网关上（接收时间 {from} 至 {to}）。"
        "恢复的备份早于网关仍保留的数据，这段时间的读数和事件已无法找回。一周后告警结束。",
        7 * DAY,
    ),
    "buffer_full": AlarmKind(
        URGENT,
        "Gateway {source}: its buffer is full and its oldest readings are being dropped for good. Restore its link to "
        "the broker now. Ends an hour after the last drop.",
        "网关 {source}：缓存已满，最早的读数正在被丢弃且无法找回。请立即恢复其通信链路。最后一次丢弃一小时后告警结束。",
        HOUR,
    ),
    "gateway_disk_full": AlarmKind(
        URGENT,
        "Gateway {source}: the disk of its buffer has been full for {waiting}. {in_memory} readings and events are "
        "held in memory only, {dropped} readings were dropped so far. Make room on the gateway's disk. Ends by itself.",
        "网关 {source}：缓存所在磁盘已满（持续 {waiting}）。{in_memory} 条读数和事件仅保存在内存中，"
        "累计已丢弃 {dropped} 条读数。请清理网关磁盘。清理后告警结束。",
    ),
    "broker_lost": AlarmKind(
        URGENT,
        "The collector has no connection to the broker ({detail}). Nothing is lost: gateways keep their readings, but "
        "nothing on the pages is of now. Look at the broker and the network. Ends by itself.",
        "采集平台与消息代理断开（{detail}）。数据没有丢失，读数保存在各网关，但页面内容不是当前的。"
        "请检查消息代理和网络。恢复后告警结束。",
    ),
    "member_silent": AlarmKind(
        SOON,
        "Collector {member} of the group has not been heard of for half a minute. Nothing is lost: gateways send again "
        "what it did not answer, and the others take it. Start it again. Ends by itself.",
        "采集组成员 {member} 已半分钟没有消息。数据没有丢失：未被确认的数据由网关重发，并由其他成员接收。"
        "请重新启动该成员。恢复后告警结束。",
    ),
    "messages_dropped": AlarmKind(
        SOON,
        "{count} messages of gateways did not get through the broker or the collector; gateways send them again. "
        "If this goes on the machine is too slow or the broker's queue too small. Ends an hour after the last one.",
        "{count} 条网关消息未能通过消息代理或采集平台，网关会重新发送。若持续出现，说明机器过慢或代理队列过小。"
        "最后一次之后一小时告警结束。",
        HOUR,
    ),
    "handler_failed": AlarmKind(
        SOON,
        "A part of the collector failed ({handler}: {detail}). Readings are stored, but what that part shows may be "
        "wrong. Restart the collector and report what its log says. Ends after a day.",
        "采集平台的一个部件出错（{handler}：{detail}）。读数已入库，但该部件显示的内容可能有误。"
        "请重启采集平台，并反馈日志内容。一天后告警结束。",
        DAY,
    ),
    "gateway_offline": AlarmKind(
        SOON,
        "Gateway {source} is offline; it was last heard at {since}. What its devices show is of before. Check its "
        "power and network. Ends when it is back.",
        "网关 {source} 离线，最后通信时间 {since}，其设备显示的是此前的数据。请检查电源和网络。恢复后告警结束。",
    ),
    "device_lost": AlarmKind(
        SOON,
        "{source} does not answer; its last answer came at {since} ({error}). Check its power and its wires. "
        "Ends when it answers.",
        "{source} 无应答，最后一次应答时间 {since}（{error}）。请检查其电源和接线。恢复应答后告警结束。",
    ),
    "clock_unsynced": AlarmKind(
        SOON,
        "Gateway {source}: its clock is not set, and its readings wait for a time. Check its time server and its "
        "battery. Ends when the clock is set.",
        "网关 {source}：时钟未校准，读数等待授时。请检查其时间服务器和时钟电池。校准后告警结束。",
    ),
    "gateway_clock_wrong": AlarmKind(
        SOON,
        "Gateway {source}: its clock is off by {off}. {count} readings and events so far are stored at the time at "
        "which they came, marked uncertain. Set its clock; check its time server. Ends an hour after the last one.",
        "网关 {source}：时钟偏差 {off}。累计 {count} 条读数和事件按接收时间入库，并标记为存疑。"
        "请校准时钟并检查其时间服务器。最后一次之后一小时告警结束。",
        HOUR,
    ),
    "device_clock_wrong": AlarmKind(
        SOON,
        "{device} at gateway {source}: its clock is off by {off}, the gateway's is right. {count} readings or events "
        "so far are stored at the time at which they came, marked uncertain. Set the clock of {device}. "
        "Ends an hour after the last one.",
        "网关 {source} 下的 {device}：时钟偏差 {off}，而网关时钟正常。累计 {count} 条按接收时间入库，并标记为存疑。"
        "请校准 {device} 的时钟。最后一次之后一小时告警结束。",
        HOUR,
    ),
    "backlog_age": AlarmKind(
        SOON,
        "Gateway {source} is connected but late: its oldest reading has waited {waiting}, {readings} wait. "
        "Look at its link; a slow one catches up by itself. Ends then.",
        "网关 {source} 已连接但数据滞后：最早的读数已等待 {waiting}，共 {readings} 条待传。"
        "请检查其链路，若只是较慢会自行追上。追上后告警结束。",
    ),
    "unannounced": AlarmKind(
        NOTE,
        "Gateway {source} sends batches but never said what it is. Its points are taken from the vocabulary. Restart "
        "it; look at its version. Ends when it has announced itself.",
        "网关 {source} 发送批次但从未注册，其测点按词汇表解释。请重启该网关并检查其版本。注册后告警结束。",
    ),
    **OF_MACHINES,
    **OF_FLEET,
    **OF_DISPATCH,
    **OF_PLACES,
    **OF_ACCESS,
    **OF_RULES,
    **OF_TARIFFS,
    **OF_ENERGY,
}


class _Named(dict[str, ArgValue]):
    def __missing__(self, name: str) -> str:
        return "?"


def known_kind(kind: str) -> AlarmKind | None:
    """The kind of that name; of a rule's alarms ``rule_high.<rule>`` the part before the dot says it."""
    return ALARM_KINDS.get(kind.partition(".")[0])


def texts(kind: str, name: str, args: Mapping[str, ArgValue]) -> dict[str, str]:
    """What the alarm says, by language. ``name``: what people call its source. A missing argument reads ``?``; an
    unknown kind is named as it is."""
    known = known_kind(kind)
    if known is None:
        return {"en": f"{name}: {kind}", "zh": f"{name}：{kind}"}
    said = spoken({"source": name, **args})
    return {
        "en": known.en.format_map(_Named(said.en)).rstrip(),
        "zh": known.zh.format_map(_Named(said.zh)).rstrip(),
    }
