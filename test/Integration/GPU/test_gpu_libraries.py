"""Programs of --gpu-library=cudnn in the emulator, with libraries of the tests' own that compute on the host and look
at how they are called (test/Runtime/FakeCuDNN.cpp, FakeCuBLASLt.cpp): the numbers of the CPU, and what programs say."""

import json
import os
import re
from collections import Counter

import numpy as np
import pytest

import capi
import cases
import nets
import pack
from programs import BUILD, DATA, EXAMPLES, compile_example, parameters, refuse, run, sha256, write_data
from tolerance import close

FAKES = {"AI_CUDNN": str(BUILD / "test/fake/cudnn.so"), "AI_CUBLASLT": str(BUILD / "test/fake/cublaslt.so")}
GRADIENT = 10  # of ai_rt_role_t
OPTIONS = ("--target=cuda", "--gpu-library=cudnn", "-O1")


@pytest.fixture(autouse=True, scope="module")
def libraries(emulator):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FAKES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def lenet(tmp_path_factory):
    return compile_example("lenet", tmp_path_factory.mktemp("libraries"), *OPTIONS)


def bench(program, batch, **env):
    line = run(program, "bench", "--seconds", "0.001", "--data", DATA, "--batch", batch, env={**os.environ, **env})
    return json.loads(line)["first_losses"]


def pair_of(text, *options):
    """The libraries of a model for the CPU, and for a GPU with libraries."""
    return capi.compile(text, "--target=cpu", "-O1", *options), capi.compile(text, *OPTIONS, *options)


@pytest.mark.parametrize("name", ["lenet", "keras-lenet", "lenet-cudnn", "mnist-net"])
def test_examples_have_the_losses_and_gradients_of_the_cpu(name):
    """A step from the same parameters on a round, a part of one, and three; then a training."""
    text = (EXAMPLES / name / f"{name}.mlir").read_text()
    small = re.sub(r"batch = \d+", "batch = 8", text)
    assert small != text
    programs = pair_of(small, "--gradients")
    rng = np.random.default_rng(1)
    _, *extents = programs[0].io[3].shape[:programs[0].io[3].rank]

    def samples(count):
        return rng.standard_normal((count, *extents)).astype(np.float32), rng.integers(0, 10, count).astype(np.int32)

    for count in (8, 5, 19):
        cpu, gpu = (program.create() for program in programs)
        x, y = samples(count)
        close(gpu.train_step(x, y), cpu.train_step(x, y), 1e-4, f"loss of {count} samples")
        for tensor, info in programs[0].tensors.items():
            if info.role == GRADIENT:
                close(gpu[tensor], cpu[tensor], 1e-5, f"{tensor} of {count} samples")
    for step in range(3):
        x, y = samples(8)
        close(gpu.train_step(x, y), cpu.train_step(x, y), 1e-4, f"loss of step {step}")
    result, expected = gpu.evaluate(x, y), cpu.evaluate(x, y)
    close(result.loss, expected.loss, 1e-3, "loss of the evaluation")
    assert result.correct == expected.correct
    close(gpu.predict(x), cpu.predict(x), 1e-3, "predictions")


NETS = {"odd": (nets.odd, "cross_entropy", 37), "mlp": (nets.mlp, "mse_loss", 5),
        "branches": (nets.branches, "cross_entropy", 5), "pooled": (nets.pooled, "nll_loss", 5)}


