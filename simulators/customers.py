"""Who owns the simulated machines, where they stand, who repairs them, and what is in stock."""

from __future__ import annotations

from typing import TypedDict

from purna.core.devices import Customer, Site
from simulators.catalogue import load_catalogue

_TIRTA = Customer("tirta", "PT Tirta Nusantara", 48.0)
_SAWIT = Customer("sawit", "PT Sawit Lestari Riau", 72.0)
_SEMEN = Customer("semen", "PT Semen Bahari", 48.0)
_RHEIN = Customer("rhein", "Rheinfeld Wasserwerke GmbH", 24.0)
_MOLEN = Customer("molen", "Molenkamp Zuivel B.V.", 48.0)
_LEMAN = Customer("leman", "Fromagerie du Léman SA", 72.0)

SITES: tuple[Site, ...] = (
    Site("jakarta", _TIRTA, "Jakarta Timur", "Jl. Raya Bekasi, Jakarta", -6.21, 106.90,
         "Asia/Jakarta"),
    Site("koeln", _RHEIN, "Köln-Niehl", "Niehler Hafen, Köln", 50.98, 6.96, "Europe/Berlin"),
    Site("dumai", _SAWIT, "Dumai", "Jl. Datuk Laksamana, Dumai", 1.67, 101.45, "Asia/Jakarta"),
    Site("utrecht", _MOLEN, "Utrecht-Lage Weide", "Lage Weide, Utrecht", 52.11, 5.06,
         "Europe/Amsterdam"),
    Site("surabaya", _TIRTA, "Surabaya Rungkut", "Rungkut Industri, Surabaya", -7.33, 112.76,
         "Asia/Jakarta"),
    Site("makassar", _SEMEN, "Makassar", "Jl. Ir. Sutami, Makassar", -5.10, 119.48,
         "Asia/Makassar"),
    Site("lausanne", _LEMAN, "Lausanne", "Route de Genève, Lausanne", 46.52, 6.60,
         "Europe/Zurich"),
    Site("duisburg", _RHEIN, "Duisburg-Ruhrort", "Ruhrorter Hafen, Duisburg", 51.45, 6.74,
         "Europe/Berlin"),
    Site("pekanbaru", _SAWIT, "Pekanbaru", "Jl. Garuda Sakti, Pekanbaru", 0.47, 101.37,
         "Asia/Jakarta"),
)  # fmt: skip


class Technician(TypedDict):
    """Somebody who can be sent; home in degrees."""

    id: str
    name: str
    skills: list[str]
    latitude: float
    longitude: float
    home: str


class PartStock(TypedDict):
    """A spare part and how many are in stock."""

    number: str
    name: str
    stock: int


def technicians() -> list[Technician]:
    both = ["mechanical", "electrical"]
    rows: list[tuple[str, str, list[str], float, float, str]] = [
        ("tech-rahma", "Rahma Wijaya", both, -6.24, 106.99, "Bekasi"),
        ("tech-bagus", "Bagus Prasetyo", ["mechanical"], -7.28, 112.73, "Surabaya"),
        ("tech-dewi", "Dewi Siregar", both, 0.51, 101.45, "Pekanbaru"),
        ("tech-andi", "Andi Tenri", both, -5.14, 119.42, "Makassar"),
        ("tech-greta", "Greta Schäfer", both, 51.23, 6.78, "Düsseldorf"),
        ("tech-joost", "Joost van Dijk", ["mechanical"], 52.09, 5.12, "Utrecht"),
        ("tech-luc", "Luc Bovet", ["electrical", "mechanical"], 46.52, 6.63, "Lausanne"),
    ]
    return [
        Technician(id=i, name=n, skills=s, latitude=lat, longitude=lon, home=home)
        for i, n, s, lat, lon, home in rows
    ]


def parts(language: str = "en") -> list[PartStock]:
    """Every part of the catalogue: cheap ones are kept by the dozen, dear ones singly."""
    stock = []
    for product in load_catalogue().values():
        for component in product.components:
            count = 24 if component.price < 100 else 6 if component.price < 1000 else 1
            name = f"{component.name.text(language)}, {product.name.text(language)}"
            stock.append(PartStock(number=component.part, name=name, stock=count))
    return stock
