/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.shoji.accelerator.Precision;
import io.shoji.model.ModelCatalog.StoreUse;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Version;

/** What is accepted of a package, and every reason for which one is refused. */
class PackageInstallerTest {
  @TempDir(factory = FastFolder.class)
  Path temp;

  private ContentStore store;
  private PackageInstaller installer;

  @BeforeEach
  void open() throws StoreException {
    store = ContentStore.open(temp.resolve("store"), new UnsyncedDisk());
    installer = new PackageInstaller(store, Signatures.off(), "test 1");
  }

  @AfterEach
  void close() {
    store.close();
  }

  private List<String> refuse(PackageFixture fixture) throws StoreException {
    Reasons reasons = new Reasons();
    Optional<ModelDescription> model =
        installer
            .install(fixture.origin(1), Judgement.NONE, reasons, () -> false)
            .map(PackageInstaller.Taken::description);
    assertThat(model).isEmpty();
    store.collect();
    assertThat(store.use()).as("what is stored").isEqualTo(new StoreUse(0, 0));
    return reasons.list();
  }

  private ModelDescription accept(PackageFixture fixture) throws StoreException {
    Reasons reasons = new Reasons();
    Optional<ModelDescription> model =
        installer
            .install(fixture.origin(1), Judgement.NONE, reasons, () -> false)
            .map(PackageInstaller.Taken::description);
    assertThat(reasons.list()).isEmpty();
    return model.orElseThrow();
  }

  private static PackageFixture fixture() {
    return new PackageFixture("digits", "1.2.3.beta", new Random(1), 300);
  }

  @Test
  void shouldTellAllThatDocumentSaysWhenPackageIsGood() throws Exception {
    PackageFixture fixture = fixture();
    fixture.set("/inputs/0/type", "\"INT8\"");
    fixture.set("/inputs/0/quantization", "{\"scale\": 0.5, \"zeroPoint\": -3}");
    fixture.set("/outputs/0/type", "\"UINT8\"");
    fixture.set(
        "/outputs/0/quantization",
        "{\"axis\": 1, \"scales\": [0.1, 0.2, 0.3], \"zeroPoints\": [1, 2, 255]}");
    fixture.golden(
        PackageFixture.safetensors(
            "{\"input.image\":{\"dtype\":\"I8\",\"shape\":[4,1,8,8],\"data_offsets\":[0,256]},"
                + "\"expected.logits\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[256,304]},"
                + "\"label\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[304,336]}}",
            336));

    ModelDescription model = accept(fixture);

    assertThat(model.name()).isEqualTo("digits");
    assertThat(model.version()).isEqualTo(new Version("1.2.3.beta"));
    assertThat(model.title()).isEqualTo("A test's model");
    assertThat(model.description()).isEqualTo("Line one.\nLine two.");
    assertThat(model.licence()).isEqualTo("EPL-2.0");
    assertThat(model.task()).isEqualTo("classification");
    assertThat(model.labels()).containsExactly("a", "b", "c");
    assertThat(model.inputs())
        .singleElement()
        .satisfies(
            input -> {
              assertThat(input.name()).isEqualTo("image");
              assertThat(input.type()).isEqualTo(ElementType.INT8);
              assertThat(input.shape()).isEqualTo(Shape.of(-1, 1, 8, 8));
              assertThat(input.layout()).isEqualTo(Layout.NCHW);
              assertThat(input.quantization()).contains(Quantization.perTensor(0.5f, -3));
            });
    assertThat(model.outputs().get(0).quantization())
        .contains(Quantization.perAxis(1, new float[] {0.1f, 0.2f, 0.3f}, new int[] {1, 2, 255}));
    assertThat(model.variants()).hasSize(2);
    assertThat(model.variants().get(0).precision()).isEqualTo(Precision.FP32);
    assertThat(model.variants().get(0).options()).containsEntry("intraOpThreads", "1");
    assertThat(model.variants().get(1).files())
        .extracting(f -> f.path())
        .containsExactly("ir/net.xml", "ir/net.bin");
    assertThat(model.pipeline().orElseThrow().source()).isEqualTo(Source.IMAGE);
    assertThat(model.pipeline().orElseThrow().pre().get(1).parameters())
        .isEqualTo(Map.of("width", 8.0, "height", 8.0, "method", "bilinear"));
    assertThat(model.pipeline().orElseThrow().pre().get(2).parameters())
        .containsEntry("mean", List.of(0.3));
    assertThat(model.golden().orElseThrow().count()).isEqualTo(4);
    assertThat(model.evidence().orElseThrow().value()).isEqualTo(0.986);
    assertThat(model.acceptance().orElseThrow().p99Ms()).contains(5.0);
    assertThat(model.acceptance().orElseThrow().peakMemoryBytes()).contains(67108864L);
    assertThat(store.use().files()).isEqualTo(4);
  }