@pytest.mark.parametrize("name", NETS)
def test_nets_that_nobody_tuned_for(name):
    """Rounds of the recipe's batch: less than one, and two and a sample."""
    build, loss, batch = NETS[name]
    programs = pair_of(build().text(loss, "#ai.sgd<lr = 0.1>", batch=batch), "--gradients")
    for count in (batch - 1, 2 * batch + 1):
        cpu, gpu = (program.create() for program in programs)
        rng = np.random.default_rng(5)
        _, *extents = programs[0].io[3].shape[:programs[0].io[3].rank]
        for step in range(3):
            x = rng.standard_normal((count, *extents)).astype(np.float32)
            if loss == "mse_loss":
                y = rng.standard_normal((count, *programs[0].io[4].shape[1:programs[0].io[4].rank])).astype(np.float32)
            else:
                y = rng.integers(0, programs[0].table.contents.num_classes, count).astype(np.int32)
            close(gpu.train_step(x, y), cpu.train_step(x, y), 1e-4, f"step {step} of {count} samples")
            for tensor, info in programs[0].tensors.items():
                if info.role == GRADIENT and step == 0:
                    close(gpu[tensor], cpu[tensor], 1e-5, tensor)
        for parameter, value in parameters(cpu).items():
            close(gpu[parameter], value, 1e-4, parameter)


@pytest.mark.parametrize("element", ["f32", "f64"])
def test_plain_functions_call_libraries(element, monkeypatch):
    """Every convolution and product of the tests of ops, and its gradients: strides, dilations, transposes."""
    table = [case for case in cases.FAMILIES["contraction"] if element in case.elements]
    text = "\n".join(case.functions(element) for case in table)
    cpu, gpu = pair_of(text)
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    for case in table:
        calls = [(case.name, case.inputs(element))]
        if case.wrt:
            calls.append((f"{case.name}_sum_gradient", [*case.inputs(element), case.cotangent(element)]))
        for name, inputs in calls:
            results = [getattr(program, name)(*inputs) for program in (gpu, cpu)]
            pairs = zip(*(r if isinstance(r, tuple) else (r,) for r in results), strict=True)
            for i, (actual, expected) in enumerate(pairs):
                close(actual, expected, {"f32": 1e-5, "f64": 1e-12}[element], f"{name}, result {i}")


def test_a_step_calls_libraries_for_all_that_they_compute(lenet, tmp_path):
    log = tmp_path / "log"
    bench(lenet, 64, FAKE_LIBRARY_LOG=str(log))
    calls = Counter(log.read_text().splitlines())
    assert len(set(calls.values())) == 1  # in all steps
    assert sorted(calls) == [
        "conv2d 64x1x28x28", "conv2d 64x6x14x14", "conv2d_input_gradient 64x6x14x14",
        "conv2d_weight_gradient 64x1x28x28", "conv2d_weight_gradient 64x6x14x14",
        "matmul 10x84x64 epilogue 1", "matmul 120x400x64 epilogue 1", "matmul 64x10x84 epilogue 4",
        "matmul 64x120x400 epilogue 6", "matmul 64x120x84 epilogue 1", "matmul 64x400x120 epilogue 1",
        "matmul 64x84x10 epilogue 1", "matmul 64x84x120 epilogue 6", "matmul 84x120x64 epilogue 1"]


def test_orders_do_not_change_bits_and_nobody_races(lenet):
    expected = bench(lenet, 64)
    for order in ("reverse", "random:1"):
        assert bench(lenet, 64, AI_GPU_ORDER=order) == expected, order
    assert bench(lenet, 64, AI_GPU_CHECK="race") == expected


def test_trainings_are_the_same_recorded_and_not(lenet, tmp_path):
    """Steps that are replayed as graphs, and steps one by one, with samples that stay or are sent."""
    rng = np.random.default_rng(9)
    data = write_data(tmp_path / "data", rng.integers(0, 256, (160, 28, 28), np.uint8),
                      rng.integers(0, 10, 160).astype(np.uint8))
    needed = int(re.search(r"device memory: ([0-9,]+)", run(lenet, "info", "--batch", 32))[1].replace(",", ""))
    saved = [tmp_path / f"{i}.safetensors" for i in range(2)]
    for path, memory in zip(saved, ("", str(needed + 2 * 256 * (28 * 28 * 4 + 16) + 60000))):
        run(lenet, "train", "--data", data, "--epochs", 1, "--batch", 32, "--save", path,
            env={**os.environ, "AI_GPU_MEMORY": memory})
    assert sha256(saved[0]) == sha256(saved[1])


