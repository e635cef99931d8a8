# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Trains the digits model and writes its package and the demo's images. See README.md beside this file."""

import pathlib
import shutil
import struct
import sys
import zlib

BUNDLES = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(BUNDLES / "io.shoji.models" / "training"))
import model_package as package  # noqa: E402  first of all: it pins what numpy and torch choose when they load

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.metrics import confusion_matrix  # noqa: E402
from sklearn.model_selection import StratifiedKFold, train_test_split  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

SPLIT_SEED = 1797
SEED = 20261122
HELD_OUT = 500
EPOCHS = 120
BATCH = 64
MINIMUM = 0.97
CALIBRATION = 300
SHOJI_INF = BUNDLES / "io.shoji.model.digits" / "src" / "main" / "resources" / "SHOJI-INF"
DEMO = BUNDLES / "io.shoji.gateway" / "src" / "main" / "demo" / "digits"
CALIBRATION_FILE = pathlib.Path(__file__).resolve().parent / "calibration.safetensors"


def load():
    """The images as the 8-bit gray values of a PNG (UINT8 [n,8,8]), and their labels (INT64 [n])."""
    digits = load_digits()
    pixels = np.rint(digits.images * 255.0 / 16.0).astype(np.uint8)
    return pixels, digits.target.astype(np.int64)


def network():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(
        *block(1, 16), *block(16, 32), nn.MaxPool2d(2, 2),
        *block(32, 48), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 2 * 2, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))


