"""Code for other processors than this one's best: right on all of them, and the right one is picked."""

import json
import os
import pathlib

import pytest

import capi
import nets
import programs
from programs import parameters, refuse, run
from test_training import NETS, batches
from tolerance import close

CPUINFO = pathlib.Path("/proc/cpuinfo").read_text()
FLAGS = set(next((line for line in CPUINFO.splitlines() if line.startswith("flags")), "").split())
LEVELS = ["x86-64"] + ["x86-64-v3"] * ({"avx2", "fma", "bmi2", "movbe"} <= FLAGS) + ["x86-64-v4"] * (
    {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= FLAGS)

pytestmark = pytest.mark.skipif(not FLAGS, reason="names processors of x86")


def small():
    """The text of a net, with the name of its loss."""
    build, loss = NETS["pooled"]
    return build().text(loss, "#ai.sgd<lr = 0.1>", batch=37), loss


@pytest.mark.parametrize("name, cpu", [(name, "x86-64") for name in NETS] + [("odd", "x86-64-v3"), ("pooled", "x86-64-v3")])
def test_four_and_eight_lanes_train_like_jax(name, cpu):
    if cpu not in LEVELS:
        pytest.skip("this machine has no AVX2")
    build, loss = NETS[name]
    net = build()
    program = capi.compile(net.text(loss, "#ai.sgd<lr = 0.1>", batch=37), f"--cpu={cpu}")
    assert program.table.contents.cpu.decode() == cpu
    model, other = program.create(threads=1), program.create(threads=3)
    oracle = nets.Oracle(net.forward, loss, parameters(model))
    for x, y in batches(program, loss, 3, 37):
        step = model.train_step(x, y)
        close(step, oracle.train_step(x, y), 1e-4, "loss")
        assert step == other.train_step(x, y)
    for parameter, value in parameters(model).items():
        close(value, oracle.params[parameter], 1e-4, parameter)
        assert value.tobytes() == other[parameter].tobytes()


@pytest.fixture(scope="module")
def for_all(tmp_path_factory):
    """A program for all levels of x86-64, the least first."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "small.mlir").write_text(small()[0])
    run(capi.compiler(), folder / "small.mlir", "-o", folder / "small", "--cpu=x86-64,x86-64-v3,x86-64-v4")
    return folder / "small"


def processor(program, **environment):
    return json.loads(run(program, "info", "--json", env={**os.environ, **environment}))["cpu"]


def test_a_program_picks_the_best_that_the_machine_runs(for_all):
    assert processor(for_all) == LEVELS[-1]
    assert [processor(for_all, AI_CPU=level) for level in LEVELS] == LEVELS


def trained(program, loss):
    model = program.create()
    for x, y in batches(program, loss, 2, 37):
        model.train_step(x, y)
    return program.table.contents.cpu.decode(), {name: value.tobytes() for name, value in parameters(model).items()}


def test_a_library_runs_what_was_compiled_for_its_processor(tmp_path, monkeypatch):
    text, loss = small()
    names, library = LEVELS[:2], tmp_path / "small.so"
    (tmp_path / "small.mlir").write_text(text)
    run(capi.compiler(), tmp_path / "small.mlir", "--emit=lib", "-o", library, "--cpu=" + ",".join(names))
    assert capi.Program(library).table.contents.cpu.decode() == names[-1]
    for name in names:
        monkeypatch.setenv("AI_CPU", name)
        chosen = trained(capi.Program(library), loss)
        monkeypatch.delenv("AI_CPU")
        assert chosen[0] == name and chosen == trained(capi.compile(text, f"--cpu={name}"), loss)
    monkeypatch.setenv("AI_CPU", "pentium4")
    with pytest.raises(capi.Error, match="AI_CPU expects .*, got pentium4"):
        capi.Program(library)


def test_a_machine_that_runs_none_is_told_what_is_missing(tmp_path):
    # Zen has sse4a, which no Intel has; Sapphire Rapids has avx512fp16, which Zen 1 to 5 have not.
    other = "sapphirerapids" if "AuthenticAMD" in CPUINFO else "znver4"
    program = tmp_path / "autodiff"
    run(capi.compiler(), programs.EXAMPLES / "autodiff" / "autodiff.mlir", "-o", program, f"--cpu={other}")
    refuse(program, "f", 2, 5, saying=f"was compiled for, {other}, but this one lacks")
