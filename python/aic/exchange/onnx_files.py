"""ONNX files as they lie on disk: what can be trusted of them."""

import errno
import math
import os
import stat

import numpy as np

from .writer import Unsupported, fail, require

OLDEST_OPSET = 13
# TensorProto.DataType: NumPy's type and the field of elements that are not raw.
_TYPES = {1: ("<f4", "float_data"), 6: ("<i4", "int32_data"), 7: ("<i8", "int64_data"), 9: ("?", "int32_data")}


def read_model(path: str):
    """The ModelProto of a file that ONNX's checker accepts, and the arrays of its initializers and constants by id."""
    onnx = require("onnx")
    from google.protobuf.message import DecodeError
    with open(path, "rb") as file:
        data = file.read()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        fail([(path, 0, "expects an ONNX file, got something else, or a part of one")])
    versions = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= newest:
        fail([(path, 0, f"expects an ONNX file of opset {OLDEST_OPSET} to {newest}, got {versions[0] if versions else 'none'}")])
    if not _is_text(model):
        fail([(path, 0, "expects names in UTF-8, got other bytes")])
    folder = os.path.dirname(os.path.abspath(path))
    arrays = {}
    for name, tensor in _tensors(model.graph):
        try:
            arrays[name] = _elements(tensor, folder)
        except Unsupported as problem:
            fail([(path, 0, f"{problem} of {name[1] or name[0]!r}")])
        except OSError as error:
            fail([(path, 0, f"cannot read external data of {name[1] or name[0]!r}: {error.strerror}")], error)
        if tensor.external_data:  # the checker would look for files itself
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = b""
            del tensor.dims[:]
            tensor.dims.append(0)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # mostly ValidationError; of broken names its text cannot be decoded
        text = str(error) if isinstance(error, onnx.checker.ValidationError) else type(error).__name__
        fail([(path, 0, f"expects a valid ONNX file: {text.strip().splitlines()[0]}")], error)
    return model, arrays


def _is_text(message) -> bool:
    """Whether all strings are; protobuf gives bytes for those that are none."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value
        if field.type == field.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
        if field.type == field.TYPE_STRING and any(isinstance(v, bytes) for v in values):
            return False
    return True


def _tensors(graph):
    """Initializers by ("", name), values of constants by ("Constant", output); others are of no use here."""
    for tensor in graph.initializer:
        yield ("initializer", tensor.name), tensor
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                yield ("constant", node.output[0] if node.output else ""), attribute.t


def _elements(tensor, folder: str) -> np.ndarray:
    shape = tuple(tensor.dims)
    if any(extent < 0 for extent in shape):
        raise Unsupported(f"expects extents of at least 0, got {list(shape)}")
    if tensor.data_type not in _TYPES:
        return np.empty(0, "V1")  # refused where it is used
    dtype, field = _TYPES[tensor.data_type]
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if tensor.data_location == tensor.EXTERNAL:
        data = _external({entry.key: entry.value for entry in tensor.external_data}, folder, size)
    elif tensor.HasField("raw_data"):
        data = tensor.raw_data
    else:
        data = np.array(getattr(tensor, field)[:], np.int64 if dtype == "?" else dtype).astype(dtype).tobytes()
    if len(data) != size:
        raise Unsupported(f"expects {size} bytes of data for the shape {list(shape)}, got {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape)


def _external(entry: dict, folder: str, size: int) -> bytes:
    """Bytes of a file that lies in the model's folder or below, and is no link, nor behind one."""
    location = entry.get("location", "")
    parts = [part for part in location.split("/") if part not in ("", ".")]
    if location.startswith("/") or "\\" in location or "\0" in location or ".." in parts or not parts:
        raise Unsupported(f"expects external data inside the model's folder, got location {location!r}")
    try:
        offset, length = int(entry.get("offset") or 0), int(entry.get("length") or size)
    except ValueError:
        raise Unsupported("expects numbers as offset and length of external data, "
                          f"got {entry.get('offset')!r} and {entry.get('length')!r}") from None
    if length != size or not 0 <= offset < 2 ** 63:
        raise Unsupported(f"expects {size} bytes of external data, got offset {offset} and length {length}")
    current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            kind = os.O_NONBLOCK if part is parts[-1] else os.O_DIRECTORY
            below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=current)
            os.close(current)
            current = below
        status = os.fstat(current)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise Unsupported(f"expects external data in a file that is no link, got location {location!r}; copy it there")
        if offset + length > status.st_size:
            raise Unsupported(f"expects {offset + length} bytes in the file {location!r} of external data, got {status.st_size}")
        with os.fdopen(current, "rb", closefd=False) as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Unsupported(f"expects external data in a file that is no link, got location {location!r}; copy it there") from error
        raise
    finally:
        os.close(current)
