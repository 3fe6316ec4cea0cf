#!/usr/bin/env python3
"""How fast do other systems train and run the same networks, and how near is each to the FMA peak?

    python3 test/bench/peers.py                                       # all of the table: about half an hour
    python3 test/bench/peers.py --models lenet --modes train --batches 64 --json lenet.json
    python3 test/bench/peers.py --systems aic --models keras-lenet    # this compiler alone

For every model, mode and batch all systems start, each in a process of its own on the same CPUs, and show their first
three losses; who differs from the frameworks' median by more than 1e-4 is refused. Then they take turns, with the FMA
peak measured in between: `aic is` and the share of the peak are ratios from one run. README.md explains the columns.
"""

import argparse
import importlib.util
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(HERE), str(SOURCE / "test"), str(SOURCE / "test/Integration/CPU")]

try:
    import numpy as np
except ModuleNotFoundError:
    sys.exit("peers: needs NumPy; test/bench/README.md says how to make an environment with all of the systems")

import capi  # noqa: E402
import frameworks  # noqa: E402
import networks  # noqa: E402
import programs  # noqa: E402

TOLERANCE = 1e-4
WARM_UP = 0.5  # seconds


class Failure(Exception):
    """Why a system is listed without numbers."""


# --- systems ---------------------------------------------------------------------------------------------------------
#
# A system has a name; start() fills first_losses, start_s (from the start of its process to the end of the first step)
# and peak_mib; block(seconds) runs steps for about so long and returns samples a second; close() ends it.


class Workload:
    """What is run, and on what."""

    def __init__(self, model, mode, batch, threads):
        self.model, self.mode, self.batch, self.threads = model, mode, batch, threads
        self.network, self.training = networks.NETWORKS[model], mode == "train"
        self.flops = networks.flops(self.network, self.training)
        self.cpus = sorted(os.sched_getaffinity(0))[:threads]

    def __str__(self):
        return f"{self.model} {self.mode}, batch {self.batch}, threads {self.threads}"

    def popen(self, command, environment=None, **keywords):
        """Starts a process on the first CPUs."""
        return subprocess.Popen([str(word) for word in command], text=True, env={**os.environ, **(environment or {})},
                                preexec_fn=lambda: os.sched_setaffinity(0, self.cpus), **keywords)

    def run(self, *command):
        process = self.popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        if process.returncode:
            raise Failure(f"{pathlib.Path(command[0]).name}: {last_line(errors)}")
        return output


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "ended without a word"


def without_dropout(text):
    return re.sub(r"(ai\.dropout .*?rate = )[^,}]*", r"\g<1>0.0", text)


class Program:
    """What ai-compile makes of the example."""

    name = "aic"

    def __init__(self, workload, folder):
        self.workload, self.folder = workload, folder
        self.bench = ["bench", "--mode", workload.mode, "--batch", workload.batch, "--threads", workload.threads]
        if workload.training:
            self.bench += [word for setting in workload.network.settings for word in ("--set", setting)]

    def compile(self, text, name):
        program = self.folder / name
        if not program.exists():
            model = self.folder / f"{name}.mlir"
            model.write_text(text)
            start = time.perf_counter()
            self.workload.run(capi.compiler(), model, "-o", program)
            program.with_suffix(".seconds").write_text(str(time.perf_counter() - start))
        return program

    def start(self):
        model, network = self.workload.model, self.workload.network
        text = (programs.EXAMPLES / model / f"{model}.mlir").read_text()
        self.program = check = self.compile(text, model)
        if network.has_dropout() and self.workload.training:
            check = self.compile(without_dropout(text), f"{model}-without-dropout")
        self.compile_s = float(self.program.with_suffix(".seconds").read_text())
        self.write_data(network)
        result = self.run(check, 0.01)
        self.first_losses = result["first_losses"] if self.workload.training else self.predicted_losses(check)
        self.start_s = result["first_step_s"]

    def write_data(self, network):
        batch = self.workload.batch
        images, labels = networks.samples(batch)
        self.data, self.load = self.folder / f"data{batch}", self.folder / f"{self.workload.model}.safetensors"
        programs.write_safetensors(self.load, networks.parameters(network))
        programs.write_data(self.data, images.reshape(-1, *networks.IMAGE), labels.reshape(-1), ("train",))
        self.first_images, self.labels = self.folder / "first.idx", labels
        self.first_images.write_bytes(programs.idx(images[:3].reshape(-1, *networks.IMAGE)))

    def run(self, program, seconds):
        return json.loads(self.workload.run(program, *self.bench, "--data", self.data, "--load", self.load,
                                            "--seconds", seconds))

    def predicted_losses(self, program):
        lines = self.workload.run(program, "predict", "--data", self.first_images, "--load", self.load, "--json",
                                  "--threads", self.workload.threads).splitlines()
        probabilities = np.array([json.loads(line)["probabilities"] for line in lines])
        parts = np.log(probabilities).reshape(3, self.workload.batch, networks.CLASSES)
        return [networks.mean_loss(part, labels) for part, labels in zip(parts, self.labels)]

    def block(self, seconds):
        result = self.run(self.program, seconds)
        self.peak_mib = result["peak_rss_mib"]
        return result["samples_per_s"]

    def close(self):
        pass


