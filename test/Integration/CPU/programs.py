"""Compiled programs and the files that they read: IDX and safetensors, written and read here."""

import gzip
import hashlib
import json
import os
import pathlib
import struct
import subprocess

import numpy as np

import capi

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("AI_BUILD", SOURCE / "build"))
EXAMPLES = SOURCE / "examples"
# MNIST where it lies beside the checkout, else Debian's Fashion-MNIST: the same shapes.
DATA = pathlib.Path(os.environ.get("AI_MNIST_DIR") or "/usr/share/datasets/fashion-mnist")
NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}
CODES = {"uint8": 0x08, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx(array):
    """The bytes of an IDX file."""
    header = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def read_idx(path):
    """An IDX file of bytes, gzipped."""
    data = gzip.decompress(path.read_bytes())
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write_data(folder, images, labels, splits=("train", "test")):
    """A data folder whose splits all hold these samples."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits:
        for name, array in zip(NAMES[split], (images, labels)):
            (folder / name).write_bytes(idx(array))
    return folder


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in tensors.values()))


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def run(*command, code=0, **keywords):
    """Runs a command to its expected exit code; returns what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **keywords)
    assert done.returncode == code, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def refuse(*command, saying, **keywords):
    """Runs a command that must end with exit code 1 and one plain line that says what is wrong."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **keywords)
    assert done.returncode == 1, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    lines = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(lines) == 1 and saying in lines[0], f"expects one error with '{saying}', got\n{done.stderr}"


def compile_example(name, folder, *options):
    """The program of an example, or its library if `options` say so."""
    output = folder / (name + (".so" if "--emit=lib" in options else ""))
    run(capi.compiler(), EXAMPLES / name / f"{name}.mlir", "-o", output, *options)
    return output


def parameters(model):
    return {name: model[name] for name, info in model.program.tensors.items() if info.role == 0}


def train_and_resume(whole, first, second, data, cut, path):
    """Trains `whole` on all of `data`, `first` up to `cut`, and `second`, loaded from what `first` saved, on the rest."""
    def train(model, part):
        for x, y in part:
            model.train_step(x, y)
    train(whole, data)
    train(first, data[:cut])
    first.save(path)
    second.load(path)
    train(second, data[cut:])
