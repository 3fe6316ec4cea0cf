"""What part of the machine's FMA peak programs reach: peak, program, peak in turn, several times.

    python3 test/bench/fma_ratio.py PROGRAM... [--threads 2] [--batch N] [--rounds 9] [--seconds 1]

Prints for each program the median over the rounds of (FLOPs of a step / median step time) / peak, the best round, and the
peaks. A step's FLOPs are those of its convolutions and matrix products. Rounds in which the two peaks around a program
differ by more than a tenth are left out: the machine was not its own.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--threads", default=2)
    parser.add_argument("--batch")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peak = pathlib.Path(folder, "fma_peak")
        source = pathlib.Path(__file__).with_name("fma_peak.cpp")
        run("clang++-22", "-O2", "-march=native", "-pthread", source, "-o", peak)
        for program in options.programs:
            measure(program, peak, options)


def measure(program, peak, options):
    batch = ["--batch", options.batch] if options.batch else []
    ratios, peaks, rates = [], [], []
    for _ in range(options.rounds):
        before = float(run(peak, options.threads))
        result = json.loads(run(pathlib.Path(program).resolve(), "bench", "--threads", options.threads, "--seconds",
                                options.seconds, *batch))
        after = float(run(peak, options.threads))
        if abs(before - after) > 0.1 * max(before, after):
            continue
        flops = result["gflops"] / result["samples_per_s"] * result["batch"]  # of a step, in GFLOP
        peaks.append(max(before, after))
        ratios.append(flops / result["step_median_s"] / peaks[-1])
        rates.append(result["samples_per_s"])
    if not ratios:
        print(f"{program}: no round on a quiet machine; try again, or more --rounds")
        return
    print(f"{program}: {100 * statistics.median(ratios):.1f} % of the FMA peak (best {100 * max(ratios):.1f} %), "
          f"{statistics.median(rates):,.0f} samples/s (best {max(rates):,.0f}), "
          f"peak {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s, {len(ratios)} of {options.rounds} rounds")


if __name__ == "__main__":
    main()
