"""Tables of legal holds, of deletions that were done, and of the last rounds of retention."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class LegalHoldRow(Table):
    """Nothing of this class, site or person is deleted until somebody lifts it. An empty text holds all."""

    __tablename__ = "legal_holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    kept: Mapped[str]
    """A class (``cloud.privacy.classes``), or all of them."""
    site: Mapped[str]
    person: Mapped[str]
    """As in ``name:Li Wei``."""
    reason: Mapped[str]
    made_at: Mapped[int]
    made_by: Mapped[str]
    lifted_at: Mapped[int | None] = mapped_column(default=None)


class DeletionRow(Table):
    """A deletion that this registry and its store have been through. A restored backup lacks those made after it."""

    __tablename__ = "deletions"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int]
    rows: Mapped[int]


class RetentionRunRow(Table):
    """The last round of one class. ``kept_since``: what is older is gone; ``total``: rows deleted since the start."""

    __tablename__ = "retention_runs"

    kept: Mapped[str] = mapped_column(primary_key=True)
    run_at: Mapped[int]
    kept_since: Mapped[int]
    rows: Mapped[int]
    total: Mapped[int]
    longest_ms: Mapped[int]