def test_info_says_what_is_called(lenet, tmp_path):
    text = run(lenet, "info")
    assert "step: batch 64, rounds of 64 samples\n" in text
    assert re.search(r"libraries: cuDNN 9\.19\.0, 9 calls; cuBLASLt 13\.1\.0, 15 calls\n", text)
    memory = re.search("device memory: .*", text)[0]
    total, *parts = (int(n.replace(",", "")) for n in re.findall(r"[0-9][0-9,]*", memory))
    assert total == sum(parts) and len(parts) == 6
    assert ", workspace of libraries 5,000;" in memory  # the largest of any call
    text = run(lenet, "info", env={**os.environ, "AI_CUDNN": "/none.so"})
    assert "libraries: expects cuDNN 9 in the file that AI_CUDNN names, but /none.so cannot be opened" in text
    assert "libraries" not in run(compile_example("lenet", tmp_path, "--target=cuda", "-O0"), "info")


def test_max_memory_counts_what_libraries_want(tmp_path):
    program = compile_example("lenet", tmp_path, *OPTIONS)
    needed = int(re.search(r"\nmemory: ([0-9,]+) bytes", run(program, "info"))[1].replace(",", ""))
    fits = compile_example("lenet", tmp_path, *OPTIONS, f"--max-memory={needed}")
    bench(fits, 64)
    refuse(fits, "bench", "--batch", 65, "--seconds", 0.001,
           saying=f"expects at most {needed} bytes of memory (ai-compile's --max-memory), got {needed + 16} on the GPU "
                  "and the host for a batch of 65, of which libraries want 5000; the least, a batch of 1, is ")


def without(*names):
    return {key: value for key, value in os.environ.items() if key not in names}


@pytest.mark.parametrize("env, saying", [
    ({"AI_CUDNN": "/none.so"}, "expects cuDNN 9 in the file that AI_CUDNN names, but /none.so cannot be opened"),
    ({"AI_CUBLASLT": "/none.so"}, "expects cuBLASLt in the file that AI_CUBLASLT names, but /none.so cannot be opened"),
    ({"AI_CUDNN": FAKES["AI_CUBLASLT"]}, "expects cuDNN 9 to have cudnnGetVersion, which "),
    ({"AI_CUBLASLT": FAKES["AI_CUDNN"]}, "expects cuBLASLt to have cublasLtGetVersion, which "),
    ({"FAKE_CUDNN_VERSION": "8907"}, "expects cuDNN 9, got 8.9.7 in "),
    ({"FAKE_CUDNN_FAILS": "cudnnCreate"}, "expects cuDNN to start, but cudnnCreate failed: CUDNN_STATUS_EXECUTION_FAILED"),
    ({"FAKE_CUBLASLT_FAILS": "cublasLtCreate"}, "expects cuBLASLt to start, but cublasLtCreate failed: "),
    ({"FAKE_CUDNN_FAILS": "cudnnBackendSetAttribute"},
     "cuDNN failed in cudnnBackendSetAttribute for conv2d of lenet.mlir:5:9: CUDNN_STATUS_EXECUTION_FAILED 5000: made to"),
    ({"FAKE_CUDNN_FAILS": "cudnnBackendExecute"}, "cuDNN failed in cudnnBackendExecute for conv2d of "),
    ({"FAKE_CUBLASLT_FAILS": "cublasLtMatmul"},
     "cuBLASLt failed in cublasLtMatmul for matmul of lenet.mlir:18:9: CUBLAS_STATUS_EXECUTION_FAILED 13: the fake says so"),
    ({"FAKE_CUDNN_ENGINES": "4"}, "with at most 268435456 bytes of workspace, got none (one needs a workspace of "),
    ({"FAKE_CUDNN_ENGINES": "3"}, "got none (others round their operands, or add in any order); --gpu-library=none needs"),
    ({"FAKE_CUDNN_ENGINES": "0"}, "expects an engine of cuDNN 9.19.0 for conv2d of "),
    ({"FAKE_CUBLASLT_NONE": "1"}, "expects an algorithm of cuBLASLt 13.1.0 for matmul of ")])
