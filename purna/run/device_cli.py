"""`purna device …`: registration, credentials and commands from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from purna.run.cli_tools import Data, command, out, platform_in

device_app = typer.Typer(
    help="Register devices, give them credentials, send them commands.", no_args_is_help=True
)

site_app = typer.Typer(help="Where devices stand.", no_args_is_help=True)


@device_app.command("add")
@command
def add(
    device: str,
    product: Annotated[str, typer.Option(help="Product id of the catalogue.")],
    site: Annotated[str, typer.Option(help="Site id.")],
    serial: str = "",
    gateway: Annotated[str, typer.Option(help="The device through which it speaks.")] = "",
    data: Data = None,
) -> None:
    """Register a device; prints its password once and a command to try it with."""
    from purna.run.enrolment import add_device

    add_device(platform_in(data), device, product, site, serial, gateway, out)


@device_app.command("import")
@command
def import_(
    file: Annotated[Path, typer.Argument(help="CSV; docs/devices.md names the columns.")],
    secrets: Annotated[
        Path | None,
        typer.Option(help="Where the passwords go.  [default: beside FILE, .secrets.csv]"),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Register the good lines of a file with bad ones.")
    ] = False,
    data: Data = None,
) -> None:
    """Register all devices of a CSV file, or none, and write their passwords to a file."""
    from purna.run.enrolment import import_devices

    import_devices(platform_in(data), file, secrets, skip_bad=skip_bad, console=out)


@device_app.command("claim-key")
@command
def claim_key(
    product: Annotated[str, typer.Option(help="Product id of the catalogue.")],
    site: Annotated[str, typer.Option(help="Site id.  [default: whoever claims names it]")] = "",
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many keys.")] = 1,
    days: Annotated[float, typer.Option(min=0.01, max=3650, help="Days that they count.")] = 365,
    data: Data = None,
) -> None:
    """Print keys with which devices register themselves, each once."""
    from purna.run.enrolment import print_claim_keys

    print_claim_keys(platform_in(data), product, site, count, days, out)


@device_app.command("password")
@command
def password(device: str, data: Data = None) -> None:
    """Give a device a new password; the old one stops working."""
    from purna.run.enrolment import print_credential

    print_credential(platform_in(data), device, out)


@device_app.command("certificate")
@command
def certificate(
    device: str,
    register: Annotated[
        Path | None,
        typer.Option(help="A certificate (PEM) of your own authority, instead of a new one."),
    ] = None,
    days: Annotated[float, typer.Option(min=1, max=7300, help="Days that it counts.")] = 730,
    folder: Annotated[
        Path, typer.Option("--out", help="Where certificate and key are written.")
    ] = Path(),
    data: Data = None,
) -> None:
    """Make and register a certificate for a device, signed by this installation's authority."""
    from purna.run.authority import issue_certificate, register_certificate

    platform = platform_in(data)
    if register is not None:
        register_certificate(platform, device, register, out)
    else:
        issue_certificate(platform, device, days, folder, out)


@device_app.command("revoke")
@command
def revoke(
    device: str,
    certificate: Annotated[
        str, typer.Option(help="Only the certificate with this SHA-256 fingerprint.")
    ] = "",
    data: Data = None,
) -> None:
    """Take a device's password and certificates away; its session is closed within seconds."""
    from purna.run.enrolment import revoke_device

    revoke_device(platform_in(data), device, certificate, out)


@device_app.command("check")
@command
def check(
    device: str,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Be an MQTT server on this port for the device.")
    ] = 0,
    host: Annotated[str, typer.Option(help="Address for --port.")] = "127.0.0.1",
    recording: Annotated[Path | None, typer.Option(help="Grade this recording.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write what is seen to this file, for --recording.")
    ] = None,
    product: Annotated[
        str, typer.Option(help="Product id.  [default: that of the registered device]")
    ] = "",
    seconds: Annotated[float, typer.Option(min=1, help="How long; Ctrl-C ends it earlier.")] = 120,
    language: Annotated[str, typer.Option(help="en or id")] = "en",
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    data: Data = None,
) -> None:
    """Grade a device's traffic against the firmware contract; exit status 1 when a rule fails.

    Follows what the running platform takes in, or with --port is an MQTT server of its own: then
    connections, QoS, retained flags and subscriptions are graded, too.
    """
    from purna.run.checking import check_device

    good = check_device(
        platform_in(data),
        device,
        host=host,
        port=port,
        recording=recording,
        record=record,
        product=product,
        seconds=seconds,
        language=language,
        as_json=json_,
        console=out,
    )
    raise typer.Exit(0 if good else 1)


@device_app.command("list")
@command
def list_(data: Data = None) -> None:
    """List all devices with their credentials and when they were last heard of."""
    from purna.run.enrolment import print_devices

    print_devices(platform_in(data), out)


@device_app.command("command")
@command
def command_(
    device: str,
    name: Annotated[str, typer.Argument(help="For example sample.faster.")],
    arguments: Annotated[str, typer.Option("--args", help="Arguments, a JSON object.")] = "{}",
    ttl: Annotated[
        float, typer.Option(min=1, max=2_592_000, help="Seconds after which it is not sent.")
    ] = 300,
    timeout: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds that a result may take.")
    ] = 30,
    retries: Annotated[int, typer.Option(min=0, max=10, help="Send it so often again.")] = 2,
    wait: Annotated[bool, typer.Option(help="Wait for what becomes of it.")] = True,
    data: Data = None,
) -> None:
    """Send a device a command and print what becomes of it."""
    from purna.run.commanding import send_command

    send_command(
        platform_in(data),
        device,
        name,
        arguments,
        ttl_s=ttl,
        timeout_s=timeout,
        retries=retries,
        wait=wait,
        console=out,
    )


@site_app.command("add")
@command
def add_site(
    site: str,
    name: Annotated[str, typer.Option(help="For people.")],
    customer: Annotated[str, typer.Option(help="Id of the customer; made when it is new.")],
    customer_name: Annotated[str, typer.Option(help="For people.  [default: the id]")] = "",
    address: str = "",
    timezone: Annotated[str, typer.Option(help="IANA name, for example Asia/Jakarta.")] = "UTC",
    data: Data = None,
) -> None:
    """Add a site, so that devices can be registered there."""
    from purna.core.devices import Customer, Site

    owner = Customer(customer, customer_name or customer)
    platform_in(data).enrolment.add_site(Site(site, owner, name, address, timezone=timezone))
    out.print(f"site {site} added", highlight=False)
