# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Trains the bearing model and writes its package and the demo's recordings. See README.md beside this file."""

import pathlib
import shutil
import struct
import sys

BUNDLES = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(BUNDLES / "io.shoji.models" / "training"))
import model_package as package  # noqa: E402  first of all: it pins what numpy and torch choose when they load

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy import signal, stats  # noqa: E402
from simulator import (BALL, LABELS, NORMAL, OUTER, INNER, RATE, RIG_BEARINGS,  # noqa: E402
                       random_bearing, random_machine, record)
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.metrics import confusion_matrix  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

SIZE, HOP = 2048, 1024
CONDITIONS = (NORMAL, INNER, OUTER, BALL)

# Machines the model learns from.
TRAINING_SEED, TRAINING_MACHINES, TRAINING_RECORDINGS, TRAINING_SECONDS = 11, 480, 4, 1.0
TRAINING_COLOUR, TRAINING_STRUCTURE = (0.0, 0.8), (0.0, 0.8)
TRAINING_SNR = (-6.0, 10.0)
TRAINING_SPEEDS = (22.0, 62.0)

# Machines that served to choose the network and the above: other bearings and structures than in training, and the
# noise of the test.
VALIDATION_SEED, VALIDATION_MACHINES = 24, 64

# Machines it is judged on: the bearings of public test rigs, two machines each with structures of their own, noise
# that is mostly more coloured than any in training, and the speeds of loaded motors, which training leaves out.
TEST_SEED, TEST_MACHINES_PER_BEARING, TEST_SECONDS = 44, 2, 2.0
TEST_COLOUR, TEST_STRUCTURE = (0.6, 1.2), (0.2, 0.7)
TEST_SPEEDS = (1440 / 60, 1755 / 60, 2200 / 60, 2910 / 60, 3510 / 60)
TEST_SNR = (-4.0, -2.0, 0.0, 3.0, 6.0)

SEED = 20261122
EPOCHS = 20
BATCH = 128
WINDOWS_PER_RECORDING = 4
MINIMUM = 0.95
GOLDEN = 100
DEMO_PER_CLASS = 5
CALIBRATION_MACHINES = 60
SHOJI_INF = BUNDLES / "io.shoji.model.bearing" / "src" / "main" / "resources" / "SHOJI-INF"
DEMO = BUNDLES / "io.shoji.gateway" / "src" / "main" / "demo" / "bearing"
CALIBRATION_FILE = pathlib.Path(__file__).resolve().parent / "calibration.safetensors"


def speed_for_training(rng):
    while True:
        speed = rng.uniform(*TRAINING_SPEEDS)
        if all(abs(speed / tested - 1) > 0.01 for tested in TEST_SPEEDS):
            return speed


def generated_recordings(machines, seed, colour, structure):
    """Machines with generated bearings: recordings (INT16 [n, samples]), the bearing's condition in each (INT64 [n])
    and its SNR in dB."""
    rng = np.random.default_rng(seed)
    recordings, labels, levels = [], [], []
    for index in range(machines):
        machine = random_machine(rng, random_bearing(rng, index), colour, structure)
        for condition in CONDITIONS * TRAINING_RECORDINGS:
            snr = rng.uniform(*TRAINING_SNR)
            recordings.append(record(machine, condition, speed_for_training(rng), snr, TRAINING_SECONDS, rng))
            labels.append(condition)
            levels.append(snr)
    return np.stack(recordings), np.array(labels, np.int64), np.array(levels)


def training_recordings():
    return generated_recordings(TRAINING_MACHINES, TRAINING_SEED, TRAINING_COLOUR, TRAINING_STRUCTURE)


def test_recordings():
    """Each test machine in each condition at each speed and SNR: INT16 [n, samples], and per recording a row of
    (machine, condition, speed, SNR), each an index into its list."""
    rng = np.random.default_rng(TEST_SEED)
    recordings, rows = [], []
    bearings = [bearing for bearing in RIG_BEARINGS for _ in range(TEST_MACHINES_PER_BEARING)]
    for number, bearing in enumerate(bearings):
        machine = random_machine(rng, bearing, TEST_COLOUR, TEST_STRUCTURE)
        for condition in CONDITIONS:
            for at, speed in enumerate(TEST_SPEEDS):
                for level, snr in enumerate(TEST_SNR):
                    recordings.append(record(machine, condition, speed, snr, TEST_SECONDS, rng))
                    rows.append((number, condition, at, level))
    return np.stack(recordings), np.array(rows)


