#!/usr/bin/python3
# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Trains a network of two dense layers on the images of io.shoji.model.digits, and writes SHOJI-INF: the network as ONNX, and
in integers for the simulated HailoRT (native-libs/simulated.hailort). See README.md."""

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
    package.write_safetensors(
        SHOJI_INF / "golden/samples.safetensors",
        {"input.image": golden, "expected.logits": expected, "label": truth},
        {"model": "digits", "version": VERSION, "metric": "top1", "value": round(accuracy, 4), "samples": len(truth)})
    package.write_json(SHOJI_INF / "model.json", {
        "schemaVersion": 1,
        "name": "digits",
        "version": VERSION,
        "title": "Meter digit reading, for simulated devices",
        "description": "The model that the gateway in a box runs on a simulated device (--simulate): a small network as ONNX, "
                       "for the simulated Myriad X too, and in integers for the simulated Hailo-8 and Hailo-8L. Not for real devices.",
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
        }, {
            "name": "hef-simulated",
            "format": "hef",
            "precision": "INT8",
            "filter": "(&(shoji.kind=hailo)(shoji.simulated=true))",
            "files": [package.file_entry(SHOJI_INF, "models/digits-simulated.hef")],
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
                "runtime": "HailoRT 4.23.0, simulated",
                "tool": "training/train.py",
                "created": CREATED,
            },
        }, {
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
