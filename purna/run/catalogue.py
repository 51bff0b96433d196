"""Reads the product catalogue: one TOML file per product in the data folder's ``catalogue/``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from purna.core.catalogue import Catalogue, parse_product
from purna.core.errors import BadInput


def load_catalogue(folder: Path) -> Catalogue:
    """Products by id, from every ``*.toml`` in ``folder``.

    Raises
    ------
    BadInput
        Naming file and field of the first thing that is wrong.
    """
    products = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise BadInput("catalogue.syntax", f"{path.name}: {error}", field=path.name) from error
        product = parse_product(data, path.name)
        if product.id in products:
            raise BadInput(
                "catalogue.invalid", f"{path.name}: a second product {product.id!r}", field="id"
            )
        products[product.id] = product
    return products
