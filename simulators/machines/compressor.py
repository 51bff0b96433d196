"""An oil-injected screw compressor of 75 kW with an air-cooled oil cooler."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulators.machines.machine import Array, Conditions, Course, Listening, Part


class Compressor:
    """Outputs of the product ``ac-75``."""

    product: ClassVar[str] = "ac-75"
    prefix: ClassVar[str] = "ac75"
    quantities: ClassVar[tuple[str, ...]] = (
        "bearing_temp",
        "vib_rms",
        "motor_current",
        "line_pressure",
        "discharge_temp",
        "ambient_temp",
        "load",
    )
    parts: ClassVar[tuple[Part, ...]] = (
        Part("bearing", Course.WEAR, 200, "E12", "bearing over-temperature"),
        Part("seal", Course.WEAR, 180, "E18", "line pressure low", steepness=18),
        Part("filter", Course.WEAR, 150, "E22", "discharge over-temperature", steepness=18),
        Part("motor", Course.SUDDEN, 500, "E31", "current asymmetry", 3, 3),
        Part("sensor", Course.SENSOR, 400, "E41", "temperature signal implausible", 12, 2, False),
    )
    sensor: ClassVar[str] = "discharge_temp"
    drift: ClassVar[float] = 24.0
    noise: ClassVar[tuple[float, ...]] = (0.5, 0.11, 1.0, 0.04, 0.6, 0.3, 0.8)
    listening: ClassVar[Listening | None] = None

    def outputs(self, at: Conditions, symptoms: Array, spread: Array) -> Array:
        bearing, seal, filter_, motor = (symptoms[..., i] for i in range(4))
        z = spread.T
        load, heat, ambient = at.load, at.heat, at.ambient
        # A leaking shaft seal loses pressure, and the machine works harder to hold it.
        pressure = 7.5 + 0.05 * z[3] - 0.4 * (load - 0.7) - 1.1 * seal
        current = (
            130
            * (0.3 + 0.7 * load)
            * (1 + 0.02 * z[2])
            * (1 + 0.04 * bearing + 0.08 * seal + 0.03 * filter_ + 0.2 * motor)
        )
        discharge = (
            62
            + 1.5 * z[4]
            + 0.75 * (ambient - 20)
            + 12 * heat
            + 24 * filter_
            + 6 * bearing
            + 3 * seal
        )
        temperature = (
            ambient
            + (31 + 1.5 * z[0]) * (0.6 + 0.4 * heat)
            + 21 * bearing
            + 5 * filter_
            + 5 * motor
        )
        vibration = (2.1 + 0.22 * z[1]) * (0.8 + 0.2 * load) + 5.8 * bearing
        return np.stack(
            [temperature, vibration, current, pressure, discharge, ambient, 100 * load], axis=-1
        )

    def standstill(self, at: Conditions) -> Array:
        out = np.zeros((*at.ambient.shape, len(self.quantities)))
        out[..., 0] = at.ambient + 8 * at.heat
        out[..., 1] = 0.08
        out[..., 3] = 7.2  # the line is held by the other compressors
        out[..., 4] = at.ambient + 20 * at.heat
        out[..., 5] = at.ambient
        return out
