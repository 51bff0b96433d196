"""Telemetry in CBOR, version 1: the same model as in JSON, in fewer bytes. Pure."""

from __future__ import annotations

from ingest.payloads import json_v1
from ingest.payloads.strict_cbor import parse_map
from purna.core.readings import Telemetry


def decode(device: str, payload: bytes) -> Telemetry:
    """The readings in a telemetry message of ``device``; raises what the JSON decoder raises."""
    return json_v1.decode(device, payload, parse_map)
