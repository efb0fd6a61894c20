"""What a gateway's report on its box raises."""

from cloud.alarms.board import AlarmBoard
from cloud.ingest.contract import AlarmArgs
from protocols.status import Report

COOLER_BY_C = 5.0
FREE_MIN_BYTES, FREE_MIN_SHARE = 256 * 1024 * 1024, 20
"""Free bytes, and one part of the disk in so many: below both it counts as nearly full."""


def take_machine(alarms: AlarmBoard, source: str, report: Report, *, hot_c: float) -> None:
    """Raise and clear. Between the limit and 5 degC below it nothing changes."""
    if report.buffer_error and report.disk_full_s is None:
        args: AlarmArgs = {"error": report.buffer_error, "in_memory": report.in_memory}
        alarms.raise_alarm("gateway_buffer_fails", source, args)
    else:
        alarms.clear_alarm("gateway_buffer_fails", source)
    machine = report.machine
    if machine is None:
        return
    if machine.power == "low":
        alarms.raise_alarm("gateway_power_low", source, {})
    elif machine.power == "good":
        alarms.clear_alarm("gateway_power_low", source)
    if machine.temperature_c is not None:
        if machine.temperature_c >= hot_c:
            args = {"temperature": f"{machine.temperature_c:.0f}", "limit": f"{hot_c:g}"}
            alarms.raise_alarm("gateway_hot", source, args)
        elif machine.temperature_c <= hot_c - COOLER_BY_C:
            alarms.clear_alarm("gateway_hot", source)
    free, whole = machine.disk_free_bytes, machine.disk_bytes
    if free is not None and whole is not None:
        if free < min(FREE_MIN_BYTES, whole // FREE_MIN_SHARE):
            alarms.raise_alarm("gateway_disk_low", source, {"free": free // 2**20})
        else:
            alarms.clear_alarm("gateway_disk_low", source)
