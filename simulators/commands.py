"""How simulated devices answer commands: one by one, and the same id always in the same way. Pure.

They can do little: show a lamp (``identify``) and answer (``ping``). Of whatever else they are told
they say that they can't, as a real device should.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from simulators.encode import TOPIC_ROOT

_DONE = {"identify": "the lamp flashes for a minute", "ping": "here"}


class _Command(msgspec.Struct):
    id: str
    name: str


_decode = msgspec.json.Decoder(_Command).decode


def answers(device: str, payload: bytes) -> Sequence[tuple[str, bytes]]:
    """Topics and payloads of what a device says to a command; nothing when it is none."""
    try:
        command = _decode(payload)
    except msgspec.MsgspecError:
        return ()
    text = _DONE.get(command.name)
    said = (
        {"id": command.id, "state": "ok", "text": text}
        if text is not None
        else {
            "id": command.id,
            "state": "failed",
            "text": f"this firmware knows only: {', '.join(_DONE)}",
        }
    )
    topic = f"{TOPIC_ROOT}/{device}/command/result"
    received = {"id": command.id, "state": "received"}
    return [(topic, msgspec.json.encode(one)) for one in (received, said)]
