"""Rights, what is remembered of passwords, and the installation's own accounts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.links.endpoint.access import Access, Identity, Kind, Refused
from ingest.links.endpoint.accounts import Account, accounts_in
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.throttle import Throttle
from tests.ingest.links.endpoint.kit import ACCOUNTS, PASSWORDS, Register

D1, GATE = (
    Identity("d1", Kind.DEVICE, frozenset({"d1"})),
    Identity("gate", Kind.DEVICE, frozenset({"gate", "d2"})),
)
FLEET, FEED = Identity("fleet", Kind.FLEET), Identity("feed", Kind.FEED)

MAY_PUBLISH = [
    (D1, "purna/v1/d1/telemetry", True),
    (D1, "purna/v1/d1/whatever/below", True),
    (D1, "purna/v1/d2/telemetry", False),
    (D1, "purna/v1/d1", False),
    (D1, "purna/v1/d1x/telemetry", False),
    (D1, "purna/v1//telemetry", False),
    (D1, "purna/v2/d1/telemetry", False),
    (D1, "d1", False),
    (D1, "$SYS/d1", False),
    (D1, "purna/v1/STATE", False),
    (GATE, "purna/v1/gate/telemetry", True),
    (GATE, "purna/v1/d2/telemetry", True),
    (GATE, "purna/v1/d1/telemetry", False),
    (FLEET, "purna/v1/any/telemetry", True),
    (FLEET, "purna/v1/d!1/telemetry", True),
    (FLEET, "$SYS/x", False),
    (FEED, "purna/v1/d1/telemetry", False),
]

MAY_SUBSCRIBE = [
    (D1, "purna/v1/d1/ack", True),
    (D1, "purna/v1/d1/#", True),
    (D1, "purna/v1/d1/+", True),
    (D1, "purna/v1/d1/+/#", True),
    (D1, "purna/v1/STATE", True),
    (D1, "spBv1.0/STATE/host", True),
    (D1, "purna/v1/d2/ack", False),
    (D1, "purna/v1/+/ack", False),
    (D1, "purna/v1/STATE1/ack", False),
    (D1, "purna/v1/STATE/ack", False),
    (D1, "purna/v1/#", False),
    (D1, "purna/#", False),
    (D1, "#", False),
    (D1, "+/v1/d1/ack", False),
    (D1, "purna/+/d1/ack", False),
    (GATE, "purna/v1/d2/#", True),
    (GATE, "purna/v1/+/#", False),
    (FLEET, "purna/v1/+/ack", True),
    (FEED, "#", True),
]


@pytest.mark.parametrize(("who", "topic", "may"), MAY_PUBLISH)
def test_who_may_publish_where(who: Identity, topic: str, may: bool) -> None:
    assert who.may_publish(topic) is may


@pytest.mark.parametrize(("who", "name", "may"), MAY_SUBSCRIBE)
def test_who_may_subscribe_to_what(who: Identity, name: str, may: bool) -> None:
    assert who.may_subscribe(name) is may


def test_a_changed_password_is_not_remembered() -> None:
    register = Register()
    access = Access(register, register.behind, ACCOUNTS, b"key")
    old = PASSWORDS["d1"].encode()
    assert access.by_password("d1", old).devices == {"d1"}
    register.passwords["d1"] = "a new one"
    with pytest.raises(Refused) as caught:
        access.by_password("d1", old)
    assert caught.value.reason is Reason.BAD_USER_NAME_OR_PASSWORD
    register.down = True
    with pytest.raises(Refused) as caught:
        access.by_password("d1", old)
    assert caught.value.reason is Reason.SERVER_UNAVAILABLE


def test_a_password_that_is_no_text_is_wrong() -> None:
    register = Register()
    access = Access(register, register.behind, ACCOUNTS, b"key")
    with pytest.raises(Refused):
        access.by_password("d1", b"\xff")


def test_a_certificate_is_remembered_while_the_database_is_away() -> None:
    register = Register()
    access = Access(register, register.behind, ACCOUNTS, b"key")
    assert access.by_certificate("nobody", "ab") is None
    known = access.by_certificate("gate", "ab")
    assert known is not None
    assert known.devices == {"gate", "d2", "d3"}
    register.down = True
    again = access.by_certificate("gate", "ab")
    assert again is not None
    assert again.devices == {"gate", "d2", "d3"}
    with pytest.raises(Refused):
        access.by_certificate("gate", "cd")
    access.forget("gate")
    with pytest.raises(Refused):
        access.by_certificate("gate", "ab")


def test_the_accounts_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "accounts.json"
    made = accounts_in(path)
    assert set(made) == {"fleet", "feed"}
    assert min(map(len, made.values())) >= 32
    assert made["fleet"] != made["feed"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert accounts_in(path) == made
    assert [file.name for file in path.parent.iterdir()] == ["accounts.json"]
    assert made["fleet"] not in repr(Account("fleet", made["fleet"]))


def test_processes_that_start_together_agree_on_the_accounts(tmp_path: Path) -> None:
    program = (
        "import sys, json, pathlib;"
        "from ingest.links.endpoint.accounts import accounts_in;"
        "print(json.dumps(accounts_in(pathlib.Path(sys.argv[1]))))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "a.json")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = {process.communicate()[0] for process in started}
    assert len(answers) == 1
    assert json.loads(answers.pop()) == accounts_in(tmp_path / "a.json")


def test_failures_wait_longer_each_time_until_they_are_forgotten() -> None:
    throttle = Throttle()
    waits = [throttle.failed("a", float(n)) for n in range(10)]
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert max(waits) == 5.0
    assert throttle.failed("b", 10.0) == 0.1
    assert throttle.pause("a", 10.0) == 5.0
    assert throttle.pause("a", 100.0) == 0.0
    assert throttle.failed("a", 100.0) == 0.1
    assert throttle.pause("never", 100.0) == 0.0
