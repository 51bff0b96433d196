"""What enrolment promises, over every backend."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.credentials import SqlCredentials
from ingest.device_requests import DeviceRequest
from ingest.enrolment import CLAIM_AGAIN, Enrolment
from ingest.registry import SqlDeviceRegistry
from purna.core.clock import DAY, ManualClock
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput, Conflict, Denied, NotFound, PurnaError
from purna.core.ids import SequentialIds
from purna.db.base import Base
from purna.db.engine import Database
from tests.ingest.kit import CATALOGUE

NOW = 1_780_000_000_000_000
SITE = Site("north", Customer("acme", "Acme Water"), "North plant")
BACKENDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Desk:
    """Everything about devices over one database."""

    def __init__(self, database: Database) -> None:
        self.clock, self.real_clock = ManualClock(NOW), ManualClock(5 * DAY)
        self.registry = SqlDeviceRegistry(database)
        self.credentials = SqlCredentials(database)
        self.enrolment = Enrolment(
            database, CATALOGUE, self.clock, self.real_clock, SequentialIds()
        )
        self.registry.add([], [SITE])

    def key(self, site: str = "north", days: float = 30) -> str:
        (text,) = self.enrolment.make_claim_keys("pump", 1, days=days, created_by="ann", site=site)
        return text


@pytest.fixture(params=BACKENDS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    Base.metadata.create_all(database.engine)
    yield Desk(database)
    database.close()


def test_a_registered_device_gets_in_with_its_password(desk: Desk) -> None:
    password = desk.enrolment.register(
        DeviceRequest("p1", "pump", "north", "SN1", attributes={"gateway": "g1"})
    )
    assert desk.credentials.verify("p1", password)
    device = desk.registry.get("p1")
    assert (device.serial, device.installed_at, device.site) == ("SN1", NOW, SITE)
    assert device.warranty_until > NOW + 300 * DAY
    assert desk.registry.behind("g1") == {"p1"}
    assert desk.credentials.of(["p1"])["p1"].issued_at == NOW


@pytest.mark.parametrize(
    ("request_", "field", "code"),
    [
        (DeviceRequest("a b", "pump", "north"), "id", "device.id"),
        (DeviceRequest("feed", "pump", "north"), "id", "device.reserved"),
        (DeviceRequest("p1", "crane", "north"), "product", "product.unknown"),
        (DeviceRequest("p1", "pump", "south"), "site", "site.unknown"),
    ],
)
def test_a_wrong_request_is_named_by_its_field(
    desk: Desk, request_: DeviceRequest, field: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        desk.enrolment.register(request_)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert desk.registry.all() == []


def test_a_device_that_is_there_keeps_what_it_has(desk: Desk) -> None:
    password = desk.enrolment.register(DeviceRequest("p1", "pump", "north", "first"))
    with pytest.raises(Conflict):
        desk.enrolment.register(DeviceRequest("p1", "pump", "north", "second"))
    assert desk.registry.get("p1").serial == "first"
    assert desk.credentials.verify("p1", password)


def test_many_are_registered_all_or_none(desk: Desk) -> None:
    passwords = desk.enrolment.register_all([Device(f"p{n}", "pump", SITE) for n in range(3)])
    assert all(desk.credentials.verify(name, password) for name, password in passwords.items())
    with pytest.raises(Conflict):
        desk.enrolment.register_all([Device(name, "pump", SITE) for name in ("p8", "p1", "p9")])
    assert [device.id for device in desk.registry.all()] == ["p0", "p1", "p2"]


def test_a_key_registers_one_device(desk: Desk) -> None:
    key = desk.key()
    password = desk.enrolment.claim(f" {key.lower()} ", "p1", serial="SN1")
    assert desk.credentials.verify("p1", password)
    assert desk.registry.get("p1").serial == "SN1"
    with pytest.raises(Denied):
        desk.enrolment.claim(key, "p2")
    assert desk.registry.find("p2") is None
    (listed,) = desk.enrolment.claim_keys()
    assert (listed.device, listed.used_at, listed.hint) == ("p1", 5 * DAY, key[:5])


def test_letters_that_are_easily_misread_are_forgiven(desk: Desk) -> None:
    key = desk.key()
    typed = key.replace("0", "O").replace("1", "l").replace("-", " ")
    desk.enrolment.claim(typed, "p1")


def test_a_lost_answer_is_asked_for_again_within_a_while(desk: Desk) -> None:
    key = desk.key()
    lost = desk.enrolment.claim(key, "p1")
    desk.real_clock.advance(CLAIM_AGAIN - 1)
    password = desk.enrolment.claim(key, "p1")
    assert desk.credentials.verify("p1", password)
    assert not desk.credentials.verify("p1", lost)
    desk.real_clock.advance(1)
    with pytest.raises(Denied):
        desk.enrolment.claim(key, "p1")
    assert desk.credentials.verify("p1", password)


def test_a_key_ends(desk: Desk) -> None:
    expired, dropped = desk.key(days=1), desk.key()
    desk.enrolment.drop_claim_key(desk.enrolment.claim_keys()[0].id)
    desk.real_clock.advance(DAY)
    for key in (expired, dropped, "AAAAA-BBBBB", ""):
        with pytest.raises(Denied) as refused:
            desk.enrolment.claim(key, "p1")
        assert refused.value.code == "claim.key"


def test_a_wrong_claim_leaves_the_key_good(desk: Desk) -> None:
    desk.enrolment.register(DeviceRequest("p1", "pump", "north"))
    key = desk.key(site="")
    for device, site, error in (
        ("p1", "north", Conflict),
        ("p2", "", BadInput),
        ("p 2", "north", BadInput),
    ):
        with pytest.raises(error):
            desk.enrolment.claim(key, device, site=site)
    desk.enrolment.claim(key, "p2", site="north")


def test_the_site_of_the_key_counts(desk: Desk) -> None:
    desk.enrolment.claim(desk.key(), "p1", site="elsewhere")
    assert desk.registry.get("p1").site == SITE


def test_keys_for_what_is_not_there_are_not_made(desk: Desk) -> None:
    for product, site in (("crane", ""), ("pump", "south")):
        with pytest.raises(BadInput):
            desk.enrolment.make_claim_keys(product, 1, days=1, created_by="ann", site=site)
    assert desk.enrolment.claim_keys() == []


def test_of_many_that_claim_with_one_key_one_gets_in(desk: Desk) -> None:
    key = desk.key()

    def claim(device: str) -> str | None:
        try:
            return desk.enrolment.claim(key, device)
        except PurnaError:
            return None

    with ThreadPoolExecutor(4) as pool:
        passwords = list(pool.map(claim, ["p1", "p2", "p3", "p4"]))
    assert sum(password is not None for password in passwords) == 1
    assert len(desk.registry.all()) == 1


def test_a_site_is_added_once_and_brings_a_new_customer_along(desk: Desk) -> None:
    south = Site("south", Customer("sari", "PT Sari"), "South", timezone="Asia/Jakarta")
    desk.enrolment.add_site(south)
    desk.enrolment.register(DeviceRequest("p1", "pump", "south"))
    assert desk.registry.get("p1").site == south
    with pytest.raises(Conflict):
        desk.enrolment.add_site(south)
    desk.enrolment.add_site(Site("west", Customer("acme", "another name"), "West"))
    assert desk.registry.sites()[-1].customer == SITE.customer
    for wrong in (Site("a b", SITE.customer, "A"), Site("a", SITE.customer, "A", timezone="Mars")):
        with pytest.raises(BadInput):
            desk.enrolment.add_site(wrong)


def test_what_is_given_is_changed_and_the_rest_stays(desk: Desk) -> None:
    desk.enrolment.register(DeviceRequest("p1", "pump", "north", "SN1", attributes={"load": 0.5}))
    before = desk.registry.get("p1")
    after = desk.enrolment.change("p1", serial="SN2", warranty_until=7)
    assert desk.registry.get("p1") == after
    assert after == replace(before, serial="SN2", warranty_until=7)
    with pytest.raises(BadInput):
        desk.enrolment.change("p1", site="south")
    with pytest.raises(NotFound):
        desk.enrolment.change("p9", serial="x")


def test_another_gateway_ends_the_sessions_of_both_gateways(desk: Desk) -> None:
    for name in ("g1", "g2", "p1"):
        desk.enrolment.register(DeviceRequest(name, "pump", "north"))
    start = desk.credentials.position()
    desk.enrolment.change("p1", attributes={"gateway": "g1"})
    position, changed = desk.credentials.changes(start)
    assert changed == ["g1"]
    desk.enrolment.change("p1", attributes={"gateway": "g2", "load": 1.0})
    position, changed = desk.credentials.changes(position)
    assert changed == ["g1", "g2"]
    desk.enrolment.change("p1", serial="x")
    assert desk.credentials.changes(position) == (position, [])
    assert desk.registry.behind("g2") == {"p1"}
