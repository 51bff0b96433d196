"""The products of the simulated fleet, as catalogue entries."""

from __future__ import annotations

import tomllib
from importlib import resources

from purna.core.catalogue import Product, parse_product

PRODUCTS = ("cp-200", "ac-75")


def load_catalogue() -> dict[str, Product]:
    """Products by id, read from the entries beside this file."""
    folder = resources.files("simulators.catalogue")
    return {
        name: parse_product(tomllib.loads((folder / f"{name}.toml").read_text("utf-8")), name)
        for name in PRODUCTS
    }