  @Test
  void shouldTellWhatVariantSaysOfItself() throws Exception {
    PackageFixture fixture = fixture();
    variantEvidence(fixture, "\"value\": 0.975");
    variantTensor(
        fixture,
        "inputs",
        "\"name\": \"image\", \"type\": \"INT8\", \"shape\": [1, 8, 8, 1], \"layout\": \"NHWC\","
            + "\"quantization\": {\"scale\": 0.0123456, \"zeroPoint\": -128}");
    variantTensor(
        fixture,
        "outputs",
        "\"name\": \"logits\", \"type\": \"UINT8\", \"shape\": [1, 3],"
            + "\"quantization\": {\"scale\": 0.5, \"zeroPoint\": 7}");

    ModelDescription model = accept(fixture);

    ModelVariant variant = model.variants().get(0);
    TensorSpec input =
        TensorSpec.of("image", ElementType.INT8, Shape.of(1, 8, 8, 1))
            .withLayout(Layout.NHWC)
            .withQuantization(Quantization.perTensor(0.0123456f, -128));
    assertThat(variant.inputs()).containsExactly(input);
    assertThat(model.inputsOf(variant)).containsExactly(input);
    assertThat(model.outputsOf(variant).get(0).quantization())
        .contains(Quantization.perTensor(0.5f, 7));
    assertThat(model.inputsOf(model.variants().get(1))).isEqualTo(model.inputs());
    assertThat(model.variants().get(1).evidence()).isEmpty();
    ModelVariant.Evidence evidence = variant.evidence().orElseThrow();
    assertThat(evidence)
        .isEqualTo(
            new ModelVariant.Evidence(
                "top1",
                0.975,
                0.986,
                500,
                "ab".repeat(32),
                Optional.of(new ModelVariant.Calibration("entropy", 200, "ab".repeat(32))),
                List.of("/conv"),
                "ONNX Runtime 1.29.0",
                "shoji 0.1.0",
                "2026-11-22T00:00:00Z",
                false));
  }

  @Test
  void shouldTellWhatWasDeclaredFromWhatWasMeasured() throws Exception {
    PackageFixture fixture = fixture();
    fixture.change(
        "/variants/0",
        variant ->
            variant.add(
                "evidence",
                JsonParser.parseString(
                    "{'metric':'top1','value':0.98,'baseline':0.986,'evaluationCount':500,"
                        + "'evaluationSha256':'"
                        + "ab".repeat(32)
                        + "','runtime':'HailoRT 4.23.0','tool':'Hailo Dataflow Compiler 3.33.0',"
                        + "'created':'2026-11-22T00:00:00Z','declared':true}")));

    ModelDescription model = accept(fixture);

    assertThat(model.variants().get(0).evidence().orElseThrow().declared()).isTrue();
  }

  @Test
  void shouldTakeSmallestDocument() throws Exception {
    PackageFixture fixture = fixture();
    for (String member :
        List.of(
            "description", "licence", "labels", "pipeline", "golden", "evidence", "acceptance")) {
      fixture.document.remove(member);
    }
    fixture.set("/task", "\"other\"");
    fixture.set("/outputs/0/shape", "[]");
    fixture.change("/outputs/0", output -> output.remove("layout"));

    ModelDescription model = accept(fixture);

    assertThat(model.outputs().get(0).shape().rank()).isZero();
    assertThat(model.golden()).isEmpty();
  }

