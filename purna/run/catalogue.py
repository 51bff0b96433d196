"""Reads TOML files of the data folder: products in ``catalogue/``, and ``mappings/``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import ingest.payloads
from ingest.payloads.mapping import PayloadKind, TopicMapping
from ingest.payloads.mapping_file import parse_mapping
from purna.core.catalogue import Catalogue, Product, parse_product
from purna.core.errors import BadInput


def load_catalogue(folder: Path) -> Catalogue:
    """Products by id, from every ``*.toml`` in ``folder``.

    Raises
    ------
    BadInput
        Naming file and field of the first thing that is wrong.
    """
    products: dict[str, Product] = {}
    for path in sorted(folder.glob("*.toml")):
        product = parse_product(_content(path), path.name)
        if product.id in products:
            raise BadInput(
                "catalogue.invalid", f"{path.name}: a second product {product.id!r}", field="id"
            )
        products[product.id] = product
    return products


def load_mappings(folder: Path) -> list[TopicMapping]:
    """Every mapping in ``folder``, by file name; raises as :func:`load_catalogue` does."""
    mappings = [parse_mapping(_content(path), path.name) for path in sorted(folder.glob("*.toml"))]
    kinds = [mapping.payload for mapping in mappings]
    if kinds.count(PayloadKind.SPARKPLUG) > 1:
        raise BadInput("catalogue.invalid", "only one mapping may be of Sparkplug", field="payload")
    return mappings


def shipped_mappings() -> dict[str, Path]:
    """Files of the mappings that come with Purna, by name."""
    folder = Path(ingest.payloads.__file__).parent / "mappings"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput("catalogue.syntax", f"{path.name}: {error}", field=path.name) from error
