"""The example notebook runs from its first cell to its last, and is committed with what it showed."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra 'notebook'")
nbclient = pytest.importorskip("nbclient", reason="notebooks need the extra 'notebook'")
pytest.importorskip("ipykernel", reason="notebooks need the extra 'notebook'")
pytest.importorskip("pandas", reason="notebooks need the extra 'notebook'")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "capacity-planning.ipynb"


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_runs_and_shows_what_it_says(notebook, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    client = nbclient.NotebookClient(
        notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    with warnings.catch_warnings():
        # What the notebook's own machinery warns of (event loops, unencrypted local sockets) is not ours to mend.
        warnings.simplefilter("ignore")
        asyncio.run(client.async_execute())
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") + output.get("data", {}).get("text/html", "") for output in shown)
    for expected in ("sync-easgd3", "beats", "dgx-a100", "keeps deadline and budget in", "samples/s"):
        assert expected in text


def test_it_is_committed_with_small_outputs_and_no_place_of_a_machine(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code)
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 300_000
    for place in ("/tmp/", "/home/", "/root/", "/work/", "site-packages"):
        assert place not in text


def test_its_links_lead_somewhere(notebook):
    import re

    links = [link for cell in notebook.cells for link in re.findall(r"\]\(([^)]+)\)", cell.source)]
    assert links
    for link in links:
        assert (NOTEBOOK.parent / link).resolve().is_file(), link
