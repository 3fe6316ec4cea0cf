"""Every op and its gradient in the emulator, against the same op compiled for the CPU."""

import pytest

import capi
import cases
from tolerance import close

TOLERANCE = {"f32": 1e-5, "f64": 1e-12}
# Of f64 the functions alone: GPUs have no instructions for them.
FAMILIES = [(family, "f32") for family in cases.FAMILIES] + [("elementwise", "f64")]


def tuple_of(results):
    return results if isinstance(results, tuple) else (results,)


@pytest.mark.parametrize("family, element", FAMILIES)
def test_family(family, element, monkeypatch):
    table = [case for case in cases.FAMILIES[family] if element in case.elements]
    text = "\n".join(case.functions(element) for case in table)
    cpu, gpu = (capi.compile(text, f"--target={target}", "-O1") for target in ("cpu", "cuda"))
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    for case in table:
        calls = [(case.name, case.inputs(element))]
        if case.wrt:
            calls.append((f"{case.name}_sum_gradient", [*case.inputs(element), case.cotangent(element)]))
        for name, inputs in calls:
            actual, expected = (tuple_of(getattr(program, name)(*inputs)) for program in (gpu, cpu))
            for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
                close(a, e, TOLERANCE[element], f"{name}, result {i}")
