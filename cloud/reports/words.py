"""What stands above columns and in cells, in both languages."""

from typing import Literal

from cloud.sheets.contract import Column, Kind

Language = Literal["en", "zh"]

_COLUMNS: dict[str, tuple[str, str, Kind]] = {
    "kind": ("Kind", "类别", "text"),
    "id": ("Id", "编号", "text"),
    "name": ("Name", "名称", "text"),
    "meter": ("Meter", "电表", "text"),
    "from": ("From", "起", "instant"),
    "until": ("Until", "止", "instant"),
    "value": ("Value", "用量", "number"),
    "unit": ("Unit", "单位", "text"),
    "coverage": ("Coverage", "数据完整率", "share"),
    "measured": ("Measured", "其中实测", "number"),
    "quality": ("Quality", "质量", "text"),
    "source": ("Source", "来源", "text"),
    "flags": ("Remarks", "标记", "text"),
    "line": ("Line", "行", "text"),
    "band": ("Band", "时段", "text"),
    "month": ("Month", "月份", "text"),
    "quantity": ("Quantity", "数量", "number"),
    "price": ("Price", "单价", "number"),
    "amount": ("Amount", "金额", "money"),
    "currency": ("Currency", "币种", "text"),
    "document": ("Price from", "价格依据", "text"),
    "how": ("How", "算法", "text"),
    "note": ("Note", "说明", "text"),
    "not_measured": ("Not measured", "其中非实测", "number"),
    "children": ("Fed meters", "下级表", "text"),
    "fed": ("Fed in", "总表", "number"),
    "used": ("Sum below", "分表之和", "number"),
    "gap": ("Gap", "差额", "number"),
    "gap_share": ("Gap of fed in", "差额率", "share"),
    "two_u": ("2u (uncertainty)", "2u（不确定度）", "number"),
    "significant": ("Beyond 2u", "超出 2u", "flag"),
    "verdict": ("Verdict", "结论", "text"),
    "suspect": ("Suspect", "疑点", "text"),
    "fault": ("Likely fault", "可能原因", "text"),
    "factor": ("Factor", "倍数", "number"),
    "explains": ("Explains", "解释度", "share"),
    "kwh": ("Energy", "电量", "number"),
    "facts": ("Figures", "依据", "text"),
}

_CELLS: dict[str, tuple[str, str]] = {
    "meter": ("meter", "电表"),
    "space": ("space", "空间"),
    "good": ("good", "可信"),
    "uncertain": ("uncertain", "存疑"),
    "bad": ("nothing known", "无数据"),
    "measured": ("measured", "实测"),
    "interpolated": ("interpolated", "插值"),
    "manual": ("read by hand", "人工抄表"),
    "estimated": ("estimated", "估算"),
    "missing": ("missing", "缺失"),
    "rollover": ("rollover", "翻转"),
    "replaced": ("meter replaced", "换表"),
    "lower_bound": ("lower bound", "下限"),
    "suspect": ("suspect", "可疑"),
    "confirmed": ("confirmed", "已确认"),
    "energy": ("energy", "电度电费"),
    "surcharge": ("surcharge", "附加"),
    "demand": ("demand", "需量电费"),
    "power_factor": ("power factor", "力调电费"),
    "fixed": ("fixed", "固定费用"),
    "tax": ("tax", "税"),
    "total": ("Total", "合计"),
    "sharp": ("sharp", "尖"),
    "peak": ("peak", "峰"),
    "flat": ("flat", "平"),
    "valley": ("valley", "谷"),
    "deep": ("deep valley", "深谷"),
    "balanced": ("balanced", "平衡"),
    "gap": ("gap", "有差额"),
    "children_exceed": ("children exceed the parent", "分表之和大于总表"),
    "too_little_known": ("too little known", "数据不足"),
    "double_counted": ("counted twice, or not fed by this meter", "重复计入或不属该总表"),
    "multiplier": ("wrong multiplier", "倍率有误"),
    "reversed": ("current transformers reversed", "互感器接反"),
    "shape_only": ("follows this meter", "随该表变化"),
    "share_unmetered": ("a share that nobody measures", "部分用量未计量"),
    "base_load": ("a constant load that nobody measures", "恒定未计量负荷"),
    "frozen": ("frozen", "读数不变"),
    "spike": ("spike", "尖峰"),
    "night_load": ("night load", "夜间负荷偏高"),
    "step": ("new level", "水平突变"),
    "meter_change": ("meter changed", "更换电表"),
    "schedule_waste": ("load outside working hours", "非工作时段用能"),
    "amounts": ("Energy", "用量"),
    "spaces": ("Spaces", "分空间"),
    "meters": ("Meters", "分表"),
    "days": ("By day", "逐日"),
    "hours": ("By hour", "逐时"),
    "bill": ("Bill", "账单"),
    "balance": ("Balance", "平衡"),
    "anomalies": ("Anomalies", "异常"),
    "about": ("About", "说明"),
    "what": ("What", "项目"),
    "said": ("Said", "内容"),
    "site": ("Site", "站点"),
    "period": ("Period", "期间"),
    "zone": ("Time zone", "时区"),
    "made": ("Written", "生成时间"),
    "late": ("Note", "说明"),
}


def column(name: str, language: Language) -> Column:
    """A column that is known by name."""
    english, chinese, kind = _COLUMNS[name]
    return Column(name, chinese if language == "zh" else english, kind)


def columns(names: str, language: Language) -> list[Column]:
    """Several, named with spaces between."""
    return [column(name, language) for name in names.split()]


def word(code: str, language: Language) -> str:
    """A code in words; an unknown one as it is."""
    known = _CELLS.get(code)
    return code if known is None else known[1 if language == "zh" else 0]