  /** A change to a good package and what the one reason against it must contain. */
  static Stream<Arguments> spoilt() {
    List<Arguments> all = new ArrayList<>();
    // The document itself.
    add(all, "members", f -> f.set("/bogus", "1"), "/bogus: unknown member");
    add(all, "missing", f -> f.document.remove("title"), "\"title\" is missing: Name for people");
    add(all, "schema version", f -> f.set("/schemaVersion", "2"), "/schemaVersion: asked");
    add(all, "type", f -> f.set("/labels", "\"a\""), "/labels: asked for array", "found=\"a\"");
    add(all, "control", f -> f.set("/title", "\"a\\nb\""), "/title: ", "found=\"a\\u000ab\"");
    add(all, "line feed", f -> f.set("/licence", "\"MIT\\n\""), "/licence: ", "\"MIT\\u000a\"");
    add(all, "task", f -> f.set("/task", "\"guess\""), "/task: asked for one of", "\"guess\"");
    add(all, "fraction", f -> f.set("/golden/count", "4.5"), "/golden/count: asked for integer");
    add(
        all,
        "huge",
        f -> f.set("/evidence/value", "1e308"),
        "/evidence/value: number out of range");
    // Tensors.
    add(
        all,
        "names",
        f -> f.change("", d -> d.getAsJsonArray("inputs").add(f.at("/inputs/0").deepCopy())),
        "/inputs/1/name: the name is there twice",
        "/pipeline/source: a pipeline of this source feeds a model with exactly one input");
    add(all, "zero", f -> f.set("/inputs/0/shape/0", "0"), "/inputs/0/shape/0: asked", "found=0");
    add(
        all,
        "layout",
        f -> f.set("/inputs/0/layout", "\"NCW\""),
        "/inputs/0/layout: the layout has another number of dimensions",
        "asked=3 found=4");
    add(
        all,
        "size",
        f -> f.set("/inputs/0/shape", "[1, 65536, 65536, 1]"),
        "/inputs/0/shape: a tensor takes at most 2147483647 bytes");
    add(
        all,
        "overflow",
        f -> f.set("/inputs/0/shape", "[2147483647, 2147483647, 2147483647, 2147483647]"),
        "/inputs/0/shape: more elements than a long can count");
    add(
        all,
        "quantized float",
        f -> f.set("/inputs/0/quantization", "{\"scale\": 1}"),
        "/inputs/0/quantization: affine quantization is for integers");
    add(
        all,
        "tiny scale",
        f -> quantize(f, "{\"scale\": 1e-60}"),
        "/outputs/0/quantization: a scale is finite and above 0");
    add(
        all,
        "zero point",
        f -> quantize(f, "{\"scale\": 1, \"zeroPoint\": 128}"),
        "/outputs/0/quantization: zero point out of the type's range zeroPoint=128");
    add(
        all,
        "axis",
        f -> quantize(f, "{\"axis\": 1, \"scales\": [1, 1]}"),
        "/outputs/0/quantization: one scale per index of the axis axis=1 scales=2");
    add(
        all,
        "zero points",
        f -> quantize(f, "{\"axis\": 1, \"scales\": [1, 1, 1], \"zeroPoints\": [1]}"),
        "/outputs/0/quantization: one zero point per scale");
    add(
        all,
        "both",
        f -> quantize(f, "{\"axis\": 1, \"scales\": [1, 1, 1], \"scale\": 1}"),
        "/outputs/0/quantization/scale: not allowed together");
    add(
        all,
        "labels",
        f -> f.set("/labels", "[\"a\", \"b\"]"),
        "/labels: a classification has one label per class",
        "labels=2 classes=\"logits:3\"");
    // Variants and files.
    add(
        all,
        "variants",
        f -> f.set("/variants/1/name", "\"onnx-fp32\""),
        "/variants/1/name: another variant has this name");
    add(
        all,
        "filter",
        f -> f.set("/variants/0/filter", "\"shoji.format=onnx\""),
        "/variants/0/filter: is not an OSGi filter");
    add(
        all,
        "option",
        f -> f.change("/variants/0/options", o -> o.addProperty("no spaces", "1")),
        "/variants/0/options: a key has 1 to 64 letters",
        "found=\"no spaces\"");
    add(
        all,
        "option's value",
        f -> f.change("/variants/0/options", o -> o.addProperty("threads", 1)),
        "/variants/0/options/threads: asked for string");
    path(all, "../../etc/passwd", "leaves the package by '..'");
    path(all, "models/../../x", "leaves the package by '..'");
    path(all, "/etc/passwd", "is absolute");
    path(all, "models\\net.onnx", "has a backslash");
    path(all, "models//net.onnx", "has an empty part");
    path(all, "models/", "has an empty part");
    path(all, "./net.onnx", "begins with a dot");
    path(all, "models/\u0000net", "has a control character");
    path(all, "models/n\u00e4t.onnx", "ASCII letters");
    path(all, "C:/net.onnx", "ASCII letters");
    path(all, "", "is empty");
    path(all, "a/".repeat(40) + "b", "too many parts");
    path(all, "a".repeat(200), "part of the path is too long");
    path(all, "ab/".repeat(200) + "b", "the path is too long");
    add(
        all,
        "case",
        f -> copyFile(f, "ir/NET.xml"),
        "/variants/1/files/2/path: the variant names this file twice");
    add(
        all,
        "folder",
        f -> copyFile(f, "ir"),
        "/variants: a path is both a file and a folder path=ir",
        "/variants: a path is both a file and a folder path=ir",
        "ir: the file is missing");
    add(
        all,
        "contents",
        f -> {
          JsonObject other = f.at("/variants/1/files/0").getAsJsonObject().deepCopy();
          other.addProperty("sha256", "0".repeat(64));
          f.change("/variants/0", v -> v.getAsJsonArray("files").add(other));
        },
        "the same path is named elsewhere with another digest or size",
        "ir/net.xml: has another digest");
    add(all, "gone", f -> f.files.remove("ir/net.bin"), "ir/net.bin: the file is missing");
    add(
        all,
        "short",
        f -> f.files.put("ir/net.bin", new byte[299]),
        "ir/net.bin: is smaller than model.json says",
        "asked=300 found=299");
    add(
        all,
        "empty",
        f -> f.files.put("ir/net.bin", new byte[0]),
        "ir/net.bin: is smaller than model.json says",
        "found=0");
    add(
        all,
        "long",
        f -> f.files.put("ir/net.bin", new byte[301]),
        "ir/net.bin: is larger than model.json says");
    add(
        all,
        "damaged",
        f -> f.files.get("ir/net.bin")[9] ^= 4,
        "ir/net.bin: has another digest than model.json says");
    // Manifest.
    add(
        all,
        "name",
        f -> f.capabilityName = "other",
        "META-INF/MANIFEST.MF: the capability's name is not that of model.json",
        "asked=\"digits\" found=\"other\"");
    add(
        all,
        "version",
        f -> f.capabilityVersion = "1.2.3",
        "META-INF/MANIFEST.MF: the capability's version is not that of model.json");
    // Pipeline.
    add(
        all,
        "step",
        f -> f.set("/pipeline/pre/1/step", "\"rescale\""),
        "/pipeline/pre/1/step: asked for one of [\"decode-image\"");
    add(
        all,
        "parameter",
        f -> f.set("/pipeline/pre/1/widht", "8"),
        "/pipeline/pre/1/widht: unknown member",
        "allowed=[step, width, height, method, fit, pad]");
    add(
        all,
        "range",
        f -> f.set("/pipeline/pre/1/width", "0"),
        "/pipeline/pre/1/width: asked: Pixels of the result. minimum=1 found=0");
    add(
        all,
        "output",
        f -> f.set("/pipeline/post/0/output", "\"probs\""),
        "/pipeline/post/0/output: the model has no output of this name",
        "outputs=[\"logits\"]");
    add(
        all,
        "label",
        f -> f.set("/pipeline/post/2/label", "\"z\""),
        "/pipeline/post/2/label: the label must be exactly once among the labels");
    add(
        all,
        "hysteresis",
        f -> f.set("/pipeline/post/2/off", "0.95"),
        "/pipeline/post/2/off: the alarm would go off above the value");
    add(
        all,
        "source",
        f -> f.set("/pipeline/source", "\"tensors\""),
        "/pipeline/pre: asked",
        "maxItems=0 found=list of 4");
    add(
        all,
        "rate",
        f -> f.set("/pipeline/sampleRateHz", "100"),
        "/pipeline/sampleRateHz: not allowed together with the other members");
    // What a variant takes and gives.
    add(
        all,
        "variant names",
        f ->
            variantTensor(
                f,
                "inputs",
                "\"name\": \"picture\", \"type\": \"FLOAT32\", \"shape\": [-1, 1, 8, 8]"),
        "/variants/0/inputs: a variant has the inputs of its package",
        "asked=[\"image\"] found=[\"picture\"]");
    add(
        all,
        "variant without scale",
        f ->
            variantTensor(
                f, "inputs", "\"name\": \"image\", \"type\": \"INT8\", \"shape\": [-1, 1, 8, 8]"),
        "/variants/0: the gateway cannot convert",
        "state its quantization name=image type=INT8 found=none");
    add(
        all,
        "variant scales along an axis",
        f ->
            variantTensor(
                f,
                "outputs",
                "\"name\": \"logits\", \"type\": \"INT8\", \"shape\": [-1, 3],"
                    + "\"quantization\": {\"axis\": 1, \"scales\": [1, 2, 3]}"),
        "/variants/0: the gateway cannot convert",
        "found=axis=1 scales=3");
    add(
        all,
        "variant zero point",
        f ->
            variantTensor(
                f,
                "outputs",
                "\"name\": \"logits\", \"type\": \"UINT8\", \"shape\": [-1, 3],"
                    + "\"quantization\": {\"scale\": 1, \"zeroPoint\": -1}"),
        "/variants/0/outputs/0/quantization: zero point out of the type's range");
    add(
        all,
        "variant type",
        f ->
            variantTensor(
                f, "inputs", "\"name\": \"image\", \"type\": \"INT16\", \"shape\": [-1, 1, 8, 8]"),
        "another element type name=image from=FLOAT32 to=INT16");
    add(
        all,
        "variant shape",
        f ->
            variantTensor(
                f,
                "inputs",
                "\"name\": \"image\", \"type\": \"FLOAT32\", \"shape\": [1, 8, 4, 1], \"layout\": \"NHWC\""),
        "another shape name=image from=NCHW[?, 1, 8, 8] to=NHWC[1, 8, 4, 1]");
    add(
        all,
        "variant layout unknown",
        f ->
            variantTensor(
                f, "inputs", "\"name\": \"image\", \"type\": \"FLOAT32\", \"shape\": [1, 8, 8, 1]"),
        "another shape name=image from=NCHW[?, 1, 8, 8] to=[1, 8, 8, 1]");
    add(
        all,
        "variant batch",
        f -> {
          f.set("/inputs/0/shape", "[2, 1, 8, 8]");
          variantTensor(
              f, "inputs", "\"name\": \"image\", \"type\": \"FLOAT32\", \"shape\": [4, 1, 8, 8]");
        },
        "/variants/0: the gateway cannot convert",
        "input has another batch, and cannot be parted into samples name=image from=[2, 1, 8, 8] to=[4, 1, 8, 8]");
    add(
        all,
        "variant member",
        f -> f.set("/variants/0/inputs", "[{\"name\": \"image\"}]"),
        "/variants/0/inputs/0: member \"type\" is missing",
        "/variants/0/inputs/0: member \"shape\" is missing");
    // Evidence of a variant.
    add(
        all,
        "variant metric",
        f -> variantEvidence(f, "\"metric\": \"accuracy\""),
        "/variants/0/evidence/metric: asked: Name of a figure of merit");
    add(
        all,
        "variant per cent",
        f -> variantEvidence(f, "\"value\": 98.6, \"baseline\": 99.4"),
        "/variants/0/evidence/value: the metric cannot have this value",
        "/variants/0/evidence/baseline: the metric cannot have this value");
    add(
        all,
        "variant infinite",
        f -> variantEvidence(f, "\"value\": 1e999"),
        "/variants/0/evidence/value: number out of range");
    add(
        all,
        "variant samples",
        f -> variantEvidence(f, "\"evaluationSha256\": \"AB\""),
        "/variants/0/evidence/evaluationSha256: asked: SHA-256 over the samples");
    add(
        all,
        "variant calibration",
        f -> variantEvidence(f, "\"calibration\": {\"method\": \"guess\", \"count\": 0}"),
        "/variants/0/evidence/calibration/method: asked for one of",
        "/variants/0/evidence/calibration/count: asked",
        "/variants/0/evidence/calibration: member \"sha256\" is missing");
    add(
        all,
        "variant kept twice",
        f -> variantEvidence(f, "\"keptInFloat\": [\"/conv\", \"/conv\"]"),
        "/variants/0/evidence/keptInFloat/1: the node is there twice");
    add(
        all,
        "variant time",
        f -> variantEvidence(f, "\"created\": \"2026-13-22T00:00:00Z\""),
        "/variants/0/evidence/created: asked for a time that exists");
    add(
        all,
        "variant evidence lacks",
        f -> f.set("/variants/0/evidence", "{\"metric\": \"top1\"}"),
        "/variants/0/evidence: member ");
    add(
        all,
        "variant not good enough",
        f -> variantEvidence(f, "\"value\": 0.5"),
        "/acceptance/minimum: is above what the evidence of a variant claims",
        "variant=onnx-fp32 evidence=0.5");
    // Evidence and acceptance.
    add(
        all,
        "time",
        f -> f.set("/evidence/created", "\"2026-02-30T00:00:00Z\""),
        "/evidence/created: asked for a time that exists");
    add(
        all,
        "no golden",
        f -> f.document.remove("golden"),
        "/acceptance: asks for a metric on the device, but there are no golden samples");
    add(
        all,
        "claim",
        f -> f.set("/acceptance/minimum", "0.99"),
        "/acceptance/minimum: is above what the evidence claims");
    // Drift.
    add(
        all,
        "drift tensor",
        f -> f.set("/drift", drift("\"tensor\": \"sound\"", "[0.5]", "\"1 2\"")),
        "/drift/features/0: no such input asked=sound found=[image]");
    add(
        all,
        "drift channel",
        f ->
            f.set(
                "/drift",
                drift("\"tensor\": \"image\", \"axis\": 1, \"channel\": 3", "[0.5]", "\"1 2\"")),
        "/drift/features/0: no such channel tensor=image axis=1 channel=3");
    add(
        all,
        "drift edges",
        f -> f.set("/drift", drift("\"tensor\": \"image\"", "[0.5, 0.5]", "\"1 2 3\"")),
        "/drift/features/0: edges are finite and rise strictly");
    add(
        all,
        "drift counts",
        f -> f.set("/drift", drift("\"tensor\": \"image\"", "[0.5]", "\"1 2 3\"")),
        "/drift/features/0: a row has one count more than there are edges");
    add(
        all,
        "drift text",
        f -> f.set("/drift", drift("\"tensor\": \"image\"", "[0.5]", "\"1, 2\"")),
        "/drift/features/0/counts/0: asked");
    // Golden samples.
    golden(all, "empty header", PackageFixture.safetensors("", 0), "length is out of range");
    golden(all, "7 bytes", new byte[7], "shorter than its length field");
    golden(all, "zeros", new byte[64], "length is out of range", "found=0");
    byte[] ones = new byte[64];
    Arrays.fill(ones, (byte) 0xff);
    golden(all, "unsigned", ones, "length is out of range", "found=18446744073709551615");
    golden(all, "text", PackageFixture.safetensors("{\"a\":", 5), "header (whole): ends in the");
    golden(all, "list", PackageFixture.safetensors("[]", 0), "asked for a JSON object");
    golden(
        all,
        "cut off",
        Arrays.copyOf(PackageFixture.safetensors(4, "F32", "image", 64, "logits", 3), 900),
        "do not fill its data without gap or overlap");
    golden(
        all,
        "type",
        PackageFixture.safetensors(4, "I32", "image", 64, "logits", 3),
        "another type than the model's name=\"input.image\" asked=F32 found=\"I32\"");
    golden(
        all,
        "offsets",
        PackageFixture.safetensors(4, "F64", "image", 64, "logits", 3),
        "a tensor in its header is not as the format says",
        "lacks a tensor asked=\"input.image\"");
    golden(
        all,
        "tensor",
        PackageFixture.safetensors(4, "F32", "picture", 64, "logits", 3),
        "lacks a tensor asked=\"input.image\"",
        "a tensor for an input or output that the model has not",
        "\"input.picture\"");
    golden(
        all,
        "shape",
        PackageFixture.safetensors(4, "F32", "image", 64, "logits", 5),
        "another shape than count times the model's name=\"expected.logits\"",
        "asked=[?, 3] found=[4, 5]");
    golden(
        all,
        "count",
        PackageFixture.safetensors(5, "F32", "image", 64, "logits", 3),
        "name=\"input.image\" count=4",
        "name=\"expected.logits\" count=4",
        "name=\"label\" count=4");
    golden(
        all,
        "offsets beyond a long",
        PackageFixture.safetensors(
            "{\"input.image\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,2],"
                + "\"data_offsets\":[0,9223372036854775807]}}",
            8),
        "not as the format says",
        "lacks",
        "lacks",
        "lacks");
    return all.stream();
  }

