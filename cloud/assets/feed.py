"""From committed batches to what is observed of assets.

Almost all readings belong to devices that are bound to nothing: one array by series id sorts them out, so that a
commit of 100,000 of them costs some array steps.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cloud.assets.contract import Asset, AssetKey, Happened, Listener, Observed, Roster
from cloud.ingest.contract import Committed, CommittedBatch
from cloud.live.views import SEVERITY, QualityNames, SeriesNames
from cloud.store.contract import SeriesKey
from protocols.alive import stop_if_cancelled

log = logging.getLogger(__name__)

UNSEEN, UNBOUND, BOUND = 0, 1, 2

DeviceName = tuple[str, str]
Positions = npt.NDArray[np.intp]


@dataclass(slots=True)
class _Moment:
    """Readings of one device at one instant, while they are gathered."""

    device: DeviceName
    at: int
    received_at: int
    points: dict[str, float | None]
    quality: str = "good"


class AssetFeed:
    """A ``CommittedHandler``. Tells each listener of the assets of the kinds it asked for; see ``contract.Listener``.

    Only what is committed is told: after a start nothing is replayed. A listener that fails does not keep the others
    from being told; the first failure is raised at the end, so that it is logged, counted and an alarm.
    """

    def __init__(self, roster: Roster, series: SeriesNames, qualities: QualityNames) -> None:
        self._roster, self._series, self._qualities = roster, series, qualities
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        self._state = np.zeros(1024, np.uint8)
        self._of_device: defaultdict[DeviceName, list[int]] = defaultdict(list)
        """Series seen so far, of every device."""
        self._bound_to: dict[AssetKey, frozenset[DeviceName]] = {}

    def open(self) -> None:
        """Take the bindings that are there; once, after the roster was opened."""
        for asset in self._roster.all():
            self.asset_changed(asset.key, asset)

    def listen(self, listener: Listener, kinds: Iterable[str]) -> None:
        """Tell of assets of these kinds from now on."""
        for kind in kinds:
            self._listeners[kind].append(listener)

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster: devices were bound or let go."""
        before = self._bound_to.pop(key, frozenset())
        now = frozenset((key.site, binding.device) for binding in asset.bindings) if asset else frozenset()
        if now:
            self._bound_to[key] = now
        for device in before | now:
            if numbers := self._of_device.get(device):
                self._state[numbers] = BOUND if self._roster.bound(*device) else UNBOUND

    async def committed(self, committed: Committed) -> None:
        """Take what is durable now."""
        for batch in committed.batches:
            observed = self._observed(batch) if len(batch.series) else []
            happened = self._happened(batch) if batch.events else []
            if observed or happened:
                await self._tell(observed, happened)

    async def _tell(self, observed: Sequence[Observed], happened: Sequence[Happened]) -> None:
        """Readings of a batch, then its events, to each listener in the order of reception."""
        told: dict[int, tuple[Listener, list[Observed], list[Happened]]] = {}
        for reading in observed:
            for listener in self._listeners.get(reading.asset.key.kind, ()):
                told.setdefault(id(listener), (listener, [], []))[1].append(reading)
        for event in happened:
            for listener in self._listeners.get(event.asset.key.kind, ()):
                told.setdefault(id(listener), (listener, [], []))[2].append(event)
        failure: Exception | None = None
        for listener, readings, events in told.values():
            try:
                if readings:
                    await listener.observed(readings)
                if events:
                    await listener.happened(events)
            except Exception as error:  # task top: one feature's fault must not make the others deaf
                log.error("%s failed at what it was told", type(listener).__name__, exc_info=error)
                failure = failure or error
                stop_if_cancelled()
        if failure is not None:
            raise failure

    def _observed(self, batch: CommittedBatch) -> list[Observed]:
        chosen = self._chosen(batch)
        if not len(chosen):
            return []
        moments: dict[tuple[DeviceName, int], _Moment] = {}
        columns = (batch.series[chosen].tolist(), batch.at[chosen].tolist(), batch.value[chosen].tolist())
        for number, at, value, code in zip(*columns, batch.quality[chosen].tolist(), strict=True):
            name = self._series.name(number)
            device = (name.site, name.device)
            moment = moments.get((device, at))
            if moment is None:
                moment = moments[device, at] = _Moment(device, at, batch.received_at, {})
            moment.points[name.point] = value if value == value else None
            if code:
                quality = self._qualities.name(code).quality
                if SEVERITY.get(quality, 2) > SEVERITY.get(moment.quality, 2):
                    moment.quality = quality
        return [
            Observed(asset, binding, moment.at, moment.received_at, moment.points, moment.quality)
            for moment in moments.values()
            for asset, binding in self._roster.bound(*moment.device)
        ]

    def _chosen(self, batch: CommittedBatch) -> Positions:
        """Positions of the readings of bound devices."""
        highest = int(batch.series.max())
        if highest >= len(self._state):
            room = max(len(self._state), highest + 1 - len(self._state))
            self._state = np.concatenate([self._state, np.zeros(room, np.uint8)])
        state = self._state[batch.series]
        if not state.all():
            for number in np.unique(batch.series[state == UNSEEN]).tolist():
                self._meet(number)
            state = self._state[batch.series]
        return np.flatnonzero(state == BOUND)

    def _meet(self, number: int) -> None:
        name: SeriesKey = self._series.name(number)
        self._of_device[name.site, name.device].append(number)
        self._state[number] = BOUND if self._roster.bound(name.site, name.device) else UNBOUND

    def _happened(self, batch: CommittedBatch) -> list[Happened]:
        return [
            Happened(asset, binding, event, batch.received_at)
            for event in batch.events
            for asset, binding in self._roster.bound(batch.site, event.device)
        ]
