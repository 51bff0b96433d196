"""A circulation pump of 15 kW: a motor, two bearings, a mechanical seal, a filtered fan."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulators.machines.machine import Array, Conditions, Course, Listening, Part


class Pump:
    """Outputs of the product ``cp-200``."""

    product: ClassVar[str] = "cp-200"
    prefix: ClassVar[str] = "cp200"
    quantities: ClassVar[tuple[str, ...]] = (
        "bearing_temp",
        "vib_rms",
        "motor_current",
        "discharge_pressure",
        "flow",
        "ambient_temp",
        "load",
    )
    parts: ClassVar[tuple[Part, ...]] = (
        Part("bearing", Course.WEAR, 200, "E12", "bearing over-temperature"),
        Part("seal", Course.WEAR, 180, "E17", "dry-run protection", steepness=18),
        Part("filter", Course.WEAR, 150, "E21", "motor over-temperature", steepness=18),
        Part("motor", Course.SUDDEN, 500, "E31", "current asymmetry", 3, 3),
        Part("sensor", Course.SENSOR, 400, "E40", "vibration signal implausible", 12, 2, False),
    )
    sensor: ClassVar[str] = "vib_rms"
    drift: ClassVar[float] = 5.0
    noise: ClassVar[tuple[float, ...]] = (0.5, 0.09, 0.25, 0.04, 1.5, 0.3, 0.8)
    # NU 310: 13 rollers of 16 mm on a circle of 81 mm.
    listening: ClassVar[Listening | None] = Listening("vib_de", 5.216, 7.784, 3100.0)

    def outputs(self, at: Conditions, symptoms: Array, spread: Array) -> Array:
        bearing, seal, filter_, motor = (symptoms[..., i] for i in range(4))
        z = spread.T
        load, heat, ambient = at.load, at.heat, at.ambient
        # The vibration of a worn bearing grows from zone B into zone D of ISO 20816-3.
        vibration = (1.6 + 0.2 * z[1]) * (0.75 + 0.25 * load) + 6.2 * bearing + 0.5 * seal
        temperature = (
            ambient
            + (24 + 1.5 * z[0]) * (0.55 + 0.45 * heat)
            + 22 * bearing
            + 16 * filter_
            + 6 * motor
        )
        current = (
            28
            * (0.35 + 0.65 * load)
            * (1 + 0.02 * z[2])
            * (1 + 0.03 * bearing + 0.07 * filter_ + 0.22 * motor)
        )
        pressure = 6.4 * (1 - 0.22 * load**2) * (1 + 0.02 * z[3]) * (1 - 0.24 * seal)
        flow = 205 * load**0.9 * (1 + 0.02 * z[4]) * (1 - 0.3 * seal)
        return np.stack(
            [temperature, vibration, current, pressure, flow, ambient, 100 * load], axis=-1
        )

    def standstill(self, at: Conditions) -> Array:
        out = np.zeros((*at.ambient.shape, len(self.quantities)))
        out[..., 0] = at.ambient + 8 * at.heat
        out[..., 1] = 0.06
        out[..., 3] = 1.1
        out[..., 5] = at.ambient
        return out
