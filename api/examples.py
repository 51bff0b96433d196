"""Examples in the OpenAPI description: real calls, played on the small plant of the tests.

``examples.json`` is made by ``python -m tests.api.examples``; a test plays the calls again.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def add_examples(document: dict[str, Any]) -> None:
    """Puts an example beside every JSON body and every successful JSON answer."""
    text = (resources.files("api") / "examples.json").read_text("utf-8")
    examples: dict[str, Any] = json.loads(text)
    for methods in document["paths"].values():
        for operation in methods.values():
            example = examples.get(operation["operationId"])
            if example is None:
                continue
            success = next(r for s, r in operation["responses"].items() if s.startswith("2"))
            for described, value in (
                (operation.get("requestBody", {}), example["request"]),
                (success, example["answer"]),
            ):
                content = described.get("content", {}).get("application/json")
                if content is not None:
                    content["example"] = value
