"""Inputs that are nearly right: seeds with bytes flipped, cut, doubled, spliced and put in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_EDGES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"{", b"}", b'"', b"9" * 20, b"\x00" * 8)


def mutations(
    seeds: Sequence[bytes], words: Sequence[bytes], count: int, chance: random.Random, limit: int
) -> Iterator[bytes]:
    """``count`` inputs of at most ``limit`` bytes; the seeds themselves come first."""
    kept = [seed[:limit] for seed in seeds] or [b""]
    for number in range(count):
        if number < len(kept):
            yield kept[number]
            continue
        data = bytearray(chance.choice(kept))
        for _ in range(chance.randint(1, 6)):
            _change(data, kept, words, chance)
        yield bytes(data[:limit])


def _change(
    data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> None:
    at = chance.randint(0, len(data))
    match chance.randrange(6):
        case 0 if data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        case 1:
            del data[at : at + chance.randint(1, 16)]
        case 2:
            data[at:at] = data[at : at + chance.randint(1, 64)]
        case 3:
            data[at:at] = chance.choice([*words, *_EDGES])
        case 4:
            other = chance.choice(seeds)
            cut = chance.randint(0, len(other))
            data[at:] = other[cut:]
        case _:
            data[at : at + 1] = bytes([chance.randrange(256)])