  private static void add(
      List<Arguments> all, String name, Consumer<PackageFixture> change, String... parts) {
    all.add(Arguments.of(name, change, List.of(parts)));
  }

  private static void path(List<Arguments> all, String path, String part) {
    add(
        all,
        "path " + Reasons.quote(path),
        f -> f.change("/variants/0/files/0", file -> file.addProperty("path", path)),
        "/variants/0/files/0/path: ",
        part,
        "found=" + Reasons.quote(path));
  }

  private static void golden(List<Arguments> all, String name, byte[] content, String... parts) {
    add(all, "golden " + name, f -> f.golden(content), parts);
  }

  private static void quantize(PackageFixture fixture, String json) {
    fixture.set("/outputs/0/type", "\"INT8\"");
    fixture.set("/outputs/0/quantization", json);
    fixture.document.remove("golden");
    fixture.document.remove("acceptance");
  }

  private static void variantTensor(PackageFixture fixture, String member, String json) {
    fixture.set("/variants/0/" + member, "[{" + json + "}]");
  }

  /** Good evidence of the first variant, but for what is given. */
  private static void variantEvidence(PackageFixture fixture, String json) {
    fixture.set(
        "/variants/0/evidence",
        """
        {"metric": "top1", "value": 0.98, "baseline": 0.986, "evaluationCount": 500,
         "evaluationSha256": "%1$s", "calibration": {"method": "entropy", "count": 200,
         "sha256": "%1$s"}, "keptInFloat": ["/conv"], "runtime": "ONNX Runtime 1.29.0",
         "tool": "shoji 0.1.0", "created": "2026-11-22T00:00:00Z"}
        """
            .formatted("ab".repeat(32)));
    JsonParser.parseString("{" + json + "}")
        .getAsJsonObject()
        .entrySet()
        .forEach(
            member ->
                fixture.change(
                    "/variants/0/evidence", e -> e.add(member.getKey(), member.getValue())));
  }

