"""Plain tables of measured times, in the forms in which people write them, and back."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import attempt, is_one_line

from simulator.calibration.observations import CollectiveTime, MessageTime, Observation, StepTime
from simulator.errors import InputError
from simulator.trace import Trace
from simulator.trace.importers import ImportOptions, read_measurements, table_of


def read(tmp_path: Path, text: str, **options: Any) -> list[Observation]:
    path = tmp_path / "table"
    path.write_text(text)
    found = read_measurements(path, options=ImportOptions(**options))
    assert not isinstance(found, Trace)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "devices,batch,step_time\n4,32,0.25\n",
        "devices,batch_size,step_time_ms\n4,32,250\n",
        "GPUs;Batch per GPU;Step time [ms]\n4;32;250\n",
        "# measured on Monday\nnum_gpus\tglobal batch size\titeration time (us)\n4\t128\t250000\n",
        "Batch Size, Workers, Seconds\n32, 4, 0.25\n",
        "gpus,batch,time\n4,32,250 ms\n",
        "gpus,batch,images/sec\n4,32,512\n",
        "world_size,local_batch_size,throughput [samples/s],model\n4,32,512,a net\n",
        '"devices","batch","step_time"\r\n"4","32","2.5e-1"\r\n\r\n',
    ],
    ids=["plain", "unit-in-name", "semicolons", "tabs-global", "any-order", "unit-in-cell", "rate", "extra", "quoted"],
)
def test_a_step_is_read_however_it_is_written(tmp_path: Path, text: str) -> None:
    (found,) = read(tmp_path, text)
    assert isinstance(found, StepTime)
    assert (found.devices, found.batch_size, found.compute) == (4, 32, None)
    assert found.seconds == pytest.approx(0.25)


def test_what_the_table_does_not_say_the_user_can(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "devices,step_time\n4,0.25\n", batch_size=32)
    assert isinstance(found, StepTime)
    assert found.batch_size == 32
    with pytest.raises(InputError, match=r"table:2: no batch size; .*--batch-size"):
        read(tmp_path, "devices,step_time\n4,0.25\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("devices,batch,step_time\n4,32,-1\n", r"table:2: step_time: expected a time above 0, got '-1'"),
        ("devices,batch,step_time\n4,32,nan\n", r"table:2: step_time: expected a time above 0, got 'nan'"),
        ("devices,batch,step_time\n4,32,0.2\n0,32,0.2\n", r"table:3: devices: expected a whole number of at least 1"),
        ("devices,batch,step_time\n4.5,32,0.2\n", r"table:2: devices: expected a whole number"),
        ("devices,batch,step_time\n4,32\n", r"table:2: 2 cells; expected 3"),
        ("devices,gpus,batch,step_time\n4,4,32,1\n", r"table:1: columns 'devices' and 'gpus' mean the same"),
        ("devices,global_batch,time\n3,32,1\n", r"table:2: a global batch of 32 cannot be shared by 3 devices"),
        ("devices,batch,step_time\n", r"table: a table without a single row"),
        ("devices,batch,colour\n4,32,red\n", r"table: not recognised \(it begins with 'devices,batch,colour'\)"),
    ],
    ids=["negative", "nan", "zero", "fraction", "cut", "twice", "indivisible", "empty", "no-time"],
)
def test_a_bad_table_is_refused_with_line_and_column(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read(tmp_path, text)


NUMBERS = st.floats(1e-9, 1e12)
WHERE = st.text(alphabet="abc:/.,;\"' 0", max_size=8).map(str.strip).filter(bool)
COUNTS = st.integers(1, 10**6)
OBSERVATIONS = st.one_of(
    st.builds(StepTime, COUNTS, COUNTS, NUMBERS, st.none() | NUMBERS, WHERE),
    st.builds(CollectiveTime, st.sampled_from(["all_reduce", "broadcast"]), COUNTS, NUMBERS, NUMBERS, COUNTS, WHERE),
    st.builds(MessageTime, NUMBERS, NUMBERS, st.sampled_from(["", "gpu-gpu", "node-node"]), WHERE, st.integers(1, 64)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OBSERVATIONS, min_size=1, max_size=5))
def test_reading_gives_back_what_was_written(tmp_path: Path, observations: list[Observation]) -> None:
    assert read(tmp_path, table_of(observations)) == observations


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="04.,;\t\"'\n-eE devicsbatchm[]()/_\x00é", max_size=80), st.booleans())
def test_any_text_is_read_or_refused_in_one_line(tmp_path: Path, text: str, mend: bool) -> None:
    for content in (text, f"devices,batch,step_time\n{text}", f"size,seconds,{text}"):
        found, refusal = attempt(lambda content=content: read(tmp_path, content, repair=mend))
        assert found or is_one_line(refusal, "table")


# Several files --------------------------------------------------------------------------------------------------------


def test_several_tables_are_one_list_and_different_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("devices,batch,step_time\n1,32,0.2\n")
    (tmp_path / "b.csv").write_text("devices,batch,step_time\n2,32,0.3\n")
    (tmp_path / "notes.md").write_text("not a measurement")
    found = read_measurements(tmp_path)
    assert isinstance(found, list)
    assert [each.devices for each in found if isinstance(each, StepTime)] == [1, 2]
    (tmp_path / "c.json").write_text('[{"ph": "X", "name": "forward", "ts": 0, "dur": 1}]')
    with pytest.raises(InputError, match="belong together"):
        read_measurements(tmp_path)


def test_missing_files_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        read_measurements(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no file in this folder"):
        read_measurements(tmp_path)
    with pytest.raises(InputError, match="no files"):
        read_measurements([])
