"""Compiled models in Python.

    program = aic.compile("examples/lenet/lenet.mlir")   # or aic.Program("lenet.so")
    model = program.create(threads=2)
    loss = model.train_step(images, labels)              # NumPy arrays in and out
    value = aic.compile("autodiff.mlir").f(2.0, 5.0)     # a plain function
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from .runtime import Error, Metrics, Model, Program

__all__ = ["Error", "Metrics", "Model", "Program", "compile", "compiler"]


def compiler():
    """The path of ai-compile: $AI_COMPILE, the one on PATH, or that of the build tree."""
    build = pathlib.Path(__file__).resolve().parents[2] / "build" / "bin" / "ai-compile"
    return os.environ.get("AI_COMPILE") or shutil.which("ai-compile") or str(build)


def compile(source, *options, name="model"):
    """Compiles a model file, or the text of one, with ai-compile's `options` and loads it."""
    with tempfile.TemporaryDirectory(prefix="aic-") as folder:
        if "\n" in str(source):
            text, source = source, pathlib.Path(folder, f"{name}.mlir")
            source.write_text(text)
        library = pathlib.Path(folder, pathlib.Path(source).stem + ".so")
        done = subprocess.run([compiler(), str(source), "--emit=lib", "-o", str(library), *options],
                              capture_output=True, text=True)
        if done.returncode:
            raise Error(done.stderr.strip())
        return Program(library)
