# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Trains the networks that quantization is tried on. See README.md beside this file."""

import math
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "io.shoji.models" / "training"))
import model_package as package  # noqa: E402  first of all: it pins what numpy and torch choose when they load

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import data  # noqa: E402

OPSET = 13
NETWORKS = HERE.parent / "src" / "test" / "resources" / "networks"
# One seed per set, so that none holds a sample of another.
TRAINING, CALIBRATION, EVALUATION, WEIGHTS = 1, 2, 3, 4


def batch_norm(inputs, outputs, kernel=3, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, linear bottleneck (Sandler et al., MobileNetV2, CVPR 2018)."""

    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential(
            *batch_norm(inputs, wide, 1), nn.ReLU6(),
            *batch_norm(wide, wide, 3, stride, wide), nn.ReLU6(),
            *batch_norm(wide, outputs, 1))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


def residual():
    return nn.Sequential(
        *batch_norm(3, 16, 3, 2), nn.ReLU6(),
        InvertedResidual(16, 16, 1, 2), InvertedResidual(16, 24, 2, 4),
        InvertedResidual(24, 24, 1, 4), InvertedResidual(24, 40, 2, 4),
        InvertedResidual(40, 40, 1, 4),
        *batch_norm(40, 96, 1), nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(96, len(data.PARTS)))


class Detector(nn.Module):
    """Two levels joined from the coarse to the fine one and back (Liu et al., Path Aggregation Network, CVPR 2018);
    heads without anchors (Tian et al., FCOS, ICCV 2019). Gives corners in pixels [n,320,4] and scores [n,320,3]."""

    STRIDES = (4, 8)

    def __init__(self, size=64):
        super().__init__()

        def conv(inputs, outputs, kernel=3, stride=1):
            return nn.Sequential(*batch_norm(inputs, outputs, kernel, stride), nn.SiLU())

        self.stem = nn.Sequential(conv(1, 12, 3, 2), conv(12, 24, 3, 2), conv(24, 24))
        self.deep = nn.Sequential(conv(24, 48, 3, 2), conv(48, 48))
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.spp = conv(96, 24, 1)
        self.fine = conv(48, 24)
        self.down = conv(24, 24, 3, 2)
        self.coarse = conv(48, 24)
        self.heads = nn.ModuleList(nn.Sequential(conv(24, 24), conv(24, 24)) for _ in self.STRIDES)
        self.boxes = nn.ModuleList(nn.Conv2d(24, 4, 1) for _ in self.STRIDES)
        self.scores = nn.ModuleList(nn.Conv2d(24, len(data.DETECTED), 1) for _ in self.STRIDES)
        for layer in self.scores:
            nn.init.constant_(layer.bias, -math.log(50))
        centres, strides = [], []
        for stride in self.STRIDES:
            cells = size // stride
            y, x = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
            centres.append(torch.stack([x.flatten(), y.flatten()], 1) * stride + stride / 2)
            strides.append(torch.full((cells * cells, 1), float(stride)))
        self.register_buffer("centres", torch.cat(centres))
        self.register_buffer("strides", torch.cat(strides))

    def raw(self, x):
        fine = self.stem(x)
        deep = self.deep(fine)
        top = self.spp(torch.cat([deep, self.pool(deep)], 1))
        fine = self.fine(torch.cat([functional.interpolate(top, scale_factor=2.0, mode="nearest"), fine], 1))
        coarse = self.coarse(torch.cat([self.down(fine), top], 1))
        sides, scores = [], []
        for i, level in enumerate((fine, coarse)):
            shared = self.heads[i](level)
            sides.append(self.boxes[i](shared).flatten(2))
            scores.append(self.scores[i](shared).flatten(2))
        return torch.cat(sides, 2).transpose(1, 2), torch.cat(scores, 2).transpose(1, 2)

    def decoded(self, sides):
        """From the distances to the four sides, as logarithms of strides."""
        reach = torch.exp(sides) * self.strides
        return torch.cat([self.centres - reach[..., :2], self.centres + reach[..., 2:]], -1)

    def forward(self, x):
        sides, scores = self.raw(x)
        return self.decoded(sides), torch.sigmoid(scores)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.queries, self.keys, self.values = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x):
        steps, width = x.shape[1], x.shape[2]

        def split(y):
            return y.reshape(-1, steps, self.heads, width // self.heads).transpose(1, 2)

        queries, keys, values = split(self.queries(x)), split(self.keys(x)), split(self.values(x))
        share = torch.softmax(queries @ keys.transpose(2, 3) / math.sqrt(width // self.heads), -1)
        return self.out((share @ values).transpose(1, 2).reshape(-1, steps, width))


class Block(nn.Module):
    """One encoder block, normalized before each half (Xiong et al., ICML 2020)."""

    def __init__(self, width, heads):
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.perceptron = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x):
        x = x + self.attention(self.before(x))
        return x + self.perceptron(self.between(x))


class Encoder(nn.Module):
    """Pieces of four steps become tokens; then one or more encoder blocks, the mean, a classifier."""

    def __init__(self, steps=64, channels=4, width=40, heads=4, blocks=2):
        super().__init__()
        self.pieces = nn.Conv1d(channels, width, 8, 4, 2)
        self.places = nn.Parameter(torch.randn(1, steps // 4, width) * 0.1)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.classes = nn.Linear(width, data.PULSES * data.PULSES)

    def forward(self, x):
        tokens = self.pieces(x.transpose(1, 2)).transpose(1, 2) + self.places
        return self.classes(self.norm(self.blocks(tokens)).mean(1))


def real(images):
    return torch.from_numpy(images.astype(np.float32) / np.float32(255))


def fit(name, model, count, loss, epochs, batch, rate):
    """Trains with AdamW under a one-cycle schedule; `loss` takes the indices of a batch."""
    steps = -(-count // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    model.train()
    start = time.time()
    for epoch in range(epochs):
        total = 0.0
        for index in torch.randperm(count).split(batch):
            value = loss(index)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
            total += float(value.detach()) * len(index)
        print(f"{name} epoch={epoch + 1} loss={total / count:.4f} seconds={time.time() - start:.0f}", flush=True)
    return model.eval()


def classified(name, model, inputs, labels, **how):
    targets = torch.from_numpy(labels)
    return fit(name, model, len(labels), lambda i: functional.cross_entropy(model(inputs(i)), targets[i]), **how)


def assigned(model, boxes):
    """For each cell the part that it answers for: the smallest whose middle is near and whose size is its level's."""
    x, y, stride = model.centres[:, 0], model.centres[:, 1], model.strides[:, 0]
    corners, kinds = boxes[..., :4], boxes[..., 4]
    middle = (corners[..., :2] + corners[..., 2:]) / 2
    extent = (corners[..., 2:] - corners[..., :2]).max(-1).values
    near = (torch.maximum((x - middle[..., 0:1]).abs(), (y - middle[..., 1:2]).abs()) < 1.5 * stride)
    inside = ((x > corners[..., 0:1]) & (x < corners[..., 2:3]) & (y > corners[..., 1:2]) & (y < corners[..., 3:4]))
    level = (extent[..., None] < 18) == (stride == model.STRIDES[0])
    fits = near & inside & level & (kinds[..., None] >= 0)
    size = torch.where(fits, extent[..., None].expand_as(fits), torch.tensor(1e9))
    best = size.min(1)
    return best.values < 1e9, best.indices


def generalized_iou(a, b):
    """Rezatofighi et al., CVPR 2019."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = common / union
    return iou, iou - (hull - union) / hull


def detection_loss(model, images, boxes):
    sides, scores = model.raw(images)
    hit, which = assigned(model, boxes)
    target = torch.gather(boxes, 1, which[..., None].expand(-1, -1, 5))[hit]
    iou, generalized = generalized_iou(model.decoded(sides)[hit], target[:, :4])
    wanted = torch.zeros_like(scores)
    # The score is to say how good the box is (Zhang et al., VarifocalNet, CVPR 2021).
    wanted[hit] = functional.one_hot(target[:, 4].long(), scores.shape[-1]) * iou.detach()[:, None].clamp(min=0)
    weight = torch.where(wanted > 0, wanted, 0.75 * torch.sigmoid(scores.detach()) ** 2)
    count = max(1, int(hit.sum()))
    found = functional.binary_cross_entropy_with_logits(scores, wanted, weight, reduction="sum") / count
    return found + 2 * (1 - generalized).sum() / count


def write(name, model, example, outputs):
    path = NETWORKS / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    # PRESERVE leaves batch normalization in the file, as many exports do: folding it is the quantizer's work.
    torch.onnx.export(
        model, example, str(path), opset_version=OPSET, training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=True, input_names=["input"], output_names=outputs,
        dynamic_axes={each: {0: "batch"} for each in ["input", *outputs]})
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)
    print(f"{name}: parameters={sum(weight.numel() for weight in model.parameters())} bytes={path.stat().st_size}")


def write_sets(name, draw, calibration, evaluation):
    for part, seed, count in (("calibration", CALIBRATION, calibration), ("evaluation", EVALUATION, evaluation)):
        inputs, expected = draw(seed, count)
        package.write_safetensors(
            NETWORKS / f"{name}-{part}.safetensors",
            {"input": inputs, **({"expected": expected} if part == "evaluation" else {})},
            {"network": name, "seed": seed, "samples": count})


def accuracy(model, inputs, labels):
    with torch.no_grad():
        answers = torch.cat([model(inputs[i:i + 100]).argmax(1) for i in range(0, len(inputs), 100)])
    return float((answers.numpy() == labels).mean())


def train_residual():
    package.seed(WEIGHTS)
    images, labels = data.parts(TRAINING, 15_000)
    inputs = real(images)
    model = classified("residual", residual(), lambda i: inputs[i], labels, epochs=14, batch=100, rate=6e-3)
    held, truth = data.parts(EVALUATION, 500)
    print(f"residual: evaluation top1={accuracy(model, real(held), truth):.4f}")
    write("residual", model, real(held[:1]), ["logits"])
    write_sets("residual", data.parts, 128, 500)


def train_detector():
    package.seed(WEIGHTS)
    images, boxes = data.scenes(TRAINING, 10_000)
    inputs, targets = real(images), torch.from_numpy(boxes)
    model = Detector()
    fit("detector", model, len(inputs), lambda i: detection_loss(model, inputs[i], targets[i]),
        epochs=18, batch=50, rate=4e-3)
    write("detector", model, inputs[:1], ["boxes", "scores"])
    write_sets("detector", data.scenes, 120, 250)


def train_encoder():
    package.seed(WEIGHTS)
    signals, labels = data.sequences(TRAINING, 90_000)
    inputs = torch.from_numpy(signals)
    model = classified("encoder", Encoder(), lambda i: inputs[i], labels, epochs=9, batch=100, rate=3e-3)
    held, truth = data.sequences(EVALUATION, 800)
    print(f"encoder: evaluation top1={accuracy(model, torch.from_numpy(held), truth):.4f}")
    write("encoder", model, inputs[:1], ["logits"])
    write_sets("encoder", data.sequences, 128, 800)


if __name__ == "__main__":
    trainers = {"residual": train_residual, "detector": train_detector, "encoder": train_encoder}
    for each in sys.argv[1:] or trainers:
        trainers[each]()
