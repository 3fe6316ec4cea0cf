"""The examples in the emulator: the losses of the CPU, the same bits in any order of threads, what programs say."""

import ctypes
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import capi
import cases
import pack
from programs import BUILD, DATA, EXAMPLES, compile_example, parameters, refuse, run, sha256, write_data
from tolerance import close


def losses(program, batch, steps=3, *options, **env):
    """The mean losses of the first `steps` steps, at most three."""
    line = run(program, "bench", "--seconds", "0.001", "--data", DATA, "--batch", batch, *options, env={**os.environ, **env})
    return json.loads(line)["first_losses"][:steps]


@pytest.mark.parametrize("name", ["lenet", "keras-lenet", "lenet-cudnn", "mnist-net"])
def test_examples_have_the_losses_of_the_cpu(pair, name):
    cpu, gpu = pair(name)
    close(losses(gpu, 2, steps=2), losses(cpu, 2, steps=2), 1e-4, "losses")


def test_orders_do_not_change_bits(pair):
    _, gpu = pair("lenet")
    expected = losses(gpu, 3)
    for order in ("reverse", *(f"random:{seed}" for seed in range(5))):
        assert losses(gpu, 3, AI_GPU_ORDER=order) == expected, order


def test_no_races(pair):
    _, gpu = pair("lenet")
    losses(gpu, 2, AI_GPU_CHECK="race")


@pytest.fixture(scope="module")
def lenet():
    """LeNet's libraries for the CPU and for the GPU."""
    return [capi.compile(EXAMPLES / "lenet" / "lenet.mlir", f"--target={target}") for target in ("cpu", "cuda")]


