"""Writes the firmware contract for programs to a folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ingest.contract import files


def write_contract(folder: Path, console: Console) -> None:
    """Schemas and AsyncAPI document; what is there already is replaced."""
    for path, content in files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
        console.print(str(target), soft_wrap=True, highlight=False)
