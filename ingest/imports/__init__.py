"""Reads recorded histories of any user into values: mapping file plus CSV or Parquet files."""

from __future__ import annotations

from ingest.imports.history import History, Track
from ingest.imports.read import product_entry, read_history, shipped_sets
from ingest.imports.report import FileReport, Trouble

__all__ = [
    "FileReport",
    "History",
    "Track",
    "Trouble",
    "product_entry",
    "read_history",
    "shipped_sets",
]
