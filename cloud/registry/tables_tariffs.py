"""Tables of tariffs, of who is billed by which, and of factors. Instants (``*_at``) are ms since 1970 UTC."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class TariffRow(Table):
    """A revision of a tariff; ``body`` is the whole of it as JSON, empty where it was taken away.

    Old ones stay: a bill says which revision it was made by.
    """

    __tablename__ = "tariffs"

    site: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(primary_key=True)
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    why: Mapped[str]
    body: Mapped[str]


class TariffUseRow(Table):
    """The tariff that a meter is billed by, and the meter of its reactive energy, if there is one."""

    __tablename__ = "tariff_uses"

    site: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    tariff: Mapped[str]
    reactive: Mapped[str]


class FactorsRow(Table):
    """A revision of all factors; ``body`` is JSON. Without one those hold that came with the product."""

    __tablename__ = "energy_factors"

    rev: Mapped[int] = mapped_column(primary_key=True)
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    why: Mapped[str]
    body: Mapped[str]