def test_twenty_steps_of_lenet(lenet):
    """Training with momentum in batches of 16, then evaluation and prediction, as on the CPU."""
    models = [program.create(batch=16) for program in lenet]
    rng = np.random.default_rng(3)
    for step in range(20):
        x, y = rng.standard_normal((16, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 16).astype(np.int32)
        cpu, gpu = (model.train_step(x, y) for model in models)
        close(gpu, cpu, 1e-4, f"loss of step {step}")
    for name, value in parameters(models[0]).items():
        close(models[1][name], value, 1e-3, name)
    cpu, gpu = (model.evaluate(x, y) for model in models)
    close(gpu.loss, cpu.loss, 1e-3, "loss of the evaluation")
    assert gpu.correct == cpu.correct
    close(*(model.predict(x) for model in models), 1e-3, "predictions")


def test_checkpoints_and_settings_reach_the_gpu(lenet, tmp_path):
    saved = tmp_path / "lenet.safetensors"
    cpu_model, gpu_model = (program.create(batch=4) for program in lenet)
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((4, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 4).astype(np.int32)
    gpu_model.train_step(x, y)
    gpu_model.save(saved)
    cpu_model.load(saved)
    for model in (cpu_model, gpu_model):
        model.lib.ai_rt_model_set_setting(model.handle, b"lr", ctypes.c_double(0.1))
    close(gpu_model.train_step(x, y), cpu_model.train_step(x, y), 1e-4, "after the checkpoint")
    close(gpu_model.train_step(x, y), cpu_model.train_step(x, y), 1e-4, "after another rate")


def test_without_a_driver_a_program_says_what_is_missing(pair):
    _, gpu = pair("lenet")
    if subprocess.run(["sh", "-c", "ldconfig -p | grep libcuda.so.1"], capture_output=True).returncode == 0:
        pytest.skip("this machine has NVIDIA's driver")
    env = {key: value for key, value in os.environ.items() if key != "AI_GPU"}
    refuse(gpu, "bench", "--data", DATA, env=env, saying="expects NVIDIA's driver, but libcuda.so.1 cannot be opened")
    refuse(gpu, "bench", "--data", DATA, env=env, saying="AI_GPU=emulate runs the kernels on this processor, slowly")
    refuse(gpu, "bench", "--data", DATA, env={**env, "AI_GPU": "magic"},
           saying="expects AI_GPU to be driver or emulate, got 'magic'")


def test_info_says_what_is_embedded_and_what_it_runs_on(pair):
    cpu, gpu = pair("lenet")
    text = run(gpu, "info")
    assert re.search(r"kernels: sm_80, PTX 7\.0 of [0-9,]+ bytes, no machine code", text)  # the tests hide ptxas
    memory = re.search("device memory: .*", text)[0]
    total, *parts = (int(n.replace(",", "")) for n in re.findall(r"[0-9][0-9,]*", memory))
    assert total == sum(parts) and len(parts) == 5
    assert "device: emulator of NVIDIA GPUs on this processor" in text
    assert "lenet_train_step_block: shared memory of" in text
    text = run(gpu, "info", env={key: value for key, value in os.environ.items() if key != "AI_GPU"})
    assert "device: " in text
    assert "device:" not in run(cpu, "info")


def test_kernels_are_not_traced(pair, tmp_path):
    _, gpu = pair("lenet")
    refuse(gpu, "bench", "--data", DATA, "--batch", 2, "--trace", tmp_path / "trace.json",
           saying="expects a program for a CPU to trace; kernels of a GPU keep no times")


def test_a_program_needs_no_toolkit(pair):
    _, gpu = pair("lenet")
    libraries = {line.split()[0].split(".so")[0] for line in run("ldd", gpu).splitlines()}
    assert not any("cuda" in name or "nv" in name for name in libraries)


def fake_driver(**env):
    """An environment whose libcuda.so.1 is the tests' own: it runs nothing, but looks at how it is called."""
    return {**os.environ, "AI_GPU": "driver", "LD_LIBRARY_PATH": str(BUILD / "test/fake"), **env}


def test_a_program_finds_the_driver(pair, tmp_path):
    _, gpu = pair("lenet")
    text = run(gpu, "info", env=fake_driver())
    assert ("device: Fake GPU, compute capability 9.0, 132 multiprocessors, driver for CUDA 13.0, "
            "kernels for sm_80 (PTX 7.0)") in text
    for batch in (5, 64, 100):
        run(gpu, "bench", "--seconds", "0.01", "--batch", batch, env=fake_driver())
    images, labels = np.zeros((200, 28, 28), np.uint8), np.zeros(200, np.uint8)
    data = write_data(tmp_path / "data", images, labels)
    saved = tmp_path / "saved.safetensors"
    run(gpu, "train", "--data", data, "--epochs", 3, "--batch", 64, "--save", saved, env=fake_driver())
    run(gpu, "eval", "--data", data, "--load", saved, env=fake_driver())
    run(gpu, "predict", "--data", data, "--load", saved, env=fake_driver())


def test_a_fault_ends_a_program_without_numbers(pair, tmp_path):
    _, gpu = pair("lenet")
    command = [gpu, "bench", "--seconds", "0.01", "--batch", 5]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env=fake_driver(FAKE_CUDA_FAILS="cuStreamSynchronize"))
    assert done.returncode == 1 and not done.stdout
    assert re.search(r"error: the GPU failed while running in one of the kernels lenet_train_step_block, .*: "
                     "CUDA_ERROR_ILLEGAL_ADDRESS 700: an illegal access", done.stderr)
    refuse(*command, env=fake_driver(FAKE_CUDA_FAILS="cuStreamSynchronize", AI_GPU_CHECK="launch"),
           saying="the GPU failed while running in kernel lenet_train_step_block: CUDA_ERROR_ILLEGAL_ADDRESS 700")
    refuse(*command, env=fake_driver(FAKE_CUDA_MEMORY="1000"),
           saying="bytes of the GPU's memory, which has 1000 of 1000 free")
    refuse(*command, env=fake_driver(FAKE_CUDA_FAILS="cuModuleLoadData"),
           saying="expects a driver that can load the program's kernels, got one for CUDA 13.0 (sm_80 (PTX 7.0): ")


def test_kept_and_sent_samples_train_alike(pair, tmp_path):
    """A data set that stays on the device, and one that there is no room for; losses now and later."""
    _, gpu = pair("lenet")
    rng = np.random.default_rng(9)
    data = write_data(tmp_path / "data", rng.integers(0, 256, (120, 28, 28), np.uint8),
                      rng.integers(0, 10, 120).astype(np.uint8))
    train = [gpu, "train", "--data", data, "--epochs", 1, "--batch", 60, "--json", "--save"]
    saved = [tmp_path / f"{name}.safetensors" for name in ("kept", "sent", "logged")]
    needed = int(re.search(r"device memory: ([0-9,]+)", run(gpu, "info", "--batch", 60))[1].replace(",", ""))
    little = {**os.environ, "AI_GPU_MEMORY": str(needed + 2 * 256 * (28 * 28 * 4 + 16) + 60000)}
    outputs = [run(*train, saved[0]), run(*train, saved[1], env=little),
               run(*train, saved[2], "--log", tmp_path / "log")]
    assert len({re.sub(r'"samples_per_s": .*', "", output) for output in outputs}) == 1
    assert len({sha256(path) for path in saved}) == 1


@pytest.fixture(scope="module")
def bundle(pair, tmp_path_factory):
    """A small bundle of tests for a GPU machine, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    cpu, gpu = pair("lenet")
    persistent = compile_example("lenet", folder, "--target=cuda", "-O1", "--gpu-schedule=persistent")
    pack.write_bundle(folder / "tests", {"lenet": (gpu, cpu), "lenet-persistent": (persistent, cpu)},
                      {"pooling": cases.FAMILIES["pooling"][:3]}, ["-O1"], samples={"train": 40, "test": 10},
                      batches={"lenet": [3], "lenet-persistent": [3]})
    pack.write_products(folder / "tests", ["-O1"])
    assert pack.archive(folder / "tests", folder / "tests.tar.gz") == (folder / "tests.tar.gz").stat().st_size
    run("tar", "xf", folder / "tests.tar.gz", "-C", folder)
    return folder / "gpu-tests"


def test_a_bundle_passes_where_there_are_neither_sources_nor_llvm(bundle):
    lines = run(bundle / "run.sh", "--seconds", "0.01", env={"PATH": "/usr/bin:/bin", "AI_GPU": "emulate"}).splitlines()
    assert lines[0].startswith("kernels: sm_80") and lines[2].startswith("device: emulator")
    assert lines[-1] == "14 passed, 0 failed" and "ok      lenet: the bits of lenet-persistent" in lines
    assert {"ok      ops: products-tf32, 18 calls", "ok      ops: products-bf16, 18 calls"} <= set(lines)
    for line, expected in zip(lines[-3:-1], ("lenet", "lenet-persistent")):
        name, ours, *theirs = line.split()
        assert name == expected and float(ours) > 0 and theirs == ["-", "-", "-"]


@pytest.mark.parametrize("path, old, new, saying", [
    ("models/lenet/losses.3", "2.", "2.1", "FAILED  lenet: losses of batch 3: line 1, number 1: expected 2.1"),
    ("models/lenet/evaluated", "loss", "lass", "FAILED  lenet: evaluation: line 1, number 2: expected lass, got loss"),
    ("ops/pooling/results", "]", ", 1]", "FAILED  ops: pooling, 6 calls: line 1: expected ")])
def test_a_bundle_reports_what_differs(bundle, tmp_path, path, old, new, saying):
    shutil.copytree(bundle, tmp_path / "tests")
    for name in ("lenet", "lenet-persistent"):
        if path != f"models/{name}/evaluated":  # saves time
            (tmp_path / f"tests/models/{name}/trained.safetensors").unlink()
    wrong = tmp_path / "tests" / path
    wrong.write_text(wrong.read_text().replace(old, new, 1))
    output = run(tmp_path / "tests/run.sh", "--seconds", "0", code=1, env={**os.environ, "PATH": "/usr/bin:/bin"})
    assert saying in output and output.endswith("1 failed\n")


def test_a_bundle_compares_parameters(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "tests")
    wrong = tmp_path / "tests/models/lenet/trained.safetensors"
    data = bytearray(wrong.read_bytes())
    data[-4 * 1000:] = bytes(4 * 1000)
    wrong.write_bytes(data)
    output = run(tmp_path / "tests/run.sh", "--seconds", "0", code=1, env={**os.environ, "PATH": "/usr/bin:/bin"})
    assert "FAILED  lenet: parameters after an epoch: line " in output


def test_an_archive_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "LIMIT", 10)
    (tmp_path / "tests").mkdir()
    with pytest.raises(SystemExit, match="expects at most 10 bytes, got .*; leave architectures out with --arch"):
        pack.archive(tmp_path / "tests", tmp_path / "tests.tar.gz")
    assert not (tmp_path / "tests.tar.gz").exists()
