"""The declarative base that every package's ``tables.py`` builds on.

Times are stored as whole micros since the epoch (``BigInteger``): the same on SQLite and
PostgreSQL, comparable, without time-zone surprises.
"""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import JSON, BigInteger, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[str, mapped_column(String(80), primary_key=True)]
Micros = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[dict[str, object], mapped_column(JSON)]


class Base(DeclarativeBase):
    """Holds the one metadata of the service database."""

    metadata = MetaData(naming_convention=NAMING)
