"""The notebooks, run from top to bottom as a reader would."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
NOTEBOOKS = sorted((pathlib.Path(__file__).resolve().parents[2] / "python" / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="nbconvert: test/run.sh --long")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, tmp_path):
    source = json.loads(path.read_text())
    assert all(cell.get("outputs", []) == [] for cell in source["cells"]), "outputs are of one machine and one day: leave them out"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", path, "--output-dir", tmp_path, "--output", "run.ipynb"],
                   check=True, timeout=600)
    cells = [cell for cell in json.loads((tmp_path / "run.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(cell["outputs"] for cell in cells) and not any(output["output_type"] == "error" for output in outputs)
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    drawn = "".join(text for output in outputs for text in output.get("data", {}).get("text/html", []))
    printed = "".join(text for output in outputs for text in output.get("text", []))
    assert "image/png" in kinds and "<svg" in drawn and "ai.conv2d" in drawn
    accuracy = float(printed.split("Epoch 4/4")[1].split("test acc ")[1].split("%")[0])
    assert accuracy >= 85
