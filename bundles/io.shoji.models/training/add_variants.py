# Copyright (c) 2026 Shoji contributors
#
# This program and the accompanying materials are made available under the
# terms of the Eclipse Public License 2.0, available at
# https://www.eclipse.org/legal/epl-2.0/
#
# SPDX-License-Identifier: EPL-2.0
"""Takes what `shoji quantize` made over into a sample package's source: copies the models, and writes variants with
their evidence, and the sketch to tell drift by, into model.json. Usage: add_variants.py NAME FOLDER, NAME being digits or bearing, FOLDER that of the
results. (`shoji package --base` does this with a package that is built already, and gives it the next version.)"""

import hashlib
import json
import pathlib
import shutil
import sys

BUNDLES = pathlib.Path(__file__).resolve().parents[2]

# What computes in FP32 gets the model as it was trained: it is small, and answers do not depend on which variant
# was measured to be faster when the gateway started.
VARIANTS = [
    ("onnx-int8", "-int8.onnx", "(&(shoji.format=onnx)(shoji.precision=INT8)(!(shoji.precision=FP32)))"),
    ("tflite-int8", "-int8.tflite", "(&(shoji.format=tflite)(shoji.precision=INT8))"),
    ("onnx-fp16", "-fp16.onnx", "(&(shoji.format=onnx)(shoji.precision=FP16)(!(shoji.precision=FP32)))"),
]


def variant(name, file, filter_, facts, package):
    """A variant as model.json has it; inputs and outputs only if they are not the package's."""
    entry = {
        "name": name, "format": facts["format"], "precision": facts["precision"], "filter": filter_,
        "files": [{"path": f"models/{file}", "sha256": facts["sha256"], "size": facts["size"]}],
    }
    for member in ("inputs", "outputs"):
        if [plain(tensor) for tensor in facts[member]] != [plain(tensor) for tensor in package[member]]:
            entry[member] = facts[member]
    return {**entry, "evidence": facts["evidence"]}


def plain(tensor):
    """What tells a tensor from another; a file of ONNX does not say its layout."""
    return {member: tensor.get(member) for member in ("name", "type", "shape", "quantization")}


def main(name, folder):
    inf = BUNDLES / f"io.shoji.model.{name}" / "src" / "main" / "resources" / "SHOJI-INF"
    document = inf / "model.json"
    package = json.loads(document.read_text("utf-8"))
    made = {entry[0] for entry in VARIANTS}
    package["variants"] = [entry for entry in package["variants"] if entry["name"] not in made]
    for variant_name, suffix, filter_ in VARIANTS:
        source = folder / (name + suffix)
        facts = json.loads((folder / (source.name + ".evidence.json")).read_text("utf-8"))
        if hashlib.sha256(source.read_bytes()).hexdigest() != facts["sha256"]:
            raise SystemExit(f"the evidence is of another file file={source}")
        shutil.copyfile(source, inf / "models" / source.name)
        package["variants"].append(variant(variant_name, source.name, filter_, facts, package))
        if "drift" in facts:
            package["drift"] = facts["drift"]
    document.write_text(json.dumps(package, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
