"""`purna mapping`: shipped mappings come into the data folder and say what they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from purna.core.errors import BadInput
from purna.run.catalogue import load_mappings, shipped_mappings
from purna.run.cli import app


def purna(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["mapping", *words, "--data", str(folder)])
    return f"{result.exit_code} {result.output}".replace("\n", " ")


def test_a_shipped_mapping_is_added_tried_and_not_overwritten(tmp_path: Path) -> None:
    assert "tasmota" in purna(tmp_path, "list")
    assert purna(tmp_path, "add", "tasmota").startswith("0 ")
    assert "tasmota: tele/+/SENSOR, tele/+/LWT" in purna(tmp_path, "list")
    message = '{"Time":"2021-02-01T08:33:12","ENERGY":{"Power":24,"Voltage":"high"}}'
    said = purna(tmp_path, "try", "tele/plug-7/SENSOR", message)
    assert "plug-7 power = 24 W" in said
    assert "refused: The value of ENERGY.Voltage is no number." in said
    assert "nothing" in purna(tmp_path, "try", "tele/plug-7/SENSOR", "{}")
    assert "not part of the contract" in purna(tmp_path, "try", "other/plug-7", "{}")
    assert purna(tmp_path, "add", "tasmota").startswith("1 ")
    assert "there are esphome" in purna(tmp_path, "add", "zwave")


def test_every_shipped_mapping_is_valid_where_it_will_be_read(tmp_path: Path) -> None:
    for name, path in shipped_mappings().items():
        (tmp_path / f"{name}.toml").write_bytes(path.read_bytes())
    assert [one.id for one in load_mappings(tmp_path)] == list(shipped_mappings())


@pytest.mark.parametrize("content", ["id = ", 'id = "x"', 'id = "a"\npayload = "sparkplug"'])
def test_a_mapping_that_is_wrong_is_named(tmp_path: Path, content: str) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(content)
    with pytest.raises(BadInput, match=r"one\.toml|only one mapping"):
        load_mappings(tmp_path)
