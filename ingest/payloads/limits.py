"""The limits of the firmware contract that decoders check."""

MESSAGE_BYTES = 256 * 1024
DEPTH = 8
VALUES = 1000
QUANTITIES = 256
NAME_CHARS = 64
TEXT_CHARS = 1000
SEQ_MAX = 2**53
FIRST_MS = 10**11
"""Milliseconds in 1973; what is below is seconds, or time since the device started."""
END_MS = 4 * 10**12
"""Milliseconds in 2096. Until far beyond, a double holds every microsecond exactly."""
