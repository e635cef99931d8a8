# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""The data that the three networks are trained and tried on: drawn from a seeded generator, nothing is downloaded."""

import numpy as np

PARTS = ["disc", "washer", "plate", "drilled plate", "bolt head", "nut", "bracket", "cross"]
DETECTED = ["washer", "nut", "plate"]
PULSES = 3


def _box(x, y, width, height):
    """Signed distance to a rectangle around the origin."""
    dx, dy = np.abs(x) - width, np.abs(y) - height
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)


def _hexagon(x, y, apothem):
    x, y = np.abs(x), np.abs(y)
    return np.maximum(x * 0.5 + y * 0.8660254, x) - apothem


def _distance(part, x, y):
    """Signed distance to the outline of a part about 2 wide, below 0 inside."""
    radius = np.hypot(x, y)
    if part == "disc":
        return radius - 0.95
    if part == "washer":
        return np.maximum(radius - 0.95, 0.42 - radius)
    if part == "plate":
        return _box(x, y, 0.8, 0.8)
    if part == "drilled plate":
        return np.maximum(_box(x, y, 0.8, 0.8), 0.38 - radius)
    if part == "bolt head":
        return _hexagon(x, y, 0.88)
    if part == "nut":
        return np.maximum(_hexagon(x, y, 0.88), 0.42 - radius)
    if part == "bracket":
        return np.minimum(_box(x + 0.55, y, 0.3, 0.9), _box(x, y - 0.6, 0.85, 0.3))
    return np.minimum(_box(x, y, 0.28, 0.9), _box(x, y, 0.9, 0.28))


def _belt(random, size, channels):
    """A background with a gradient, stripes and noise, float [channels, size, size] in 0..1."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    angle = random.uniform(0, 2 * np.pi)
    slope = random.normal(0, 0.15) * (np.cos(angle) * x + np.sin(angle) * y)
    stripes = random.uniform(0, 0.06) * np.sin(random.uniform(10, 60) * (np.cos(angle) * y - np.sin(angle) * x))
    base = random.uniform(0.25, 0.75, (channels, 1, 1))
    return base + slope + stripes


def _draw(random, image, part, centre, radius):
    """Draws a part into the image; returns its box x1, y1, x2, y2 in pixels."""
    channels, size, _ = image.shape
    y, x = np.mgrid[0:size, 0:size] + 0.5
    angle, stretch = random.uniform(0, 2 * np.pi), random.uniform(0.85, 1.15)
    cos, sin = np.cos(angle), np.sin(angle)
    u = (cos * (x - centre[0]) + sin * (y - centre[1])) / radius / stretch
    v = (-sin * (x - centre[0]) + cos * (y - centre[1])) / radius * stretch
    cover = np.clip(0.5 - _distance(part, u, v) * radius, 0, 1)
    contrast = random.uniform(0.1, 0.4) * random.choice([-1, 1])
    shade = 1 + random.normal(0, 0.25) * (u + v) / 2
    tint = contrast * random.uniform(0.6, 1.2, (channels, 1, 1))
    image += cover * tint * shade
    rows, columns = np.nonzero(cover > 0.3)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def _pixels(random, image):
    noisy = image + random.normal(0, random.uniform(0.02, 0.08), image.shape)
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def parts(seed, count, size=32):
    """Pictures of one part each (UINT8 [n,3,size,size]), and which (INT64 [n])."""
    random = np.random.default_rng(seed)
    images, labels = np.empty((count, 3, size, size), np.uint8), random.integers(0, len(PARTS), count)
    for i, label in enumerate(labels):
        image = _belt(random, size, 3)
        radius = random.uniform(0.17, 0.36) * size
        centre = size / 2 + random.uniform(-0.12, 0.12, 2) * size
        _draw(random, image, PARTS[label], centre, radius)
        if random.random() < 0.3:
            # Something lies across it.
            row, width = random.integers(0, size), random.integers(2, 5)
            image[:, row:row + width] += random.uniform(-0.3, 0.3)
        images[i] = _pixels(random, image)
    return images, labels.astype(np.int64)


def scenes(seed, count, size=64, most=4):
    """Pictures of one to four parts (UINT8 [n,1,size,size]), and per part x1, y1, x2, y2, class (FLOAT32 [n,most,5],
    class -1 where there is none)."""
    random = np.random.default_rng(seed)
    images = np.empty((count, 1, size, size), np.uint8)
    boxes = np.full((count, most, 5), -1, np.float32)
    for i in range(count):
        image, placed = _belt(random, size, 1), []
        for _ in range(random.integers(1, most + 1)):
            radius = random.uniform(0.09, 0.2) * size
            centre = random.uniform(radius, size - radius, 2)
            if all(np.hypot(*(centre - other)) > 0.85 * (radius + reach) for other, reach in placed):
                kind = random.integers(0, len(DETECTED))
                boxes[i, len(placed)] = *_draw(random, image, DETECTED[kind], centre, radius), kind
                placed.append((centre, radius))
        if random.random() < 0.5:
            # Something else, which is not to be found.
            radius = random.uniform(0.07, 0.15) * size
            centre = random.uniform(radius, size - radius, 2)
            if all(np.hypot(*(centre - other)) > 0.85 * (radius + reach) for other, reach in placed):
                _draw(random, image, random.choice(["disc", "bracket", "cross"]), centre, radius)
        images[i] = _pixels(random, image)
    return images, boxes


def _pulse(kind, steps):
    t = np.linspace(-1, 1, steps)
    window = np.cos(t * np.pi / 2)
    return window * (np.sin(4.5 * t) if kind == 0 else np.cos(6 * t) if kind == 1 else np.sin(9 * t))


def sequences(seed, count, steps=64, channels=4):
    """Signals of several sensors with two pulses in noise (FLOAT32 [n,steps,channels]); the label says which kind
    of pulse came first and which second, on whatever channel (INT64 [n], 3 * first + second)."""
    random = np.random.default_rng(seed)
    signals = np.empty((count, steps, channels), np.float32)
    labels = random.integers(0, PULSES * PULSES, count)
    for i, label in enumerate(labels):
        gain = np.exp(random.normal(0, 0.3, channels))
        signal = random.normal(0, 0.2, (steps, channels))
        signal += 0.3 * np.sin(np.arange(steps)[:, None] * random.uniform(0.02, 0.1, channels) + random.uniform(0, 6, channels))
        first = random.integers(0, steps - 26)
        second = random.integers(first + 12, steps - 12)
        for kind, start in ((label // PULSES, first), (label % PULSES, second)):
            length = random.integers(9, 13)
            signal[start:start + length, random.integers(0, channels)] += random.uniform(0.7, 1.5) * _pulse(kind, length)
        signals[i] = signal * gain + random.normal(0, 0.2, channels)
    return signals, labels.astype(np.int64)
