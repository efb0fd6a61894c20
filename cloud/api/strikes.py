"""A point that opens a door is ordered where doors are opened: with a reason, not too often, and listed there."""

from cloud.api.answers import ApiError
from cloud.api.services import Services
from cloud.assets.contract import AssetKey
from cloud.registry.tables_identity import CommandRow
from cloud.store.contract import GatewayKey
from protocols.commands import Action

OPENS: frozenset[Action] = frozenset({"on", "pulse", "set"})


def refuse_strike(
    services: Services, key: GatewayKey, *, device: str, point: str, action: Action, by_two: bool = False
) -> None:
    """Raise ApiError (``opens_a_door``) for a command that would open a door of the gateway.

    ``by_two``: two people will stand for it. Where the site file asks for two, that is how the door is opened.
    """
    if services.features is None or action not in OPENS:
        return
    struck = services.features.access.doors.struck(key, device, point)
    if struck is None:
        return
    known = services.inventory.device(key.site, device)
    if known is not None and any(rule.point == point and rule.second_person for rule in known.remote):
        if by_two:
            return
        hint = "two people must stand for it: POST /api/v1/approvals"
    else:
        door = services.features.access.asset_of(key, struck)
        hint = "bind its reader to a door, and unlock that"
        if door is not None:
            hint = f"POST /api/v1/doors/{key.site}/{door.id}/unlock"
    raise ApiError(409, "opens_a_door", f"{point} of {device} opens the door {struck.name}", hint)


def note_unlock(services: Services, row: CommandRow) -> None:
    """A command that was sent stands among the unlocks of the door it opens."""
    if services.features is None or row.action not in OPENS:
        return
    access, key = services.features.access, GatewayKey(row.site, row.gateway)
    struck = access.doors.struck(key, row.device, row.point)
    door: AssetKey | None = access.asset_of(key, struck) if struck is not None else None
    if door is not None and access.unlocking is not None:
        by = " + ".join(filter(None, (row.by, row.approved_by)))
        access.unlocking.note(door, row, reason=row.reason, by=by)
