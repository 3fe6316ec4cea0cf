"""Programs whose steps are written by hand, and how tests run them.

The classifier learns from 28x28 images; its data are made here: each class has a bright stripe.
"""

import os
import pathlib
import struct
import subprocess

import numpy as np

BUILD = pathlib.Path(os.environ.get("AI_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
CLASSIFIER = str(BUILD / "test/programs/ai-test-classifier")
FUNCTIONS = str(BUILD / "test/programs/ai-test-functions")


def idx(array):
    """The bytes of an IDX file."""
    code, wide = {"uint8": (8, ">u1"), "int32": (12, ">i4"), "float32": (13, ">f4")}[str(array.dtype)]
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.astype(wide).tobytes()


def samples(count, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count).astype("uint8")
    images = random.integers(0, 90, (count, 28, 28)).astype("uint8")
    for image, label in zip(images, labels):
        image[2 * label + 3] = 255
    return images, labels


def run(*words, program=CLASSIFIER, **options):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, **options)


def succeed(*words, **options):
    result = run(*words, **options)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def fail(*words, **options):
    """Runs a command that must fail by one plain line, which is returned without the program's name."""
    result = run(*words, **options)
    lines = result.stderr.splitlines()
    assert result.returncode == 1 and len(lines) == 1 and result.stdout == ""
    prefix = f"{os.path.basename(result.args[0])}: error: "
    assert lines[0].startswith(prefix)
    return lines[0][len(prefix):]
