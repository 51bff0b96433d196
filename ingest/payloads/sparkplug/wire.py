"""Payloads of Sparkplug B on the wire: Protocol Buffers, read and written by Google's library.

The schema stands here as a table instead of generated code: only the fields that are read, with
the numbers of the specification's ``sparkplug_b.proto``. Texts are declared as bytes, which is the
same on the wire, so that what is not UTF-8 is refused by us and not somewhere on the way.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from ingest.rejects import bad


class DataType(IntEnum):
    """The data types whose values are numbers; all others are not taken."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11


_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "bool": _FIELD.TYPE_BOOL,
    "bytes": _FIELD.TYPE_BYTES,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
}
_SCHEMA: dict[str, list[tuple[int, str, str]]] = {
    "Payload": [(1, "timestamp", "uint64"), (2, "metrics", "[Metric]"), (3, "seq", "uint64")],
    "Metric": [
        (1, "name", "bytes"),
        (2, "alias", "uint64"),
        (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"),
        (5, "is_historical", "bool"),
        (6, "is_transient", "bool"),
        (7, "is_null", "bool"),
        (9, "properties", "PropertySet"),
        (10, "int_value", "uint32"),
        (11, "long_value", "uint64"),
        (12, "float_value", "float"),
        (13, "double_value", "double"),
        (14, "boolean_value", "bool"),
    ],
    "PropertySet": [(1, "keys", "[bytes]"), (2, "values", "[PropertyValue]")],
    "PropertyValue": [
        (1, "type", "uint32"),
        (3, "int_value", "uint32"),
        (4, "long_value", "uint64"),
        (8, "string_value", "bytes"),
    ],
}


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="purna/sparkplug_b.proto", package="purna.sparkplug", syntax="proto2"
    )
    for name, fields in _SCHEMA.items():
        schema = file.message_type.add(name=name)
        for number, field, kind in fields:
            inner = kind.strip("[]")
            schema.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_OPTIONAL if inner == kind else _FIELD.LABEL_REPEATED,
                type=_TYPES.get(inner, _FIELD.TYPE_MESSAGE),
                type_name=None if inner in _TYPES else f".purna.sparkplug.{inner}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("purna.sparkplug.Payload"))


_Payload = _payload_class()


def parse(payload: bytes) -> Any:
    """The Payload message; raises BadPayload ``sparkplug.syntax``."""
    try:
        return _Payload.FromString(payload)
    except message.DecodeError:
        raise bad("sparkplug.syntax") from None


def rebirth(now_ms: int) -> bytes:
    """The command that asks an edge node to introduce itself and its devices again."""
    payload = _Payload(timestamp=now_ms)
    payload.metrics.add(name=b"Node Control/Rebirth", datatype=DataType.BOOLEAN, boolean_value=True)
    return bytes(payload.SerializeToString())


def text(value: bytes, field: str) -> str:
    """What the bytes of a text say; raises BadPayload where they are no UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise bad("json.encoding", field=field) from None


def number(metric: Any, datatype: int, field: str) -> float:
    """The value of a metric as a number; signed integers are two's complement on the wire.

    Raises
    ------
    BadPayload
        ``sparkplug.datatype`` when it is no number, or not in the field that its type asks for;
        ``field.missing`` when there is no value.
    """
    if datatype in _INTEGERS:
        bits, signed, source = _INTEGERS[DataType(datatype)]
        if not metric.HasField(source):
            raise bad("sparkplug.datatype", field=field)
        raw = int(getattr(metric, source))
        if signed:
            raw = _signed(raw, 64 if source == "long_value" else 32, bits, field)
        if raw >= 1 << bits:
            raise bad("sparkplug.datatype", field=field)
        return float(raw)
    source = _OTHERS.get(datatype, "")
    if not source or not metric.HasField(source):
        raise bad("sparkplug.datatype", field=field)
    return float(getattr(metric, source))


_INTEGERS = {
    DataType.INT8: (8, True, "int_value"),
    DataType.INT16: (16, True, "int_value"),
    DataType.INT32: (32, True, "int_value"),
    DataType.INT64: (64, True, "long_value"),
    DataType.UINT8: (8, False, "int_value"),
    DataType.UINT16: (16, False, "int_value"),
    DataType.UINT32: (32, False, "int_value"),
    DataType.UINT64: (64, False, "long_value"),
}
_OTHERS: dict[int, str] = {
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
}


def _signed(raw: int, width: int, bits: int, field: str) -> int:
    """Some senders fill the whole field with the sign, others only the bits of the type."""
    if raw < 1 << bits:
        return raw - (1 << bits) if raw >= 1 << (bits - 1) else raw
    value = raw - (1 << width)
    if value < -(1 << (bits - 1)):
        raise bad("sparkplug.datatype", field=field)
    return value
