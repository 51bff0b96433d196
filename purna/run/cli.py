"""The command line. Commands only translate, and import what they need when they run."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from purna import __version__
from purna.run.cli_tools import Data, command, err, out, platform_in, settings_in
from purna.run.device_cli import device_app, site_app
from purna.run.mapping_cli import mapping_app

app = typer.Typer(
    name="purna",
    help="Predictive maintenance: a reading becomes one well-founded service order.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
user_app = typer.Typer(help="People who use the console.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Messages that could not be taken in.", no_args_is_help=True)
db_app = typer.Typer(help="The service database.", no_args_is_help=True)
app.add_typer(device_app, name="device")
app.add_typer(site_app, name="site")
app.add_typer(mapping_app, name="mapping")
app.add_typer(user_app, name="user")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(db_app, name="db")

Supervised = Annotated[bool, typer.Option("--supervised", hidden=True)]


# Running


@app.command()
@command
def up(data: Data = None) -> None:
    """Run the platform: ingest, API, console and scheduled jobs."""
    from purna.run.running import run_platform

    raise typer.Exit(run_platform(platform_in(data)))


@app.command()
@command
def demo(
    data: Data = Path("var/demo"),
    speed: Annotated[float, typer.Option(min=1, help="Platform seconds per real second.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, another fleet.")] = 7,
) -> None:
    """Run the platform with a simulated fleet that has already lived for half a year."""
    from purna.run.demo import run_demo

    raise typer.Exit(run_demo(platform_in(data), speed=speed, seed=seed))


@app.command()
@command
def ingest(data: Data = None, supervised: Supervised = False) -> None:
    """Run the ingest process alone: from devices into the store."""
    from purna.run.ingesting import run_ingest

    run_ingest(platform_in(data, "ingest", supervised=supervised))


@app.command()
@command
def forward(data: Data = None, supervised: Supervised = False) -> None:
    """Run the forwarder alone: from the readings' file on to InfluxDB."""
    from purna.run.forwarding import run_forwarder

    run_forwarder(platform_in(data, "forward", supervised=supervised))


@app.command()
@command
def serve(data: Data = None, supervised: Supervised = False) -> None:
    """Run the service process alone: API, console and scheduled jobs."""
    from purna.run.serving import serve as run

    run(platform_in(data, "service", supervised=supervised))


@app.command()
@command
def simulate(
    data: Data = None,
    speed: Annotated[float, typer.Option(min=1, help="Platform seconds per real second.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, another fleet.")] = 7,
    supervised: Supervised = False,
) -> None:
    """Publish a simulated fleet to the platform that runs on this data folder."""
    from purna.run.fleet import run_fleet

    run_fleet(platform_in(data, "fleet", supervised=supervised), speed=speed, seed=seed)


# Histories


@app.command("import")
@command
def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A shipped set (azure_pdm, cmapss), a mapping file, or 'readings' for an export."
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Where the set's files are.")],
    data: Data = None,
    subset: Annotated[str, typer.Option(help="Part of the set, for example FD001.")] = "",
    until: Annotated[
        str,
        typer.Option(help="Take in only what was known before this date; replay brings the rest."),
    ] = "",
) -> None:
    """Read a recorded history into the store: devices, readings, events, maintenance."""
    if source == "readings":
        from purna.run.exchanging import import_readings

        import_readings(platform_in(data), folder, console=out)
        return
    from purna.run.histories import import_history

    import_history(platform_in(data), source, folder, subset=subset, until=until, console=out)


class ExportFormat(StrEnum):
    """File formats of an export."""

    PARQUET = "parquet"
    CSV = "csv"


@app.command()
@command
def backup(
    target: Annotated[Path, typer.Argument(help="Folder for the backup; must be new or empty.")],
    data: Data = None,
) -> None:
    """Copy the whole installation into a folder, while everything runs."""
    from purna.run.keeping import back_up

    back_up(platform_in(data), target, out)


@app.command()
@command
def restore(
    source: Annotated[Path, typer.Argument(help="Folder of a backup.")],
    data: Annotated[Path, typer.Option("--data", help="Data folder; must be new or empty.")],
) -> None:
    """Put a backup into a new data folder, after checking every file of it."""
    from purna.run.keeping import put_back

    put_back(source, data, out)


@app.command()
@command
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; made when missing.")],
    data: Data = None,
    form: Annotated[ExportFormat, typer.Option("--format")] = ExportFormat.PARQUET,
    device: Annotated[
        list[str] | None, typer.Option(help="Only this device; may be repeated.  [default: all]")
    ] = None,
    quantity: Annotated[
        list[str] | None, typer.Option(help="Only this quantity; may be repeated.  [default: all]")
    ] = None,
    start: Annotated[str, typer.Option("--from", help="From this date.  [default: all]")] = "",
    until: Annotated[str, typer.Option(help="Up to this date.  [default: all]")] = "",
) -> None:
    """Write readings and events into files; `purna import readings` takes them in again."""
    from purna.run.exchanging import export_readings

    export_readings(
        platform_in(data),
        folder,
        form.value,
        devices=device or (),
        quantities=quantity or (),
        start=start,
        end=until,
        console=out,
    )


@app.command()
@command
def replay(
    source: Annotated[
        str, typer.Argument(help="A shipped set (azure_pdm, cmapss) or a mapping file.")
    ],
    folder: Annotated[Path, typer.Argument(help="Where the set's files are.")],
    data: Data = None,
    subset: Annotated[str, typer.Option(help="Part of the set, for example FD001.")] = "",
    until: Annotated[str, typer.Option(help="Stop at this date.  [default: the end]")] = "",
    speed: Annotated[
        float, typer.Option(min=0, help="Recorded seconds per real second; 0 = as fast as it goes.")
    ] = 0,
) -> None:
    """Publish a recorded history over MQTT into the live line, and report what came of it."""
    from purna.run.histories import replay_history

    platform = platform_in(data)
    replay_history(platform, source, folder, subset=subset, until=until, speed=speed, console=out)


