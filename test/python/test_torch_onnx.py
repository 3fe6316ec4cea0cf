"""From PyTorch to ONNX and here: by this package, and by PyTorch's own two exporters."""

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
torch = pytest.importorskip("torch", reason="expects torch; test/python/torch.sh installs it")
pytest.importorskip("onnx", reason="expects onnx: pip install .[onnx]")
from onnx.reference import ReferenceEvaluator  # noqa: E402
from torch_nets import NETS  # noqa: E402


def make(name):
    torch.manual_seed(0)
    build, shape, _ = NETS[name]
    return build().eval(), torch.randn(2, *shape)


@pytest.mark.parametrize("name", NETS)
def test_by_way_of_our_file(name, tmp_path):
    module, x = make(name)
    model = aic.from_torch(module, x)
    aic.to_onnx(model, tmp_path / "net.onnx")
    assert aic.from_onnx(tmp_path / "net.onnx").mlir() == model.mlir()
    got, = ReferenceEvaluator(str(tmp_path / "net.onnx")).run(None, {"input": x.numpy()})
    np.testing.assert_allclose(got, module(x).detach().numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("exporter", ["script", "export"])
def test_pytorchs_file(name, exporter, tmp_path):
    """Mostly the very same model; with free batch and external data."""
    module, x = make(name)
    if exporter == "script":
        options = {"dynamo": False, "opset_version": 17, "input_names": ["x"], "dynamic_axes": {"x": {0: "N"}}}
    else:
        pytest.importorskip("onnxscript", reason="expects onnxscript; test/python/torch.sh installs it")
        options = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("N")},), "external_data": True}
    torch.onnx.export(module, (x,), tmp_path / "net.onnx", **options)
    model = aic.from_onnx(tmp_path / "net.onnx", name="net")
    if (name, exporter) in {("mlp", "script"), ("resnet", "export")}:  # a product of two matrices, a mean for a pool
        np.testing.assert_allclose(model.predict(x), module(x).detach().numpy(), atol=1e-5)
    else:
        expected = aic.from_torch(module, x, name="net")
        assert model.mlir() == expected.mlir()
        for left, right in zip(model.operators(), expected.operators(), strict=True):
            np.testing.assert_array_equal(left.values, right.values)
