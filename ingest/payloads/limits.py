"""The limits of the firmware contract that decoders check."""

MESSAGE_BYTES = 256 * 1024
DEPTH = 8
VALUES = 1000
QUANTITIES = 256
NAME_CHARS = 64
TEXT_CHARS = 1000
SEQ_MAX = 2**53
