"""The kinds of alarms in a few words, for lists and settings. Every kind of ``cloud.alarms.kinds`` has one."""

from collections.abc import Mapping

from cloud.alarms.kind import ArgValue

TITLES: dict[str, tuple[str, str]] = {
    "store_damaged": ("Store file damaged", "存储文件损坏"),
    "store_part_lost": ("Part of the store lost", "部分数据丢失"),
    "store_log_damaged": ("Log of the store damaged", "存储日志损坏"),
    "registry_damaged": ("Registry damaged", "登记库损坏"),
    "registry_log_damaged": ("Log of the registry damaged", "登记库日志损坏"),
    "audit_damaged": ("Audit trail changed", "审计记录被改动"),
    "buffer_damaged": ("Buffer of a gateway damaged", "网关缓存损坏"),
    "identity_conflict": ("Copied gateway", "网关被复制"),
    "batch_rejected": ("Batches rejected", "批次被拒收"),
    "foreign_batch": ("Batch in another's name", "冒名批次"),
    "readings_refused": ("Readings refused", "读数被拒绝"),
    "store_unavailable": ("Store cannot be written", "存储无法写入"),
    "disk_full": ("Disk nearly full", "磁盘将满"),
    "buffer_full": ("Buffer of a gateway full", "网关缓存已满"),
    "gateway_disk_full": ("Disk of a gateway full", "网关磁盘已满"),
    "broker_lost": ("Broker lost", "消息代理断开"),
    "access_list_old": ("Gateway goes by an older grant list", "网关使用旧授权名单"),
    "access_list_expires": ("Grant list ends soon", "授权名单即将过期"),
    "access_list_not_made": ("No newer grant list", "无法生成授权名单"),
    "member_silent": ("Collector of the group silent", "采集组成员失联"),
    "messages_dropped": ("Messages dropped", "消息被丢弃"),
    "handler_failed": ("Part of the collector failed", "平台部件出错"),
    "gateway_offline": ("Gateway offline", "网关离线"),
    "gateway_not_enrolled": ("Gateway not enrolled", "网关未登记"),
    "gateway_revoked": ("Gateway revoked", "网关已吊销"),
    "gateway_certificate_ending": ("Gateway's certificate ends", "网关证书即将到期"),
    "broker_certificate_ending": ("Broker's certificate ends", "消息代理证书即将到期"),
    "device_lost": ("Device does not answer", "设备无应答"),
    "clock_unsynced": ("Gateway's clock not set", "网关时钟未校准"),
    "gateway_clock_wrong": ("Gateway's clock wrong", "网关时钟偏差"),
    "device_clock_wrong": ("Device's clock wrong", "设备时钟偏差"),
    "backlog_age": ("Readings wait too long", "读数积压过久"),
    "unannounced": ("Unannounced gateway", "网关未注册"),
    "sealed_movement": ("Driving while sealed", "封存期用车"),
    "off_hours_movement": ("Driving out of hours", "非工作时间用车"),
    "outside_order_window": ("Outside its order's time", "超出派车时间"),
    "no_order_movement": ("Driving without an order", "无单用车"),
    "outside_area": ("Outside its area", "驶离允许区域"),
    "sealed_elsewhere": ("Sealed, but elsewhere", "封存未停回"),
    "overnight_elsewhere": ("Overnight elsewhere", "夜间未停回"),
    "wrong_parking": ("Parked in the wrong place", "违规停放"),
    "sensitive_stop": ("Stop where nobody may", "禁停区停车"),
    "request_at_risk": ("Request at risk", "请求将超时"),
    "request_overdue": ("Request overdue", "请求超时"),
    "request_escalated": ("Request overdue, nobody reacted", "请求超时无人处理"),
    "door_forced": ("Door forced", "门被强开"),
    "door_held": ("Door held open", "门未关闭"),
    "door_tampered": ("Door device tampered with", "门禁设备被拆动"),
    "door_denied_burst": ("Several cards refused", "多次刷卡被拒"),
    "card_denied_widely": ("Card refused at several doors", "一卡多门被拒"),
    "card_two_places": ("One card at two places", "一卡两地"),
    "checkpoint_missed": ("Checkpoint missed", "巡更漏点"),
    "patrol_late": ("Patrol not begun", "巡更未开始"),
    "visitor_overdue": ("Visitor overdue", "访客超时未离"),
    "rule_high": ("Too high", "过高"),
    "rule_low": ("Too low", "过低"),
    "rule_rate": ("Changes too fast", "变化过快"),
    "rule_stale": ("No data", "无数据"),
    "rule_state": ("Too long in one state", "状态持续过久"),
    "energy_reset": ("Register fell, nobody recorded why", "表底下降无记录"),
    "energy_suspect": ("Register advanced too far", "表底跳变"),
    "energy_cannot_count": ("A meter cannot be counted", "表计无法计量"),
    "energy_frozen": ("Use never changes", "用量不变化"),
    "energy_missing": ("Readings of a meter missing", "表计缺数"),
    "energy_balance_gap": ("Use that reaches no meter", "分项不平衡"),
    "energy_demand_near": ("Demand near its limit", "需量接近上限"),
    "energy_quota_ahead": ("Quota used too fast", "定额超进度"),
    "energy_closed_differs": ("Closed figures differ", "结账数据有变"),
    "energy_record_conflict": ("Records contradict each other", "录入记录矛盾"),
    "calendar_missing": ("Holidays not entered", "节假日未录入"),
}


def title_of(kind: str, args: Mapping[str, ArgValue] | None = None) -> dict[str, str]:
    """By language. A rule of people is called what they called it; an unknown kind is named as it is."""
    name = (args or {}).get("rule")
    if kind.startswith("rule_") and isinstance(name, str) and name:
        return {"en": name[:100], "zh": name[:100]}
    en, zh = TITLES.get(kind.partition(".")[0], (kind, kind))
    return {"en": en, "zh": zh}
