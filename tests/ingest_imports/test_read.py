"""Any user's files become a history, and what can't be read is named and counted."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ingest.imports import History, read_history
from purna.core.clock import HOUR, MINUTE, from_iso
from purna.core.errors import BadInput

PRODUCT = """
id = "fan"
name = "Fan"
step_minutes = 60
[[quantity]]
id = "temp"
name = "Temperature"
unit = "degC"
low = -20.0
high = 120.0
[[quantity]]
id = "load"
name = "Load"
unit = "%"
low = 0.0
high = 100.0
[[component]]
id = "bearing"
name = "Bearing"
part = "B1"
[[component]]
id = "belt"
name = "Belt"
part = "B2"
"""

T0 = from_iso("2026-03-01T00:00:00Z")


class Case:
    """A folder with files, and the mapping that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "product.toml").write_text(PRODUCT)

    def file(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, mapping: str, subset: str | None = None) -> History:
        (self.folder / "map.toml").write_text('product = "product.toml"\n' + mapping)
        return read_history(self.folder / "map.toml", self.folder, subset)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


WIDE = """
[[telemetry]]
files = "a.csv"
device = "m"
time = { column = "t" }
quantities = { temp = "temp", load = "load" }
"""


class TestForms:
    def test_wide_columns_with_holes(self, case: Case) -> None:
        case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,\n1,2026-03-01 01:00,,50\n")
        track = case.read(WIDE).tracks["1"]
        assert track.ts.tolist() == [T0, T0 + HOUR]
        np.testing.assert_equal(track.values, [[20, np.nan], [np.nan, 50]])

    def test_long_files_gather_the_values_of_a_time_into_one_row(self, case: Case) -> None:
        case.file(
            "a.csv",
            "m;t;tag;v\n1;0;T1;20\n1;3600;T1;21\n1;0;L1;50\n1;0;other;9\n",
        )
        history = case.read("""
[[telemetry]]
files = "a.csv"
separator = ";"
device = "m"
time = { column = "t", unit = "s" }
long = { quantity = "tag", value = "v" }
quantities = { temp = "T1", load = "L1" }
""")
        np.testing.assert_equal(history.tracks["1"].values, [[20, 50], [21, np.nan]])
        assert history.files[0].left_out == 1
        assert history.files[0].taken == 3

    def test_parquet_with_naive_local_times_and_integer_devices(self, case: Case) -> None:
        stamps = np.array(["2026-03-01T01:00", "2026-07-01T01:00"], "datetime64[ns]")
        table = pa.table({"m": pa.array([4, 4], pa.int16()), "t": stamps, "temp": [20.0, None]})
        pa.parquet.write_table(table, case.folder / "a.parquet")
        history = case.read("""
[device]
prefix = "p-"
digits = 3
[[telemetry]]
files = "*.parquet"
device = "m"
time = { column = "t", zone = "Europe/Berlin" }
quantities = { temp = "temp" }
""")
        assert list(history.tracks) == ["p-004"]
        assert history.tracks["p-004"].ts.tolist() == [T0]  # the second row has no reading

    def test_gzip_without_header_in_blank_separated_columns_with_a_cycle(self, case: Case) -> None:
        body = b" 1  1 20.5 \n1 2\t21.5\n2 1 22.5  \n"
        (case.folder / "run_A.txt.gz").write_bytes(gzip.compress(body))
        history = case.read(
            """
subsets = ["A", "B"]
[[telemetry]]
files = "run_{subset}.txt*"
separator = "space"
columns = ["unit", "n", "x"]
device = "unit"
prefix = "{subset}-"
cycle = { column = "n", hours = 1.0, base = "2026-03-01T00:00:00Z" }
shift_minutes = -1.0
ends_in_failure = "bearing"
quantities = { temp = "x" }
""",
            subset="A",
        )
        assert sorted(history.tracks) == ["A-1", "A-2"]
        assert history.tracks["A-1"].ts.tolist() == [T0 + 59 * MINUTE, T0 + 119 * MINUTE]
        ends = {m.device: m.ts for m in history.maintenance if m.failed}
        assert ends == {"A-1": T0 + 2 * HOUR, "A-2": T0 + HOUR}

    def test_several_files_of_one_device_are_joined_in_time_order(self, case: Case) -> None:
        case.file("b1.csv", "t,temp\n2026-03-01T02:00Z,22\n2026-03-01T00:00Z,20\n")
        case.file("b2.csv", "t,load\n2026-03-01T00:00Z,50\n2026-03-01T01:00Z,51\n")
        one = '[[telemetry]]\nfiles = "b{n}.csv"\nfixed_device = "fan"\n'
        one += 'time = {{ column = "t" }}\nquantities = {{ {q} = "{q}" }}\n'
        history = case.read(one.format(n=1, q="temp") + one.format(n=2, q="load"))
        np.testing.assert_equal(
            history.tracks["fan"].values, [[20, 50], [np.nan, 51], [22, np.nan]]
        )

    def test_a_value_that_occurs_twice_is_the_later_one_of_the_files(self, case: Case) -> None:
        case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,1\n1,2026-03-01,25,\n")
        assert case.read(WIDE).tracks["1"].values.tolist() == [[25, 1]]

    def test_units_are_converted(self, case: Case) -> None:
        case.file("a.csv", "m,t,x\n1,2026-03-01,300.15\n")
        text = WIDE.replace('temp = "temp", load = "load"', 'temp = { column = "x", unit = "K" }')
        assert case.read(text).tracks["1"].values[0, 0] == pytest.approx(27.0)

    def test_a_local_time_in_a_clock_change_is_the_first_or_the_moment_after(
        self, case: Case
    ) -> None:
        case.file("a.csv", "m,t,temp,load\n1,2026-10-25T02:30,1,1\n1,2026-03-29T02:30,2,2\n")
        text = WIDE.replace('{ column = "t" }', '{ column = "t", zone = "Europe/Berlin" }')
        assert case.read(text).tracks["1"].ts.tolist() == [
            from_iso("2026-03-29T01:00:00Z"),
            from_iso("2026-10-25T00:30:00Z"),
        ]

    def test_rows_can_be_left_out_by_time_and_by_value(self, case: Case) -> None:
        case.file(
            "a.csv",
            "m,t,temp,load\n1,2026-02-28,1,1\n1,2026-03-01,2,2\n2,2026-03-01,3,3\n1,2026-03-02,4,4\n",
        )
        history = case.read(
            WIDE + 'not_before = "2026-03-01"\nbefore = "2026-03-02"\nonly = { m = ["1"] }\n'
        )
        assert history.readings == 2
        assert (history.files[0].taken, history.files[0].left_out) == (1, 3)


