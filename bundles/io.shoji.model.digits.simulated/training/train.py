#!/usr/bin/python3
# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Trains a network of two dense layers on the images of io.shoji.model.digits, and writes SHOJI-INF: the network as ONNX, and
in integers for the simulated HailoRT and Edge TPU (native-libs). See README.md."""

import pathlib
import shutil
import struct
import sys
import warnings
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "io.shoji.models" / "training"))
import model_package as package  # noqa: E402  first of all: it pins what numpy and torch choose when they load

import hashlib  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.ndimage import shift  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

SHOJI_INF = HERE.parent / "src" / "main" / "resources" / "SHOJI-INF"
SEED = 8
# As in io.shoji.model.digits/training/train.py: the same images are held out.
SPLIT_SEED, HELD_OUT = 1797, 500
MEAN, STD = 0.3053, 0.376
HIDDEN = 64
SHIFT = 12
MINIMUM = 0.97
VERSION = "1.0.0.simulated"
CREATED = "2026-11-22T00:00:00Z"
# Number of ProtoHEFHwArch: what is compiled for a Hailo-8L runs on a Hailo-8 too.
HAILO8L = 3
# The runtime version that a file for the Edge TPU asks for, as the simulated libedgetpu says it has.
EDGETPU_RUNTIME = 14


def scaled(pixels):
    """What the pipeline does with a decoded image."""
    return (pixels.astype(np.float32) / np.float32(255) - np.float32(MEAN)) / np.float32(STD)


def moved(pixels, labels):
    """Each image, and eight times moved by half a pixel: writers and cameras do."""
    steps = [(y / 2, x / 2) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    images = [shift(pixels.reshape(-1, 8, 8), (0, *step), order=1).reshape(-1, 64) for step in steps]
    return np.concatenate(images), np.tile(labels, len(steps))


def train(pixels, labels):
    images, targets = moved(pixels.astype(np.float64), labels)
    # It could still learn a little; the number of rounds is part of the recipe.
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPClassifier((HIDDEN,), alpha=1e-2, max_iter=60, random_state=SEED)
    model.fit(scaled(images).astype(np.float64), targets)
    return ([weights.astype(np.float32) for weights in model.coefs_],
            [biases.astype(np.float32) for biases in model.intercepts_])


def as_torch(weights, biases):
    layers = [torch.nn.Flatten()]
    for index, (weight, bias) in enumerate(zip(weights, biases)):
        linear = torch.nn.Linear(*weight.shape)
        linear.weight.data, linear.bias.data = torch.from_numpy(weight.T.copy()), torch.from_numpy(bias)
        layers += [linear] if index else [linear, torch.nn.ReLU()]
    return layers


def integers(weights, biases, scale_in, scale_out):
    """A layer for (bias + sum(weight * input)) >> SHIFT; half of the last place makes the shift round to the nearest."""
    factor = 2 ** SHIFT / scale_out
    return (np.rint(weights.T.astype(np.float64) * scale_in * factor).astype(np.int64),
            np.rint(biases.astype(np.float64) * factor).astype(np.int64) + 2 ** (SHIFT - 1))


def hef(scale_in, zero_in, scale_out, zero_out, layers):
    words = ["shoji-simulated-hef 1", "group digits", "network digits/digits",
             f"input image 8 8 1 uint8 {scale_in!r} {zero_in} nhwc",
             f"output logits 1 1 10 uint8 {scale_out!r} {zero_out} nc"]
    for weights, biases in layers:
        words.append(f"layer {weights.shape[1]} {weights.shape[0]} {SHIFT}")
        words.append(" ".join(str(number) for number in [*weights.flatten(), *biases]))
    data = ("\n".join(words) + "\nend\n").encode("ascii")
    header = bytes([0x08, HAILO8L, 0x1A, 6]) + b"3.33.0"
    message = bytes([0x0A, len(header)]) + header
    rest = message + data
    return struct.pack(">IIIIQI", 0x01484546, 1, len(message), zlib.crc32(rest), len(data), 0) + rest


def flatbuffer(root, identifier):
    """Writes tables as FlatBuffers lays them out (https://flatbuffers.dev/internals). A table is a dictionary by number of
    field; a value is a table, a list of tables, a text, bytes (aligned to 16), or a pair of struct's letter with a number or
    with a list of numbers."""
    data = bytearray(4) + identifier

    def is_number(value):
        return isinstance(value, tuple) and not isinstance(value[1], list)

    def begin(count, alignment):
        data.extend(bytes(-(len(data) + 4) % alignment))
        at = len(data)
        data.extend(struct.pack("<I", count))
        return at

    def refer(at, value):
        target = write(value)
        struct.pack_into("<I", data, at, target - at)

    def write(value):
        if isinstance(value, dict):
            return table(value)
        if isinstance(value, list):
            at = begin(len(value), 4)
            data.extend(bytes(4 * len(value)))
            for index, each in enumerate(value):
                refer(at + 4 * (index + 1), each)
        elif isinstance(value, str):
            at = begin(len(value.encode("utf-8")), 4)
            data.extend(value.encode("utf-8") + b"\0")
        elif isinstance(value, bytes):
            at = begin(len(value), 16)
            data.extend(value)
        else:
            letter, numbers = value
            at = begin(len(numbers), max(4, struct.calcsize(letter)))
            data.extend(struct.pack(f"<{len(numbers)}{letter}", *numbers))
        return at

    def table(fields):
        places, size = {}, 4
        for field, value in sorted(fields.items()):
            width = struct.calcsize(value[0]) if is_number(value) else 4
            places[field] = size + -size % width
            size = places[field] + width
        count = max(places, default=-1) + 1
        data.extend(bytes(-(len(data) + 4 + 2 * count) % 8))
        data.extend(struct.pack(f"<HH{count}H", 4 + 2 * count, size, *(places.get(field, 0) for field in range(count))))
        at = len(data)
        data.extend(struct.pack("<i", 4 + 2 * count) + bytes(size - 4))
        for field, value in sorted(fields.items()):
            if is_number(value):
                struct.pack_into("<" + value[0], data, at + places[field], value[1])
            else:
                refer(at + places[field], value)
        return at

    refer(0, root)
    return bytes(data)


def edgetpu(scale_in, zero_in, scale_out, zero_out, layers):
    """What edgetpu_compiler would make, for the simulated chip: its operator alone, whose options hold a package DWN1. The
    network computes on the bytes as they are, so the biases take the zero points over."""
    (first, first_biases), (second, second_biases) = layers
    layers = [(first, first_biases - zero_in * first.sum(axis=1)), (second, second_biases + (zero_out << SHIFT))]
    words = [0x4A4F4853, 0, len(layers)]
    for weights, biases in layers:
        words += [weights.shape[1], weights.shape[0], SHIFT, *weights.flatten(), *biases]
    program = flatbuffer({0: ("i", EDGETPU_RUNTIME), 1: struct.pack(f"<{len(words)}i", *words), 4: "simulated"}, b"DWN1")

    def tensor(name, shape, scale, zero_point):
        # Of type UINT8, of a known rank.
        return {0: ("i", shape), 1: ("b", 3), 3: name, 4: {2: ("f", [scale]), 3: ("q", [zero_point])}, 8: ("b", 1)}

    custom = 32
    return flatbuffer({
        0: ("i", 3),
        1: [{0: ("b", custom), 1: "edgetpu-custom-op", 3: ("i", custom)}],
        2: [{
            0: [tensor("image", [1, 8, 8, 1], scale_in, zero_in), tensor("logits", [1, 10], scale_out, zero_out)],
            1: ("i", [0]),
            2: ("i", [1]),
            3: [{0: ("i", 0), 1: ("i", [0]), 2: ("i", [1]), 5: program}],
            4: "graph",
        }],
        3: "digits, for a simulated Edge TPU",
        4: [{}],
    }, b"TFL3")


def samples_digest(inputs, labels):
    """As io.shoji.cli.samples.SampleDigest."""
    digest = hashlib.sha256()

    def add(name, kind, shape, data):
        for text in (name, kind):
            digest.update(struct.pack("<i", len(text)) + text.encode("utf-8"))
        digest.update(struct.pack(f"<i{len(shape)}qq", len(shape), *shape, len(data)) + data)

    for image, label in zip(inputs, labels):
        add("image", "FLOAT32", (1, *image.shape), image.astype("<f4").tobytes())
        add("expected", "INT64", (), struct.pack("<q", label))
    return digest.hexdigest()


def main():
    digits = load_digits()
    labels = digits.target.astype(np.int64)
    pixels = np.rint(digits.images * 255.0 / 16.0).astype(np.uint8).reshape(-1, 64)
    fit, held = train_test_split(np.arange(len(pixels)), test_size=HELD_OUT, stratify=labels, random_state=SPLIT_SEED)
    weights, biases = train(pixels[fit], labels[fit])
    layers = as_torch(weights, biases)
    network = torch.nn.Sequential(*layers)
    golden = scaled(pixels[held]).reshape(-1, 1, 8, 8)
    with torch.no_grad():
        expected = network(torch.from_numpy(golden)).numpy()
        hidden = network[:3](torch.from_numpy(scaled(pixels[fit]))).numpy()
        logits = network(torch.from_numpy(scaled(pixels[fit]))).numpy()
    truth = labels[held]
    accuracy = float((expected.argmax(1) == truth).mean())

    scale_in, zero_in = round(1 / (255 * STD), 8), round(MEAN * 255)
    scale_hidden = float(np.quantile(hidden, 0.9999)) / 255
    low, high = float(logits.min()), float(logits.max())
    scale_out = round((high - low) / 255, 6)
    zero_out = round(-low / scale_out)
    first = integers(weights[0], biases[0], scale_in, scale_hidden)
    second = integers(weights[1], biases[1], scale_hidden, scale_out)
    values = np.rint(golden.reshape(-1, 64) / scale_in).astype(np.int64)
    middle = np.clip((values @ first[0].T + first[1]) >> SHIFT, 0, 255)
    answers = np.clip(((middle @ second[0].T + second[1]) >> SHIFT) + zero_out, 0, 255)
    quantized = float((answers.argmax(1) == truth).mean())
    print(f"held-out images right: {accuracy:.4f} in real numbers, {quantized:.4f} in integers")
    print(f"largest difference of a logit: {np.abs((answers - zero_out) * scale_out - expected).max():.3f}")
    if min(accuracy, quantized) < MINIMUM:
        raise SystemExit(f"below the acceptance criterion, nothing written; minimum={MINIMUM}")

    shutil.rmtree(SHOJI_INF, ignore_errors=True)
    package.write_onnx(SHOJI_INF / "models/digits.onnx", "digits", layers, "image", [1, 8, 8], "logits", 10,
                       "Reads one handwritten digit from an 8x8 gray image.")
    package.write(SHOJI_INF / "models/digits-simulated.hef",
                  hef(scale_in, zero_in, scale_out, zero_out, [first, second]))
    package.write(SHOJI_INF / "models/digits-simulated_edgetpu.tflite",
                  edgetpu(scale_in, zero_in, scale_out, zero_out, [first, second]))
    package.write_safetensors(
        SHOJI_INF / "golden/samples.safetensors",
        {"input.image": golden, "expected.logits": expected, "label": truth},
        {"model": "digits", "version": VERSION, "metric": "top1", "value": round(accuracy, 4), "samples": len(truth)})

    def integer_variant(name, model_format, kind, file, runtime):
        return {
            "name": name,
            "format": model_format,
            "precision": "INT8",
            "filter": f"(&(shoji.kind={kind})(shoji.simulated=true))",
            "files": [package.file_entry(SHOJI_INF, file)],
            "inputs": [{"name": "image", "type": "UINT8", "shape": [1, 8, 8, 1], "layout": "NHWC",
                        "quantization": {"scale": scale_in, "zeroPoint": zero_in}}],
            "outputs": [{"name": "logits", "type": "UINT8", "shape": [1, 10],
                         "quantization": {"scale": scale_out, "zeroPoint": zero_out}}],
            "evidence": {
                "metric": "top1",
                "value": round(quantized, 4),
                "baseline": round(accuracy, 4),
                "evaluationCount": HELD_OUT,
                "evaluationSha256": samples_digest(golden, truth),
                "runtime": runtime + ", simulated",
                "tool": "training/train.py",
                "created": CREATED,
            },
        }

    package.write_json(SHOJI_INF / "model.json", {
        "schemaVersion": 1,
        "name": "digits",
        "version": VERSION,
        "title": "Meter digit reading, for simulated devices",
        "description": "The model that the gateway in a box runs on a simulated device (--simulate): a small network as ONNX, "
                       "for the simulated TensorRT and Myriad X too, and in integers for the simulated Hailo-8, Hailo-8L and Edge TPU. "
                       "Not for real devices.",
        "licence": "EPL-2.0",
        "task": "classification",
        "inputs": [{"name": "image", "type": "FLOAT32", "shape": [-1, 1, 8, 8], "layout": "NCHW"}],
        "outputs": [{"name": "logits", "type": "FLOAT32", "shape": [-1, 10], "layout": "NC"}],
        "labels": [str(digit) for digit in range(10)],
        "variants": [{
            "name": "onnx-fp32",
            "format": "onnx",
            "precision": "FP32",
            "filter": "(&(shoji.format=onnx)(shoji.precision=FP32))",
            "files": [package.file_entry(SHOJI_INF, "models/digits.onnx")],
        }, integer_variant("hef-simulated", "hef", "hailo", "models/digits-simulated.hef", "HailoRT 4.23.0"),
            integer_variant("tflite-edgetpu-simulated", "edgetpu-tflite", "edgetpu", "models/digits-simulated_edgetpu.tflite",
                            f"libedgetpu {EDGETPU_RUNTIME}"), {
            # The same file: a stick computes in FP16 what it is given in FP32.
            "name": "onnx-fp16-simulated",
            "format": "onnx",
            "precision": "FP16",
            "filter": "(&(shoji.kind=openvino)(shoji.simulated=true))",
            "files": [package.file_entry(SHOJI_INF, "models/digits.onnx")],
            "inputs": [{"name": "image", "type": "FLOAT32", "shape": [1, 1, 8, 8], "layout": "NCHW"}],
            "outputs": [{"name": "logits", "type": "FLOAT32", "shape": [1, 10]}],
        }],
        "pipeline": {
            "source": "image",
            "pre": [
                {"step": "decode-image", "color": "gray"},
                {"step": "resize", "width": 8, "height": 8, "method": "bilinear"},
                {"step": "normalize", "scale": 1 / 255, "mean": [MEAN], "std": [STD]},
                {"step": "to-tensor", "layout": "NCHW"},
            ],
            "post": [{"step": "softmax"}, {"step": "top-k", "k": 3}],
        },
        "golden": {**package.file_entry(SHOJI_INF, "golden/samples.safetensors"), "count": HELD_OUT},
        "evidence": {
            "metric": "top1",
            "value": round(accuracy, 4),
            "evaluationCount": HELD_OUT,
            "dataset": "the held-out images of io.shoji.model.digits 1.0.0",
            "tool": "training/train.py",
            "created": CREATED,
        },
        # No figure of speed: that of a simulator says nothing.
        "acceptance": {"metric": "top1", "minimum": MINIMUM, "peakMemoryBytes": 67108864},
    })
    print(package.digests(SHOJI_INF))


if __name__ == "__main__":
    main()
