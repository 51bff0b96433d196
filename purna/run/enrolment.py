"""Registers devices from the command line and prints what they connect with."""

from __future__ import annotations

from rich.console import Console

from ingest.passwords import make_password
from purna.core.clock import DAY
from purna.core.devices import Device
from purna.core.errors import Conflict, NotFound
from purna.run.bootstrap import Platform

_MONTH = 30.44 * DAY


def add_device(
    platform: Platform, device_id: str, product_id: str, site_id: str, serial: str, console: Console
) -> None:
    """Register a device and print what it connects with.

    Raises
    ------
    NotFound
        When there is no such product or site.
    Conflict
        When the device is there already.
    """
    product = platform.catalogue.get(product_id)
    if product is None:
        known = ", ".join(platform.catalogue) or "none yet"
        raise NotFound(
            "error.not_found",
            f"no product {product_id!r}; the catalogue has: {known}",
            kind="product",
            id=product_id,
        )
    site = next((site for site in platform.registry.sites() if site.id == site_id), None)
    if site is None:
        known = ", ".join(site.id for site in platform.registry.sites()) or "none yet"
        raise NotFound(
            "error.not_found",
            f"no site {site_id!r}; there are: {known}",
            kind="site",
            id=site_id,
        )
    if platform.registry.find(device_id) is not None:
        raise Conflict(
            "device.exists", f"device {device_id!r} is registered already", device=device_id
        )
    now = platform.clock.now()
    warranty = now + round(product.warranty_months * _MONTH)
    platform.registry.add([Device(device_id, product_id, site, serial, now, warranty)])
    print_credential(platform, device_id, console)


def print_credential(platform: Platform, device_id: str, console: Console) -> None:
    """Give a device a new password and print it with a command to try it."""
    device = platform.registry.get(device_id)
    password = make_password()
    platform.credentials.set_password(device_id, password, platform.clock.now())
    host, port = platform.mqtt_address
    product = platform.catalogue[device.product]
    quantity = product.quantities[0]
    millis, value = platform.clock.now() // 1000, (quantity.low + quantity.high) / 2
    example = f'{{"boot":"b{millis}","seq":1,"ts":{millis},"m":{{"{quantity.id}":{value:g}}}}}'
    console.print(f"user name  {device_id}\npassword   {password}", highlight=False)
    console.print("It is not shown again. To try it (the broker takes it within some seconds):")
    console.print(
        f"mosquitto_pub -h {host} -p {port} -u {device_id} -P {password} "
        f"-q 1 -t purna/v1/{device_id}/telemetry -m '{example}'",
        highlight=False,
        soft_wrap=True,
    )
