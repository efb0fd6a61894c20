"""Roll-outs of site files: one change for many gateways, in stages."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class RolloutRow(Table):
    """A change for many. ``site`` is "" when it is for several. ``change``: lines of a patch, "" for whole files.

    ``state``: ``draft``, ``running``, ``paused``, ``stopped`` (too many failed), ``aborted``, ``returned`` or ``done``.
    ``stage`` is the one under way; ``stage_over_at``: when all of it had settled, from which it soaks. ``forgiven``:
    failures a person has gone on in spite of; ``accepted``: the stage a person has gone on from though few confirmed.
    ``closed_at``: when nothing of one that was given up was due any more. ``rev`` grows with every change.
    """

    __tablename__ = "site_file_rollouts"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    by: Mapped[str]
    why: Mapped[str]
    made_at: Mapped[int]
    change: Mapped[str]
    stages: Mapped[str]
    """One a line, as they were asked for."""
    soak_s: Mapped[int]
    patience_s: Mapped[int]
    stop_after: Mapped[int]
    confirm_within_s: Mapped[int]
    not_before: Mapped[int]
    state: Mapped[str]
    halted: Mapped[str] = mapped_column(default="")
    """Why it does not run: ``person``, ``failures``, ``few_confirmed``, ``restored`` (a backup) or ""."""
    stage: Mapped[int] = mapped_column(default=0)
    stage_over_at: Mapped[int | None] = mapped_column(default=None)
    forgiven: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=-1)
    changed_by: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[int]
    closed_at: Mapped[int | None] = mapped_column(default=None)
    rev: Mapped[int] = mapped_column(default=1)


class RolloutGatewayRow(Table):
    """One gateway of a roll-out, and the whole file it is to get.

    ``state``: ``unchecked``, ``ready``, ``wrong``, ``same`` (nothing changes), ``changed`` (it runs, or was given,
    another file since), ``sent``, ``withdrawn`` or ``returned``. What became of what was sent stands with its
    ``revision``; ``back`` is the one that took it back. ``base``: SHA-256 of what it ran; ``after``: its newest
    revision then.
    """

    __tablename__ = "site_file_rollout_gateways"

    rollout: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    stage: Mapped[int]
    state: Mapped[str]
    base: Mapped[str]
    after: Mapped[int]
    text: Mapped[str]
    by_whom: Mapped[str] = mapped_column(default="")
    """Who judged the text: ``collector``, or ``gateway`` when only it can."""
    line: Mapped[int] = mapped_column(default=0)
    setting: Mapped[str] = mapped_column(default="")
    """The key that is wrong."""
    message: Mapped[str] = mapped_column(default="")
    allowed: Mapped[str] = mapped_column(default="")
    revision: Mapped[int | None] = mapped_column(default=None)
    sent_at: Mapped[int | None] = mapped_column(default=None)
    back: Mapped[int | None] = mapped_column(default=None)

    __table_args__ = (Index("ix_site_file_rollout_gateways_site_gateway", "site", "gateway"),)
