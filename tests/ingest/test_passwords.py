"""Passwords are kept as Mosquitto keeps them, and verified at the pace of a storm of devices."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from ingest.passwords import hash_password, is_portable, make_password, verify_password
from purna.core.errors import BadInput


def test_a_password_has_128_random_bits_in_plain_characters() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", password) for password in made)


@given(st.text(min_size=22, max_size=80), st.text(max_size=80))
def test_only_the_password_itself_is_right(password: str, other: str) -> None:
    kept = hash_password(password)
    assert password not in kept
    assert verify_password(kept, password)
    assert verify_password(kept, other) == (other == password)


def test_the_same_password_is_kept_differently_each_time() -> None:
    password = make_password()
    assert hash_password(password) != hash_password(password)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        hash_password("x" * 21)
    assert refused.value.code == "device.password"


def test_what_was_kept_by_the_first_version_still_counts() -> None:
    kept = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("of the first version")
    assert verify_password(kept, "of the first version")
    assert not verify_password(kept, "another one")
    assert not is_portable(kept)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "",
        "$7$",
        "$7$x$AAAA$AAAA",
        "$7$500$*$*",
        "$6$500$AAAA$AAAA",
        "$argon2id$",
        "$7$0$AA==$",
    ],
)
def test_nothing_is_right_where_nothing_sensible_is_kept(kept: str | None) -> None:
    for password in ("", "x", make_password()):
        assert not verify_password(kept, password)


@pytest.mark.mosquitto
def test_mosquittos_own_lines_are_understood(tmp_path: Path) -> None:
    tool = shutil.which("mosquitto_passwd")
    assert tool
    password = make_password()
    subprocess.run([tool, "-c", "-b", tmp_path / "passwords", "d1", password], check=True)
    user, _, kept = (tmp_path / "passwords").read_text().strip().partition(":")
    assert user == "d1"
    assert is_portable(kept)
    assert verify_password(kept, password)
    assert not verify_password(kept, make_password())