def test_what_is_missing_or_fails_is_said(env, saying, lenet, tmp_path):
    refuse(lenet, "bench", "--seconds", 0.001, saying=saying.replace("lenet.mlir", str(EXAMPLES / "lenet/lenet.mlir")),
           env={**os.environ, **env})


def test_a_machine_without_the_libraries(lenet):
    """Neither the loader's folders nor the environment have them."""
    env = without("AI_CUDNN", "LD_LIBRARY_PATH")
    if not re.search("libcudnn.so.9", run("/sbin/ldconfig", "-p")):
        refuse(lenet, "bench", env=env, saying="expects cuDNN 9, but libcudnn.so.9 cannot be opened (libcudnn.so.9: cannot")
        refuse(lenet, "bench", env=env, saying="install it, add its folder to LD_LIBRARY_PATH, or name the file with AI_CUDNN; "
                                               "a model compiled without --gpu-library needs none")
    else:  # NVIDIA's compute on a GPU, not in the emulator
        refuse(lenet, "bench", env=env, saying="expects a library that computes on the host in AI_GPU=emulate, as those of the "
                                               "project's tests do, got libcudnn.so.9; name another file with AI_CUDNN")


def test_calls_go_to_the_driver_with_the_kernels(lenet, tmp_path):
    """With the tests' own libcuda.so.1, which runs no kernel: steps one by one, recorded, replayed, and a fault."""
    env = {**os.environ, "AI_GPU": "driver", "LD_LIBRARY_PATH": str(BUILD / "test/fake"), "FAKE_CUDA_MEMORY": str(64 << 20)}
    data = write_data(tmp_path / "data", np.zeros((160, 28, 28), np.uint8), np.zeros(160, np.uint8))
    counts = {}
    for check in ("", "launch"):
        log = tmp_path / f"log{check}"
        run(lenet, "train", "--data", data, "--epochs", 2, "--batch", 32,
            env={**env, "FAKE_LIBRARY_LOG": str(log), "AI_GPU_CHECK": check})
        counts[check] = Counter(log.read_text().splitlines())["conv2d_weight_gradient 64x6x14x14"]
    assert counts["launch"] == 10  # steps
    assert counts[""] <= 5  # a graph has what was asked for while it was recorded
    refuse(lenet, "bench", "--seconds", "0.01", "--batch", 64, env={**env, "FAKE_CUDA_FAILS": "cuStreamSynchronize"},
           saying="the GPU failed while running in one of the kernels lenet_train_step_block_0, lenet_train_step_block_1_conv2d, ")
    refuse(lenet, "bench", "--batch", 64, env={**env, "FAKE_CUDA_MEMORY": "3800000"},
           saying="bytes of the GPU's memory, which has ")


def test_a_bundle_for_a_machine_with_a_gpu(tmp_path):
    folder = tmp_path / "gpu-tests"
    pack.write_bundle(folder, {}, {}, [], samples={"train": 64, "test": 10})
    pack.write_libraries(folder, {"lenet": [3]}, ["-O1"])
    output = run(folder / "run.sh", "--seconds", "0")
    assert "ok      lenet.cudnn: losses of batch 3" in output and output.endswith("5 passed, 0 failed\n")
    output = run(folder / "run.sh", "--seconds", "0", code=1, env={**os.environ, "AI_CUDNN": "/none.so"})
    assert "skipped lenet.cudnn: expects cuDNN 9 in the file that AI_CUDNN names, but /none.so cannot be opened" in output
    assert output.endswith("0 passed, 0 failed\n")
