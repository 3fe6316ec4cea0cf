"""Models that are refused: the error points at the line of Python that wrote what is wrong."""

import inspect

import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")


def line():
    return inspect.currentframe().f_back.f_lineno


def refused(model, use=lambda model: model.mlir()):
    with pytest.raises(aic.CompileError) as caught:
        use(model)
    return caught.value


def test_a_layer_of_a_sequential():
    model = aic.Sequential(
        aic.Flatten(),
        aic.Conv2d(6, 3), input_shape=(1, 8, 8))
    where = line() - 1
    error = refused(model)
    assert (error.filename, error.lineno) == (__file__, where)
    assert str(error) == (f"{__file__}:{where}:{error.offset}: error: Conv2d expects an input of shape [N,C,H,W], "
                          "got tensor<?x64xf32>")
    assert isinstance(error, ValueError)


def test_a_kernel_larger_than_its_image():
    model = aic.Sequential(aic.Conv2d(6, 9), input_shape=(1, 8, 8))
    where = line() - 1
    error = refused(model)
    assert error.lineno == where and "'ai.conv2d' op expects" in str(error)


def test_a_line_of_forward():
    class Net(aic.Module):
        def __init__(self):
            super().__init__(input_shape=(4,))
            self.left, self.right = aic.Linear(3), aic.Linear(5)

        def forward(self, x):
            y = self.left(x)
            return y + self.right(x)

    error = refused(Net())
    assert "return y + self.right(x)" in inspect.getsource(inspect.getmodule(Net)).splitlines()[error.lineno - 1]
    assert "'ai.add' op expects" in str(error) and "3" in str(error) and "5" in str(error)


def test_a_pass_points_at_python():
    """What only a pass can find out has a place, too: a sum over the batch in forward."""
    class Net(aic.Module):
        def __init__(self):
            super().__init__(input_shape=(4,))
            self.head = aic.Linear(2)

        def forward(self, x):
            x = x - aic.mean(x, [0])
            return self.head(x)

    error = refused(Net(), lambda model: model.mlir("llvm"))
    assert error.filename == __file__ and "aic.mean(x, [0])" in inspect.getsource(Net).splitlines()[
        error.lineno - inspect.getsourcelines(Net)[1]]


def test_an_output_that_does_not_fit_the_loss():
    model = aic.Sequential(aic.Conv2d(6, 3), input_shape=(1, 8, 8))
    where = line() - 1
    error = refused(model, lambda model: model.mlir("shaped"))
    assert error.lineno == where and "flatten it" in str(error)


@pytest.mark.parametrize("layer, text", [
    (lambda: aic.Linear(0), "expects out_features of at least 1, got 0"),
    (lambda: aic.Linear(2, name="a.b"), None),
    (lambda: aic.Dropout(1.5), "rate"),
])
def test_numbers(layer, text):
    model = aic.Sequential(layer(), input_shape=(4,))
    if text is None:
        assert '"a.b.weight"' in model.mlir()
    else:
        assert text in str(refused(model))


def test_recipes(blobs, mlp):
    model = mlp(input_shape=(1, 8, 8))
    for recipe, text in [(aic.Recipe(loss="hinge"), "expects a loss of cross_entropy, nll_loss or mse_loss, got 'hinge'"),
                         (aic.Recipe(optimizer=aic.SGD(-1.0)), "expects lr to be at least 0, got -1"),
                         (aic.Recipe(optimizer=aic.Adam(beta1=1.0)), "expects beta1 to be at least 0 and less than 1, got 1"),
                         (aic.Recipe(schedule=aic.StepSchedule(0.5, 0)), "expects every to be at least 1, got 0"),
                         (aic.Recipe(std=0.0), "expects std to be greater than 0, got 0")]:
        model.recipe = recipe
        assert text in str(refused(model))
        with pytest.raises(ValueError):
            model.fit(blobs, verbose=False)
    for keywords, text in [({"epochs": 0}, "expects epochs of at least 1, got 0"), ({"batch": 0}, "expects a batch of at least 1, got 0")]:
        model.recipe = aic.Recipe()
        with pytest.raises(ValueError, match=text):
            model.fit(blobs, verbose=False, **keywords)
        assert model.recipe.batch == 64  # what is refused is not kept
    with pytest.raises(TypeError):
        model.fit(blobs, optimizer="sgd")


def test_names_are_not_shared_by_accident():
    model = aic.Sequential(aic.Linear(3, name="a"), aic.Linear(3, name="a"), input_shape=(4,))
    assert "expects another name for each layer, got 'a' twice" in str(refused(model))


def test_a_model_without_a_shape(mlp, tmp_path):
    for use in (lambda m: m.mlir(), lambda m: m.load("x"), lambda m: m.save("x"), lambda m: m.compile(str(tmp_path / "x"))):
        with pytest.raises(ValueError, match=r"expects the shape of a sample, which no data have told yet; set input_shape"):
            use(mlp())
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="expects extents of at least 1 in the shape of a sample, got 0"):
        mlp(input_shape=(0,)).mlir()


def test_stages_and_files(mlp, tmp_path):
    model = mlp(input_shape=(4,))
    with pytest.raises(ValueError, match="expects a stage, one of shaped, differentiated, .*, got 'loop'"):
        model.mlir("loop")
    with pytest.raises(ValueError, match="expects a stage or an artefact, one of shaped, .*, got 'program'"):
        model.compile(str(tmp_path / "x"), emit="program")
    with pytest.raises(aic.CompileError, match="cannot write"):
        model.compile(str(tmp_path / "no" / "x"))
    with pytest.raises(OSError):
        model.load(str(tmp_path / "x"))
    with pytest.raises(OSError):
        model.save(str(tmp_path / "no" / "x"))
    model.cpu = "no-such-cpu"
    assert "no-such-cpu" in str(refused(model, lambda model: model.mlir("llvm")))


def test_exceptions_of_forward_come_through():
    class Broken(aic.Module):
        def forward(self, x):
            return {}["missing"]

    with pytest.raises(KeyError, match="missing"):
        Broken(input_shape=(4,)).mlir()

    class Nothing(aic.Module):
        def forward(self, x):
            pass

    with pytest.raises(TypeError, match="expects forward to return a Tensor, got NoneType"):
        Nothing(input_shape=(4,)).mlir()
    with pytest.raises(NotImplementedError, match="to define forward"):
        aic.Module(input_shape=(4,)).mlir()

    class Nested(aic.Module):
        def __init__(self):
            super().__init__(input_shape=(4,))
            self.inner = Broken()

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(KeyError, match="missing"):
        Nested().mlir()


def test_tensors_end_with_their_model():
    kept = []

    class Keeps(aic.Module):
        def forward(self, x):
            kept.append(x)
            return x

    Keeps(input_shape=(4,)).mlir()
    with pytest.raises(RuntimeError, match="expects a tensor of the forward that is running"):
        aic.relu(kept[0])
    with pytest.raises(TypeError):
        aic.relu(1.0)


def test_a_forward_may_try_again():
    class Careful(aic.Module):
        def forward(self, x):
            try:
                return aic.max_pool2d(x, 2)
            except aic.CompileError:
                return aic.relu(x)

    assert "ai.relu" in Careful(input_shape=(4,)).mlir()
