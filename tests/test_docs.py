"""The pages speak of what there is: links, commands, options and settings exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from purna.run.cli import app
from purna.run.settings import Settings
from purna.run.show_settings import rows

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
CLI = typer.main.get_command(app)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if hasattr(command, "commands"):
        for name, sub in command.commands.items():
            yield from commands(sub, (*path, name))
    else:
        yield path


def lines_of_commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("purna "):
                    yield page.name, line.split("#")[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(("page", "line"), list(lines_of_commands()))
def test_commands_in_the_pages_exist_with_their_options(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = CLI
    while hasattr(command, "commands") and words:
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts}
    for word in words:
        if word.startswith("--"):
            assert word in options, f"{page}: {line}"


@pytest.mark.parametrize("path", list(commands(CLI)), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    command: Any = CLI
    for name in path:
        command = command.commands[name]
    assert command.help


def test_every_setting_has_a_meaning_and_a_variable() -> None:
    shown = list(rows(Settings()))
    assert len(shown) > 30
    for variable, _, _, meaning in shown:
        assert variable.startswith("PURNA_")
        assert meaning, variable


def test_secrets_are_not_shown() -> None:
    settings = Settings.model_validate({"ingest": {"mqtt_password": "hush"}})
    assert not any("hush" in " ".join(row) for row in rows(settings))


def test_variables_named_in_the_pages_are_settings() -> None:
    known = {variable for variable, *_ in rows(Settings())} | {"PURNA_DATA_DIR"}
    for page in PAGES:
        for name in set(re.findall(r"PURNA_[A-Z0-9_]*[A-Z0-9]", page.read_text())):
            assert name in known or name.startswith("PURNA_TEST_"), f"{page.name}: {name}"
