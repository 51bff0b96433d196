"""The kinds of machines in the simulated fleet."""

from __future__ import annotations

from simulators.machines.compressor import Compressor
from simulators.machines.machine import MachineType
from simulators.machines.pump import Pump

MACHINE_TYPES: tuple[MachineType, ...] = (Pump(), Compressor())
