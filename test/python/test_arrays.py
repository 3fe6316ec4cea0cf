"""Arrays in and out, and those that are refused."""

import ctypes

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")


@pytest.fixture
def model(blobs, mlp):
    model = mlp()
    model.fit(blobs, epochs=1, verbose=False)
    return model


def test_types_of_labels(model, blobs):
    images, labels = blobs
    losses = {model.evaluate((images, labels.astype(dtype))).loss for dtype in (np.uint8, np.int8, np.int32, np.int64)}
    assert len(losses) == 1


def test_floats_are_taken_as_they_are(model, blobs):
    images, labels = blobs
    assert model.evaluate(((images / 255).astype(np.float32), labels)).loss == pytest.approx(model.evaluate(blobs).loss, rel=1e-5)


def test_shapes_with_a_channel(model, blobs):
    np.testing.assert_array_equal(model.predict(blobs[0][:, None]), model.predict(blobs[0]))


def test_read_only_arrays(model, blobs):
    images = blobs[0].copy()
    images.flags.writeable = False
    assert model.predict(images).shape == (256, 3)


def test_nothing_is_copied(blobs):
    """A data set's arrays are views: NumPy, torch and JAX see one memory."""
    import resource
    images = np.zeros((200, 1000, 1000), np.uint8)
    labels = np.zeros(200, np.int32)
    model = aic.Sequential(aic.AvgPool2d(100), aic.Flatten(), aic.Linear(2))
    images[:] = 1  # pages are there
    model.fit((images[:16], labels[:16]), epochs=1, batch=16, verbose=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.fit((images[:32], labels[:32]), epochs=1, batch=16, verbose=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024  # KiB; the images take 30 MiB


def test_torch(model, blobs):
    torch = pytest.importorskip("torch")
    images, labels = map(torch.from_numpy, blobs)
    expected = model.predict(blobs[0])
    np.testing.assert_array_equal(model.predict(images), expected)
    assert model.evaluate((images, labels.long())).loss == model.evaluate(blobs).loss
    outputs = model.predict(images)
    assert torch.from_dlpack(outputs).data_ptr() == outputs.ctypes.data
    with pytest.raises(ValueError, match="contiguous"):
        model.predict(images.transpose(1, 2))
    with pytest.raises(TypeError, match="expects images of uint8 or float32, got torch.float64"):
        model.predict(images.double())


def test_jax(model, blobs):
    jax = pytest.importorskip("jax")
    images, labels = map(jax.numpy.asarray, blobs)
    np.testing.assert_array_equal(model.predict(images), model.predict(blobs[0]))
    assert model.evaluate((images, labels)).loss == model.evaluate(blobs).loss
    assert jax.numpy.from_dlpack(model.predict(images)).shape == (256, 3)


class OnGPU:
    """An array that says that it lies on the second GPU; nobody may look at its elements."""

    device, dtype = "cuda:1", "float32"

    def __dlpack_device__(self):
        return 2, 1

    def __dlpack__(self, **_):
        class Managed(ctypes.Structure):  # DLManagedTensor
            _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                        ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("offset", ctypes.c_uint64),
                        ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]
        self.shape = (ctypes.c_int64 * 3)(1, 8, 8)
        self.managed = Managed(8, 2, 1, 3, 2, 32, 1, ctypes.addressof(self.shape))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        return new(ctypes.addressof(self.managed), b"dltensor", None)


def test_other_devices(model):
    with pytest.raises(ValueError, match="expects images on the CPU, got an array on cuda:1"):
        model.predict(OnGPU())


REFUSED = [
    (lambda x, y: (x.astype(np.float64), y), TypeError, "expects images of uint8 or float32, got float64"),
    (lambda x, y: (x.astype(">f4"), y), TypeError, "expects images as an array .*, got >f4: .*native byte order"),
    (lambda x, y: (x.astype(np.uint16), y), TypeError, "expects images of uint8 or float32, got uint16"),
    (lambda x, y: (x, y.astype(np.float32)), TypeError, "expects labels of uint8 or int8 or int32 or int64, got float32"),
    (lambda x, y: (x, list(y)), TypeError, "expects labels as an array of NumPy, or of anything with DLPack or a buffer, got list"),
    (lambda x, y: (x[:, ::2], y), ValueError, "expects images contiguous in C order, got strides; copy them, as numpy.ascontiguousarray does"),
    (lambda x, y: (np.asfortranarray(x), y), ValueError, "expects images contiguous"),
    (lambda x, y: (x, y[::2]), ValueError, "expects labels contiguous"),
    (lambda x, y: (x, y[:5]), ValueError, "expects as many targets as inputs, got 5 and 256"),
    (lambda x, y: (x[:, :, :7].copy(), y), ValueError, r"expects inputs of shape \[1,8,8\] a sample, got \[8,7\]"),
    (lambda x, y: (x, np.where(y == 2, 3, y)), ValueError, "expects labels from 0 to 2, got 3"),
    (lambda x, y: (x[:0], y[:0]), ValueError, "expects at least one sample of inputs, got none"),
    (lambda x, y: (x[0, 0], y), ValueError, r"expects inputs of rank 2 or more, \[samples, ...\], got rank 1"),
    (lambda x, y: (x, y, y), ValueError, r"expects a pair \(images, labels\), got 3 values"),
    (lambda x, y: x, TypeError, r"expects a Dataset or a pair \(images, labels\), got ndarray"),
    (lambda x, y: None, TypeError, r"expects a Dataset or a pair \(images, labels\), got NoneType"),
]


@pytest.mark.parametrize("change, kind, text", REFUSED, ids=range(len(REFUSED)))
def test_refused(model, blobs, change, kind, text):
    before = {name: values.copy() for name, values in model.parameters().items()}
    for use in (lambda data: model.fit(data, epochs=1, verbose=False), model.evaluate):
        with pytest.raises(kind, match=text):
            use(change(*blobs))
    for name, values in model.parameters().items():
        np.testing.assert_array_equal(values, before[name])
    model.fit(blobs, epochs=1, verbose=False)


def test_the_test_set_is_checked_before_anything_is_trained(model, blobs):
    before = model.evaluate(blobs).loss
    with pytest.raises(ValueError, match="expects labels from 0 to 2, got 7"):
        model.fit(blobs, (blobs[0], np.full(256, 7, np.int32)), epochs=1, verbose=False)
    assert model.evaluate(blobs).loss == before


def test_datasets(tmp_path):
    with pytest.raises(OSError, match="no-such: no such folder"):
        aic.data.idx(str(tmp_path / "no-such"))
    with pytest.raises(ValueError, match='expected split "train" or "test"'):
        aic.data.Dataset.open(str(tmp_path), "valid")
    (tmp_path / "images").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]))
    data = aic.data.Dataset.read(str(tmp_path / "images"), pad=1)
    assert data.labels is None and len(data) == 2
    images = data.images
    del data
    np.testing.assert_array_equal(images[1], [[0, 0, 0, 0], [0, 3, 4, 0], [0, 0, 0, 0]])
    assert not images.flags.writeable
    with pytest.raises(ValueError, match="expects padding of 0 to 1048576, got -1"):
        aic.data.Dataset.read(str(tmp_path / "images"), pad=-1)