class Framework:
    """A system of frameworks.py in its process."""

    def __init__(self, name, workload, folder):
        self.name, self.workload, self.folder, self.process = name, workload, folder, None

    def start(self):
        workload, modules = self.workload, frameworks.FRAMEWORKS[self.name][1]
        for module in modules:
            if not importlib.util.find_spec(module):
                raise Failure(f"not installed (no module {module})")
        if workload.training and self.name not in frameworks.TRAINS:
            raise Failure("does not train")
        threads = str(workload.threads)
        cold = tempfile.mkdtemp(dir=self.folder)  # nothing compiled earlier is found again
        environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TORCHINDUCTOR_CACHE_DIR": cold}
        arguments = {"name": self.name, "model": workload.model, "batch": workload.batch, "threads": workload.threads,
                     "training": workload.training}
        self.errors = open(pathlib.Path(cold, "stderr"), "w+")
        start = time.perf_counter()
        self.process = workload.popen([sys.executable, HERE / "frameworks.py", json.dumps(arguments)], environment,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.first_losses = [self.read()["loss"]]
        self.start_s = time.perf_counter() - start
        self.first_losses += [self.read()["loss"] for _ in range(2)]
        self.ask(warm_up=WARM_UP)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failure(last_line(self.errors.read()))
        return json.loads(line)

    def ask(self, **request):
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # read() says why
        return self.read()

    def block(self, seconds):
        answer = self.ask(seconds=seconds)
        self.peak_mib = answer["peak_rss_mib"]
        return answer["steps"] * self.workload.batch / answer["seconds"]

    def close(self):
        if self.process:
            self.process.communicate()
            self.errors.close()


# --- measuring -------------------------------------------------------------------------------------------------------


def check_losses(systems):
    """The systems whose first losses are right, and why each of the others is refused."""
    peers = [system.first_losses for system in systems if system.name != Program.name]
    if not peers:
        return systems, {}
    reference = [statistics.median(losses) for losses in zip(*peers)]
    good, refused = [], {}
    for system in systems:
        wrong = [(step, loss, right) for step, (loss, right) in enumerate(zip(system.first_losses, reference))
                 if not abs(loss - right) <= TOLERANCE]
        if wrong:
            refused[system.name] = "refused: loss of step {} is {:.6f}, the frameworks' is {:.6f}".format(*wrong[0])
        else:
            good.append(system)
    return good, refused


def start_all(systems):
    """The systems that started, and why each of the others did not."""
    started, failed = [], {}
    for system in systems:
        try:
            system.start()
            started.append(system)
        except Failure as failure:
            failed[system.name] = str(failure)
    return started, failed


def take_turns(systems, rounds, seconds, measure_peak):
    """Samples a second of each system, round by round; why some have none; the peaks before, between and behind."""
    rates, failed, peaks = {system.name: [] for system in systems}, {}, [measure_peak()]
    for _ in range(rounds):
        for system in systems:
            if system.name in failed:
                continue
            try:
                rates[system.name].append(system.block(seconds))
            except Failure as failure:
                failed[system.name] = str(failure)
                del rates[system.name]
            time.sleep(0.05)  # threads that spin for more work go to sleep
            peaks.append(measure_peak())
    return rates, failed, peaks


def measure(workload, systems, rounds, seconds, measure_peak):
    """The result of one workload, as --json has it."""
    try:
        started, failed = start_all(systems)
        good, refused = check_losses(started)
        rates, broken, peaks = take_turns(good, rounds, seconds, measure_peak)
    finally:
        for system in systems:
            system.close()
    peak = max(p["gflops"] for p in peaks)
    rows = []
    for system in good:
        if system.name not in rates:
            continue
        blocks = rates[system.name]
        row = {"system": system.name, "samples_per_s": statistics.median(blocks), "samples_per_s_best": max(blocks),
               "samples_per_s_blocks": blocks, "gflops_best": 1e-9 * workload.flops * max(blocks),
               "of_peak": 1e-9 * workload.flops * max(blocks) / peak, "start_s": system.start_s,
               "peak_rss_mib": system.peak_mib, "first_losses": system.first_losses}
        if hasattr(system, "compile_s"):
            row["compile_s"] = system.compile_s
        if Program.name in rates:
            row["aic_is"] = statistics.median(ours / its for ours, its in zip(rates[Program.name], blocks))
        rows.append(row)
    rows.sort(key=lambda row: -row["samples_per_s"])
    return {"model": workload.model, "mode": workload.mode, "batch": workload.batch, "threads": workload.threads,
            "flops_per_sample": workload.flops, "peaks": peaks, "systems": rows, "without": {**failed, **refused, **broken}}


# --- printing --------------------------------------------------------------------------------------------------------


def format_number(value, digits=3):
    """At least so many digits: 12,345, 123, 12.3, 0.123."""
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - whole)}f}"