@app.command()
@command
def report(
    data: Data = None,
    start: Annotated[str, typer.Option(help="From this date.  [default: the first order]")] = "",
    end: Annotated[str, typer.Option(help="Up to this date.  [default: now]")] = "",
) -> None:
    """Failures with an open order before them, orders with no failure behind them, lead times."""
    from purna.run.histories import print_report

    print_report(platform_in(data), start=start, end=end, console=out)


# Models


@app.command()
@command
def train(
    data: Data = None,
    product: Annotated[str, typer.Option(help="Only this product.  [default: all]")] = "",
    until: Annotated[
        str, typer.Option(help="Learn only from what was known before this date.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of everything random in training.")] = 0,
) -> None:
    """Train anomaly, failure and remaining-life models, and make them the champions."""
    from purna.run.training import print_trained, train_products, until_given

    platform = platform_in(data)
    done = train_products(
        platform, product=product, until=until_given(platform, until), seed=seed, console=err
    )
    if not done:
        out.print("There is nothing to train: no device of any product is registered.")
    for trained in done:
        print_trained(trained, out)


@app.command()
@command
def score(data: Data = None) -> None:
    """Score all windows that are due and decide on them, once."""
    from purna.run.jobs import Jobs

    jobs, windows = Jobs(platform_in(data)), 0
    while done := jobs.score_and_decide():
        windows += done
    out.print(f"{windows} windows scored")


@app.command()
@command
def models(data: Data = None) -> None:
    """List trained versions with what they were trained on and how well they did."""
    from purna.run.training import print_models

    print_models(platform_in(data), out)


@app.command()
@command
def explain(device: str, data: Data = None) -> None:
    """Say what the engine would decide for a device now, and why."""
    platform = platform_in(data)
    lines = platform.alerts.explain(device, platform.assessments)
    if not lines:
        out.print(f"{device} has not been assessed yet", highlight=False)
    for line in lines:
        out.print(f"[bold]{line.failure_mode}[/]: {line.decision.action.value}", highlight=False)
        for text in (line.found, line.state, line.decision.reason):
            out.print(f"  {text.text()}", highlight=False, soft_wrap=True)


@app.command()
@command
def mosquitto(
    folder: Annotated[Path, typer.Argument(help="Where passwd and acl are written.")],
    on_change: Annotated[
        str,
        typer.Option(help="Command that makes Mosquitto read them, run when they have changed."),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: write them again whenever devices change.")
    ] = False,
    data: Data = None,
) -> None:
    """Write the password and ACL files of a Mosquitto in front of Purna."""
    import threading

    from purna.run.mosquitto import keep_files

    stop = threading.Event()
    if not watch:
        stop.set()
    keep_files(platform_in(data), folder, on_change, out, stop)


# People


@user_app.command("setup-link")
@command
def user_setup_link(data: Data = None) -> None:
    """Print a one-time link to make an administrator, also when the last one is locked out."""
    from purna.run.people import setup_link

    out.print(setup_link(platform_in(data)), soft_wrap=True, highlight=False)


DeviceOption = Annotated[str, typer.Option("--device", help="Only of this device.")]
CodeOption = Annotated[
    str, typer.Option("--code", help="Only with this code, or one that begins so (ts).")
]
TextOption = Annotated[
    str, typer.Option("--text", help="Only with this in topic, field, hint or payload.")
]


@quarantine_app.command("list")
@command
def quarantine_list(
    device: DeviceOption = "",
    code: CodeOption = "",
    text: TextOption = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 20,
    data: Data = None,
) -> None:
    """List what was set aside, newest first, and how much of it for which reason."""
    from purna.run.quarantining import print_rejected

    print_rejected(platform_in(data), device, code, text, limit, out)


@quarantine_app.command("replay")
@command
def quarantine_replay(
    device: DeviceOption = "",
    code: CodeOption = "",
    text: TextOption = "",
    data: Data = None,
) -> None:
    """Take messages in again after a fix; what can be taken now leaves the quarantine."""
    from purna.core.ports import RejectedFilter

    asked = platform_in(data).quarantine.ask_again(RejectedFilter(device, code, text))
    out.print(f"{asked} messages will be taken in again while the platform runs")


@db_app.command("upgrade")
@command
def db_upgrade(data: Data = None) -> None:
    """Bring the service database to the newest version; safe to repeat."""
    platform = platform_in(data)
    out.print(f"{platform.db.engine.url.render_as_string()} is up to date")


# Self-help


@app.command()
@command
def contract(
    folder: Annotated[Path, typer.Option(help="Where to.")] = Path("docs/contract"),
) -> None:
    """Write the firmware contract for programs: AsyncAPI document and JSON Schemas."""
    from purna.run.contract import write_contract

    write_contract(folder, out)


@app.command()
@command
def doctor(data: Data = None) -> None:
    """Check everything that commonly goes wrong, and say what to do about it."""
    from purna.run.doctor import examine

    findings = examine(settings_in(data))
    for finding in findings:
        mark = "[green]ok[/]  " if finding.ok else "[red]fail[/]"
        out.print(f"{mark} {finding.name}: {finding.text}", soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
@command
def config(data: Data = None) -> None:
    """Print every setting with its value, default and meaning."""
    from purna.run.show_settings import rows

    table = Table("variable", "value", "default", "meaning", box=None)
    for row in rows(settings_in(data)):
        table.add_row(*row)
    out.print(table)


@app.command()
@command
def version() -> None:
    """Print the version."""
    out.print(__version__)


if __name__ == "__main__":
    sys.exit(app())
