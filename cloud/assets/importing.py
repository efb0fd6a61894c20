"""Bringing a whole site in from a file: read, check, compare, and write all of it or nothing."""

import asyncio
from dataclasses import dataclass, field

from cloud.assets.desk import AssetDesk
from cloud.assets.import_csv import read_csv
from cloud.assets.import_toml import read_toml
from cloud.assets.map_rules import Fault
from cloud.assets.site_plan import Place, SitePlan, compare
from protocols.reading import ID_RULE, is_id

FORMATS = ("toml", "csv")


@dataclass(slots=True)
class Outcome:
    """What an import did, or would do. With faults nothing was written."""

    site: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    missing: int = 0
    """Assets of the site that the file does not name and that stay, unless their removal was asked for."""
    written: bool = False
    names: list[str] = field(default_factory=list)
    """What is new, then what is different, as ``kind:id``; also ``days``, ``units``, ``map``."""
    gone: list[str] = field(default_factory=list)
    """What the file does not name, as ``kind:id``: removed, when that was asked for."""
    errors: list[Fault] = field(default_factory=list)


async def import_site(
    desk: AssetDesk, text: str, *, form: str, site: str = "", dry_run: bool = False, remove: bool = False
) -> Outcome:
    """``form`` is one of ``FORMATS``; ``site`` "" takes what the file names. Raises StoreUnavailable."""
    plan = await asyncio.to_thread(read_toml if form == "toml" else read_csv, text, site)
    if not is_id(plan.site) and not plan.faults:
        plan.wrong(Place(0, "site"), f"which site? name it with --site or [site] id = ... ({ID_RULE})")
    if not plan.faults:
        plan.check(desk.roster, desk.maps)
    if plan.faults:
        return Outcome(plan.site, errors=sorted(plan.faults))
    return await _write(desk, plan, dry_run=dry_run, remove=remove)


async def _write(desk: AssetDesk, plan: SitePlan, *, dry_run: bool, remove: bool) -> Outcome:
    found = compare(plan, desk.roster, desk.calendar, desk.maps, desk.units(plan.site), remove=remove)
    if found.change is not None and not dry_run:
        await desk.apply(found.change)
    return Outcome(
        plan.site,
        created=len(found.created),
        changed=len(found.changed),
        unchanged=found.unchanged,
        removed=len(found.missing) if remove else 0,
        missing=0 if remove else len(found.missing),
        written=found.change is not None and not dry_run,
        names=[*found.created, *found.changed],
        gone=[f"{key.kind}:{key.id}" for key in found.missing],
    )
