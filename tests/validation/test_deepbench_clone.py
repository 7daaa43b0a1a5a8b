"""Reading the workbooks of a DeepBench clone: cells of an xlsx file, tables found by headings, units, refusals."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from xlsx_files import letters, result_sheet, write_xlsx

from simulator.errors import InputError
from simulator.workload.kernels import Gemm, Pass
from validation.deepbench.allreduce_rows import read_all_reduces
from validation.deepbench.clone import is_clone, read_clone
from validation.deepbench.reference import read_convolutions, read_gemms
from validation.deepbench.tables import default_reference, located_reference
from validation.deepbench.workbook import read_workbook

LAYER = (112.0, 56.0, 64.0, 8.0, 128.0, 3.0, 5.0, 1.0, 2.0, 2.0, 2.0)
SHEET = result_sheet(
    products=[(1760.0, 16.0, 1760.0, "N", "N", 0.077), (5124.0, 700.0, 2048.0, "T", "N", 3.5)],
    convolutions=[(*LAYER, 1.5, 2.5, 3.5), (*LAYER, 0.5, "N/A*", 0.7)],
    all_reduces=[(100000.0, 2.0, None, 0.25, 0.01), (3097600.0, 16.0, 2.0, 4.0, 0.1)],
)


def clone(folder: Path, sheet: dict = SHEET, name: str = "DeepBench_NV_M40.xlsx", **options: bool) -> Path:
    results = folder / "results" / "train"
    results.mkdir(parents=True, exist_ok=True)
    write_xlsx(results / name, {"Specs": {1: ("GPU", "M40")}, "Results - FP32": sheet}, **options)
    return folder


# Cells ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inline", [False, True], ids=["shared", "inline"])
def test_cells_come_back_as_they_were_written(tmp_path: Path, inline: bool) -> None:
    wide = [None] * 30
    wide[0], wide[27], wide[29] = "a <b> & c", 1.25, -3e-7
    book = read_workbook(write_xlsx(tmp_path / "x.xlsx", {"one & two": {2: wide, 7: (4.0,)}, "empty": {}}, inline))
    assert book == {"one & two": {2: {0: "a <b> & c", 27: 1.25, 29: -3e-7}, 7: {0: 4.0}}, "empty": {}}


def test_columns_beyond_z_are_counted_on() -> None:
    assert [letters(column) for column in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "no members"])
def test_what_is_no_workbook_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.xlsx: expected an xlsx workbook") as caught:
        read_workbook(path)
    assert "\n" not in str(caught.value)


# Tables --------------------------------------------------------------------------------------------------------------


def test_products_are_milliseconds_made_seconds_with_their_transposes(tmp_path: Path) -> None:
    rows = read_gemms(clone(tmp_path))
    assert [row.kernel for row in rows] == [Gemm(1760, 16, 1760), Gemm(5124, 700, 2048, transpose_a=True)]
    assert [row.seconds for row in rows] == pytest.approx([77e-6, 3.5e-3])
    assert {(row.device, row.precision) for row in rows} == {("M40", "fp32")}
    assert [row.row for row in rows] == [4, 5]


def test_convolutions_keep_width_and_height_apart_and_leave_out_what_was_not_measured(tmp_path: Path) -> None:
    rows = read_convolutions(clone(tmp_path))
    kernel = rows[0].kernel
    assert (kernel.width, kernel.height, kernel.filter_width, kernel.filter_height) == (112, 56, 3, 5)
    assert (kernel.pad_width, kernel.pad_height, kernel.batch, kernel.channels, kernel.filters) == (1, 2, 8, 64, 128)
    assert [(row.kernel.direction, row.seconds) for row in rows] == [
        (Pass.FORWARD, pytest.approx(1.5e-3)),
        (Pass.BACKWARD_DATA, pytest.approx(2.5e-3)),
        (Pass.BACKWARD_WEIGHTS, pytest.approx(3.5e-3)),
        (Pass.FORWARD, pytest.approx(0.5e-3)),
        (Pass.BACKWARD_WEIGHTS, pytest.approx(0.7e-3)),
    ]


def test_all_reduces_take_their_nodes_from_the_column_without_a_heading(tmp_path: Path) -> None:
    rows = read_all_reduces(clone(tmp_path))
    assert [(r.floats, r.ranks, r.nodes, r.seconds) for r in rows] == [
        (100_000, 2, 1, pytest.approx(0.25e-3)),
        (3_097_600, 16, 2, pytest.approx(4e-3)),
    ]
    assert rows[1].deviation == pytest.approx(1e-4)


def test_knights_landing_runs_one_rank_a_node(tmp_path: Path) -> None:
    rows = read_all_reduces(clone(tmp_path, name="DeepBench_IA_KNL7250.xlsx"))
    assert [row.nodes for row in rows] == [2, 16]


def test_the_arithmetic_of_a_sheet_is_in_its_name_and_unknown_sheets_are_left_out(tmp_path: Path) -> None:
    results = tmp_path / "results" / "train"
    results.mkdir(parents=True)
    names = ("Results FP32", "Results - FP16 ip, Mixed math", "Results - Psuedo FP16", "Results - FP16 math", "Specs")
    write_xlsx(results / "DeepBench_NV_V100.xlsx", dict.fromkeys(names, SHEET))
    assert [row["precision"] for row in read_clone(tmp_path, "gemm")][::2] == [
        "fp32",
        "fp16_in_fp16_mul_fp32_add",
        "fp16_in_fp32_mul_fp32_add",
    ]


def test_a_sheet_without_the_headings_is_refused_with_those_that_were_expected(tmp_path: Path) -> None:
    headless = {number: row for number, row in SHEET.items() if number != 174}
    clone(tmp_path, headless)
    assert len(read_gemms(tmp_path)) == 2
    with pytest.raises(
        InputError, match=r"DeepBench_NV_M40\.xlsx: no sheet .* expected one headed W, H, C, N, K, S, R"
    ):
        read_convolutions(tmp_path)


def test_columns_are_found_wherever_they_stand(tmp_path: Path) -> None:
    order = [8, 6, 5, 4, 3, 2]
    moved = dict(SHEET)
    for number in (3, 4, 5):
        moved[number] = tuple(SHEET[number][place] for place in order)
    assert read_gemms(clone(tmp_path / "moved", moved)) == read_gemms(clone(tmp_path / "usual"))


def test_other_files_of_a_clone_are_not_read(tmp_path: Path) -> None:
    clone(tmp_path)
    (tmp_path / "results" / "train" / "DeepBench_NV_P100_Trg_CUDA_8_0_88.xlsx").write_text("no workbook")
    assert len(read_gemms(tmp_path)) == 2


# Where the rows are looked for ---------------------------------------------------------------------------------------


def test_a_folder_is_the_tables_the_folder_above_them_or_a_clone(tmp_path: Path) -> None:
    assert located_reference(tmp_path) is None
    tables = tmp_path / "reference" / "deepbench"
    tables.mkdir(parents=True)
    (tables / "gemm.csv").write_text("device\n")
    assert located_reference(tables) == located_reference(tables.parent) == tables
    copy = clone(tmp_path / "DeepBench")
    assert is_clone(copy)
    assert located_reference(copy) == copy
    assert located_reference(copy / "results" / "train") == copy / "results" / "train"


def test_a_table_with_a_wrong_cell_names_its_row(tmp_path: Path) -> None:
    names = ("device", "precision", "M", "N", "K", "A_transposed", "B_transposed", "time_us", "row")
    with (tmp_path / "gemm.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerow(("M40", "fp32", 64, 64, 64, 0, 0, 12.5, 4))
        writer.writerow(("M40", "fp32", 64, 64, 64, 0, 0, "twelve", 5))
    with pytest.raises(InputError, match=r"gemm\.csv, row 3: expected numbers"):
        read_gemms(tmp_path)


def test_the_project_s_tables_read_as_before() -> None:
    folder = default_reference()
    if not (folder / "gemm.csv").exists():
        pytest.skip("the project's reference folder with the DeepBench tables is absent")
    assert (len(read_gemms(folder)), len(read_all_reduces(folder))) == (1074, 119)
