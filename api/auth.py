"""Users, sessions and keys: who somebody is. What he may do stands in :mod:`api.roles`.

Times here are the wall clock's: a session must not end early because the platform replays a year
in an hour.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.errors import SignInRequired, TooManyAttempts
from api.roles import Caller
from api.tables import KeyRow, SessionRow, SetupTokenRow, UserRow
from api.throttle import Throttle
from api.v1.session.schemas import Role
from purna.core.clock import HOUR, MINUTE, Clock
from purna.core.errors import Conflict, Denied, NotFound
from purna.core.ids import IdFactory
from purna.db.engine import Database

SESSION_LIFE = 12 * HOUR
"""A session ends so long after its last use."""

_TOUCH_EVERY = MINUTE  # writing the last use at every request would be a commit per request


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can sign in. ``technician`` is the technician that the user is, or empty."""

    id: str
    username: str
    name: str
    roles: tuple[Role, ...]
    technician: str
    disabled: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a program signs in with; ``hint`` is how its token begins."""

    id: str
    name: str
    roles: tuple[Role, ...]
    hint: str
    created_by: str
    created_at: int
    last_used_at: int | None


class Users:
    """The use cases of signing in and of managing who can.

    Parameters
    ----------
    database
        The service database.
    clock
        The wall clock, not the platform's.
    ids
        Makes the ids of users and keys.
    hasher
        Argon2 parameters; tests use cheap ones.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: IdFactory,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._passwords = _Passwords(hasher or PasswordHasher())
        self._by_account = Throttle(free=5)
        self._by_client = Throttle(free=50)

    def setup_required(self) -> bool:
        """True until the first user exists."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(UserRow)) == 0

    def create_setup_token(self) -> str:
        """A token that makes one administrator, once; an older unused token is void then."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(SetupTokenRow))
            session.add(SetupTokenRow(id=1, token_hash=_hash(token)))
        return token

    def set_up(self, token: str, username: str, name: str, password: str) -> User:
        """The administrator made with the one-time token.

        Raises
        ------
        Denied
            ``auth.setup_token`` when the token is wrong or used.
        Conflict
            ``user.exists``; the token stays valid then.
        """
        password_hash = self._passwords.hash(password)
        with self._database.write() as session:
            used = delete(SetupTokenRow).where(SetupTokenRow.token_hash == _hash(token))
            if session.execute(used).rowcount != 1:  # type: ignore[attr-defined]
                raise Denied("auth.setup_token", "wrong or used set-up token")
            row = self._insert_user(session, username, name, password_hash, tuple(Role), "")
            return _user(row)

    def sign_in(self, username: str, password: str, client: str) -> User:
        """The user with these credentials; ``client`` is the address that the attempt came from.

        Raises
        ------
        SignInRequired
            ``auth.credentials``: wrong, unknown or disabled; it does not say which.
        TooManyAttempts
            After repeated failures.
        """
        account = f"{client} {username.lower()}"
        now = self._clock.now()
        wait = max(self._by_account.attempt(account, now), self._by_client.attempt(client, now))
        if wait:
            raise TooManyAttempts(wait)
        with self._database.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.username == username.lower()))
        correct = self._passwords.verify(row.password_hash if row else None, password)
        if row is None or not correct or row.disabled:
            raise SignInRequired("auth.credentials", "wrong user name or password")
        self._by_account.succeeded(account)
        self._by_client.succeeded(client)
        return _user(row)

    def open_session(self, user_id: str) -> str:
        """The token of a new session, for the cookie; sessions that have ended are removed."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.last_used_at < now - SESSION_LIFE))
            session.add(SessionRow(token_hash=_hash(token), user_id=user_id, last_used_at=now))
        return token

    def end_session(self, token: str) -> None:
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_hash == _hash(token)))

    def user_of_session(self, token: str) -> User:
        """The signed-in user; raises :class:`SignInRequired` (``auth.required``)."""
        now = self._clock.now()
        with self._database.read() as session:
            found = session.execute(
                select(UserRow, SessionRow.last_used_at)
                .join(SessionRow, SessionRow.user_id == UserRow.id)
                .where(SessionRow.token_hash == _hash(token))
            ).one_or_none()
        if found is None or found[0].disabled or now - found[1] >= SESSION_LIFE:
            raise SignInRequired("auth.required", "unknown or ended session")
        if now - found[1] > _TOUCH_EVERY:
            with self._database.write() as session:
                touched = session.get(SessionRow, _hash(token))
                if touched is not None:
                    touched.last_used_at = now
        return _user(found[0])

    def caller_of_session(self, token: str) -> Caller:
        user = self.user_of_session(token)
        return Caller(user.id, user.username, frozenset(user.roles), user.technician)

    def csrf_token(self, session_token: str) -> str:
        """What a page that is really ours can send and a foreign page can't know."""
        return _hash(f"csrf:{session_token}")

    def check_csrf(self, session_token: str, sent: str) -> None:
        """Raises :class:`Denied` (``auth.csrf``) unless ``sent`` is the session's token."""
        if not hmac.compare_digest(self.csrf_token(session_token).encode(), sent.encode()):
            raise Denied("auth.csrf", "wrong or missing X-CSRF-Token")

    def users(self) -> list[User]:
        """Sorted by user name."""
        with self._database.read() as session:
            return [
                _user(row) for row in session.scalars(select(UserRow).order_by(UserRow.username))
            ]

    def add_user(
        self, username: str, name: str, password: str, roles: Iterable[Role], technician: str = ""
    ) -> User:
        """Raises :class:`Conflict` (``user.exists``)."""
        password_hash = self._passwords.hash(password)
        with self._database.write() as session:
            row = self._insert_user(
                session, username, name, password_hash, tuple(roles), technician
            )
            return _user(row)

    def change_user(
        self,
        user_id: str,
        *,
        name: str | None = None,
        roles: Iterable[Role] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        technician: str | None = None,
    ) -> User:
        """Changes what is given. A new password and disabling end the user's sessions.

        Raises
        ------
        NotFound
            ``user.unknown``.
        Conflict
            ``user.last_admin`` when nobody could manage users afterwards.
        """
        password_hash = None if password is None else self._passwords.hash(password)
        with self._database.write() as session:
            row = session.get(UserRow, user_id)
            if row is None:
                raise NotFound("user.unknown", f"no user {user_id}", id=user_id)
            row.name = row.name if name is None else name
            row.roles = row.roles if roles is None else _sorted_roles(roles)
            row.disabled = row.disabled if disabled is None else disabled
            row.technician = row.technician if technician is None else technician
            if password_hash is not None:
                row.password_hash = password_hash
            session.flush()
            enabled = session.scalars(select(UserRow.roles).where(~UserRow.disabled))
            if not any(Role.ADMIN in listed for listed in enabled):
                raise Conflict("user.last_admin", "the last administrator must stay one")
            if password_hash is not None or row.disabled:
                session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
            return _user(row)

    def keys(self) -> list[Key]:
        """Sorted by id, which is the order they were made in."""
        with self._database.read() as session:
            return [_key(row) for row in session.scalars(select(KeyRow).order_by(KeyRow.id))]

    def add_key(self, name: str, roles: Iterable[Role], created_by: str) -> tuple[Key, str]:
        """The key and its token, which can't be read again. Raises :class:`Conflict`."""
        token = f"purna_{secrets.token_urlsafe(32)}"
        row = KeyRow(
            id=self._ids.new("key"),
            name=name,
            roles=_sorted_roles(roles),
            token_hash=_hash(token),
            hint=token[:10],
            created_by=created_by,
            created_at=self._clock.now(),
        )
        with self._database.write() as session:
            _insert(session, row, Conflict("key.exists", f"key {name!r} exists", name=name))
            return _key(row), token

    def remove_key(self, key_id: str) -> None:
        """Raises :class:`NotFound` (``key.unknown``)."""
        with self._database.write() as session:
            row = session.get(KeyRow, key_id)
            if row is None:
                raise NotFound("key.unknown", f"no key {key_id}", id=key_id)
            session.delete(row)

    def caller_of_key(self, token: str) -> Caller:
        """Raises :class:`SignInRequired` (``auth.key``) for a token that is not valid."""
        now = self._clock.now()
        with self._database.read() as session:
            row = session.scalar(select(KeyRow).where(KeyRow.token_hash == _hash(token)))
        if row is None:
            raise SignInRequired("auth.key", "unknown or revoked key")
        if now - (row.last_used_at or 0) > _TOUCH_EVERY:
            with self._database.write() as session:
                touched = session.get(KeyRow, row.id)
                if touched is not None:
                    touched.last_used_at = now
        return Caller(row.id, f"key:{row.name}", frozenset(Role(r) for r in row.roles))

    def _insert_user(
        self,
        session: Session,
        username: str,
        name: str,
        password_hash: str,
        roles: Iterable[Role],
        technician: str,
    ) -> UserRow:
        row = UserRow(
            id=self._ids.new("usr"),
            username=username.lower(),
            name=name,
            roles=_sorted_roles(roles),
            password_hash=password_hash,
            technician=technician,
            disabled=False,
            created_at=self._clock.now(),
        )
        taken = Conflict("user.exists", f"user {username!r} exists", username=username)
        _insert(session, row, taken)
        return row


class _Passwords:
    """Argon2, a few at a time: each takes 64 MiB and a core for some tens of milliseconds."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._turn = BoundedSemaphore(2)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Takes as long for an unknown user (None) as for a known one."""
        if password_hash is None:
            if self._nobody is None:
                self._nobody = self.hash(secrets.token_urlsafe(16))
            password_hash, known = self._nobody, False
        else:
            known = True
        with self._turn:
            try:
                return self._hasher.verify(password_hash, password) and known
            except VerificationError:
                return False


def _insert(session: Session, row: UserRow | KeyRow, taken: Conflict) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise taken from None


def _hash(token: str) -> str:
    """Tokens are 256 random bits: a plain hash is enough, and can be looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def _sorted_roles(roles: Iterable[Role]) -> list[str]:
    return sorted({role.value for role in roles})


def _user(row: UserRow) -> User:
    return User(
        row.id,
        row.username,
        row.name,
        tuple(Role(role) for role in row.roles),
        row.technician,
        row.disabled,
        row.created_at,
    )


def _key(row: KeyRow) -> Key:
    return Key(
        row.id,
        row.name,
        tuple(Role(role) for role in row.roles),
        row.hint,
        row.created_by,
        row.created_at,
        row.last_used_at,
    )
