"""Kinds of alarms of vehicles. Each ends by itself when what it says is over."""

from cloud.alarms.kind import NOTE, SOON, URGENT, AlarmKind

KINDS: dict[str, AlarmKind] = {
    "sealed_movement": AlarmKind(
        URGENT,
        "{plate} has been driving since {since_local} from {from} although it is sealed ({seal}) and "
        "no order "
        "covers it. Driver: {driver}. Call the driver; for an emergency file the order now. Ends when it stands.",
        "{plate} 处于封存期（{seal}），无派车单，却于 {since_local} 从 {from} 驶出。驾驶员：{driver}。"
        "请联系驾驶员，如属紧急用车请补办派车单。车辆停下后本告警结束。",
    ),
    "off_hours_movement": AlarmKind(
        SOON,
        "{plate} has been driving since {since_local} from {from}, outside its hours ({hours}) and "
        "without an "
        "order. Driver: {driver}. Call the driver. Ends when it stands or an order covers it.",
        "{plate} 于 {since_local} 从 {from} 驶出，超出允许时间（{hours}）且无派车单。驾驶员：{driver}。"
        "请联系驾驶员。车辆停下或补单后本告警结束。",
    ),
    "outside_order_window": AlarmKind(
        SOON,
        "{plate} has been driving since {since_local} from {from}, outside the time of its order {request}. "
        "Driver: {driver}. Move the order's time, or call the driver. Ends when it stands or the order covers it.",
        "{plate} 于 {since_local} 从 {from} 驶出，不在派车单 {request} 的时间内。驾驶员：{driver}。"
        "请调整派车单时间或联系驾驶员。车辆停下或补单后本告警结束。",
    ),
    "no_order_movement": AlarmKind(
        SOON,
        "{plate} has been driving since {since_local} from {from} without an order. Driver: {driver}. "
        "Call the "
        "driver, or file the order now. Ends when it stands or an order covers it.",
        "{plate} 于 {since_local} 从 {from} 驶出，无派车单。驾驶员：{driver}。"
        "请联系驾驶员或补办派车单。车辆停下或补单后本告警结束。",
    ),
    "outside_area": AlarmKind(
        SOON,
        "{plate} has been outside its approved areas since {since_local}, now near {where}. "
        "Driver: {driver}. Call the driver. Ends when it is back or an order covers it.",
        "{plate} 自 {since_local} 起驶离允许区域，现位于 {where}。驾驶员：{driver}。"
        "请联系驾驶员。车辆返回或补单后本告警结束。",
    ),
    "sealed_elsewhere": AlarmKind(
        SOON,
        "{plate} is sealed ({seal}) but has not stood at {home} since {since_local}; it is at {where}. "
        "Have it "
        "brought there. Ends when it is there.",
        "{plate} 已进入封存期（{seal}），但自 {since_local} 起不在指定地点 {home}，现停在 {where}。"
        "请安排停回。停回后本告警结束。",
    ),
    "overnight_elsewhere": AlarmKind(
        SOON,
        "{plate} has stood at {where} overnight since {since_local}, not at {home}. Ask who parked it "
        "there. "
        "Ends when it is back or the night is over.",
        "{plate} 自 {since_local} 起夜间停放在 {where}，未停回 {home}。请核实停放原因。"
        "停回或夜间时段结束后本告警结束。",
    ),
    "wrong_parking": AlarmKind(
        NOTE,
        "{plate} has stood outside the car parks since {since_local}, at {where}. Have it moved. Ends when it moves.",
        "{plate} 自 {since_local} 起未停在停车区内，现停在 {where}。请安排移车。移动后本告警结束。",
    ),
    "sensitive_stop": AlarmKind(
        SOON,
        "{plate} has been standing at {fence} since {since_local}, where nobody may stop. Send somebody to "
        "look. Ends when it moves on.",
        "{plate} 自 {since_local} 起停在禁停区域 {fence}。请派人查看。驶离后本告警结束。",
    ),
}
