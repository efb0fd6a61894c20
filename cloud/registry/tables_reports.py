"""The table of reports: when those of a site are written."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class ReportPlanRow(Table):
    """Which reports of a site are written, and when; ``body`` is JSON (``cloud.reports.plan.Plan``)."""

    __tablename__ = "report_plans"

    site: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int]
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    body: Mapped[str]
