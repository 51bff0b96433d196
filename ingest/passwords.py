"""Device passwords and how they are kept: ``$7$<iterations>$<salt>$<hash>``, in base64.

This is Mosquitto's own form (PBKDF2 with HMAC-SHA512), so what is kept can be handed to a
Mosquitto as it is, without the password. A slow hash protects passwords that people choose; these
are made here with 128 random bits, which nobody guesses at any speed, and ten thousand devices
that come back at the same moment have to be let in within seconds: 500 iterations take 0.2 ms.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from purna.core.errors import BadInput

ITERATIONS = 500
MIN_PASSWORD = 22
"""Characters: 128 bits in base64. :func:`make_password` gives 32, in hexadecimal."""

_SALT_BYTES = 12  # Mosquitto takes no other length
_ARGON2 = PasswordHasher()


def make_password() -> str:
    """128 random bits in characters that no shell, form or AT command changes."""
    return secrets.token_hex(16)


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises
    ------
    BadInput
        ``device.password`` when it is so short that somebody may have made it up.
    """
    if len(password) < MIN_PASSWORD:
        raise BadInput(
            "device.password",
            f"password: at least {MIN_PASSWORD} characters, as made by Purna",
            field="password",
            minimum=MIN_PASSWORD,
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _digest(password, salt, ITERATIONS)
    return f"$7${ITERATIONS}${_text(salt)}${_text(digest)}"


def verify_password(kept: str | None, password: str) -> bool:
    """Whether this is the password. ``None`` (nobody there) takes as long, and is False.

    Hashes of the first version (Argon2) are still understood.
    """
    if kept is None:
        _digest(password, bytes(_SALT_BYTES), ITERATIONS)
        return False
    if kept.startswith("$argon2"):
        try:
            return _ARGON2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
    try:
        _, form, iterations, salt, digest = kept.split("$")
        expected = base64.b64decode(digest, validate=True)
        made = _digest(password, base64.b64decode(salt, validate=True), int(iterations))
    except (ValueError, binascii.Error):
        return False
    return form == "7" and hmac.compare_digest(made, expected)


def is_portable(kept: str) -> bool:
    """Whether Mosquitto understands it."""
    return kept.startswith("$7$")


def _digest(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
