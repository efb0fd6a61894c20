"""Members of a group of collectors: who may take in batches, what they ask for, and the certificates they got."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class MemberRow(Table):
    """One member, by its name under ``[group]``. The row is also the way between it and the desk."""

    __tablename__ = "collector_members"

    name: Mapped[str] = mapped_column(primary_key=True)
    share: Mapped[str]
    """The name of the shared subscription, the same for all; a secret of the group."""
    added_at: Mapped[int]
    invited_until: Mapped[int]
    """Until then one key is taken without a signature of an earlier one; 0 when that was used."""
    request: Mapped[str] = mapped_column(default="")
    """What the member asks for (PKCS 10, PEM), and its signature (base64) by the key of the certificate it has."""
    signature: Mapped[str] = mapped_column(default="")
    answered: Mapped[str] = mapped_column(default="")
    """The request that was answered last, by ``certificate`` or by ``refused``."""
    certificate: Mapped[str] = mapped_column(default="")
    authority: Mapped[str] = mapped_column(default="")
    refused: Mapped[str] = mapped_column(default="")
    revoked_at: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")


class MemberCertificateRow(Table):
    """A certificate of a member. ``serial`` is hexadecimal, ``pem`` without any secret."""

    __tablename__ = "collector_member_certificates"

    serial: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str]
    pem: Mapped[str]
    issued_at: Mapped[int]
    not_after: Mapped[int]
    revoked_at: Mapped[int | None] = mapped_column(default=None)

    __table_args__ = (Index("ix_collector_member_certificates_member", "member"),)
