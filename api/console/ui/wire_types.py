"""Print the console's TypeScript types, made from the API's own OpenAPI document.

    python -m api.openapi | python api/console/ui/wire_types.py > api/console/ui/src/api/wire.ts

``tests/browser/test_types.py`` fails when the committed file is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

PREFIX = "/api/v1"
Schema = Mapping[str, Any]


def wire_types(document: Schema) -> str:
    """TypeScript: one interface per wire shape, and ``Operations`` with every JSON call."""
    lines = ["// Made by wire_types.py from the API's OpenAPI document. Do not edit.", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if not name.startswith(("HTTPValidationError", "ValidationError")):
            lines += [*_declaration(name, schema), ""]
    lines += ["/** Every call: what goes into the address and the body, and the answer. */"]
    lines += ["export interface Operations {"]
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            if path.startswith(PREFIX) and method in ("get", "post", "put", "patch", "delete"):
                lines += _operation(f"{method.upper()} {path.removeprefix(PREFIX)}", operation)
    lines += ["}", ""]
    return "\n".join(lines)


def _declaration(name: str, schema: Schema) -> Iterator[str]:
    if comment := schema.get("description", "").strip().split("\n")[0]:
        yield f"/** {comment} */"
    if "properties" not in schema:
        yield f"export type {_name(name)} = {_type(schema)};"
        return
    yield f"export interface {_name(name)} {{"
    required = schema.get("required", [])
    for field, value in schema["properties"].items():
        yield f"  {field}{'' if field in required else '?'}: {_type(value)};"
    yield "}"


def _operation(call: str, operation: Schema) -> Iterator[str]:
    yield f'  "{call}": {{'
    for place in ("path", "query"):
        fields = [p for p in operation.get("parameters", []) if p["in"] == place]
        if fields:
            inside = "; ".join(
                f"{p['name']}{'' if p.get('required') else '?'}: {_type(p['schema'])}"
                for p in fields
            )
            yield f"    {place}: {{ {inside} }};"
    if body := _json(operation.get("requestBody", {})):
        yield f"    body: {_type(body)};"
    good = next(v for status, v in operation["responses"].items() if status.startswith("2"))
    yield f"    answer: {_type(_json(good)) if _json(good) is not None else 'undefined'};"
    yield "  };"


def _json(holder: Schema) -> Schema | None:
    schema: Schema | None = holder.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _type(schema: Schema | None) -> str:
    if not schema:
        return "unknown"
    if ref := schema.get("$ref"):
        return _name(ref.rsplit("/", 1)[1])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(option) for option in options))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    match schema.get("type"):
        case "array":
            inside = _type(schema.get("items"))
            return f"({inside})[]" if " | " in inside else f"{inside}[]"
        case "object":
            extra = schema.get("additionalProperties")
            return f"Record<string, {_type(extra) if isinstance(extra, Mapping) else 'unknown'}>"
        case "integer" | "number":
            return "number"
        case "boolean" | "string" | "null" as plain:
            return str(plain)
    return "unknown"


def _name(schema_name: str) -> str:
    """``Page_OrderSummary_`` is ``PageOrderSummary`` in TypeScript."""
    return re.sub(r"[^A-Za-z0-9]", "", schema_name)


if __name__ == "__main__":
    sys.stdout.write(wire_types(json.load(sys.stdin)))