def windows_of(recordings):
    """Sliding windows, INT16 [recordings, windows, SIZE]."""
    return np.lib.stride_tricks.sliding_window_view(recordings, SIZE, axis=1)[:, ::HOP]


def prepare(windows):
    """What the pipeline does with a window: takes away the line of least squares, then makes it mean 0, variance 1."""
    flat = signal.detrend(windows.astype(np.float64) / 32768, axis=-1, type="linear")
    flat -= flat.mean(axis=-1, keepdims=True)
    return (flat / np.sqrt(flat.var(axis=-1, keepdims=True) + 1e-12)).astype(np.float32)[..., None, :]


def network():
    def block(inputs, outputs, kernel, stride, padding):
        return [nn.Conv2d(inputs, outputs, (1, kernel), stride=(1, stride), padding=(0, padding), bias=False),
                nn.BatchNorm2d(outputs), nn.ReLU()]

    def halve():
        return nn.MaxPool2d((1, 2), (1, 2))

    # Convolutions over an image of height 1: every accelerator's compiler has those, few have one-dimensional ones.
    # The first filters bands and, with its ReLU, demodulates them; the others see impacts and what modulates them.
    return nn.Sequential(
        nn.Unflatten(1, (1, 1)),
        *block(1, 16, 64, 4, 30), halve(),
        *block(16, 32, 7, 1, 3), halve(),
        *block(32, 48, 7, 1, 3), halve(),
        *block(48, 64, 7, 1, 3), halve(),
        *block(64, 64, 5, 1, 2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, len(LABELS)))


