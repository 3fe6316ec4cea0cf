"""The package as it is installed."""

import ast
import pathlib
import subprocess
import sys

import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")

FOLDER = pathlib.Path(aic.__file__).parent


def test_types():
    """py.typed and a stub that declares all that `import aic` gives."""
    assert (FOLDER / "py.typed").exists()
    stub = ast.parse((FOLDER / "_aic.pyi").read_text())
    declared = {node.name for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    public = {name for name in vars(aic._aic) if not name.startswith("_")}
    assert public <= declared
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    methods = {node.name: ast.unparse(node) for node in classes["Module"].body if isinstance(node, ast.FunctionDef)}
    assert {"fit", "evaluate", "predict", "save", "load", "mlir", "compile", "report", "forward"} <= set(methods)
    assert "x: Tensor) -> Tensor" in methods["forward"] and "NDArray[numpy.float32]" in methods["predict"]
    assert "filename: str | None" in ast.unparse(classes["CompileError"])


def test_torch_is_imported_when_it_is_needed():
    code = "import aic, sys; assert not {'torch', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("package, use", [("torch", lambda: aic.from_torch(None, None)), ("onnx", lambda: aic.from_onnx("x")),
                                          ("onnx", lambda: aic.to_onnx(aic.Graph((4,)), "x"))])
def test_packages_that_are_missing(package, use, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"expects the package {package}; install it: pip install aic\[{package}\]"):
        use()


def test_everything_is_documented():
    for name, value in vars(aic).items():
        if not name.startswith("_") and callable(value):
            assert value.__doc__, name


def test_no_logic_in_python():
    """What Python users can do, C++ users can: the package's own Python stays a handful of lines. Beside it `exchange`
    reads and writes what only Python has, PyTorch's modules and ONNX's files, into operators that C++ knows."""
    files = {file.stem: file.read_text() for file in FOLDER.glob("*.py")}
    lab = files.pop("lab")
    code = [line for text in files.values() for line in text.splitlines() if line.strip()]
    assert len(code) < 60 and not any("lab" in line.split() for line in code)
    # `aic lab` is a script over programs that anybody can run, not part of the module: it sees nothing of it.
    modules = [alias.name for node in ast.walk(ast.parse(lab)) if isinstance(node, ast.Import) for alias in node.names]
    assert set(modules) <= set(sys.stdlib_module_names) and not any(isinstance(node, ast.ImportFrom) for node in ast.walk(ast.parse(lab)))
