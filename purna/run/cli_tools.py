"""What the command line's modules share: output, options, errors as sentences, the platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer
from rich.console import Console

from purna.core.errors import AskOperator, PurnaError

if TYPE_CHECKING:
    from purna.run.bootstrap import Platform
    from purna.run.settings import Settings

P = ParamSpec("P")

out = Console()
err = Console(stderr=True)

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder.  [default: var/purna, or PURNA_DATA_DIR]"),
]


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors raised on purpose become one sentence and an exit status; bugs stay tracebacks."""
    from purna.run.supervisor import OPERATOR_EXIT

    try:
        yield
    except PurnaError as error:
        err.print(f"purna: {error.detail}", highlight=False, soft_wrap=True)
        raise typer.Exit(OPERATOR_EXIT if isinstance(error, AskOperator) else 1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def command(function: Callable[P, None]) -> Callable[P, None]:
    """Lets a command's errors be told plainly."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with _plain_errors():
            function(*args, **kwargs)

    return run


def settings_in(data: Path | None) -> Settings:
    """The settings of the installation in this data folder."""
    from purna.run.settings import load_settings

    return load_settings(data)


def platform_in(data: Path | None, process: str = "purna", *, supervised: bool = False) -> Platform:
    """The installation in this data folder, with its folder and service database in order.

    A supervised process finds them in order, and ends with its supervisor.
    """
    from purna.run.bootstrap import Platform
    from purna.run.logs import set_up_logs

    settings = settings_in(data)
    set_up_logs(settings.log_level, settings.log_format, process)
    platform = Platform(settings)
    if supervised:
        from purna.run.supervisor import end_with_parent

        end_with_parent()
        return platform
    from purna.run.migrate import upgrade

    platform.folder.create()
    upgrade(platform.db)
    return platform