def format_table(result):
    """One workload in at most 80 columns."""
    peaks = result["peaks"]
    lows, best = min(p["gflops_median"] for p in peaks), max(p["gflops"] for p in peaks)
    lines = [f"{result['model']} {result['mode']}, batch {result['batch']}, threads {result['threads']}; FMA peak "
             f"{best:.0f} GFLOP/s (least in between {lows:.0f})",
             f"{'system':14}{'samples/s':>11}{'best':>11}{'aic is':>9}"
             f"{'GFLOP/s':>9}{'% peak':>8}{'start s':>9}{'MiB':>7}"]
    for row in result["systems"]:
        ratio = f"{format_number(row['aic_is'])}x" if "aic_is" in row and row["system"] != Program.name else ""
        lines.append(f"{row['system']:14}{row['samples_per_s']:11,.0f}{row['samples_per_s_best']:11,.0f}{ratio:>9}"
                     f"{format_number(row['gflops_best']):>9}{100 * row['of_peak']:8.1f}"
                     f"{format_number(row['start_s']):>9}{row['peak_rss_mib']:7.0f}")
    lines += [f"{name:14}{reason}"[:80] for name, reason in result["without"].items()]
    losses = [row["first_losses"] for row in result["systems"]]
    if losses:
        spread = max(max(step) - min(step) for step in zip(*losses))
        text = " ".join(f"{loss:.5f}" for loss in losses[0])
        compared = f"the systems differ by {spread:.1e}" if len(losses) > 1 else "compared with nobody's"
        lines.append(f"first losses {text}; {compared}")
    return "\n".join(lines)


def some_of(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"expects some of {','.join(known)}, got '{name}'")
        return names
    return parse


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expects a whole number of at least 1, got '{text}'")
    return int(text)


def parse_arguments():
    names = [Program.name, *frameworks.FRAMEWORKS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=some_of(names), default=names, metavar="NAMES", help="of " + ",".join(names))
    parser.add_argument("--models", type=some_of(networks.NETWORKS), default=["lenet", "mnist-net"], metavar="NAMES",
                        help=f"of {','.join(networks.NETWORKS)} (default: lenet,mnist-net)")
    parser.add_argument("--modes", type=some_of(["train", "infer"]), default=["train", "infer"], metavar="MODES")
    parser.add_argument("--batches", type=lambda text: [positive(part) for part in text.split(",")],
                        default=[1, 16, 64, 256], metavar="N,…", help="(default: 1,16,64,256)")
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--rounds", type=positive, default=5, help="turns of every system (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.7, help="of a turn (default: 0.7)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write everything that was measured")
    options = parser.parse_args()
    if options.threads > len(os.sched_getaffinity(0)):
        parser.error(f"--threads expects at most the {len(os.sched_getaffinity(0))} CPUs that may be used, "
                     f"got {options.threads}")
    return options


def main():
    options = parse_arguments()
    machine = programs.BUILD / "bin" / "ai-machine"
    if not machine.exists():
        sys.exit(f"peers: expects {machine}; build the project first: tools/setup.sh")
    results = []
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        for model, mode, batch in itertools.product(options.models, options.modes, options.batches):
            workload = Workload(model, mode, batch, options.threads)
            systems = [Program(workload, pathlib.Path(folder)) if name == Program.name else
                       Framework(name, workload, folder) for name in options.systems]
            results.append(measure(workload, systems, options.rounds, options.seconds,
                                   lambda: json.loads(workload.run(machine, workload.threads))))
            print(format_table(results[-1]), flush=True)
            print(flush=True)
            if options.json:
                options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
