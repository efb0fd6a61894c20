"""How a run is told: to those who look at it, to the journal, and as alarms."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.assets.contract import AssetKey, Journal, Roster, Shown
from cloud.patrol.crew import KINDS
from cloud.patrol.routes import MINUTE_MS, Route
from cloud.patrol.runs import LATE_MS, Run, entries, missing, not_begun
from cloud.places.alarm_sink import AlarmArgs, AlarmSink, Raised
from cloud.places.chronicle import Chronicle

HOUR_MS = 60 * MINUTE_MS
SHOWN_AFTER_MS = 6 * HOUR_MS
ALARMS = ("patrol_late", "checkpoint_missed")


class Zones(Protocol):
    """Who knows the zone of a site."""

    def time_zone(self, site: str) -> str: ...


class Telling:
    """Says only what is new."""

    def __init__(self, *, shown: Shown, journal: Journal, alarms: AlarmSink, roster: Roster, zones: Zones) -> None:
        self._shown, self._journal, self._roster, self._zones = shown, journal, roster, zones
        self._raised = Raised(alarms)
        self._chronicles: dict[str, Chronicle] = {}

    def note(self, run: Run) -> None:
        """The journal holds what was reached and what was not."""
        entity = entity_of(run)
        chronicle = self._chronicles.setdefault(
            entity, Chronicle(self._journal, run.site, entity, ("checkpoint", "patrol_state"))
        )
        chronicle.tell(run.from_at - HOUR_MS, run.until_at + 2 * LATE_MS, entries(run))

    def alarm(self, route: Route, run: Run, now: int) -> None:
        """Raise and clear what somebody must act on."""
        source = entity_of(run)
        due: AlarmArgs | None = None
        if not_begun(route, run, now):
            due = {**self._named(route, run), "since": self._spell(run.site, run.from_at)}
        self._raised.state("patrol_late", source, due)
        gone: AlarmArgs | None = None
        if missed := missing(run, now):
            gone = {
                **self._named(route, run),
                "checkpoint": ", ".join(point.name for point in missed)[:150],
                "until": self._spell(run.site, missed[0].until_at),
            }
        self._raised.state("checkpoint_missed", source, gone)

    def show(self, run: Run, now: int) -> None:
        """Put it into live state, until some hours after its end."""
        if now >= run.until_at + SHOWN_AFTER_MS:
            self._shown.hide(entity_of(run))
            return
        self._shown.show(
            entity_of(run),
            "patrol",
            run.site,
            title=run.name,
            attributes={
                "route": run.route,
                "guard": self._name(run.site, run.guard),
                "state": run.state,
                "from": run.from_at,
                "until": run.until_at,
                "checkpoints": [
                    {
                        "id": point.id,
                        "name": point.name,
                        "from": point.from_at,
                        "until": point.until_at,
                        "at": point.at,
                        "state": point.state,
                    }
                    for point in run.checkpoints
                ],
            },
        )

    def drop(self, site: str, run: str) -> None:
        """It is not among those in memory any more."""
        entity = AssetKey(site, "patrol", run).entity
        self._chronicles.pop(entity, None)
        self._shown.hide(entity)
        for kind in ALARMS:
            self._raised.forget(kind, entity)

    def _named(self, route: Route, run: Run) -> AlarmArgs:
        """What people call the run (its route and when it begins), and whom to call."""
        begins = self._spell(run.site, run.from_at)
        guards = [run.guard] if run.guard else route.guards[:3]
        guard = ", ".join(self._name(run.site, each) for each in guards) or "-"
        return {"name": f"{run.name} {begins}", "route": run.name, "begins": begins, "guard": guard}

    def _name(self, site: str, guard: str) -> str:
        for kind in KINDS:
            asset = self._roster.find(AssetKey(site, kind, guard))
            if asset is not None:
                return asset.name
        return guard

    def _spell(self, site: str, at: int) -> str:
        return datetime.fromtimestamp(at / 1000, ZoneInfo(self._zones.time_zone(site))).strftime("%H:%M")


def entity_of(run: Run) -> str:
    """What the run is called in live state."""
    return AssetKey(run.site, "patrol", run.id).entity


def on_patrol(run: Run) -> dict[str, object]:
    """What a guard on this run is shown to do."""
    following = run.next
    return {
        "run": run.id,
        "route": run.name,
        "done": run.done,
        "of": len(run.checkpoints),
        "next": following.name if following else None,
        "due_at": following.until_at if following else None,
    }