  private static void copyFile(PackageFixture fixture, String path) {
    JsonObject copy = fixture.at("/variants/1/files/0").getAsJsonObject().deepCopy();
    copy.addProperty("path", path);
    if (!path.equals("ir")) {
      fixture.files.put(path, fixture.files.get("ir/net.xml"));
    }
    fixture.change("/variants/1", v -> v.getAsJsonArray("files").add(copy));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("spoilt")
  void shouldSayWhatIsWrongAndNothingElseWhenPackageIsSpoilt(
      String name, Consumer<PackageFixture> change, List<String> parts) throws Exception {
    PackageFixture fixture = fixture();
    change.accept(fixture);

    List<String> reasons = refuse(fixture);

    // The command line finds what the gateway finds.
    assertThat(ModelPackageCheckTest.jar(fixture, temp).reasons()).isEqualTo(reasons);
    // Each part is in some reason, and each reason has some part: nothing follows from another
    // error.
    assertThat(parts).allSatisfy(part -> assertThat(String.join("\n", reasons)).contains(part));
    assertThat(reasons)
        .allSatisfy(
            reason -> assertThat(parts.stream().anyMatch(reason::contains)).as(reason).isTrue())
        .allSatisfy(reason -> assertThat(reason).hasSizeLessThan(900));
  }

  @Test
  void shouldNameEveryReasonAtOnceWhenMuchIsWrong() throws Exception {
    PackageFixture fixture = fixture();
    fixture.capabilityName = "other";
    fixture.set("/bogus", "1");
    fixture.set("/inputs/0/layout", "\"NC\"");
    fixture.set("/variants/0/filter", "\"(\"");
    fixture.files.remove("models/net.onnx");
    fixture.files.get("ir/net.bin")[0] ^= 1;

    assertThat(refuse(fixture)).hasSize(6);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{",
        "{\"a\":}",
        "{\"a\" 1}",
        "{} {}",
        "{'a': 1}",
        "{a: 1}",
        "{\"a\": NaN}",
        "{\"a\": 01}",
        "{\"a\": \"\\x\"}",
        "{\"a\": 1,}",
        "<model/>"
      })
  void shouldRefuseWithOneReasonWhenDocumentIsNoJsonObject(String text) throws Exception {
    PackageFixture fixture = fixture();
    fixture.files.put("model.json", text.getBytes(StandardCharsets.UTF_8));

    assertThat(refuse(fixture)).singleElement().asString().startsWith("SHOJI-INF/model.json: ");
  }

  @Test
  void shouldRefuseWhenDocumentIsNotUtf8() throws Exception {
    PackageFixture fixture = fixture();
    fixture.set("/title", "\"\u00e4\"");
    fixture.files.put(
        "model.json", fixture.document.toString().getBytes(StandardCharsets.ISO_8859_1));

    assertThat(refuse(fixture)).singleElement().asString().contains("is not UTF-8");
  }

  @Test
  void shouldNamePlaceWhenMemberIsThereTwice() throws Exception {
    PackageFixture fixture = fixture();
    String text = fixture.document.toString();
    fixture.files.put(
        "model.json",
        text.replace("\"format\":\"onnx\"", "\"format\":\"onnx\",\"format\":\"hef\"")
            .getBytes(StandardCharsets.UTF_8));

    assertThat(refuse(fixture))
        .singleElement()
        .asString()
        .startsWith("/variants/0/format: is there twice");
  }

  @Test
  void shouldRefuseWhenDocumentIsTooLargeTooDeepOrTooMany() throws Exception {
    PackageFixture large = fixture();
    large.files.put("model.json", new byte[PackageInstaller.DOCUMENT_LIMIT + 1]);
    assertThat(refuse(large)).singleElement().asString().contains("is too large");

    PackageFixture deep = fixture();
    String nested = "[".repeat(300_000) + "]".repeat(300_000);
    deep.files.put("model.json", ("{\"a\":" + nested + "}").getBytes(StandardCharsets.UTF_8));
    assertThat(String.join("\n", refuse(deep))).contains("is nested too deeply");

    PackageFixture many = fixture();
    many.files.put(
        "model.json",
        ("{\"labels\":[" + "1,".repeat(500_000) + "1]}").getBytes(StandardCharsets.UTF_8));
    assertThat(refuse(many)).singleElement().asString().contains("has too many values");
  }

  @Test
  void shouldCountWhatItDoesNotListWhenThereAreTooManyReasons() throws Exception {
    PackageFixture fixture = fixture();
    JsonArray labels = new JsonArray();
    for (int i = 0; i < 20_000; i++) {
      labels.add(new JsonPrimitive(i));
    }
    fixture.document.add("labels", labels);

    List<String> reasons = refuse(fixture);

    assertThat(reasons).hasSize(Reasons.LIMIT + 1);
    assertThat(reasons.get(Reasons.LIMIT)).startsWith("and 199");
  }

  @Test
  void shouldRefuseWhenCapabilityIsMissingOrThereTwice() throws Exception {
    PackageFixture fixture = fixture();
    Map<String, Object> good = fixture.capabilities().get(0);
    for (List<Map<String, Object>> capabilities :
        List.of(
            List.<Map<String, Object>>of(),
            List.of(good, good),
            List.of(Map.<String, Object>of("io.shoji.model", "digits")),
            List.of(Map.<String, Object>of("io.shoji.model", "digits", "version", "1.2.3.beta")),
            List.of(
                Map.<String, Object>of(
                    "io.shoji.model", List.of("digits"), "version", new Version("1.2.3.beta"))))) {
      Reasons reasons = new Reasons();
      PackageInstaller.Origin origin =
          new PackageInstaller.Origin(1, "test 1.0.0", "test:1", 1, capabilities, fixture);
      assertThat(installer.install(origin, Judgement.NONE, reasons, () -> false)).isEmpty();
      assertThat(reasons.list()).singleElement().asString().startsWith("META-INF/MANIFEST.MF: ");
    }
  }

  @Test
  void shouldRefuseWhenFileCannotBeReadFromBundle() throws Exception {
    PackageFixture fixture = fixture();
    PackageSource failing =
        path ->
            path.equals("ir/net.bin")
                ? Optional.of(
                    new InputStream() {
                      @Override
                      public int read() throws IOException {
                        throw new IOException("bad\nblock");
                      }
                    })
                : fixture.open(path);
    Reasons reasons = new Reasons();

    installer.install(
        new PackageInstaller.Origin(1, "test 1.0.0", "test:1", 1, fixture.capabilities(), failing),
        Judgement.NONE,
        reasons,
        () -> false);

    assertThat(reasons.list())
        .singleElement()
        .asString()
        .startsWith("ir/net.bin: cannot be read from the bundle")
        .contains("bad\\u000ablock");
    assertThat(StoreScenario.files(temp.resolve("store/staging"))).isEmpty();
  }

  @Test
  void shouldLeaveNothingWhenCancelled() throws Exception {
    PackageFixture fixture = fixture();
    AtomicInteger asked = new AtomicInteger();

    assertThatThrownBy(
            () ->
                installer.install(
                    fixture.origin(1),
                    Judgement.NONE,
                    new Reasons(),
                    () -> asked.incrementAndGet() > 3))
        .isInstanceOf(CancellationException.class);

    store.collect();
    assertThat(store.use()).isEqualTo(new StoreUse(0, 0));
    assertThat(StoreScenario.files(temp.resolve("store/staging"))).isEmpty();
    assertThat(store.record("1")).isEmpty();
  }

  @Test
  void shouldReadNothingAgainWhenNothingChanged() throws Exception {
    PackageFixture fixture = fixture();
    accept(fixture);
    store.close();
    open();
    List<String> opened = new ArrayList<>();
    PackageSource watched =
        path -> {
          opened.add(path);
          return fixture.open(path);
        };
    Reasons reasons = new Reasons();

    Optional<ModelDescription> again =
        installer
            .install(
                new PackageInstaller.Origin(
                    1, "test 1.0.0", "test:1", 1, fixture.capabilities(), watched),
                Judgement.NONE,
                reasons,
                () -> false)
            .map(PackageInstaller.Taken::description);

    assertThat(again).isPresent();
    assertThat(opened).containsExactly("model.json");
  }

  @Test
  void shouldRecordNewStampWhenFileWasRestored() throws Exception {
    PackageFixture fixture = fixture();
    ModelDescription model = accept(fixture);
    ModelFile golden = model.golden().orElseThrow().file();
    Files.delete(store.path(golden));
    Reasons reasons = new Reasons();
    store.store(golden, fixture, reasons, () -> false);
    Stamp restored = store.stamp(golden).orElseThrow();
    store.close();
    open();
    assertThat(store.record("1").orElseThrow().stamps().get(golden.sha256()))
        .isNotEqualTo(restored);

    accept(fixture);

    assertThat(store.record("1").orElseThrow().stamps()).containsEntry(golden.sha256(), restored);
  }

  @Test
  void shouldCheckAgainWhenCheckerBundleOrFilesChanged() throws Exception {
    PackageFixture fixture = fixture();
    accept(fixture);
    store.close();
    open();
    installer = new PackageInstaller(store, Signatures.off(), "test 2");
    fixture.files.get("ir/net.bin")[0] ^= 1;

    Reasons reasons = new Reasons();
    assertThat(installer.install(fixture.origin(1), Judgement.NONE, reasons, () -> false))
        .isEmpty();

    assertThat(reasons.list()).singleElement().asString().startsWith("ir/net.bin: has another");
    assertThat(store.record("1")).isEmpty();
  }

  private void update(int version) throws StoreException {
    PackageFixture fixture = new PackageFixture("model", version + ".0.0", new Random(version), 99);
    Reasons reasons = new Reasons();
    PackageInstaller.Origin origin =
        new PackageInstaller.Origin(
            1, "test " + version, "test:1", version, fixture.capabilities(), fixture);
    assertThat(installer.install(origin, Judgement.NONE, reasons, () -> false))
        .as(reasons.list().toString())
        .isPresent();
    store.collect();
  }

  private List<String> stored() {
    return store.records().stream()
        .map(r -> PackageInstaller.describe(r).orElseThrow().version().toString())
        .sorted()
        .toList();
  }

  @Test
  void shouldKeepVersionToGoBackToOverAnyNumberOfUpdatesAndRestarts() throws Exception {
    update(1);
    String first = store.record("1").orElseThrow().modelSha256();
    store.keep(first, true);
    update(2);
    update(3);
    store.close();
    open();
    installer = new PackageInstaller(store, Signatures.off(), "test 1");
    update(4);
    assertThat(stored()).containsExactly("1.0.0", "3.0.0", "4.0.0");
    for (InstallRecord record : store.records()) {
      PackageInstaller.describe(record).orElseThrow().variants().stream()
          .flatMap(variant -> variant.files().stream())
          .forEach(file -> assertThat(store.path(file)).hasSize(file.size()));
    }

    store.keep(store.record("1").orElseThrow().modelSha256(), true);
    store.keep(first, false);
    update(5);
    assertThat(stored()).containsExactly("4.0.0", "5.0.0");
  }

  /** A framework may show a bundle's old contents with its new time while it is being updated. */
  @Test
  void shouldKeepLastGoodContentsWhenNewOnesAreRefusedAtTheSameTime() throws Exception {
    PackageFixture fixture = fixture();
    ModelDescription good = accept(fixture);
    PackageFixture broken = fixture();
    broken.set("/bogus", "1");

    Reasons reasons = new Reasons();
    assertThat(installer.install(broken.origin(1), Judgement.NONE, reasons, () -> false)).isEmpty();

    assertThat(reasons.list()).hasSize(1);
    store.collect();
    InstallRecord kept = store.record("1").orElseThrow();
    assertThat(PackageInstaller.describe(kept)).contains(good);
    assertThat(store.isIntact(good.golden().orElseThrow().file())).isTrue();
  }

  /** Whatever is done to a document, it is refused with reasons or accepted, and never fails. */
  @Test
  void shouldNeverFailWhateverTheDocument() throws Exception {
    Random random = new Random(99);
    List<String> values =
        List.of(
            "null",
            "true",
            "-1",
            "0",
            "1.5",
            "1e18",
            "\"\"",
            "\"x\"",
            "[]",
            "{}",
            "[[]]",
            "[null]",
            "{\"step\": \"nms\"}",
            "99999999999999999999",
            "\"\\ud800\"",
            "[-1]");
    int accepted = 0;
    for (int i = 0; i < 1_500; i++) {
      PackageFixture fixture = fixture();
      for (int n = 0; n <= random.nextInt(3); n++) {
        mutate(fixture.document, random, values);
      }
      Reasons reasons = new Reasons();
      Optional<ModelDescription> model =
          installer
              .install(fixture.origin(1), Judgement.NONE, reasons, () -> false)
              .map(PackageInstaller.Taken::description);
      assertThat(model.isPresent()).as(fixture.document::toString).isEqualTo(reasons.isEmpty());
      accepted += model.isPresent() ? 1 : 0;
    }
    assertThat(accepted).isBetween(5, 1_000);
  }

  private static void mutate(JsonElement element, Random random, List<String> values) {
    JsonElement at = element;
    while (true) {
      JsonElement value =
          com.google.gson.JsonParser.parseString(values.get(random.nextInt(values.size())));
      if (at instanceof JsonObject object && object.size() > 0) {
        List<String> names = List.copyOf(object.keySet());
        String name = names.get(random.nextInt(names.size()));
        JsonElement child = object.get(name);
        boolean inner = child.isJsonObject() || child.isJsonArray();
        if (inner && random.nextInt(6) > 0) {
          at = child;
        } else if (random.nextInt(3) == 0) {
          object.remove(name);
          return;
        } else {
          object.add(random.nextInt(5) == 0 ? "x" + name : name, value);
          return;
        }
      } else if (at instanceof JsonArray array && array.size() > 0) {
        int index = random.nextInt(array.size());
        JsonElement child = array.get(index);
        boolean inner = child.isJsonObject() || child.isJsonArray();
        if (inner && random.nextInt(6) > 0) {
          at = child;
        } else if (random.nextInt(3) == 0) {
          array.add(child.deepCopy());
          return;
        } else {
          array.set(index, value);
          return;
        }
      } else {
        return;
      }
    }
  }

  /** How an input was distributed, with one feature. */
  private static String drift(String tensor, String edges, String row) {
    return "{\"count\": 3, \"source\": \"calibration\", \"sha256\": \""
        + "0".repeat(64)
        + "\", \"features\": [{\"side\": \"input\", \"kind\": \"mean\", \"mean\": 0, \"std\": 1, "
        + tensor
        + ", \"edges\": "
        + edges
        + ", \"counts\": ["
        + row
        + "]}]}";
  }
}
