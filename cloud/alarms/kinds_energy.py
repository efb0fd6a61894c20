"""Kinds of alarms of energy: of a meter (``site/meter:id``), or of what a quota is set for."""

from cloud.alarms.kind import NOTE, SOON, AlarmKind

KINDS: dict[str, AlarmKind] = {
    "energy_reset": AlarmKind(
        SOON,
        "{name}: the register fell from {before} to {after} at {at} and nobody recorded why ({count} such "
        "falls are open). What it counted since is taken as a lower bound. Record the meter change or reset "
        "with its final and initial reading. Ends then.",
        "{name}：表底于 {at} 由 {before} 降至 {after}，没有换表或清零记录（共 {count} 处未处理）。此后用量仅"
        "按下限计入。请录入换表记录（旧表止码、新表起码），录入后告警结束。",
    ),
    "energy_suspect": AlarmKind(
        SOON,
        "{name}: at {at} the register advanced from {before} to {after}, more than the meter can count "
        "({amount}; {count} such advances are open). It is not counted. Confirm it, strike the wrong "
        "readings, or correct what the meter is rated for. Ends then.",
        "{name}：{at} 表底由 {before} 跳至 {after}，超出该表可能的用量（{amount}，共 {count} 处未处理），暂未"
        "计入。请确认属实、剔除错误读数，或更正额定值，处理后告警结束。",
    ),
    "energy_record_conflict": AlarmKind(
        SOON,
        "{name}: the recorded final reading {after} of {at} is below {before}, which was read before it. "
        "Nothing is counted between. Correct the record. Ends then.",
        "{name}：{at} 换表记录的止码 {after} 低于此前读到的 {before}，其间用量未计入。请更正记录，更正后告警结束。",
    ),
    "energy_cannot_count": AlarmKind(
        SOON,
        "{name} cannot be worked out: {why}. Correct the meter's register or its records. Ends then.",
        "{name} 无法计算用量：{why}。请更正表计参数或记录，更正后告警结束。",
    ),
    "energy_frozen": AlarmKind(
        SOON,
        "{name} has shown the same use in every quarter of an hour since {since} ({hours} h), which like "
        "days do not. Look at the meter and its pulse or bus. Ends when it differs.",
        "{name} 自 {since} 起每刻钟用量完全相同（已 {hours} 小时），与同类日不符。请检查表计及其脉冲或总线。"
        "用量恢复变化后告警结束。",
    ),
    "energy_missing": AlarmKind(
        SOON,
        "{name} has had no reading since {since} ({hours} h). What it uses is not known meanwhile, not zero. "
        "Look at the meter and its gateway. Ends with the next reading.",
        "{name} 自 {since} 起没有读数（已 {hours} 小时）。其间用量未知，并非为零。请检查表计和网关。恢复读数"
        "后告警结束。",
    ),
    "energy_balance_gap": AlarmKind(
        NOTE,
        "{name}: {gap} ({share}) of {period} reached none of the meters it feeds; errors of the meters "
        "explain {uncertainty}. {suspect} Ends when a week is within {limit}.",
        "{name}：{period} 有 {gap}（{share}）未计入下级表计，表计误差只能解释 {uncertainty}。{suspect}连续"
        "一周低于 {limit} 后告警结束。",
    ),
    "energy_demand_near": AlarmKind(
        SOON,
        "{name}: demand reached {kw} kW at {at}, {share} of the {contracted} kW agreed on. Above {over} kW "
        "it costs extra. Shift load, or raise the contract. Ends with the billing period.",
        "{name}：{at} 最大需量达 {kw} kW，为合同 {contracted} kW 的 {share}，超过 {over} kW 将加价计费。请错"
        "峰用电或调整合同。本计费周期结束后告警结束。",
    ),
    "energy_quota_ahead": AlarmKind(
        NOTE,
        "{name}: {used} of the quota of {limit} for {year} is used ({share}); {expected} would be on "
        "schedule. At this pace the year comes to {forecast}. Ends when it is on schedule again.",
        "{name}：{year} 年定额 {limit} 已用 {used}（{share}），按进度应为 {expected}，照此全年将达 {forecast}"
        "。回到进度内后告警结束。",
    ),
    "energy_closed_differs": AlarmKind(
        NOTE,
        "{name}: {days} closed days ({periods} closed periods, the oldest {from} to {until}) are known "
        "otherwise since: {by}. What was closed stays as it is. Look at it and amend it with a reason. Ends "
        "then.",
        "{name}：已结账的 {days} 天（{periods} 个周期，最早 {from} 至 {until}）数据有变：{by}。已结账数字保持"
        "不变，请核对后注明原因更正，更正后告警结束。",
    ),
}
