"""The devices, product and messages that the ingest benchmarks share."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ingest.registry import SqlDeviceRegistry
from purna.core.catalogue import parse_product
from purna.core.devices import Customer, Device, Site
from purna.db.engine import Database
from purna.run.migrate import upgrade

CATALOGUE_FILE = 'id = "bench"\nname = "Bench"\n' + "".join(
    f'[[quantity]]\nid = "{name}"\nname = "{name}"\nunit = "1"\nlow = -1e6\nhigh = 1e6\n'
    for name in ("temp", "vib", "speed", "current", "flow")
)
PRODUCT = parse_product(tomllib.loads(CATALOGUE_FILE))


def register(path: Path, devices: int) -> Database:
    """A service database that knows ``bench-0`` … ."""
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    site = Site("s", Customer("c", "C"), "S")
    SqlDeviceRegistry(database).add(
        [Device(f"bench-{number}", PRODUCT.id, site) for number in range(devices)]
    )
    return database


def payload(seq: int, start_ms: int, moments: int = 1) -> bytes:
    """A message with ``moments`` times and five values each; 120 bytes with one moment."""
    numbering = f'{{"boot":"b1","seq":{1 + seq},'
    if moments == 1:
        return f'{numbering}"ts":{start_ms + seq},"m":{_values(seq)}}}'.encode()
    first = start_ms + seq * moments
    rows = ",".join(f"[{first + n},{_values(first + n)}]" for n in range(moments))
    return f'{numbering}"r":[{rows}]}}'.encode()


def _values(n: int) -> str:
    flow = 30 + n % 1000 / 1000
    return f'{{"temp":71.2,"vib":3.125,"speed":1480.5,"current":12.25,"flow":{flow:.3f}}}'
