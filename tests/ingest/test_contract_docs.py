"""The firmware contract's page says what the code does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import cbor2
import pytest

from ingest import payloads, topics
from ingest.payloads import Decoders, limits
from ingest.rejects import hints
from ingest.settings import IngestSettings
from purna.core.errors import BadPayload
from purna.core.readings import Telemetry
from purna.core.waveforms import Waveform
from tests.ingest.test_contract import VALIDATORS

PAGE = (Path(__file__).parents[2] / "docs" / "firmware-contract.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json (\S+)\n(.*?)\n```", PAGE, re.DOTALL)


def test_every_reject_code_is_documented_with_its_hint() -> None:
    documented = dict(
        re.findall(r"^\| `([a-z_0-9.]+\.[a-z_0-9]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    )
    assert documented == {
        code: hint.replace("<device>", "`<device>`").replace("<quantity>", "`<quantity>`")
        for code, hint in hints().items()
    }


DOWN = (topics.ACK, topics.REJECT, topics.COMMAND, "state")
NOW = 1732212350000000


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_every_example_is_what_it_says(kind: str, text: str) -> None:
    if kind in DOWN:
        VALIDATORS[kind].validate(json.loads(text))
    else:
        parts = Decoders().decode(topics.build("d1", kind), text.encode(), now=NOW)
        assert not any(isinstance(part, BadPayload) for part in parts)


def test_the_cbor_example_says_what_the_page_says() -> None:
    [(kind, text)] = re.findall(r"```hex (\S+)\n(.*?)\n```", PAGE, re.DOTALL)
    [in_cbor] = Decoders().decode(topics.build("d1", kind), bytes.fromhex(text))
    [in_json] = re.findall(r"This is `(.*?)`; it takes", PAGE)
    assert [in_cbor] == list(Decoders().decode(topics.build("d1", kind), in_json.encode()))
    assert f"\n{len(bytes.fromhex(text))} bytes instead of {len(in_json)}:" in PAGE


def test_the_senml_example_means_what_the_page_says() -> None:
    [text] = [text for kind, text in EXAMPLES if kind == "telemetry/senml-json"]
    [telemetry] = Decoders().decode("purna/v1/d1/telemetry/senml-json", text.encode(), now=NOW)
    assert isinstance(telemetry, Telemetry)
    assert {name for _, values in telemetry.rows for name in values} == {"bearing_temp", "vib_rms"}


def test_the_waveform_header_in_c_is_read(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    [code] = re.findall(r"```c\n(.*?)\n```", PAGE, re.DOTALL)
    main = """
#include <stdio.h>
int main(void) {
    uint8_t header[80];
    int16_t samples[32];
    for (int i = 0; i < 32; i++) samples[i] = (int16_t)(i * 100 - 1600);
    fwrite(header, 1, waveform_header(header, 1732212345678u, 25600.0f, 0.5f, 32), stdout);
    fwrite(samples, 2, 32, stdout);
    return 0;
}
"""
    (tmp_path / "w.c").write_text(code + main)
    build = [compiler, "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "w", tmp_path / "w.c"]
    subprocess.run(build, check=True)
    payload = subprocess.run([tmp_path / "w"], check=True, capture_output=True).stdout
    [waveform] = Decoders().decode("purna/v1/d1/waveform/vib", payload)
    assert isinstance(waveform, Waveform)
    assert (waveform.ts, waveform.rate, waveform.unit) == (1732212345678000, 25600.0, "g")
    assert waveform.values.tolist() == [(number * 100 - 1600) / 2 for number in range(32)]


def test_so_many_samples_fit_as_the_page_says() -> None:
    def message(samples: int) -> bytes:
        header = {"ts": 1732212345678, "rate": 25600.0, "unit": "g", "dtype": "i2", "scale": 0.5}
        return cbor2.dumps({**header, "samples": bytes(2 * samples)})

    [said] = re.findall(r"([\d,]+) of 16 bits fit", PAGE)
    count = int(said.replace(",", ""))
    assert len(message(count)) <= limits.MESSAGE_BYTES < len(message(count + 100))


def test_there_are_examples_of_every_kind_and_no_unmarked_ones() -> None:
    kinds = {kind for kind, _ in EXAMPLES}
    assert kinds == {*payloads.JSON, "telemetry/senml-json", *DOWN}
    assert PAGE.count("```json") == len(EXAMPLES)


def test_the_reject_example_is_what_a_device_would_get() -> None:
    [text] = [text for kind, text in EXAMPLES if kind == topics.REJECT]
    example = json.loads(text)
    wrong = b'{"boot":"b1","seq":2,"ts":1732212345678,"m":{"bearing_temp":"hot"}}'
    with pytest.raises(BadPayload) as caught:
        Decoders().decode("purna/v1/d1/telemetry", wrong)
    error = caught.value
    assert example == {
        "code": error.code,
        "field": error.field,
        "hint": error.detail,
        "boot": error.params["boot"],
        "seq": error.params["seq"],
    }


def test_the_limits_are_the_codes() -> None:
    assert f"{limits.UNPACKED_RATIO} times its size" in PAGE
    assert f"({limits.UNPACKED_ALWAYS // 1024} KiB always)" in PAGE
    assert f"{limits.UNPACKED_BYTES:,} at most" in PAGE
    assert f"{limits.RATE_MIN} to {limits.RATE_MAX:,.0f}" in PAGE
    assert f"at least {limits.SAMPLES_MIN} samples" in PAGE
    assert f"the first {limits.REFUSALS} reasons" in PAGE
    for number in (limits.MESSAGE_BYTES, limits.VALUES, limits.QUANTITIES):
        assert f"| {number:,} |" in PAGE
    assert f"| {limits.DEPTH} levels |" in PAGE
    assert IngestSettings().future_limit_s == 5 * 60
    assert f"1 to {limits.NAME_CHARS} characters" in PAGE
    assert f"up to {limits.TEXT_CHARS}." in PAGE


def test_every_topic_is_documented() -> None:
    for kind in (*payloads.JSON, *payloads.SENML, topics.ACK, topics.REJECT, topics.COMMAND):
        assert f"| `{kind}` |" in PAGE
