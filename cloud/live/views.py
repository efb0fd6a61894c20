"""Live state as the API shows it: entities, changes and points as JSON-ready structs."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import numpy as np

from cloud.live.entities import Change, Entity, EntityView, PointView
from cloud.live.values import SeriesValues
from cloud.registry.inventory import Inventory
from cloud.store.contract import QualityWord, SeriesKey
from protocols.points import VOCABULARY

SEVERITY = {"good": 0, "uncertain": 1, "bad": 2}
QUALITIES = ("good", "uncertain", "bad")
CODES = 256


class SeriesNames(Protocol):
    """Which series an id is (the store's ``SeriesBook``)."""

    def name(self, number: int) -> SeriesKey: ...


class QualityNames(Protocol):
    """What a stored quality code means (the store's ``QualityBook``)."""

    def name(self, number: int) -> QualityWord: ...


class _Face(msgspec.Struct, gc=False):
    """What does not change with the value of a series."""

    name: str
    unit: str
    kind: str
    stale_after_s: float
    labels: tuple[str, ...]


class Views:
    """Builds what is shown from values, names and entities. ``refresh`` brings an entity's counters up to date."""

    def __init__(
        self,
        values: SeriesValues,
        inventory: Inventory,
        series: SeriesNames,
        qualities: QualityNames,
        refresh: Callable[[Entity], None],
    ) -> None:
        self._values, self._inventory, self._series, self._qualities = values, inventory, series, qualities
        self._refresh = refresh
        self._faces: dict[int, _Face] = {}
        self._words: list[QualityWord] = []
        self._severity = np.zeros(CODES, np.uint8)

    def forget(self, series: int) -> None:
        """Look the unit and the name of this series up again."""
        self._faces.pop(series, None)

    def view(self, entity: Entity) -> EntityView:
        """The whole entity."""
        self._refresh(entity)
        ids = list(entity.series.values())
        points = self.points(ids)
        observed_at, received_at, quality = self.summary(entity)
        return EntityView(
            id=entity.id,
            kind=entity.kind,
            site=entity.site,
            device=entity.device,
            gateway=entity.gateway,
            name=entity.name,
            rev=entity.rev,
            observed_at=observed_at,
            received_at=received_at,
            quality=quality,
            stale_after_s=entity.stale_after_s,
            attributes=dict(entity.attributes),
            points=points,
        )

    def change(self, entity: Entity, series: Sequence[int], *, everything: bool = False) -> Change:
        """What changed: the named series, and the attributes marked changed (all, when ``everything``)."""
        if "counters" in entity.changed_attributes or everything:
            self._refresh(entity)
        observed_at, received_at, quality = self.summary(entity)
        fields: dict[str, object] = {"observed_at": observed_at, "received_at": received_at, "quality": quality}
        if entity.renamed or everything:
            fields |= {
                "kind": entity.kind,
                "site": entity.site,
                "device": entity.device,
                "gateway": entity.gateway,
                "name": entity.name,
                "stale_after_s": entity.stale_after_s,
            }
        names = entity.attributes if everything else entity.changed_attributes
        attributes = {name: entity.attributes[name] for name in names if name in entity.attributes}
        return Change(id=entity.id, rev=entity.rev, set=fields, attributes=attributes, points=self.points(series))

    def points(self, series: Sequence[int]) -> dict[str, PointView]:
        """The named series as points."""
        if not len(series):
            return {}
        values = self._values
        index = np.asarray(series, np.int64)
        columns = (
            values.value[index].tolist(),
            values.quality[index].tolist(),
            values.at[index].tolist(),
            values.received_at[index].tolist(),
        )
        points = {}
        for one, value, code, at, received_at in zip(series, *columns, strict=True):
            face = self._face(one)
            word = self._word(code)
            label = None
            if face.labels and value == value and 0 <= value < len(face.labels):
                label = face.labels[int(value)]
            points[face.name] = PointView(
                value if value == value else None,
                face.unit,
                face.kind,
                word.quality,
                word.reason,
                at,
                received_at,
                face.stale_after_s,
                label,
            )
        return points

    def summary(self, entity: Entity) -> tuple[int | None, int | None, str]:
        """When the entity was last observed and received, and the worst quality of its points."""
        observed_at, received_at = entity.observed_at, entity.received_at
        if not entity.series:
            return observed_at, received_at, entity.quality
        index = np.fromiter(entity.series.values(), np.int64, len(entity.series))
        observed_at = max(int(self._values.at[index].max()), observed_at or 0)
        received_at = max(int(self._values.received_at[index].max()), received_at or 0)
        codes = self._values.quality[index]
        if not codes.any():
            return observed_at, received_at, "good"
        self._word(int(codes.max()))
        return observed_at, received_at, QUALITIES[int(self._severity[codes].max())]

    def _face(self, series: int) -> _Face:
        face = self._faces.get(series)
        if face is None:
            key = self._series.name(series)
            point = self._inventory.point(key)
            word = VOCABULARY.get(key.point)
            labels = word.labels_en if word and point.kind == "state" else ()
            face = _Face(key.point, point.unit, point.kind, point.stale_after_s, labels)
            self._faces[series] = face
        return face

    def _word(self, code: int) -> QualityWord:
        while code >= len(self._words):
            word = self._qualities.name(len(self._words))
            self._severity[len(self._words)] = SEVERITY.get(word.quality, 2)
            self._words.append(word)
        return self._words[code]
