"""Programs that look for a NaN, compiled with --check-nan."""

import numpy as np
import pytest

import capi
import programs

NET = """
ai.model @net(%x: tensor<?x1x8x9xf32>) -> tensor<?x3xf32> {
  %w1 = ai.parameter "conv1.weight" : tensor<4x1x3x3xf32>
  %b1 = ai.parameter "conv1.bias" : tensor<4xf32>
  %c1 = ai.conv2d %x, %w1, %b1 {padding = [1, 1]}
    : (tensor<?x1x8x9xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  %r1 = ACTIVATION %c1 : (tensor<*xf32>) -> tensor<*xf32>
  %c2 = ai.conv2d %r1, %w2 {padding = [1, 1]} : (tensor<*xf32>, tensor<4x4x3x3xf32>) -> tensor<*xf32>
  %f = ai.flatten %c2 : (tensor<*xf32>) -> tensor<*xf32>
  %w3 = ai.parameter "fc.weight" : tensor<3x288xf32>
  %y = ai.linear %f, %w3 : (tensor<*xf32>, tensor<3x288xf32>) -> tensor<?x3xf32>
  ai.return %y : tensor<?x3xf32>
}
ai.train @net loss(cross_entropy) optimizer(#ai.adadelta<lr = 1.0>) {batch = 37, epochs = 1, seed = 1}
""".replace("  %c2", '  %w2 = ai.parameter "conv2.weight" : tensor<4x4x3x3xf32>\n  %c2', 1)


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(3)
    return random.standard_normal((74, 1, 8, 9), np.float32), random.integers(0, 3, 74, np.int32)


@pytest.fixture(scope="module")
def checked():
    return capi.compile(NET.replace("ACTIVATION", "ai.relu"), "--check-nan")


def refuse_step(model, x, y, saying):
    """A step that must fail, and leave parameters and states alone."""
    before = {name: model[name] for name in model.program.tensors}
    with pytest.raises(capi.Error, match=saying):
        model.train_step(x, y)
    for name, value in before.items():
        np.testing.assert_array_equal(model[name], value, err_msg=name)


def test_changes_no_bit(checked, data):
    images, labels = data
    model, plain = checked.create(threads=2), capi.compile(NET.replace("ACTIVATION", "ai.relu")).create(threads=2)
    for first in range(0, 74, 37):
        batch = slice(first, first + 37)
        assert model.train_step(images[batch], labels[batch]) == plain.train_step(images[batch], labels[batch])
    for name in checked.tensors:
        np.testing.assert_array_equal(model[name], plain[name], err_msg=name)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_says_which_nest_made_it(data, threads):
    # The logarithm of a negative number, which the padding of the next convolution has made inside a border.
    model = capi.compile(NET.replace("ACTIVATION", "ai.log"), "--check-nan").create(threads=threads)
    refuse_step(model, *data, saying=r"^training step 1 has a NaN, first in 'line 5\+line 7'; the parameters are those "
                                     "before it$")
    with pytest.raises(capi.Error, match="^an evaluation has a NaN, first in 'line [57]"):
        model.evaluate(*data)
    with pytest.raises(capi.Error, match="^a prediction has a NaN, first in 'line [57]"):
        model.predict(data[0])


@pytest.mark.parametrize("row", [0, 36, 73])
def test_names_the_samples(checked, data, row):
    images, labels = data[0].copy(), data[1]
    model = checked.create(threads=2)
    model.train_step(images, labels)
    images[row, 0, 7, 8] = np.nan
    refuse_step(model, images, labels, saying="^training step 2 has a NaN, first in 'input'; the parameters")
    model.train_step(*data)  # the next one is as good as ever


@pytest.mark.parametrize("options", [["-O0"], ["-O3"], ["--cpu=x86-64"]])
@pytest.mark.parametrize("batch", [16, 74])
def test_names_who_read_a_bad_parameter(data, options, batch):
    # Ten sums of a linear layer are stored behind its loop, and the next block must not find those of the one before.
    model = capi.compile(NET.replace("ACTIVATION", "ai.relu"), "--check-nan", *options).create(threads=2)
    weight = model["fc.weight"]
    weight[1, 7] = np.nan
    model["fc.weight"] = weight
    refuse_step(model, *(array[:batch] for array in data), saying="^training step 1 has a NaN, first in 'line 12'; the")


def test_names_the_update(checked, data):
    model = checked.create(threads=2)
    squares = model["conv2.weight.square_avg"]
    squares[...] = -1
    model["conv2.weight.square_avg"] = squares  # of which the optimizer takes a root
    with pytest.raises(capi.Error, match="^training step 1 has a NaN, first in the update of 'conv2.weight', which has it"):
        model.train_step(*data)


def test_program_ends_with_a_line(tmp_path, data):
    model = tmp_path / "net.mlir"
    model.write_text(NET.replace("ACTIVATION", "ai.relu"))
    programs.run(capi.compiler(), model, "--check-nan", "-o", tmp_path / "net")
    images, labels = data[0].copy(), data[1]
    images[50, 0, 0, 0] = np.nan
    folder = programs.write_data(tmp_path / "data", images[:, 0], labels.astype(np.uint8))
    programs.refuse(tmp_path / "net", "train", "--data", folder, saying="has a NaN, first in 'input'; the parameters are")
