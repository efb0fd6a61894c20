"""The birth of a session: what this gateway is and has, out of the site file and the profiles."""

from __future__ import annotations

from importlib import metadata

from edge.settings import DeviceSettings, DoorSettings, Site
from edge.site_points import device_profile
from protocols.birth import Birth, DeviceBirth, DoorBirth, PointBirth, RemoteBirth, SiteFileBirth
from protocols.modbus.profile import ModbusProfile

MISSED_POLLS = 3
"""A polled value is stale when so many polls brought none."""

STALE_S_LEAST = 5.0


def software_version() -> str:
    """The version of this program."""
    try:
        return metadata.version("dayuan")
    except metadata.PackageNotFoundError:
        return "source"


def birth(site: Site, *, session: int, started_at: int, site_file: SiteFileBirth | None = None) -> Birth:
    """The birth of a session. started_at: ms, when the process started."""
    return Birth(
        site=site.gateway.site,
        gateway=site.gateway.id,
        name=site.gateway.name,
        site_name=site.gateway.site_name,
        time_zone=site.gateway.time_zone,
        software=software_version(),
        config_hash=site.config_hash,
        session=session,
        started_at=started_at,
        devices=[_device(site, device) for device in site.devices],
        site_file=site_file,
        doors=[_door(site, door) for door in site.doors],
    )


def _door(site: Site, door: DoorSettings) -> DoorBirth:
    strike = door.strike
    rules = next(device.remote for device in site.devices if device.id == strike.device)
    rule = rules.get(strike.point)
    return DoorBirth(
        id=door.id,
        name=door.name,
        lock=door.lock,
        readers=[*door.reader_in, *door.reader_out],
        device=strike.device,
        point=strike.point,
        pulse_s=strike.pulse_s or 0.0,
        remote=rule is not None and "pulse" in rule.actions and rule.takes_pulse(strike.pulse_s),
        contact=door.contact,
    )


def _device(site: Site, device: DeviceSettings) -> DeviceBirth:
    points = _points(site, device)
    return DeviceBirth(
        id=device.id,
        name=device.name,
        kind=device.kind,
        profile=device.profile,
        bus=device.bus,
        every_s=device.every_s,
        stale_after_s=max((point.stale_after_s for point in points), default=0.0),
        points=points,
        remote=_remote(site, device),
    )


def _remote(site: Site, device: DeviceSettings) -> list[RemoteBirth]:
    profile = device_profile(site.profiles[device.profile], device.points)
    writes = profile.writes if isinstance(profile, ModbusProfile) else {}
    return [
        RemoteBirth(
            point=point,
            actions=list(rule.actions),
            unit=writes[point].unit if point in writes else "",
            least=rule.least,
            most=rule.most,
            second_person=rule.second_person,
            rate=rule.rate.most if rule.rate else 0,
            rate_s=rule.rate.within_s if rule.rate else 0.0,
        )
        for point, rule in device.remote.items()
    ]


def _points(site: Site, device: DeviceSettings) -> list[PointBirth]:
    profile = device_profile(site.profiles[device.profile], device.points)
    if isinstance(profile, ModbusProfile):
        return [
            PointBirth(point.name, point.unit, point.kind, _stale_after_s(device, point.name))
            for point in profile.selected(extended=device.extended)
        ]
    return [
        PointBirth(info.name, info.unit, info.kind, _with_silence(device, info.name, info.stale_after_s))
        for info in profile.points
    ]


def _stale_after_s(device: DeviceSettings, point: str) -> float:
    return _with_silence(device, point, max(MISSED_POLLS * device.every_s, STALE_S_LEAST))


def _with_silence(device: DeviceSettings, point: str, stale_after_s: float) -> float:
    """A point with a deadband is silent on purpose for up to its max silence."""
    if stale_after_s and point in device.deadband:
        return stale_after_s + device.max_silence_s
    return stale_after_s
