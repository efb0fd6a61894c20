"""Guards and technicians of all sites: where they were seen last and what they are doing. See ``Resources``."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cloud.assets.contract import Asset, AssetKey, Calendar, Journal, Orders, ResourceState, Roster, Shown, SiteMap
from cloud.geo.earth import Spot
from cloud.patrol.people import AVAILABLE, Seen, resource_of, stale_ms, state_of

KINDS = ("guard", "technician")
COARSE_M = 50.0
"""A position known worse than this says where somebody is only when nothing better is known."""

LastSeen = Callable[[str, str], Seen | None]
"""Site and device -> what live state knew of its position before the start."""


class Crew:
    """What is known of people. ``patrols``: person -> what they do on a patrol now, as the page shows it."""

    def __init__(
        self,
        *,
        roster: Roster,
        calendar: Calendar,
        shown: Shown,
        journal: Journal,
        site_map: SiteMap,
        orders: Orders,
        last_seen: LastSeen = lambda *_: None,
    ) -> None:
        self.patrols: Mapping[AssetKey, Mapping[str, object]] = {}
        self._roster, self._calendar, self._shown, self._journal = roster, calendar, shown, journal
        self._map, self._orders, self._last_seen = site_map, orders, last_seen
        self._seen: dict[AssetKey, Seen] = {}
        self._states: dict[AssetKey, tuple[str, int]] = {}

    def open(self) -> None:
        """Where people were seen before the start."""
        for person in self.people():
            for binding in person.bindings:
                seen = self._last_seen(person.key.site, binding.device) if binding.role == "position" else None
                if seen is not None:
                    self.see(person, seen)

    def people(self, site: str | None = None) -> list[Asset]:
        """All of them."""
        return [person for kind in KINDS for person in self._roster.all(kind, site)]

    def see(self, person: Asset, seen: Seen) -> bool:
        """Take it when it is newer than what is known; a coarse position does not replace a good one that holds."""
        before = self._seen.get(person.key)
        if before is not None:
            if seen.at <= before.at:
                return False
            coarse = (seen.accuracy_m or 0.0) > COARSE_M >= (before.accuracy_m or 0.0)
            if coarse and before.spot is not None and seen.at - before.at < stale_ms(person) // 2:
                return False
            if seen.spot is None:
                seen = seen._replace(spot=before.spot, accuracy_m=before.accuracy_m)
        self._seen[person.key] = seen
        return True

    def work(self, now: int, people: Iterable[Asset] | None = None) -> None:
        """Let time pass; journal and show what changed."""
        for person in self.people() if people is None else people:
            state = self._state(person, now)
            before, since = self._states.get(person.key, ("", now))
            if state != before:
                since = self._since(person, state, now)
                self._states[person.key] = (state, since)
                if before:
                    facts = {"state": state, "was": before}
                    self._journal.note(person.key.site, person.key.entity, "person_state", since, facts)
            self._show(person, state, since, now)

    def forget(self, key: AssetKey) -> None:
        """The asset is gone."""
        self._seen.pop(key, None)
        self._states.pop(key, None)
        self._shown.hide(key.entity)

    def states(self, site: str, kind: str) -> Sequence[ResourceState]:
        """See ``cloud.assets.contract.Resources``."""
        found = []
        for person in self._roster.all(kind, site):
            state, _ = self._states.get(person.key, (AVAILABLE, 0))
            found.append(resource_of(person, self._seen.get(person.key), state))
        return found

    def _state(self, person: Asset, now: int) -> str:
        shift = person.texts("shift")
        on_duty = not shift or self._calendar.within(person.key.site, now, shift)
        has_work = person.key in self.patrols or bool(self._orders.of(person.key, now, now + 1))
        return state_of(person, self._seen.get(person.key), on_duty=on_duty, has_work=has_work, now=now)

    def _since(self, person: Asset, state: str, now: int) -> int:
        """Silence begins when the position's limit ran out, whenever that was noticed."""
        seen = self._seen.get(person.key)
        if state == "non_contactable" and seen is not None:
            return min(now, seen.at + stale_ms(person))
        return now

    def _show(self, person: Asset, state: str, since: int, now: int) -> None:
        key, seen = person.key, self._seen.get(person.key)
        spot = seen.spot if seen else None
        work = next(iter(self._orders.of(key, now, now + 1)), None)
        carries = any(binding.role == "position" for binding in person.bindings)
        self._shown.show(
            key.entity,
            key.kind,
            key.site,
            title=person.name,
            attributes={
                "state": state,
                "since": since,
                "unit": person.unit,
                "skills": list(person.texts("skills")),
                "latitude": spot.latitude if spot else None,
                "longitude": spot.longitude if spot else None,
                "accuracy_m": seen.accuracy_m if seen else None,
                "place": self._place(key.site, seen, person),
                "patrol": self.patrols.get(key),
                "order": {"request": work.request, "to": work.to_name, "until": work.until} if work else None,
            },
            observed_at=seen.at if seen else None,
            stale_after_s=stale_ms(person) / 1000 if carries else None,
            urgent=False,
        )

    def _place(self, site: str, seen: Seen | None, person: Asset) -> str:
        if seen is None:
            return person.text("post")
        if seen.by != "position":
            return seen.by
        return self._map.where(site, seen.spot) if seen.spot is not None else ""


def seen_of(at: int, points: Mapping[str, float | None]) -> Seen | None:
    """A position among readings of one instant."""
    latitude, longitude = points.get("latitude"), points.get("longitude")
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    return Seen(
        at, Spot(latitude, longitude), points.get("accuracy_m"), points.get("course_deg"), points.get("speed_kmh")
    )
