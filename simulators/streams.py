"""Chance, one stream per machine: what happens to one never depends on how many others there are.

The numbers of a machine for a day are a function of (seed, device id, day) alone, by the
counter-based generator Philox. So nothing of the generators needs saving, and a fleet that was
stopped and restored goes on exactly as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.machines.machine import Array

Keys = NDArray[np.uint64]

BIRTH = 2**40
"""The "day" on which a machine's lasting properties are drawn."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Numbers for each tick of a day, shaped (tick, machine) or (tick, machine, channel).

    The first five are standard normal, the others uniform in [0, 1).
    """

    noise: Array  # by quantity: measuring noise
    weather: Array
    demand: Array
    jitter: Array  # by part: how unevenly it wears
    pace: Array  # by part: how fast the next one will wear
    onset: Array  # by part: does its fault begin now
    code: Array  # by part: does the device raise its code now
    plan: Array  # by part: will the next one be replaced before it fails, and when
    twist: Array  # by part: which face the next one's fault has
    outage: Array  # how long the repair takes
    harmless: Array  # does the device raise a code that means nothing
    missing: Array  # by quantity: is its reading lost
    disorder: Array  # by kind of dirt, see simulators.dirt


def keys_of(seed: int, devices: Sequence[str]) -> Keys:
    """The generator keys of these devices, (machine, 2)."""
    digests = [hashlib.blake2b(f"{seed}/{d}".encode(), digest_size=16).digest() for d in devices]
    return np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)


def draws_of(keys: Keys, day: int, ticks: int, quantities: int, parts: int) -> Draws:
    """All draws of a day for all machines."""
    q, p = quantities, parts
    normal = np.empty((ticks, len(keys), q + 2 + 2 * p))
    uniform = np.empty((ticks, len(keys), 4 * p + 2 + q + 4))
    counter = np.array([0, 0, 0, day], np.uint64)
    for machine, key in enumerate(keys):
        generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
        normal[:, machine] = generator.standard_normal(normal.shape[::2])
        uniform[:, machine] = generator.random(uniform.shape[::2])
    n = np.split(normal, np.cumsum([q, 1, 1, p]), axis=2)
    u = np.split(uniform, np.cumsum([p, p, p, p, 1, 1, q]), axis=2)
    return Draws(
        noise=n[0], weather=n[1][..., 0], demand=n[2][..., 0], jitter=n[3], pace=n[4],
        onset=u[0], code=u[1], plan=u[2], twist=u[3], outage=u[4][..., 0],
        harmless=u[5][..., 0], missing=u[6], disorder=u[7],
    )  # fmt: skip


def generator_of(key: NDArray[np.uint64], day: int, tick: int) -> np.random.Generator:
    """A generator for one machine at one tick of a day, apart from what :func:`draws_of` uses."""
    counter = np.array([0, 0, 1 + tick, day], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
