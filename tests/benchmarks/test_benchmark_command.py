"""`python -m benchmarks`: that it works, at small sizes and on our side alone; how fast is not asked here."""

from __future__ import annotations

import pytest

from benchmarks import command
from benchmarks.command import main
from benchmarks.layers import profile
from benchmarks.record import read_record
from benchmarks.workloads.all_reduce import AllReduce

QUICK = ["--quick", "--no-simgrid", "--only"]


def test_a_quick_run_prints_and_keeps_what_it_found(tmp_path, capsys):
    kept = tmp_path / "now.json"
    assert main([*QUICK, "W1:ring,W4:incast", "--json", str(kept)]) == 0
    printed = capsys.readouterr().out
    record = read_record(kept)
    assert [row.key for row in record.rows] == ["W1 ring, 27 MB, P = 4", "W4 incast, 20 flows"]
    for row in record.rows:
        assert row.key in printed
        assert row.ours
        assert row.exact
        assert (row.peers, row.disagreements) == ({}, [])
        assert row.form_difference <= 1e-9
        assert min(row.ours.wall, row.ours.cpu, row.ours.peak_bytes) > 0
    assert set(record.machine) == {"cores", "processor", "memory_gib", "system", "python"}
    assert main(["compare", str(kept), str(kept)]) == 0
    assert "0 faster, 0 slower of 4" in capsys.readouterr().out
    assert main(["show", str(kept), "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| workload | ")


def test_the_history_s_last_two_are_compared(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "HISTORY", tmp_path)
    assert main([*QUICK, "W4:disjoint", "--no-exact", "--json", str(tmp_path / "2026-01-02.json")]) == 0
    capsys.readouterr()
    assert main(["compare"]) == 2
    assert capsys.readouterr().err == "error: the history holds 1 records; expected 2, or files to compare\n"
    (tmp_path / "2026-01-01.json").write_text((tmp_path / "2026-01-02.json").read_text().replace("disjoint", "other"))
    assert main(["compare"]) == 0
    assert "0 faster, 0 slower of 0; 2 cases are in one record only" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "nowhere.json"], "nowhere.json: cannot read a record of benchmarks: No such file or directory"),
        (["compare", __file__], "expected a record of benchmarks"),
        (["show", __file__], "expected a record of benchmarks"),
        (["--only", "W7"], "--only: unknown workload 'W7'; expected one of: W1, W2, W3, W4, W5, W6"),
        (["growth", "--only", "W5"], "--only: unknown workload 'W5'; expected one of: W1, W3, W4"),
        (["layers", "--only", "W0"], "--only: unknown workload 'W0'"),
        (
            ["--quick", "--json", "nowhere/x.json"],
            "nowhere/x.json: cannot keep the results: there is no folder nowhere",
        ),
    ],
    ids=["no file", "no record", "show", "workload", "growth", "layers", "folder"],
)
def test_bad_input_is_a_line_and_exit_code_2(arguments, said, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_growth_prints_an_exponent_for_each_way(capsys):
    assert main(["growth", "--only", "incast", "--most", "20", "--repeat", "1", "--no-simgrid", "--markdown"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| W4 incast, flows", way, "10 to 20"] for way in ("ours", "exact")
    ]


def test_a_profile_says_where_all_of_the_time_goes():
    found = profile(AllReduce("ring", 4, 4096))
    assert found.messages == 24
    assert {"SimPy: events and processes", "network: rates and ends of flows"} <= set(found.seconds)
    assert all(seconds >= 0 for seconds in found.seconds.values())
    assert list(found.seconds.values()) == sorted(found.seconds.values(), reverse=True)
