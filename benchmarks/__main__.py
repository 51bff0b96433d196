"""All benchmarks, one after the other: ``python -m benchmarks [--data FOLDER]``.

Each prints one JSON line per figure. The figures of models and vibration need the folder of the
public data sets; without it they are left out, and that is said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", help="folder of the public data sets")
    given = parser.parse_args()
    runs = [
        ["benchmarks.ingest"],
        ["benchmarks.store"],
        ["benchmarks.scoring"],
        ["benchmarks.first_order"],
    ]
    if given.data:
        runs += [["benchmarks.models", given.data], ["benchmarks.vibration", given.data]]
    else:
        print("benchmarks.models and .vibration are left out: no --data", file=sys.stderr)
    return max(
        subprocess.run([sys.executable, "-m", *arguments], check=False).returncode
        for arguments in runs
    )


if __name__ == "__main__":
    raise SystemExit(main())
