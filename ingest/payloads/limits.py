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
UNPACKED_BYTES = 1024 * 1024
UNPACKED_RATIO = 100
UNPACKED_ALWAYS = 64 * 1024
"""A compressed body may unpack to this, or the ratio times its size, up to the absolute limit."""
SAMPLES_MIN = 16
RATE_MIN, RATE_MAX = 0.1, 1e6
"""Hz."""
REFUSALS = 16
"""Parts of one message that are refused by name. Each is kept with the whole message, so that
without this one message with a thousand wrong names would fill the quarantine."""
