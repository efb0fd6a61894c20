"""Sites, gateways, devices and points as rows. A birth of many devices is a few statements, whatever it names."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.tables import DeviceRow, GatewayRow, PointRow, SiteRow
from cloud.registry.things import Device, Gateway, Site
from protocols.birth import RemoteBirth

DEVICES_AT_ONCE = 500


async def write_site(session: AsyncSession, site: Site, at: int) -> None:
    """Put a site; ``at`` is when it was seen when it is new."""
    known = await session.get(SiteRow, site.id)
    seen_at = known.first_seen_at if known else at
    await session.merge(SiteRow(id=site.id, name=site.name, time_zone=site.time_zone, first_seen_at=seen_at))


async def write_devices(session: AsyncSession, devices: Sequence[Device], at: int) -> None:
    """Put devices of one site, each with the points it has now."""
    for begin in range(0, len(devices), DEVICES_AT_ONCE):
        part = devices[begin : begin + DEVICES_AT_ONCE]
        site, names = part[0].site, [device.id for device in part]
        here = (DeviceRow.site == site, DeviceRow.id.in_(names))
        rows = await session.execute(select(DeviceRow.id, DeviceRow.first_seen_at).where(*here))
        seen = {row.id: row.first_seen_at for row in rows}
        await session.execute(delete(PointRow).where(PointRow.site == site, PointRow.device.in_(names)))
        await session.execute(delete(DeviceRow).where(*here))
        await session.execute(insert(DeviceRow), [_device(device, seen.get(device.id, at)) for device in part])
        if points := [point for device in part for point in _points(device)]:
            await session.execute(insert(PointRow), points)


def gateway_of(row: GatewayRow) -> Gateway:
    """As it was put."""
    return Gateway(
        row.site,
        row.id,
        row.name or row.id,
        row.first_seen_at,
        row.software,
        row.config_hash,
        row.session,
        row.started_at,
        row.announced,
        row.born_at,
    )


def row_of_gateway(gateway: Gateway) -> GatewayRow:
    """As it is put by ``merge``."""
    return GatewayRow(
        site=gateway.site,
        id=gateway.id,
        name=gateway.name,
        software=gateway.software,
        config_hash=gateway.config_hash,
        session=gateway.session,
        started_at=gateway.started_at,
        announced=gateway.announced,
        first_seen_at=gateway.first_seen_at,
        born_at=gateway.born_at,
    )


def device_of(row: DeviceRow) -> Device:
    """As it was put, without its points."""
    return Device(
        site=row.site,
        id=row.id,
        gateway=row.gateway,
        name=row.name,
        kind=row.kind,
        profile=row.profile,
        bus=row.bus,
        every_s=row.every_s,
        stale_after_s=row.stale_after_s,
        removed_at=row.removed_at,
        remote=msgspec.json.decode(row.remote, type=tuple[RemoteBirth, ...]) if row.remote else (),
    )


def _device(device: Device, first_seen_at: int) -> dict[str, object]:
    return {
        "site": device.site,
        "id": device.id,
        "gateway": device.gateway,
        "name": device.name,
        "kind": device.kind,
        "profile": device.profile,
        "bus": device.bus,
        "every_s": device.every_s,
        "stale_after_s": device.stale_after_s,
        "announced": True,
        "first_seen_at": first_seen_at,
        "removed_at": device.removed_at,
        "remote": msgspec.json.encode(device.remote).decode() if device.remote else "",
    }


def _points(device: Device) -> list[dict[str, object]]:
    return [
        {
            "site": device.site,
            "device": device.id,
            "name": point.name,
            "unit": point.unit,
            "kind": point.kind,
            "stale_after_s": point.stale_after_s,
        }
        for point in device.points.values()
    ]
