"""Tables of assets and what is bound to them, of the days of sites, and of their maps."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class AssetRow(Table):
    """Something worth tracking. ``facts`` is JSON, checked by ``cloud.assets.facts``."""

    __tablename__ = "assets"

    site: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    unit: Mapped[str] = mapped_column(default="")
    facts: Mapped[str] = mapped_column(default="{}")
    rev: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[int]


class BindingRow(Table):
    """A device that tells about an asset, in the order they were named (``place``)."""

    __tablename__ = "asset_bindings"

    site: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]
    device: Mapped[str]


class CalendarDayRow(Table):
    """A day of a site that is not what its weekday says. ``day`` is ISO, ``type`` is ``holiday`` or ``workday``."""

    __tablename__ = "calendar_days"

    site: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    name: Mapped[str] = mapped_column(default="")


class MapRow(Table):
    """The drawn map of a site: a GeoJSON FeatureCollection."""

    __tablename__ = "site_maps"

    site: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str]
    rev: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[int]


class UnitRow(Table):
    """A part of the organisation at a site, in the order they were named (``place``)."""

    __tablename__ = "site_units"

    site: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]


class SiteChangesRow(Table):
    """How often the assets, days, units and the map of a site were written: another process may write them too."""

    __tablename__ = "site_changes"

    site: Mapped[str] = mapped_column(primary_key=True)
    changes: Mapped[int] = mapped_column(default=0)


class FloorPlanRow(Table):
    """An image to lay under the map. ``bounds`` is JSON: south, west, north, east."""

    __tablename__ = "floor_plans"

    site: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    image: Mapped[bytes]
    bounds: Mapped[str]
    changed_at: Mapped[int]
