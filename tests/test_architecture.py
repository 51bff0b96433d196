"""The import rule holds, and it covers every folder that has code."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_point_one_way() -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_package_is_under_the_rule_and_in_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert folders == set(project["tool"]["importlinter"]["root_packages"])
    assert folders == set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def test_importing_our_packages_connects_to_nothing_and_reads_no_setting() -> None:
    code = (
        "import socket, os\n"
        "def refuse(*a, **k): raise AssertionError('connects at import')\n"
        "socket.socket.connect = refuse\n"
        "os.environ['PURNA_API__PORT'] = 'not a number'\n"
        "import purna.run.cli\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