def train(recordings, labels, after_epoch):
    package.seed(SEED)
    rng = np.random.default_rng(SEED)
    model, targets = network(), torch.from_numpy(labels)
    steps = len(labels) * WINDOWS_PER_RECORDING // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=EPOCHS * steps)
    for epoch in range(EPOCHS):
        model.train()
        order = rng.permutation(np.repeat(np.arange(len(labels)), WINDOWS_PER_RECORDING))
        for index in order[:steps * BATCH].reshape(steps, BATCH):
            start = rng.integers(0, recordings.shape[1] - SIZE + 1, BATCH)
            window = recordings[index[:, None], start[:, None] + np.arange(SIZE)]
            polarity = rng.choice(np.array([-1, 1], np.float32), (BATCH, 1, 1))
            loss = functional.cross_entropy(
                model(torch.from_numpy(prepare(window) * polarity)), targets[index], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        after_epoch(epoch, model)
    return package.fold_batch_norm(model)


def answers(model, inputs):
    with torch.no_grad():
        parts = np.array_split(inputs, 1 + len(inputs) // 256)
        return torch.cat([model(torch.from_numpy(part)) for part in parts]).numpy()


def validate():
    """Trains, and judges each epoch on machines of its own: what the choices in this file were made with, so that the
    test machines were never looked at for them."""
    recordings, labels, levels = generated_recordings(
        VALIDATION_MACHINES, VALIDATION_SEED, TEST_COLOUR, TEST_STRUCTURE)
    inputs = prepare(windows_of(recordings))
    count = inputs.shape[1]
    truth, levels = np.repeat(labels, count), np.repeat(levels, count)

    def judge(epoch, model):
        right = answers(model, inputs.reshape(-1, 1, SIZE)).argmax(1) == truth
        bands = [right[(levels >= low) & (levels < low + 2) & (truth != NORMAL)].mean() for low in range(-6, 10, 2)]
        print(f"epoch {epoch}: {right.mean():.4f}; normal: {right[truth == NORMAL].mean():.4f}; "
              "faults by SNR from -6 dB in steps of 2 dB: " + " ".join(f"{band:.3f}" for band in bands), flush=True)

    train(*training_recordings()[:2], judge)


def baseline():
    """A random forest on the usual condition indicators and the spectrum in 64 bands: how hard the problem is."""
    def features(recordings):
        windows = prepare(windows_of(recordings)).reshape(-1, SIZE).astype(np.float64)
        size = np.abs(windows)
        peak, mean = size.max(1), size.mean(1)
        spectrum = np.abs(np.fft.rfft(windows * np.hanning(SIZE)))[:, 1:] ** 2
        bands = np.log10(spectrum.reshape(len(windows), 64, -1).mean(2) + 1e-12)
        return np.column_stack([stats.kurtosis(windows, axis=1), stats.skew(windows, axis=1), peak, 1 / mean,
                                peak / mean, peak / np.sqrt(size).mean(1) ** 2, bands])

    recordings, labels, _ = training_recordings()
    tested, rows = test_recordings()
    fit, judged = features(recordings), features(tested)
    forest = RandomForestClassifier(100, random_state=SEED).fit(fit, np.repeat(labels, len(fit) // len(labels)))
    right = forest.predict(judged) == np.repeat(rows[:, 1], len(judged) // len(rows))
    print(f"random forest on condition indicators and spectrum: {right.mean():.4f} of the test windows")


def wav(samples):
    """A RIFF WAVE of 16-bit mono PCM."""
    data = samples.astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def demo_choice(rows):
    """For each condition one recording per speed, each of another machine and at another SNR: a Latin square over the
    test recordings, chosen by position and blind to the model's answers."""
    machines = len(RIG_BEARINGS) * TEST_MACHINES_PER_BEARING
    chosen = []
    for condition in CONDITIONS:
        for number in range(DEMO_PER_CLASS):
            row = ((condition + number * 5) % machines, condition, number, (number + condition) % len(TEST_SNR))
            chosen.append(int(np.flatnonzero((rows == row).all(1))[0]))
    return chosen


def write_calibration():
    """Windows of training recordings that ranges are chosen from when the model is quantized: of the first machines
    one in each condition."""
    recordings, labels, _ = generated_recordings(
        CALIBRATION_MACHINES, TRAINING_SEED, TRAINING_COLOUR, TRAINING_STRUCTURE)
    rng = np.random.default_rng(SEED)
    each = len(CONDITIONS) * TRAINING_RECORDINGS
    chosen = np.concatenate([machine * each + np.arange(len(CONDITIONS)) for machine in range(CALIBRATION_MACHINES)])
    start = rng.integers(0, recordings.shape[1] - SIZE + 1, len(chosen))
    windows = recordings[chosen[:, None], start[:, None] + np.arange(SIZE)]
    package.write_safetensors(
        CALIBRATION_FILE, {"input.window": prepare(windows), "label": labels[chosen]},
        {"model": "bearing", "set": "training", "samples": len(chosen)})


def main():
    recordings, labels, _ = training_recordings()
    model = train(recordings, labels, lambda epoch, model: None)
    tested, rows = test_recordings()
    inputs = prepare(windows_of(tested))
    per_recording = inputs.shape[1]
    inputs = inputs.reshape(-1, 1, SIZE)
    rows_of_windows = np.repeat(rows, per_recording, axis=0)
    truth = rows_of_windows[:, 1]
    logits = answers(model, inputs)
    right = logits.argmax(1) == truth
    accuracy = float(right.mean())
    demo = demo_choice(rows)
    demo_accuracy = float(right.reshape(len(rows), per_recording)[demo].mean())

    print(f"training: {TRAINING_MACHINES} machines, {len(labels)} recordings of {TRAINING_SECONDS} s; "
          f"parameters={sum(weight.numel() for weight in model.parameters())}")
    print(f"test windows right: {int(right.sum())}/{len(truth)} = {accuracy:.4f}")
    print(f"rows: truth, columns: answer; {', '.join(LABELS)}\n{confusion_matrix(truth, logits.argmax(1))}")
    faulty = truth != NORMAL
    for name, column, values in (("SNR in dB", 3, TEST_SNR), ("speed in Hz", 2, TEST_SPEEDS)):
        for index, value in enumerate(values):
            print(f"faults at {name} {value:6.2f}: {right[faulty & (rows_of_windows[:, column] == index)].mean():.4f}")
    for index, bearing in enumerate(RIG_BEARINGS):
        share = right[rows_of_windows[:, 0] // TEST_MACHINES_PER_BEARING == index].mean()
        print(f"{bearing.name}: {share:.4f}")
    print(f"windows of the demo's recordings right: {demo_accuracy:.4f}")
    if min(accuracy, demo_accuracy) < MINIMUM:
        raise SystemExit(f"below the acceptance criterion, nothing written; accuracy={accuracy} "
                         f"demo={demo_accuracy} minimum={MINIMUM}")

    # Every n-th of the test windows in order of truth and of being right: a sample with the shares of the whole.
    order = np.lexsort((np.arange(len(truth)), right, truth))
    golden = np.sort(order[(np.arange(GOLDEN) * 2 + 1) * len(truth) // (2 * GOLDEN)])
    golden_accuracy = float(right[golden].mean())
    print(f"golden windows right: {golden_accuracy:.4f}")

    shutil.rmtree(SHOJI_INF, ignore_errors=True)
    shutil.rmtree(DEMO, ignore_errors=True)
    package.write_onnx(SHOJI_INF / "models/bearing.onnx", "bearing", model, "window", [1, SIZE], "logits", len(LABELS),
                       "Tells the condition of a rolling element bearing from a window of vibration.")
    package.write_safetensors(
        SHOJI_INF / "golden/samples.safetensors",
        {"input.window": inputs[golden], "expected.logits": answers(model, inputs[golden]), "label": truth[golden]},
        {"model": "bearing", "version": "1.0.0", "metric": "top1", "value": round(golden_accuracy, 4),
         "samples": GOLDEN})
    package.write_json(SHOJI_INF / "model.json", description(accuracy, len(truth)))
    write_calibration()
    lines = ["file,label"]
    for index in demo:
        number, condition, at, level = rows[index]
        name = (f"{LABELS[condition].replace(' ', '-')}_machine{number + 1:02d}_{TEST_SPEEDS[at] * 60:.0f}rpm"
                + ("" if condition == NORMAL else f"_{TEST_SNR[level]:.0f}dB") + ".wav")
        package.write(DEMO / name, wav(tested[index]))
        lines.append(f"{name},{LABELS[condition]}")
    package.write(DEMO / "labels.csv", ("\n".join(lines) + "\n").encode())
    print(package.digests(SHOJI_INF))
    print(package.digests(DEMO))


def description(accuracy, count):
    return {
        "schemaVersion": 1,
        "name": "bearing",
        "version": "1.0.0",
        "title": "Bearing fault classification",
        "description": "Tells the condition of a rolling element bearing from the vibration of its housing: "
                       f"{SIZE} samples at {RATE // 1000} kHz, any unit and gain, shaft at "
                       f"{TRAINING_SPEEDS[0] * 60:.0f} to {TRAINING_SPEEDS[1] * 60:.0f} rpm, outer race at rest, "
                       "one damaged part at most.",
        "licence": "EPL-2.0",
        "task": "classification",
        "inputs": [{"name": "window", "type": "FLOAT32", "shape": [-1, 1, SIZE], "layout": "NCW"}],
        "outputs": [{"name": "logits", "type": "FLOAT32", "shape": [-1, len(LABELS)], "layout": "NC"}],
        "labels": LABELS,
        "variants": [{
            "name": "onnx-fp32",
            "format": "onnx",
            "precision": "FP32",
            "filter": "(&(shoji.format=onnx)(shoji.precision=FP32))",
            "files": [package.file_entry(SHOJI_INF, "models/bearing.onnx")],
        }],
        "pipeline": {
            "source": "signal",
            "sampleRateHz": RATE,
            "channels": ["vibration"],
            "pre": [
                {"step": "window", "size": SIZE, "hop": HOP},
                {"step": "detrend", "type": "linear"},
                {"step": "standardize"},
                {"step": "to-tensor", "layout": "NCW"},
            ],
            "post": [{"step": "softmax"}, {"step": "top-k", "k": 3}],
        },
        "golden": {**package.file_entry(SHOJI_INF, "golden/samples.safetensors"), "count": GOLDEN},
        "evidence": {
            "metric": "top1",
            "value": round(accuracy, 4),
            "evaluationCount": count,
            "dataset": f"simulated vibration, training/simulator.py, test seed {TEST_SEED}: "
                       f"{len(RIG_BEARINGS) * TEST_MACHINES_PER_BEARING} machines, speeds and noise not trained on",
            "tool": "training/train.py",
            "created": "2026-11-22T00:00:00Z",
        },
        "acceptance": {"metric": "top1", "minimum": MINIMUM, "p99Ms": 10.0, "peakMemoryBytes": 67108864},
    }


if __name__ == "__main__":
    if "--calibration" in sys.argv:
        write_calibration()
    elif "--validate" in sys.argv:
        validate()
    elif "--baseline" in sys.argv:
        baseline()
    else:
        main()
