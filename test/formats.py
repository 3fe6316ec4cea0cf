"""Reads what programs write, by nothing but the formats' definitions: files of TensorBoard events, which are TFRecords
of protocol buffers, PNG pictures and safetensors."""

import json
import struct
import zlib

import numpy as np


def crc32c(data):
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """The contents of the records, their checksums verified."""
    while data:
        (length, check), head = struct.unpack("<QI", data[:12]), data[:8]
        content, (end,) = data[12:12 + length], struct.unpack("<I", data[12 + length:16 + length])
        assert check == masked(head) and end == masked(content) and len(content) == length
        yield content
        data = data[16 + length:]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def fields(message):
    """What a message holds: a list of values for each field's number."""
    result, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(message, at)
        elif kind == 2:
            size, at = varint(message, at)
            value, at = message[at:at + size], at + size
            assert len(value) == size
        else:
            code, size = {1: ("<d", 8), 5: ("<f", 4)}[kind]
            (value,), at = struct.unpack(code, message[at:at + size]), at + size
        result.setdefault(key >> 3, []).append(value)
    return result


def histogram(message):
    values = {name: message[field][0] for field, name in enumerate(("min", "max", "count", "sum", "squares"), 1)}
    for field, name in ((6, "limits"), (7, "buckets")):
        (data,) = message[field]
        values[name] = struct.unpack(f"<{len(data) // 8}d", data)
    return values


def picture(message):
    """The pixels of an image, [height, width, channels], from a PNG file whose rows are not filtered."""
    png, at, chunks = message[4][0], 8, []
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        data, (check,) = png[at + 8:at + 8 + size], struct.unpack(">I", png[at + 8 + size:at + 12 + size])
        assert check == zlib.crc32(kind + data)
        chunks.append((kind, data))
        at += 12 + size
    (first, header), (second, body), last = chunks
    assert (first, second, last) == (b"IHDR", b"IDAT", (b"IEND", b""))
    width, height, *rest = struct.unpack(">IIBBBBB", header)
    channels = message[3][0]
    assert (height, width) == (message[1][0], message[2][0]) and rest == [8, {1: 0, 3: 2}[channels], 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + width * channels)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


def text(value):
    tensor, metadata = fields(value[8][0]), fields(value[9][0])
    assert tensor[1] == [7] and fields(metadata[1][0]) == {1: [b"text"]}
    return tensor[8][0].decode()


def read_value(value):
    if 2 in value:
        return value[2][0]
    if 4 in value:
        return picture(fields(value[4][0]))
    return text(value) if 8 in value else histogram(fields(value[5][0]))


def all_events(folder):
    for path in sorted(folder.iterdir()):
        assert path.name.startswith("events.out.tfevents.")
        first, *events = [fields(record) for record in records(path.read_bytes())]
        assert first[3] == [b"brain.Event:2"] and 1.7e9 < first[1][0] < 4e9
        assert all(a[1][0] <= b[1][0] for a, b in zip(events, events[1:]))
        yield from events


def read_events(folder):
    """The events of all files of a folder in order: (step, {tag: what it says}, whether a session starts)."""
    result = []
    for event in all_events(folder):
        if 4 in event:
            continue
        values = [fields(value) for value in (fields(event[5][0])[1] if 5 in event else [])]
        starts = 7 in event and fields(event[7][0]) == {1: [1]}
        assert starts or values
        result.append((event[2][0], {value[1][0].decode(): read_value(value) for value in values}, starts))
    return result


def read_graph(folder):
    """The nodes of a folder's newest graph by name: (op, inputs, shape), -1 for the batch."""
    graph = fields([event[4][0] for event in all_events(folder) if 4 in event][-1])
    assert fields(graph[4][0]) == {1: [1]}
    nodes = {}
    for message in graph[1]:
        node = fields(message)
        entry = fields(node[5][0])
        assert entry[1] == [b"_output_shapes"]
        (shape,) = fields(fields(entry[2][0])[1][0])[7]
        extents = [fields(extent)[1][0] for extent in fields(shape).get(2, [])]
        nodes[node[1][0].decode()] = (node[2][0].decode(), [name.decode() for name in node.get(3, [])],
                                      [extent - (extent >> 63 << 64) for extent in extents])
    assert len(nodes) == len(graph[1])
    return nodes


def curve(folder, tag):
    """The points of one curve as TensorBoard shows them: what a session starts again is forgotten."""
    points = {}
    for step, values, starts in read_events(folder):
        if starts:
            points = {old: value for old, value in points.items() if old < step}
        if tag in values:
            assert step not in points
            points[step] = values[tag]
    return points


def read_safetensors(path):
    """The f32 tensors of a file, by name."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    return {name: np.frombuffer(data[end:][slice(*info["data_offsets"])], "<f4")
            for name, info in header.items() if name != "__metadata__" and info["dtype"] == "F32"}
