#!/usr/bin/env python3
"""Makes what `bench` reads out of what a comparison with other systems feeds them.

The comparison dumps raw little-endian arrays into a folder:
  images.f32         [16, batch, 1, 28, 28]   float32
  labels.i32         [17, batch]              int32
  MODEL.p0.f32 ...   the parameters, in the order of the model file, float32
This adds to the same folder:
  train-images.idx   [16 * batch, 1, 28, 28]  IDX f32
  train-labels.idx   [17 * batch]             IDX i32
  MODEL.safetensors  the parameters by name
so that step i of the following takes images[i % 16] and labels[i % 17]:
  ./MODEL bench --data DIR --load DIR/MODEL.safetensors --batch BATCH

The names and shapes are asked from the program itself (`info --json`).

  peers_data.py DIR PROGRAM [--model NAME] [--shape 1,28,28]
"""

import argparse
import array
import json
import pathlib
import struct
import subprocess
import sys

IMAGE_BATCHES, LABEL_BATCHES = 16, 17


def read(path, kind):
    values = array.array(kind, path.read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    return values


def write_idx(path, code, shape, values):
    if sys.byteorder == "little":
        values = values[:]
        values.byteswap()
    path.write_bytes(struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + values.tobytes())


def convert_samples(folder, shape):
    images, labels = read(folder / "images.f32", "f"), read(folder / "labels.i32", "i")
    elements = 1
    for extent in shape:
        elements *= extent
    batch = len(labels) // LABEL_BATCHES
    if len(labels) != batch * LABEL_BATCHES or len(images) != batch * IMAGE_BATCHES * elements:
        sys.exit(f"expects {IMAGE_BATCHES} batches of images of {shape} and {LABEL_BATCHES} of labels, "
                 f"got {len(images)} and {len(labels)} elements")
    write_idx(folder / "train-images.idx", 0x0D, [IMAGE_BATCHES * batch, *shape], images)
    write_idx(folder / "train-labels.idx", 0x0C, [LABEL_BATCHES * batch], labels)


def convert_parameters(folder, program, model):
    info = json.loads(subprocess.run([program, "info", "--json"], check=True, capture_output=True, text=True).stdout)
    header, blob = {}, b""
    for i, tensor in enumerate(info["parameters"]):
        data = (folder / f"{model}.p{i}.f32").read_bytes()
        if len(data) != 4 * tensor["elements"]:
            sys.exit(f"expects {tensor['elements']} elements for {tensor['name']}, got {len(data) // 4}")
        header[tensor["name"]] = {"dtype": "F32", "shape": tensor["shape"],
                                  "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / f"{model}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("--model", help="the name in MODEL.p0.f32 (default: the program's file name)")
    parser.add_argument("--shape", default="1,28,28", help="of one image")
    arguments = parser.parse_args()
    convert_samples(arguments.folder, [int(extent) for extent in arguments.shape.split(",")])
    convert_parameters(arguments.folder, arguments.program,
                       arguments.model or pathlib.Path(arguments.program).stem)


if __name__ == "__main__":
    main()