class TestMaintenance:
    TEXT = (
        WIDE
        + """
[[maintenance]]
files = "maint.csv"
device = "m"
time = { column = "t" }
component = "c"
[[failures]]
files = "fail.csv"
device = "m"
time = { column = "t" }
component = "c"
"""
    )

    def test_a_replacement_at_the_time_of_a_failure_is_that_failure(self, case: Case) -> None:
        case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,1\n")
        case.file("maint.csv", "m,t,c\n1,2026-03-02,bearing\n1,2026-03-02,belt\n")
        case.file("fail.csv", "m,t,c\n1,2026-03-02,bearing\n1,2026-03-05,belt\n")
        records = case.read(self.TEXT).maintenance
        assert [(m.component, (m.ts - T0) // HOUR, m.failed) for m in records] == [
            ("bearing", 24, True),
            ("belt", 24, False),
            ("belt", 96, True),
        ]

    def test_facts_become_attributes_numbers_where_they_are_some(self, case: Case) -> None:
        case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,1\n")
        case.file("facts.csv", "m,model,age\n1,X3,7\n2,X4,\n")
        devices = case.read(
            WIDE + '[[devices]]\nfiles = "facts.csv"\ndevice = "m"\nattributes = ["model", "age"]\n'
        ).devices
        assert [dict(d.attributes) for d in devices] == [{"model": "X3", "age": 7}, {"model": "X4"}]


def test_events_keep_the_limits_of_the_firmware_contract(case: Case) -> None:
    case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,1\n")
    case.file("e.csv", f"m,t,c,x\n1,2026-03-01,E1,{'x' * 2000}\n1,2026-03-01,{'E' * 65},\n")
    history = case.read(
        WIDE + '[[events]]\nfiles = "e.csv"\ndevice = "m"\ntime = { column = "t" }\n'
        'code = "c"\ntext = "x"\n'
    )
    assert [(event.code, len(event.text)) for event in history.events] == [("E1", 1000)]
    assert [(t.line, t.column) for t in history.files[1].troubles] == [(3, "c")]


class TestWrongRows:
    def test_each_is_counted_and_described(self, case: Case) -> None:
        case.file(
            "a.csv",
            "m,t,temp,load\n"
            "1,2026-03-01,20,1\n"
            "1,yesterday,20,1\n"
            "1,2026-03-02,warm,2\n"
            "1,2026-03-03\n"
            ",2026-03-04,20,1\n"
            "a b,2026-03-05,20,1\n"
            "1,2026-03-06,inf,3\n"
            "1,2026-03-07,21,4\n",
        )
        history = case.read(WIDE)
        (report,) = history.files
        assert (report.rows, report.taken, report.wrong) == (8, 2, 6)
        assert [(t.line, t.column) for t in report.troubles] == [
            (3, "t"),
            (4, "temp"),
            (5, ""),
            (6, "m"),
            (7, "m"),
            (8, "temp"),
        ]
        assert "values instead of 4" in report.troubles[2].reason
        assert history.tracks["1"].values[:, 1].tolist() == [1, 2, 3, 4]

    def test_a_file_without_any_good_row_stops_the_import(self, case: Case) -> None:
        case.file("a.csv", "m,t,temp,load\n1,01.03.2026,20,1\n")
        with pytest.raises(BadInput, match=r"a\.csv: no row can be read; line 2, column t"):
            case.read(WIDE)


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        (WIDE.replace("a.csv", "b.csv"), "no file b.csv"),
        (WIDE.replace('"temp"', '"tmp"'), "no column 'tmp', but m, t, temp, load"),
        (WIDE.replace("{ temp", "{ flow"), "no quantity 'flow'"),
        (WIDE.replace('"temp"', '{ column = "temp", unit = "bar" }'), "measures pressure"),
        (WIDE.replace("device =", "machine ="), r"unknown field `machine`.*telemetry"),
        (WIDE.replace('device = "m"\n', ""), r"telemetry\[0\].device"),
        (WIDE.replace('time = { column = "t" }\n', ""), r"telemetry\[0\].time"),
        (WIDE + 'not_before = "soon"\n', "'soon' is no ISO 8601 time"),
        (WIDE.replace('{ column = "t" }', '{ column = "t", zone = "Mars/North" }'), "unknown zone"),
        (WIDE.replace('{ column = "t" }', '{ column = "t", unit = "weeks" }'), "weeks"),
        (WIDE + 'ends_in_failure = "gear"\n', "no component 'gear'"),
        ("this is no TOML", "map.toml"),
        ('subsets = ["A"]\n' + WIDE, "choose one of the subsets A"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_place(
    case: Case, mapping: str, complaint: str
) -> None:
    case.file("a.csv", "m,t,temp,load\n1,2026-03-01,20,1\n")
    with pytest.raises(BadInput, match=complaint):
        case.read(mapping)


def test_an_unknown_source_names_the_sets_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="azure_pdm, cmapss"):
        read_history("azur", tmp_path)
