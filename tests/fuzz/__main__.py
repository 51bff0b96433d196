"""Fuzz one decoder: ``python -m tests.fuzz telemetry_cbor --inputs 10000000``.

With atheris (Linux, x86-64) inputs are led by coverage; elsewhere seeds are mutated at random.
Ends with 0 and one line of JSON when nothing was found. Every input must be done within a second
and all of them within 1 GiB of memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

SECONDS_PER_INPUT = 1
MEMORY_MB = 1024
MAX_BYTES = 8192


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="'list' names them")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-coverage", action="store_true", help="do without atheris")
    options = parser.parse_args()
    if options.target == "list":
        from tests.fuzz.targets import TARGETS

        sys.stdout.write("\n".join(TARGETS) + "\n")
        return
    try:
        if options.no_coverage:
            raise ImportError
        import atheris  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        mutate(options.target, options.inputs, options.seed)
    else:
        by_coverage(atheris, options.target, options.inputs, options.seed)


def by_coverage(atheris: object, name: str, inputs: int, seed: int) -> None:
    """libFuzzer ends the process itself; what it found lies beside the temporary corpus."""
    with atheris.instrument_imports(include=["ingest"]):  # type: ignore[attr-defined]
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    folder = Path(tempfile.mkdtemp(prefix=f"purna-fuzz-{name}-"))
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, one in enumerate(target.seeds()):
        if len(one) <= MAX_BYTES:
            (corpus / f"seed{number}").write_bytes(one)
    words.write_text("".join(f'"{escaped(word)}"\n' for word in target.words))
    atheris.Setup(  # type: ignore[attr-defined]
        [
            f"fuzz-{name}",
            str(corpus),
            f"-runs={inputs}",
            f"-seed={seed}",
            f"-max_len={MAX_BYTES}",
            f"-timeout={10 * SECONDS_PER_INPUT}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={folder}/",
            "-print_final_stats=1",
            "-verbosity=0",
            *([f"-dict={words}"] if target.words else []),
        ],
        Timed(name, target.run, inputs).run,
    )
    atheris.Fuzz()  # type: ignore[attr-defined]


def escaped(word: bytes) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


class Timed:
    """Counts inputs and looks at the clock; tells what it saw when the last one is done."""

    def __init__(self, name: str, run: object, inputs: int) -> None:
        self._name, self._run, self._inputs = name, run, inputs
        self._count = 0
        self._slowest = 0.0
        self._start = time.perf_counter()

    def run(self, data: bytes) -> None:
        before = time.process_time()
        self._run(data)  # type: ignore[operator]
        took = time.process_time() - before
        assert took < SECONDS_PER_INPUT, f"an input of {len(data)} bytes took {took:.2f} s"
        self._slowest = max(self._slowest, took)
        self._count += 1
        if self._count == self._inputs:
            self.report()

    def report(self) -> None:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert memory < MEMORY_MB, f"{memory:.0f} MiB"
        figures = {
            "target": self._name,
            "inputs": self._count,
            "findings": 0,
            "slowest_ms": round(self._slowest * 1000, 1),
            "memory_mib": round(memory),
            "seconds": round(time.perf_counter() - self._start),
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()


def mutate(name: str, inputs: int, seed: int) -> None:
    """Seeds, changed a little, many times."""
    from tests.fuzz.mutation import mutations
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    timed = Timed(name, target.run, inputs)
    for data in mutations(target.seeds(), target.words, inputs, random.Random(seed), MAX_BYTES):
        try:
            timed.run(data)
        except BaseException:
            sys.stderr.write(f"the input was {data!r}\n")
            raise


if __name__ == "__main__":
    main()
