"""Prints the OpenAPI description: ``python -m api.openapi > openapi.json``."""

from __future__ import annotations

import json
import sys

from api.app import build_routes


def main() -> None:
    app = build_routes()
    json.dump(app.openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
