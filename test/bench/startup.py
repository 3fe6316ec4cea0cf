#!/usr/bin/env python3
"""How long does a compiled program take to its first step, and how much memory?

    python3 test/bench/startup.py                        # all examples; about a minute
    python3 test/bench/startup.py lenet --data DIR       # with IDX files, as they are and gzipped

Starts each program again and again. `first step` is from the start of the process to the end of its first training step
(batch 64, two threads), on random samples and on a data set; `MiB` the most memory it had in use, beside what
1.2 x (memory plan + data set) + 8 MiB would be. README.md says more.
"""

import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ["lenet", "keras-lenet", "lenet-cudnn", "mnist-net"]
NUMBERS = ["--batch", "64", "--threads", "2"]


def call(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"startup: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def unpack(folder, target):
    """The training set of a folder, not gzipped; its size in bytes."""
    size = 0
    for path in folder.glob("train-*"):
        data = path.read_bytes() if path.suffix != ".gz" else gzip.decompress(path.read_bytes())
        (target / path.name.removesuffix(".gz")).write_bytes(data)
        size += len(data)
    if not size:
        sys.exit(f"startup: expects MNIST's train-* files in {folder}")
    return size


def measure(program, repeats, *options):
    """Milliseconds to the first step, least and median, and the peak in MiB."""
    results = [json.loads(call(program, "bench", "--seconds", 0.001, *NUMBERS, *options)) for _ in range(repeats)]
    times = [1e3 * result["first_step_s"] for result in results]
    return min(times), statistics.median(times), max(result["peak_rss_mib"] for result in results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", choices=[*EXAMPLES, []], default=[], help="default: all")
    parser.add_argument("--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="startup-") as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir()
        size = unpack(arguments.data, folder / "data")
        print(f"{'program':<14}{'samples':<16}{'first step, ms':>15}{'median':>8}{'MiB':>8}{'at most':>9}")
        for example in arguments.examples or EXAMPLES:
            program = folder / example
            call(SOURCE / "build/bin/ai-compile", SOURCE / "examples" / example / f"{example}.mlir", "-o", program)
            plan = json.loads(call(program, "info", "--json", *NUMBERS))["memory_bytes"]
            for samples, options in (("random", []), ("data set", ["--data", folder / "data"]),
                                     ("data set, .gz", ["--data", arguments.data])):
                least, median, peak = measure(program, arguments.repeats, *options)
                most = f"{(1.2 * (plan + size)) / 2**20 + 8:>9.1f}" if options else ""
                print(f"{example:<14}{samples:<16}{least:>15.1f}{median:>8.1f}{peak:>8.1f}{most}")


if __name__ == "__main__":
    main()
