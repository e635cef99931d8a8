# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""What the training scripts of the model packages share: a reproducible run, and the files of a package.

Import this module before numpy and torch. They choose their vector kernels when they are loaded, kernels differ in
the last bit of a sum, and training amplifies that bit; the settings below pin the choice.
"""

import os

PINNED = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
os.environ.update(PINNED)

# The pinned environment has to be in place first, hence imports below code.
import hashlib  # noqa: E402
import json  # noqa: E402
import pathlib  # noqa: E402
import struct  # noqa: E402
import warnings  # noqa: E402

with warnings.catch_warnings():
    # numpy notes that a processor without AVX-512 has nothing to switch off.
    warnings.simplefilter("ignore")
    import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

OPSET = 13
IR_VERSION = 7
SAFETENSORS_TYPES = {"float32": "F32", "int64": "I64", "uint8": "U8"}


def seed(value):
    """Makes torch single-threaded and deterministic, and seeds it. Numpy generators are passed by the caller."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(value)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def file_entry(root, path):
    """The `path`, `sha256` and `size` by which model.json names a file below SHOJI-INF."""
    file = pathlib.Path(root) / path
    return {"path": path, "sha256": sha256(file), "size": file.stat().st_size}


def write(path, data):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_json(path, value):
    write(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))


def write_safetensors(path, tensors, metadata):
    """Writes the safetensors format (https://huggingface.co/docs/safetensors): the length of a JSON header as a
    little-endian u64, the header padded with spaces to a multiple of 8, then the tensors without gaps in the order
    of the header. Tensors of 8-byte elements go first, so that each begins at a multiple of its element size."""
    header = {"__metadata__": {key: str(value) for key, value in metadata.items()}}
    body = b""
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": SAFETENSORS_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    write(path, struct.pack("<Q", len(text)) + text + body)


def fold_batch_norm(layers):
    """The same layers for inference, each convolution having taken over the scale and shift of the batch norm that
    follows it. Computed in double precision."""
    folded = []
    for layer in layers:
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            conv = folded[-1]
            gain = layer.weight.double() / torch.sqrt(layer.running_var.double() + layer.eps)
            bias = torch.zeros(len(gain)) if conv.bias is None else conv.bias
            with torch.no_grad():
                weight = conv.weight.double() * gain.reshape([-1] + [1] * (conv.weight.dim() - 1))
                bias = (bias.double() - layer.running_mean.double()) * gain + layer.bias.double()
            conv.weight = torch.nn.Parameter(weight.float(), requires_grad=False)
            conv.bias = torch.nn.Parameter(bias.float(), requires_grad=False)
        elif not isinstance(layer, torch.nn.Dropout):
            folded.append(layer)
    return torch.nn.Sequential(*folded).eval()


def _pair(value):
    return [value, value] if isinstance(value, int) else list(value)


def write_onnx(path, name, layers, input_name, input_shape, output_name, classes, doc):
    """Writes a sequence of torch layers as an ONNX graph with a symbolic first dimension `batch`. Built node by node,
    not traced, so that names and bytes depend on nothing but the layers and their weights."""
    nodes, weights = [], []
    current, count = input_name, {}

    def weight(label, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array), label))
        return label

    def node(kind, inputs, **attributes):
        nonlocal current
        count[kind] = count.get(kind, 0) + 1
        label = f"{kind.lower()}{count[kind]}"
        nodes.append(helper.make_node(kind, inputs, [label], name=label, **attributes))
        current = label

    for layer in layers:
        if isinstance(layer, torch.nn.Unflatten):
            # Adds a dimension of one: a signal [batch, 1, n] becomes an image [batch, 1, 1, n].
            node("Unsqueeze", [current, weight("unsqueeze.axes", np.array([layer.dim + 1], np.int64))])
        elif isinstance(layer, torch.nn.Conv2d):
            label = f"conv{count.get('Conv', 0) + 1}"
            inputs = [current, weight(f"{label}.weight", layer.weight.detach().numpy())]
            inputs.append(weight(f"{label}.bias", layer.bias.detach().numpy()))
            node("Conv", inputs, kernel_shape=_pair(layer.kernel_size), strides=_pair(layer.stride),
                 pads=_pair(layer.padding) * 2, dilations=_pair(layer.dilation), group=layer.groups)
        elif isinstance(layer, torch.nn.ReLU):
            node("Relu", [current])
        elif isinstance(layer, torch.nn.MaxPool2d):
            node("MaxPool", [current], kernel_shape=_pair(layer.kernel_size), strides=_pair(layer.stride))
        elif isinstance(layer, torch.nn.AvgPool2d):
            node("AveragePool", [current], kernel_shape=_pair(layer.kernel_size), strides=_pair(layer.stride))
        elif isinstance(layer, torch.nn.AdaptiveAvgPool2d):
            node("GlobalAveragePool", [current])
        elif isinstance(layer, torch.nn.Flatten):
            node("Flatten", [current], axis=1)
        elif isinstance(layer, torch.nn.Linear):
            label = f"gemm{count.get('Gemm', 0) + 1}"
            node("Gemm", [current, weight(f"{label}.weight", layer.weight.detach().numpy()),
                          weight(f"{label}.bias", layer.bias.detach().numpy())], transB=1)
        else:
            raise TypeError(f"no ONNX operator is written for this layer; layer={layer}")
    nodes[-1].output[0] = output_name

    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["batch", *input_shape])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["batch", classes])],
        initializer=weights, doc_string=doc)
    model = helper.make_model(graph, producer_name="shoji", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    write(path, model.SerializeToString(deterministic=True))


def digests(root):
    """One line per file below the folder: the first 16 digits of its SHA-256, its size, its path."""
    root = pathlib.Path(root)
    return "\n".join(f"{sha256(file)[:16]} {file.stat().st_size:7d} {file.relative_to(root)}"
                     for file in sorted(root.rglob("*")) if file.is_file())
