"""The firmware contract for programs: JSON Schemas and an AsyncAPI document. Pure.

Numbers, units, codes and topics are those that the decoders use; what a schema can't say (no key
twice, sums over a batch, a unit that fits) stands in its description. ``purna contract`` writes
the files to ``docs/contract/``, and a test keeps them equal to this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ingest import topics
from ingest.commands import ARGUMENT_BYTES
from ingest.payloads import limits, senml
from ingest.payloads.command_result import ResultState
from ingest.payloads.waveform import DTYPES
from ingest.rejects import hints
from purna.core.devices import DEVICE_ID
from purna.core.readings import Quality
from purna.core.units import UNITS

VERSION = "1.0.0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORMAT = "application/schema+json;version=draft-2020-12"

Schema = dict[str, Any]


def files() -> dict[str, str]:
    """All files by path below ``docs/contract/``."""
    documents: dict[str, Schema] = {
        f"schemas/{name}.schema.json": {
            "$schema": DIALECT,
            "$id": f"urn:purna:v1:{name}",
            **schema,
        }
        for name, schema in SCHEMAS.items()
    }
    documents["asyncapi.json"] = asyncapi()
    return {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in documents.items()
    }


def _text(most: int, least: int = 1, **more: Any) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most} | more


def _object(required: list[str], properties: Schema, **more: Any) -> Schema:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return ({**schema, "required": required} if required else schema) | more


TIME: Schema = {
    "type": "number",
    "minimum": limits.FIRST_MS,
    "exclusiveMaximum": limits.END_MS,
    "description": "Milliseconds since 1970-01-01 UTC; fractions are allowed.",
}
VALUES: Schema = {
    "type": "object",
    "maxProperties": limits.QUANTITIES,
    "additionalProperties": {"type": "number"},
    "description": "Finite numbers by quantity.",
}
NUMBERING: Schema = {
    "boot": _text(limits.NAME_CHARS, description="Changes with every restart of the firmware."),
    "seq": {
        "type": "integer",
        "minimum": 0,
        "maximum": limits.SEQ_MAX,
        "description": "Counts the numbered messages of a boot, each by one.",
    },
}
_TOGETHER: Schema = {"dependentRequired": {"boot": ["seq"], "seq": ["boot"]}}

SCHEMAS: Mapping[str, Schema] = {
    "telemetry": _object(
        [],
        {
            **NUMBERING,
            "ts": TIME,
            "m": VALUES | {"minProperties": 1},
            "r": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "array",
                    "prefixItems": [TIME, VALUES],
                    "items": False,
                    "minItems": 2,
                },
                "description": "A batch: [ts, m] for each moment.",
            },
            "u": {
                "type": "object",
                "additionalProperties": {"enum": list(UNITS)},
                "description": "Units by quantity, where they are not the catalogue's.",
            },
            "q": {
                "type": "object",
                "additionalProperties": {"enum": [int(flag) for flag in Quality]},
                "description": "Quality by quantity: 0 good, 1 suspect, 2 bad.",
            },
        },
        title="Telemetry",
        description="One moment (ts and m) or a batch of them (r), in JSON or CBOR. At most "
        f"{limits.VALUES} values and {limits.QUANTITIES} quantities in a message; no key twice.",
        oneOf=[
            {"required": ["ts", "m"], "not": {"required": ["r"]}},
            {"required": ["r"], "not": {"anyOf": [{"required": ["ts"]}, {"required": ["m"]}]}},
        ],
        **_TOGETHER,
    ),
    "waveform": _object(
        ["ts", "rate", "unit", "dtype", "samples"],
        {
            **NUMBERING,
            "ts": TIME,
            "rate": {
                "type": "number",
                "minimum": limits.RATE_MIN,
                "maximum": limits.RATE_MAX,
                "description": "Samples per second.",
            },
            "unit": {"enum": list(UNITS)},
            "dtype": {"enum": list(DTYPES), "description": "16-bit integers or 32-bit floats."},
            "scale": {"type": "number", "description": "Unit of one count; 1 when left out."},
            "speed": {
                "type": "number",
                "minimum": 0,
                "maximum": limits.RATE_MAX,
                "description": "Of the shaft, in Hz; 0 or left out when not known.",
            },
            "samples": {
                "description": "In CBOR a byte string of little-endian samples, "
                f"at least {limits.SAMPLES_MIN}."
            },
        },
        title="Waveform",
        description="A block of equally spaced samples, as one CBOR map.",
        **_TOGETHER,
    ),
    "event": _object(
        ["ts", "code"],
        {"ts": TIME, "code": _text(limits.NAME_CHARS), "text": _text(limits.TEXT_CHARS, 0)},
        title="Event",
        description="A code that the device raises; the same code at the same time is one event.",
    ),
    "status": _object(
        ["online"],
        {
            "online": {"type": "boolean"},
            "boot": _text(limits.NAME_CHARS, 0),
            "fw": _text(limits.NAME_CHARS, 0),
            "hw": _text(limits.NAME_CHARS, 0),
        },
        title="Status",
        description="Retained after connecting, and with online false as last will.",
    ),
    "command_result": _object(
        ["id", "state"],
        {
            "id": _text(limits.NAME_CHARS),
            "state": {"enum": [str(state) for state in ResultState]},
            "text": _text(limits.TEXT_CHARS, 0),
        },
        title="Command result",
        description="What became of a command; received may be left out.",
    ),
    "senml": {
        "type": "array",
        "minItems": 1,
        "maxItems": limits.VALUES,
        "items": {
            "type": "object",
            "properties": {
                "bver": {"type": "integer", "minimum": 1, "maximum": senml.VERSION},
                "bn": {"type": "string"},
                "bt": {"type": "number"},
                "bu": {"type": "string"},
                "bv": {"type": "number"},
                "bs": {"type": "number"},
                "n": {"type": "string"},
                "u": {"enum": list(senml.UNITS)},
                "v": {"type": "number"},
                "vb": {"type": "boolean"},
                "vs": {"type": "string", "description": "Refused: only numbers are stored."},
                "vd": {"description": "Refused likewise."},
                "s": {"type": "number"},
                "t": {"type": "number"},
                "ut": {"type": "number"},
            },
            "patternProperties": {"_$": False},
        },
        "title": "SenML",
        "description": "A pack of RFC 8428, in JSON, or in CBOR with the labels of its table 4.",
    },
    "ack": _object(
        ["boot", "seq"],
        NUMBERING,
        title="Acknowledgement",
        description="Every numbered message of this boot, from the first one seen up to seq, is "
        "stored or was refused: it may be forgotten by the device.",
    ),
    "reject": _object(
        ["code", "field", "hint"],
        {
            "code": {"enum": list(hints())},
            "field": {"type": "string"},
            "hint": {"type": "string"},
            **NUMBERING,
        },
        title="Reject",
        description="What could not be taken, and why.",
        **_TOGETHER,
    ),
    "command": _object(
        ["id", "name", "args", "expires"],
        {
            "id": _text(limits.NAME_CHARS),
            "name": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,64}$"},
            "args": {
                "type": "object",
                "description": f"At most {ARGUMENT_BYTES} bytes of JSON.",
            },
            "expires": TIME,
        },
        title="Command",
        description="To be done before it expires, once for each id however often it comes.",
    ),
    "state": _object(
        ["online", "ts"],
        {"online": {"type": "boolean"}, "ts": TIME},
        title="Platform state",
        description="Retained: whether the platform is there, and its time.",
    ),
}

_JSON, _CBOR = "application/json", "application/cbor"
_UP: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    # kind of topic: schema, what it is for, content types
    topics.TELEMETRY: ("telemetry", "Readings.", (_JSON, _CBOR)),
    f"{topics.TELEMETRY}/senml-json": ("senml", "Readings as SenML.", ("application/senml+json",)),
    f"{topics.TELEMETRY}/senml-cbor": ("senml", "Readings as SenML.", ("application/senml+cbor",)),
    f"{topics.WAVEFORM}/{{quantity}}": ("waveform", "Raw samples.", (_CBOR,)),
    topics.EVENT: ("event", "Codes that the device raises.", (_JSON, _CBOR)),
    topics.STATUS: ("status", "Whether the device is there.", (_JSON, _CBOR)),
    topics.COMMAND_RESULT: ("command_result", "What became of a command.", (_JSON, _CBOR)),
}
_DOWN: Mapping[str, tuple[str, str]] = {
    topics.ACK: ("ack", "What is stored."),
    topics.REJECT: ("reject", "What could not be taken."),
    topics.COMMAND: ("command", "Something to do."),
}


def asyncapi() -> Schema:
    """The AsyncAPI 3.0 document, from the platform's side: it receives what devices send."""
    channels: Schema = {}
    operations: Schema = {}
    for kind, (schema, summary, types) in _UP.items():
        name = _name(kind)
        messages = {f"{name}_{one.rpartition('+')[2].rpartition('/')[2]}": one for one in types}
        channels[name] = _channel(kind, summary, schema, messages)
        operations[f"receive_{name}"] = _operation("receive", name, kind == topics.STATUS)
    for kind, (schema, summary) in _DOWN.items():
        channels[kind] = _channel(kind, summary, schema, {f"{kind}_json": _JSON})
        operations[f"send_{kind}"] = _operation("send", kind, retain=False)
    channels["state"] = {
        "address": f"{topics.PREFIX}STATE",
        "summary": "Whether the platform is there.",
        "messages": {"state_json": _message("state", _JSON)},
    }
    operations["send_state"] = _operation("send", "state", retain=True)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Purna firmware contract",
            "version": VERSION,
            "description": "What devices send and hear. The page docs/firmware-contract.md says "
            "what no schema can.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": {
            "plain": {
                "host": "{host}:8701",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "MQTT 3.1.1 and 5 on one port.",
                "variables": {"host": {"default": "127.0.0.1"}},
                "security": [{"$ref": "#/components/securitySchemes/password"}],
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": {
                name: {"schemaFormat": _FORMAT, "schema": schema}
                for name, schema in SCHEMAS.items()
            },
            "securitySchemes": {
                "password": {
                    "type": "userPassword",
                    "description": "The user name is the device id.",
                }
            },
            "parameters": {
                "device": {"description": f"The device id: {DEVICE_ID.pattern}"},
                "quantity": {"description": f"1 to {limits.NAME_CHARS} characters without /"},
            },
        },
    }


def _name(kind: str) -> str:
    return kind.replace("/{quantity}", "").replace("/", "_").replace("-", "_")


def _channel(kind: str, summary: str, schema: str, messages: Mapping[str, str]) -> Schema:
    address = f"{topics.PREFIX}{{device}}/{kind}"
    names = [name for name in ("device", "quantity") if f"{{{name}}}" in address]
    return {
        "address": address,
        "summary": summary,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
        "messages": {name: _message(schema, type_) for name, type_ in messages.items()},
    }


def _message(schema: str, content_type: str) -> Schema:
    return {
        "name": schema,
        "contentType": content_type,
        "payload": {"$ref": f"#/components/schemas/{schema}"},
    }


def _operation(action: str, channel: str, retain: bool) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"}},
    }
