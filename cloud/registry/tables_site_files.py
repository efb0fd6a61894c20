"""Site files of gateways: every revision, what became of each, and what each gateway runs."""

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class SiteFileRow(Table):
    """One revision; never changed. ``origin``: ``collector``, or ``box`` for a file that was found there.

    ``bases``: SHA-256 of the texts it may follow, with blanks between.
    """

    __tablename__ = "site_file_revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    gateway: Mapped[str]
    revision: Mapped[int]
    origin: Mapped[str]
    sha256: Mapped[str]
    text: Mapped[str]
    bases: Mapped[str]
    by: Mapped[str]
    why: Mapped[str]
    made_at: Mapped[int]
    not_before: Mapped[int]
    confirm_within_s: Mapped[int]

    __table_args__ = (UniqueConstraint("site", "gateway", "revision"),)


class SiteFileAnswerRow(Table):
    """What a gateway said of a revision: ``applied``, ``refused`` or ``rolled_back``; or, said by nobody, ``replaced``.

    Only added to.
    """

    __tablename__ = "site_file_answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    gateway: Mapped[str]
    revision: Mapped[int]
    state: Mapped[str]
    detail: Mapped[str]
    key: Mapped[str]
    line: Mapped[int]
    at: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    """One word of the gateway's; "" in what is older than the column."""
    devices: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_site_file_answers_site_gateway_revision", "site", "gateway", "revision"),)


class SiteFileToldRow(Table):
    """Which file a gateway said last that it runs. ``state``: ``in_force`` or ``trying``. ``highest``: the newest
    revision it has judged, whatever became of it."""

    __tablename__ = "site_files_told"

    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    source: Mapped[str]
    state: Mapped[str]
    revision: Mapped[int]
    at: Mapped[int]
    highest: Mapped[int] = mapped_column(default=0)
