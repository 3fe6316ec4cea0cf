"""Reads what programs write, by nothing but the formats' definitions: files of TensorBoard events, which are TFRecords
of protocol buffers, and safetensors."""

import json
import struct

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


def read_events(folder):
    """The events of all files of a folder in order: (step, {tag: number or histogram}, whether a session starts)."""
    result = []
    for path in sorted(folder.iterdir()):
        assert path.name.startswith("events.out.tfevents.")
        first, *events = [fields(record) for record in records(path.read_bytes())]
        assert first[3] == [b"brain.Event:2"] and 1.7e9 < first[1][0] < 4e9
        assert all(a[1][0] <= b[1][0] for a, b in zip(events, events[1:]))
        for event in events:
            (step,), values = event[2], {}
            starts = 7 in event and fields(event[7][0]) == {1: [1]}
            for value in fields(event[5][0])[1] if 5 in event else []:
                value = fields(value)
                (tag,) = value[1]
                if 2 in value:
                    (values[tag.decode()],) = value[2]
                else:
                    values[tag.decode()] = histogram(fields(value[5][0]))
            assert starts or values
            result.append((step, values, starts))
    return result


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
