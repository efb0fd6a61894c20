"""What every table of the registry stands on. Instants (``*_at``) are milliseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# SQLite numbers rows by itself only in a column declared INTEGER, which there holds 64 bits as well.
INTEGER = BigInteger().with_variant(Integer(), "sqlite")


class Table(DeclarativeBase):
    """Root of all tables; gives constraints names, so that migrations can find them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {int: INTEGER}  # noqa: RUF012  (SQLAlchemy's own shape)
