"""What must be refused with one plain error, exit code 1, and no file left behind."""

import gzip
import json
import resource
import signal
import struct

import numpy as np
import pytest

import capi
import programs
from programs import refuse, run

SOURCES = {
    "syntax": ("func.func @f( {\n", "model.mlir:1:"),
    "shapes": ("func.func @f(%x: tensor<2x3xf32>, %w: tensor<4x5xf32>) -> tensor<2x5xf32> {\n"
               "  %y = ai.matmul %x, %w : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>\n"
               "  return %y : tensor<2x5xf32>\n}\n", "model.mlir:2:"),
    "op": ("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
           "  %y = ai.frobnicate %x : (tensor<2xf32>) -> tensor<2xf32>\n  return %y : tensor<2xf32>\n}\n", "model.mlir:2:"),
    "dtype": ("func.func @f(%x: tensor<2xf13>) -> tensor<2xf13> {\n  return %x : tensor<2xf13>\n}\n", "model.mlir:1:"),
    "parameter": ('ai.model @m(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {\n'
                  '  %w = ai.parameter "w" : tensor<3x2xf32>\n  %v = ai.parameter "w" : tensor<3x3xf32>\n'
                  '  %y = ai.linear %x, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>\n'
                  '  %z = ai.linear %y, %v : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>\n'
                  '  ai.return %z : tensor<?x3xf32>\n}\n'
                  'ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)\n', "model.mlir:3:"),
    "unused": ('ai.model @m(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {\n  %w = ai.parameter "w" : tensor<3x2xf32>\n'
               '  ai.return %x : tensor<?x2xf32>\n}\n'
               'ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)\n', "model.mlir:2:"),
    "model": ("ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)\n", "model.mlir:1:"),
    "nesting": ("(" * 200000, "model.mlir:1:"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_bad_source(tmp_path, name):
    text, where = SOURCES[name]
    (tmp_path / "model.mlir").write_text(text)
    refuse(capi.compiler(), "model.mlir", "-o", "program", saying=where, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.mlir"]


LENET = programs.EXAMPLES / "lenet" / "lenet.mlir"


@pytest.mark.parametrize("options, saying", [
    (["-o", "absent/lenet"], "absent"),
    (["-o", "lenet", "--linker=/absent/cc"], "/absent/cc"),
    (["-o", "lenet", "--emit=blockd"], "blocked"),
])
def test_bad_compiler_call(tmp_path, options, saying):
    refuse(capi.compiler(), LENET, *options, saying=saying, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_linker_found(tmp_path):
    refuse(capi.compiler(), LENET, "-o", "lenet", saying="clang-22", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options, saying", [
    (["--batch", "0"], "--batch"), (["--epochs", "-1"], "--epochs"), (["--bach", "3"], "--batch"),
    (["--set", "lrr=1"], "lr"), (["--data", "/absent"], "/absent"), (["--save", "/absent/x"], "/absent"),
    (["--load", "/absent/x"], "/absent/x"),
])
def test_bad_program_call(example, options, saying):
    refuse(example("lenet"), "train", *options, saying=saying)


def images(count=20, size=28):
    return np.zeros((count, size, size), np.uint8)


def labels(count=20, value=1):
    return np.full(count, value, np.uint8)


DATA = {
    "other size": (programs.idx(images(size=27)), programs.idx(labels()), "images"),
    "labels beyond the classes": (programs.idx(images()), programs.idx(labels(value=10)), "labels"),
    "different counts": (programs.idx(images()), programs.idx(labels(19)), "labels"),
    "truncated": (programs.idx(images())[:-1], programs.idx(labels()), "images"),
    "too long": (programs.idx(images()) + b"x", programs.idx(labels()), "images"),
    "no header": (b"\0\0", programs.idx(labels()), "images"),
    "empty": (b"", programs.idx(labels()), "images"),
    "wrong magic": (b"\1\2\3\4" + programs.idx(images())[4:], programs.idx(labels()), "images"),
    "huge extents": (b"\0\0\x08\3" + struct.pack(">3I", *[2**32 - 1] * 3), programs.idx(labels()), "images"),
    "corrupt gzip": (gzip.compress(programs.idx(images()))[:-9] + b"corrupted", programs.idx(labels()), "images"),
    "truncated gzip": (gzip.compress(programs.idx(images()))[:-9], programs.idx(labels()), "images"),
}


@pytest.mark.parametrize("name", DATA)
def test_bad_data(example, tmp_path, name):
    *contents, saying = DATA[name]
    for split in programs.NAMES.values():
        for file, content in zip(split, contents):
            (tmp_path / file).write_bytes(content)
    save = tmp_path / "model.safetensors"
    refuse(example("lenet"), "train", "--data", tmp_path, "--epochs", 1, "--save", save, saying=saying)
    assert not save.exists()


def test_missing_file(example, tmp_path):
    (tmp_path / programs.NAMES["train"][0]).write_bytes(programs.idx(images()))
    refuse(example("lenet"), "train", "--data", tmp_path, saying="labels")


@pytest.fixture(scope="module")
def checkpoint(example, tmp_path_factory):
    """A good checkpoint of LeNet: its header and its data."""
    folder = programs.write_data(tmp_path_factory.mktemp("checkpoint"), images(), labels())
    run(example("lenet"), "train", "--data", folder, "--epochs", 1, "--save", folder / "good.safetensors")
    content = (folder / "good.safetensors").read_bytes()
    size, = struct.unpack("<Q", content[:8])
    return folder, json.loads(content[8:8 + size]), content[8 + size:]



def pack(header, data):
    text = header if isinstance(header, str) else json.dumps(header)
    return struct.pack("<Q", len(text)) + text.encode() + data


def change(header, **fields):
    return {**header, "fc1.bias": {**header["fc1.bias"], **fields}}


CHECKPOINTS = {
    "truncated": lambda header, data: pack(header, data)[:-10],
    "empty": lambda header, data: b"",
    "header of 1 TB": lambda header, data: struct.pack("<Q", 1 << 40) + pack(header, data)[8:],
    "no JSON": lambda header, data: pack("{", data),
    "deep JSON": lambda header, data: pack("[" * 200000, data),
    "overlap": lambda header, data: pack(change(header, data_offsets=header["fc2.bias"]["data_offsets"]), data),
    "out of range": lambda header, data: pack(change(header, data_offsets=[len(data), len(data) + 480]), data),
    "negative": lambda header, data: pack(change(header, data_offsets=[-480, 0]), data),
    "duplicate key": lambda header, data: pack(
        json.dumps(header)[:-1] + ', "fc1.bias": ' + json.dumps(header["fc1.bias"]) + "}", data),
    "other shape": lambda header, data: pack(change(header, shape=[60, 2]), data),
    "missing tensor": lambda header, data: pack(
        {name: value for name, value in header.items() if name != "fc1.bias"}, data),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_bad_checkpoint(example, checkpoint, name):
    folder, header, data = checkpoint
    path = folder / "bad.safetensors"
    path.write_bytes(CHECKPOINTS[name](header, data))
    refuse(example("lenet"), "train", "--data", folder, "--epochs", 2, "--load", path, saying="bad.safetensors")


def test_checkpoint_of_another_model(example, checkpoint):
    folder, _, _ = checkpoint
    path = folder / "good.safetensors"
    refuse(example("keras-lenet"), "train", "--data", folder, "--epochs", 2, "--load", path, saying="good.safetensors")


def small_disk():
    """In the child: no file may grow beyond 100 KB, and a write that would gets an error."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_disk_full_while_saving(example, small_data, tmp_path):
    save = tmp_path / "model.safetensors"
    train = [example("lenet"), "train", "--data", small_data, "--save", save]
    run(*train, "--epochs", 1)
    before = save.read_bytes()
    refuse(*train, "--epochs", 2, "--load", save, saying="model.safetensors", preexec_fn=small_disk)
    assert save.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == [save.name]
