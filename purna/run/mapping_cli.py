"""`purna mapping …`: devices whose firmware nobody can change, from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from purna.run.cli_tools import Data, command, out, platform_in

mapping_app = typer.Typer(help="Devices whose firmware nobody can change.", no_args_is_help=True)


@mapping_app.command("list")
@command
def list_(data: Data = None) -> None:
    """List the mappings in use, in the order in which they are asked, and what else there is."""
    from purna.run.catalogue import load_mappings, shipped_mappings

    folder = platform_in(data).folder.mappings
    for mapping in load_mappings(folder):
        out.print(f"{mapping.id}: {', '.join(mapping.subscriptions()) or 'Sparkplug B'}")
    unused = [name for name in shipped_mappings() if not (folder / f"{name}.toml").exists()]
    out.print(f"shipped and not in use: {', '.join(unused) or 'none'}")


@mapping_app.command("add")
@command
def add(
    name: Annotated[str, typer.Argument(help="One of those that `purna mapping list` names.")],
    data: Data = None,
) -> None:
    """Copy a shipped mapping into the data folder; it is yours to change there."""
    from purna.core.errors import BadInput
    from purna.run.catalogue import shipped_mappings

    shipped = shipped_mappings()
    if name not in shipped:
        raise BadInput("mapping.unknown", f"no mapping {name!r}: there are {', '.join(shipped)}")
    target = platform_in(data).folder.mappings / f"{name}.toml"
    if target.exists():
        raise BadInput(
            "mapping.exists", f"{target} is there already: change it, or remove it first"
        )
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(shipped[name].read_bytes())
    out.print(f"{target}: name your devices in it, then start the platform again", soft_wrap=True)


@mapping_app.command("try")
@command
def try_(
    topic: Annotated[str, typer.Argument(help="As the device publishes it.")],
    payload: Annotated[str, typer.Argument(help="Likewise.")],
    data: Data = None,
) -> None:
    """Show what would be read from a message, without storing anything."""
    from ingest.quality import ranges_of
    from purna.core.errors import BadPayload
    from purna.core.readings import Telemetry

    platform = platform_in(data)
    parts = platform.decoders().decode(topic, payload.encode(), now=platform.clock.now())
    device = platform.registry.find(platform.decoders().device_of(topic) or "")
    product = platform.catalogue.get(device.product) if device else None
    measured = ranges_of(product) if product else None
    for part in parts:
        if isinstance(part, BadPayload):
            out.print(f"refused: {part.detail}", soft_wrap=True)
        elif isinstance(part, Telemetry):
            for _, values in part.rows:
                for name, value in values.items():
                    left_out = measured is not None and name not in measured
                    note = "  (left out: the product does not measure it)" if left_out else ""
                    unit = part.units.get(name, "")
                    out.print(f"{part.device} {name} = {value:g} {unit}{note}", soft_wrap=True)
        else:
            out.print(str(part), soft_wrap=True)
    if not parts:
        out.print("nothing in this message is mapped")
