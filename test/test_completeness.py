"""Every op of the dialect has a documented example, a lowering, a numeric test, and a derivative rule.

An op that lacks one of these on purpose is listed here with the reason.
"""

import json
import pathlib
import re
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[1]
LLVM = pathlib.Path("/usr/lib/llvm-22")
sys.path.insert(0, str(SOURCE / "test" / "Integration" / "CPU"))

import cases  # noqa: E402

STRUCTURE = {"model", "return", "parameter", "train", "gradient", "value_and_gradient", "yield", "for_blocks"}
GONE_BEFORE_LINALG = {
    **dict.fromkeys(STRUCTURE, "structure, expanded by passes"),
    "apply_optimizer": "expanded by ai-expand-optimizer",
}
TESTED_IN_TRAININGS = {
    **dict.fromkeys(STRUCTURE, "test_training.py"),
    "apply_optimizer": "test_optimizers.py",
    "relayout": "appears in blocked steps only: test_training.py",
}


def ops():
    dump = subprocess.run(
        [LLVM / "bin" / "llvm-tblgen", "--dump-json", f"-I{LLVM}/include", f"-I{SOURCE}",
         SOURCE / "dialects" / "ai" / "AIOps.td"], capture_output=True, text=True, check=True)
    records = json.loads(dump.stdout)
    return {records[name]["opName"]: (name, records[name]) for name in records["!instanceof"]["Op"]
            if records[name]["opDialect"]["def"] == "AI_Dialect"}


OPS = ops()
CASES = {}
for case in (case for table in cases.FAMILIES.values() for case in table):
    CASES.setdefault(case.op.split()[0].removeprefix("ai."), []).append(case)


def traits(op):
    return {trait["def"] for trait in OPS[op][1]["traits"]}


@pytest.mark.parametrize("op", OPS)
def test_is_documented_with_shapes_gradient_and_example(op):
    description = OPS[op][1]["description"]
    for part in ("Shapes:", "Gradient", "```mlir"):
        assert part in description, f"the description of ai.{op} lacks '{part}'"
    assert re.search(rf"\bai\.{op}\b", description.partition("```mlir")[2]), f"ai.{op}'s example shows another op"


@pytest.mark.parametrize("op", OPS)
def test_has_a_derivative_rule_or_says_that_it_has_none(op):
    assert len(traits(op) & {"AI_Differentiable", "AI_NotDifferentiable"}) == 1


@pytest.mark.parametrize("op", [op for op in OPS if "AI_Differentiable" in traits(op)])
def test_has_a_numeric_test_of_its_gradient_or_says_that_none_flows(op):
    none = re.search(r"Gradient: (none|no operand)", OPS[op][1]["description"])
    assert none or op in TESTED_IN_TRAININGS or any(case.wrt for case in CASES.get(op, []))


@pytest.mark.parametrize("op", OPS)
def test_has_a_lowering(op):
    lowerings = "".join(path.read_text() for path in (SOURCE / "lib" / "Conversion").rglob("*.cpp"))
    name = OPS[op][0].removeprefix("AI_")
    lowered = re.search(rf"\b{name}\b", lowerings)
    assert lowered or op in GONE_BEFORE_LINALG, f"no file of lib/Conversion mentions {name}"


@pytest.mark.parametrize("op", OPS)
def test_has_a_numeric_test(op):
    assert op in CASES or op in TESTED_IN_TRAININGS, f"no case of Integration/CPU/cases.py computes ai.{op}"
