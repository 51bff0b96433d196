"""Tables of users, sessions, keys and the set-up token. Secrets are kept as hashes only."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from purna.db.base import Base, Id, Micros


class UserRow(Base):
    """Somebody who can sign in; ``username`` is kept in lower case."""

    __tablename__ = "api_user"

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    roles: Mapped[list[str]] = mapped_column(JSON)
    password_hash: Mapped[str] = mapped_column(String(255))
    technician: Mapped[str] = mapped_column(String(80), default="")
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Micros]


class SessionRow(Base):
    """A browser that is signed in, by the SHA-256 of its cookie."""

    __tablename__ = "api_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("api_user.id"), index=True)
    last_used_at: Mapped[Micros] = mapped_column(index=True)


class KeyRow(Base):
    """A key that a program signs in with, by the SHA-256 of its token."""

    __tablename__ = "api_key"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    roles: Mapped[list[str]] = mapped_column(JSON)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Micros]
    last_used_at: Mapped[Micros | None]


class SetupTokenRow(Base):
    """The one set-up token that is still to be used; a newer one replaces it."""

    __tablename__ = "api_setup_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64))
