"""Telemetry in CBOR, version 1: the same model as in JSON, in fewer bytes. Pure."""

from __future__ import annotations

from ingest.payloads.json_v1 import decode_strictly
from ingest.payloads.strict_cbor import parse_map
from purna.core.readings import Telemetry


def decode(device: str, payload: bytes) -> Telemetry:
    """The readings in a telemetry message of ``device``; raises what the JSON decoder raises."""
    return decode_strictly(device, payload, parse_map)