def augment(images, background):
    """Turns by up to 12 degrees, shears, scales by up to 12 % and shifts by up to 0.8 pixel: writers and cameras do."""
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * np.pi * 12 / 180
    shear = (torch.rand(n) * 2 - 1) * 0.15
    zoom_x, zoom_y = 1 + (torch.rand(n) * 2 - 1) * 0.12, 1 + (torch.rand(n) * 2 - 1) * 0.12
    shift = (torch.rand(n, 2) * 2 - 1) * 0.8 / 4
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack([
        torch.stack([cos * zoom_x, (shear * cos - sin) * zoom_y, shift[:, 0]], 1),
        torch.stack([sin * zoom_x, (shear * sin + cos) * zoom_y, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images - background, grid, align_corners=False) + background


def train(inputs, labels, background):
    package.seed(SEED)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=EPOCHS * steps)
    model.train()
    for _ in range(EPOCHS):
        for index in torch.randperm(len(inputs)).split(BATCH):
            logits = model(augment(inputs[index], background))
            loss = functional.cross_entropy(logits, labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    return package.fold_batch_norm(model)


def answers(model, inputs):
    with torch.no_grad():
        return model(inputs)


def normalize(pixels, mean, std):
    """What the pipeline does with a decoded image: scale, mean and standard deviation, [n,1,8,8]."""
    scaled = (pixels.astype(np.float32) / np.float32(255) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(scaled[:, None])


def cross_validate(inputs, labels, background):
    """Five folds within the training images: what the choices above were made with, so that the held-out images
    were never looked at for them."""
    right = 0
    for fit, rest in StratifiedKFold(5, shuffle=True, random_state=SPLIT_SEED).split(inputs, labels):
        model = train(inputs[fit], labels[fit], background)
        right += int((answers(model, inputs[rest]).argmax(1) == labels[rest]).sum())
    print(f"cross-validation within the training images: {right}/{len(labels)} = {right / len(labels):.4f}")


def png(pixels):
    """An 8-bit gray PNG (ISO/IEC 15948): signature, IHDR, one IDAT with filter 0 on every row, IEND."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write_calibration(inputs, labels):
    """Training images that ranges are chosen from when the model is quantized; of each digit its share."""
    chosen, _ = train_test_split(
        np.arange(len(labels)), train_size=CALIBRATION, stratify=labels, random_state=SPLIT_SEED)
    package.write_safetensors(
        CALIBRATION_FILE, {"input.image": inputs[chosen], "label": labels[chosen]},
        {"model": "digits", "set": "training", "samples": CALIBRATION})


def main():
    pixels, labels = load()
    fit, held = train_test_split(np.arange(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=SPLIT_SEED)
    values = pixels[fit].astype(np.float64) / 255.0
    mean, std = round(float(values.mean()), 4), round(float(values.std()), 4)
    background = -mean / std
    inputs, targets = normalize(pixels[fit], mean, std), torch.from_numpy(labels[fit])
    if "--calibration" in sys.argv:
        write_calibration(inputs.numpy(), labels[fit])
        return
    if "--cross-validate" in sys.argv:
        cross_validate(inputs, targets, background)
        return

    model = train(inputs, targets, background)
    golden, truth = normalize(pixels[held], mean, std), labels[held]
    expected = answers(model, golden).numpy()
    predicted = expected.argmax(1)
    accuracy = float((predicted == truth).mean())
    parameters = sum(weight.numel() for weight in model.parameters())
    print(f"images: {len(fit)} for training, {len(held)} held out; mean={mean} std={std}; parameters={parameters}")
    print(f"training images right: {float((answers(model, inputs).argmax(1) == targets).float().mean()):.4f}")
    print(f"held-out images right: {int((predicted == truth).sum())}/{len(truth)} = {accuracy:.4f}")
    print(f"rows: truth, columns: answer\n{confusion_matrix(truth, predicted)}")
    if accuracy < MINIMUM:
        raise SystemExit(f"below the acceptance criterion, nothing written; accuracy={accuracy} minimum={MINIMUM}")

    shutil.rmtree(SHOJI_INF, ignore_errors=True)
    shutil.rmtree(DEMO, ignore_errors=True)
    package.write_onnx(SHOJI_INF / "models/digits.onnx", "digits", model, "image", [1, 8, 8], "logits", 10,
                       "Reads one handwritten digit from an 8x8 gray image.")
    package.write_safetensors(
        SHOJI_INF / "golden/samples.safetensors",
        {"input.image": golden.numpy(), "expected.logits": expected, "label": truth},
        {"model": "digits", "version": "1.0.0", "metric": "top1", "value": round(accuracy, 4), "samples": len(truth)})
    package.write_json(SHOJI_INF / "model.json", description(mean, std, accuracy))
    write_calibration(inputs.numpy(), labels[fit])
    for index, (image, label) in enumerate(zip(pixels[held], truth)):
        package.write(DEMO / f"{index:03d}_{label}.png", png(image))
    print(package.digests(SHOJI_INF))
    images = sorted(DEMO.iterdir())
    print(f"{len(images)} images, {sum(image.stat().st_size for image in images)} bytes")


def description(mean, std, accuracy):
    return {
        "schemaVersion": 1,
        "name": "digits",
        "version": "1.0.0",
        "title": "Meter digit reading",
        "description": "Reads one handwritten digit, bright on dark, that fills a gray image of 8x8 pixels; "
                       "a larger image is scaled down to that.",
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
        }],
        "pipeline": {
            "source": "image",
            "pre": [
                {"step": "decode-image", "color": "gray"},
                {"step": "resize", "width": 8, "height": 8, "method": "bilinear"},
                {"step": "normalize", "scale": 1 / 255, "mean": [mean], "std": [std]},
                {"step": "to-tensor", "layout": "NCHW"},
            ],
            "post": [{"step": "softmax"}, {"step": "top-k", "k": 3}],
        },
        "golden": {**package.file_entry(SHOJI_INF, "golden/samples.safetensors"), "count": HELD_OUT},
        "evidence": {
            "metric": "top1",
            "value": round(accuracy, 4),
            "evaluationCount": HELD_OUT,
            "dataset": "UCI Optical Recognition of Handwritten Digits as bundled with scikit-learn 1.2.1, "
                       f"{HELD_OUT} of 1797 images held out, stratified, split seed {SPLIT_SEED}",
            "tool": "training/train.py",
            "created": "2026-11-22T00:00:00Z",
        },
        "acceptance": {"metric": "top1", "minimum": MINIMUM, "p99Ms": 5.0, "peakMemoryBytes": 67108864},
    }


if __name__ == "__main__":
    main()
