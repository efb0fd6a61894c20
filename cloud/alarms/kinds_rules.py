"""Kinds of alarms that rules of people raise. The rule's id follows the kind after a dot: ``rule_high.b3-voltage``."""

from cloud.alarms.kind import SOON, AlarmKind

_ADVICE_EN, _ADVICE_ZH = " {todo}", "{todo}"

KINDS: dict[str, AlarmKind] = {
    "rule_high": AlarmKind(
        SOON,
        "{rule}: {source}, {point} is {amount}, above {limit} since {at}." + _ADVICE_EN,
        "{rule}：{source} 的{point}为 {amount}，自 {at} 起高于 {limit}。" + _ADVICE_ZH,
    ),
    "rule_low": AlarmKind(
        SOON,
        "{rule}: {source}, {point} is {amount}, below {limit} since {at}." + _ADVICE_EN,
        "{rule}：{source} 的{point}为 {amount}，自 {at} 起低于 {limit}。" + _ADVICE_ZH,
    ),
    "rule_rate": AlarmKind(
        SOON,
        "{rule}: {source}, {point} changes by {amount} a minute since {at}, more than {limit}." + _ADVICE_EN,
        "{rule}：{source} 的{point}自 {at} 起每分钟变化 {amount}，超过 {limit}。" + _ADVICE_ZH,
    ),
    "rule_stale": AlarmKind(
        SOON,
        "{rule}: {source}, {point} has sent nothing since {at}, longer than {limit}." + _ADVICE_EN,
        "{rule}：{source} 的{point}自 {at} 起无数据，超过 {limit}。" + _ADVICE_ZH,
    ),
    "rule_state": AlarmKind(
        SOON,
        "{rule}: {source}, {point} has been {said} since {at}, longer than {limit}." + _ADVICE_EN,
        "{rule}：{source} 的{point}自 {at} 起一直为“{said}”，超过 {limit}。" + _ADVICE_ZH,
    ),
}
