"""Twenty kinds of messages that must never be stored, with the code that each is refused with."""

from __future__ import annotations

import gzip

POISON: dict[str, bytes] = {
    name: payload if isinstance(payload, bytes) else payload.encode()
    for name, payload in {
        "json.syntax": '{"ts":1780000000000,"m":{"temp":1}',
        "json.encoding": b'{"ts":1780000000000,"m":{"\xff":1}}',
        "json.duplicate_key": '{"ts":1780000000000,"m":{"temp":1,"temp":2}}',
        "json.depth": "[" * 60,
        "form.invalid": '{"ts":1780000000000,"m":{"temp":1},"r":[]}',
        "field.missing": '{"m":{"temp":1}}',
        "field.unknown": '{"ts":1780000000000,"m":{"temp":1},"unit":"K"}',
        "field.type": '{"ts":1780000000000,"m":{"temp":"1"}}',
        "values.empty": '{"ts":1780000000000,"m":{}}',
        "value.not_finite": '{"ts":1780000000000,"m":{"temp":NaN}}',
        "seq.range": '{"boot":"p","seq":-1,"ts":1780000000000,"m":{"temp":1}}',
        "numbering.incomplete": '{"boot":"p","ts":1780000000000,"m":{"temp":1}}',
        "quality.invalid": '{"ts":1780000000000,"m":{"temp":1},"q":{"temp":9}}',
        "ts.seconds": '{"ts":1780000000,"m":{"temp":1}}',
        "ts.microseconds": '{"ts":1780000000000000,"m":{"temp":1}}',
        "ts.range": '{"ts":12,"m":{"temp":1}}',
        "ts.future": '{"ts":3999999999999,"m":{"temp":1}}',
        "quantity.unknown": '{"ts":1780000000000,"m":{"tmep":1}}',
        "unit.mismatch": '{"ts":1780000000000,"m":{"temp":1},"u":{"temp":"mm/s"}}',
        "compression.invalid": gzip.compress(b"{}")[:-4],
    }.items()
}
