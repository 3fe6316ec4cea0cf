"""Teams of threads, on a machine that says it has eight CPUs: the same bits, whoever computes what."""

import json
import os
import sys

import numpy as np
import pytest

import capi
from programs import BUILD, SOURCE, run, sha256, write_data
from test_processors import LEVELS

sys.path.append(str(SOURCE / "test/bench"))

import untuned  # noqa: E402

EIGHT = {**os.environ, "LD_PRELOAD": str(BUILD / "test/fake/cpus.so")}


@pytest.mark.skipif("x86-64-v4" not in LEVELS, reason="blocks are smaller")
@pytest.mark.parametrize("name, batch", [("odd", 21), ("branches", 21), ("vgg", 17)])
def test_teams_do_not_change_bits(name, batch, tmp_path):
    """A block by up to eight threads, then single samples by teams. The first steps of a training form all that they can."""
    model = getattr(untuned, name)(batch)
    (tmp_path / "model.mlir").write_text(model.text())
    program = tmp_path / "program"
    run(capi.compiler(), tmp_path / "model.mlir", "--cpu=x86-64-v4", "-o", program)
    rng = np.random.default_rng(3)
    data = write_data(tmp_path / "data", rng.standard_normal((4 * batch, *model.input), dtype="float32"),
                      rng.integers(0, 10, 4 * batch).astype("uint8"))
    saved = []
    for threads in (1, 2, 3, 5, 8):
        busy = json.loads(run(program, "info", "--json", "--threads", threads, env=EIGHT))["busy_threads"]
        assert busy == threads, "teams"
        saved.append(tmp_path / f"{threads}.safetensors")
        run(program, "train", "--data", data, "--threads", threads, "--save", saved[-1], env=EIGHT)
    assert len({sha256(path) for path in saved}) == 1
