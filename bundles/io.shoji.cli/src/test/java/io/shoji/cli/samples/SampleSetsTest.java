/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.model.PipelineDescription;
import io.shoji.operations.Progress;
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SampleSetsTest {
  private static final Path BUNDLES = Path.of("..");
  private static final Path PICTURES = BUNDLES.resolve("io.shoji.gateway/src/main/demo/digits");
  private static final Path RECORDINGS = BUNDLES.resolve("io.shoji.gateway/src/main/demo/bearing");
  private static final ModelInterface DIGITS =
      new ModelInterface(
          List.of(
              TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 1, 8, 8))
                  .withLayout(Layout.NCHW)),
          List.of(TensorSpec.of("logits", ElementType.FLOAT32, Shape.of(-1, 10))));
  private static final ModelInterface BEARING =
      new ModelInterface(
          List.of(
              TensorSpec.of("window", ElementType.FLOAT32, Shape.of(-1, 1, 2048))
                  .withLayout(Layout.NCW)),
          List.of(TensorSpec.of("logits", ElementType.FLOAT32, Shape.of(-1, 4))));
  private static final ModelInterface FEATURES =
      new ModelInterface(
          List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(-1, 3))),
          List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(-1, 2))));

  @TempDir private Path folder;

  private static Path golden(String model) {
    return BUNDLES.resolve(
        "io.shoji.model." + model + "/src/main/resources/SHOJI-INF/golden/samples.safetensors");
  }

  private static SampleOptions packageOf(String model, Expected expected)
      throws QuantizerException {
    PipelineFile file = PipelineFile.read(BUNDLES.resolve("io.shoji.model." + model));
    return new SampleOptions(file.pipeline(), file.classes(), Optional.empty(), expected);
  }

  private static SampleOptions labels() {
    return SampleOptions.ofTensors().with(Expected.LABEL);
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text, StandardCharsets.UTF_8);
  }

  /** A gray picture of one value. */
  private static void picture(Path file, int width, int height, int value) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.getRaster().setSample(x, y, 0, value);
      }
    }
    Files.createDirectories(file.getParent());
    assertThat(ImageIO.write(image, "png", file.toFile())).isTrue();
  }

  private static Samples samples(String name, Tensor... tensors) {
    return new Samples() {
      @Override
      public int size() {
        return tensors.length;
      }

      @Override
      public Map<String, Tensor> inputs(int index) {
        return Map.of(name, tensors[index]);
      }
    };
  }

  private static Tensor features(float... values) {
    return Tensor.ofFloats(Shape.of(1, values.length), values);
  }

  private static Tensor label(long value) {
    Tensor label = Tensor.allocate(ElementType.INT64, Shape.of(1));
    label.setLong(0, value);
    return label;
  }

  private static long[] labelsOf(SampleSet set) throws QuantizerException {
    long[] labels = new long[set.size()];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = set.expected(i).getLong(0);
    }
    return labels;
  }

  private static void assertRefused(
      Path path, ModelInterface model, SampleOptions options, String... parts) {
    assertThatThrownBy(
            () -> {
              try (SampleSet set = SampleSets.open(path, model, options)) {
                SampleDigest.of(set, Progress.NONE);
              }
            })
        .isInstanceOf(QuantizerException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void shouldGiveWhatThePackageWasTestedWithWhenPicturesGoThroughItsPipeline() throws Exception {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    StringBuilder table = new StringBuilder("label,file\n");
    try (Stream<Path> files = Files.list(PICTURES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".png")).sorted().toList()) {
        String name = file.getFileName().toString();
        Files.copy(file, pictures.resolve(name));
        table.append(name, 4, 5).append(',').append(name).append('\n');
      }
    }
    write(pictures.resolve("labels.csv"), table.toString());

    try (SampleSet golden =
            SampleSets.open(golden("digits"), DIGITS, packageOf("digits", Expected.LABEL));
        SampleSet set = SampleSets.open(pictures, DIGITS, packageOf("digits", Expected.LABEL))) {
      assertThat(set.size()).isEqualTo(golden.size()).isEqualTo(500);
      assertThat(labelsOf(set)).isEqualTo(labelsOf(golden));
      for (int i = 0; i < 500; i++) {
        Tensor expected = golden.inputs(i).get("image");
        Tensor found = set.inputs(i).get("image");
        assertThat(found.shape()).isEqualTo(Shape.of(1, 1, 8, 8));
        for (int j = 0; j < 64; j++) {
          assertThat(found.getFloat(j)).isEqualTo(expected.getFloat(j), Offset.offset(0.01f));
        }
      }
      assertThat(set.name(7)).isEqualTo("007_7.png");
    }
  }

  @Test
  void shouldCutWindowsWhenRecordingsGoThroughAPipeline() throws Exception {
    SampleOptions options = packageOf("bearing", Expected.LABEL);
    try (SampleSet set = SampleSets.open(RECORDINGS, BEARING, options)) {
      WavFile first = WavFile.open(RECORDINGS.resolve("normal_machine01_1440rpm.wav"));
      long windows = 1 + (first.length() - 2048) / 1024;

      assertThat(set.name(0)).isEqualTo("normal_machine01_1440rpm.wav[0]");
      assertThat(set.name((int) windows)).isEqualTo("normal_machine06_1755rpm.wav[0]");
      assertThat(set.expected((int) windows - 1).getLong(0)).isZero();
      Tensor late = set.inputs((int) windows - 1).get("window");
      float[] kept =
          IntStream.range(0, 2048)
              .collect(() -> new float[2048], (a, i) -> a[i] = late.getFloat(i), (a, b) -> {});
      set.inputs(0);
      Tensor again = set.inputs((int) windows - 1).get("window");
      for (int i = 0; i < 2048; i++) {
        assertThat(again.getFloat(i)).isEqualTo(kept[i]);
      }
    }
  }

  @Test
  void shouldHaveOneDigestWhenTheSameSamplesComeInSeveralForms() throws Exception {
    NpyFile.write(folder.resolve("x.npy"), samples("x", features(1, 2, 3), features(4, 5, 6)), "x");
    NpyFile.write(folder.resolve("label.npy"), samples("l", label(1), label(0)), "l");
    write(folder.resolve("table.csv"), "a,label,b,c\r\n1,1,2,3\r\n\r\n4,0,5,\"6\"\r\n");
    Path stacked = folder.resolve("stacked.safetensors");
    safetensors(stacked, "input.x", "label", new float[] {1, 2, 3, 4, 5, 6}, 1, 0);
    write(folder.resolve("classes/0/b.csv"), "a,b,c\n4,5,6\n");
    write(folder.resolve("classes/1/a.csv"), "a,b,c\n1,2,3\n");
    write(folder.resolve("labels.csv"), "file,label\n1/a.csv,1\n0/b.csv,0\n");
    SampleOptions listed =
        new SampleOptions(
            Optional.empty(), List.of(), Optional.of(folder.resolve("labels.csv")), Expected.LABEL);

    String digest = digest(folder.resolve("table.csv"), labels());
    assertThat(digest).matches("[0-9a-f]{64}");
    assertThat(digest(folder.resolve("x.npy"), labels())).isEqualTo(digest);
    assertThat(digest(stacked, labels())).isEqualTo(digest);
    assertThat(digest(folder.resolve("classes"), listed)).isEqualTo(digest);
    assertThat(digest(Path.of(stacked + "[:1]"), labels())).isNotEqualTo(digest);
    assertThat(digest(Path.of(stacked + "[0:2]"), labels())).isEqualTo(digest);
    try (SampleSet set =
        SampleSets.open(folder.resolve("x.npy"), FEATURES, SampleOptions.ofTensors())) {
      assertThat(SampleDigest.ofInputs(set, Progress.NONE)).isNotEqualTo(digest);
    }
    try (SampleSet byFolders = SampleSets.open(folder.resolve("classes"), FEATURES, labels())) {
      assertThat(labelsOf(byFolders)).containsExactly(0, 1);
    }
  }

  private static String digest(Path path, SampleOptions options) throws QuantizerException {
    try (SampleSet set = SampleSets.open(path, FEATURES, options)) {
      return SampleDigest.of(set, Progress.NONE);
    }
  }

  private static void safetensors(
      Path file, String input, String label, float[] values, long... labels) throws IOException {
    String header =
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[%d,3],\"data_offsets\":[0,%d]},\"%s\":{\"dtype\":\"I64\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}"
            .formatted(
                input,
                values.length / 3,
                4 * values.length,
                label,
                labels.length,
                4 * values.length,
                4 * values.length + 8 * labels.length);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length() + 4 * values.length + 8 * labels.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.UTF_8));
    for (float value : values) {
      bytes.putFloat(value);
    }
    for (long each : labels) {
      bytes.putLong(each);
    }
    Files.write(file, bytes.array());
  }

  @Test
  void shouldTakeClassesByTurnsWhenTheyAreFolders() throws Exception {
    for (String file : List.of("cat/1.csv", "cat/2.csv", "dog/1.csv")) {
      write(folder.resolve(file), "a,b,c\n1,2,3\n");
    }
    write(folder.resolve(".hidden/1.csv"), "a\n");
    write(folder.resolve("cat/Thumbs.db"), "");

    try (SampleSet set = SampleSets.open(folder, FEATURES, labels())) {
      assertThat(List.of(set.name(0), set.name(1), set.name(2)))
          .containsExactly("cat/1.csv", "dog/1.csv", "cat/2.csv");
      assertThat(labelsOf(set)).containsExactly(0, 1, 0);
      assertThat(set.description()).contains("[cat, dog]");
    }
  }

  @Test
  void shouldSayWhatToDoWhenSamplesCannotBeUsed() throws Exception {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertRefused(empty, FEATURES, labels(), "the folder holds no samples", "file=" + empty);
    assertRefused(folder.resolve("none"), FEATURES, labels(), "there are no samples of that name");
    write(folder.resolve("a.txt"), "");
    assertRefused(folder.resolve("a.txt"), FEATURES, labels(), "no form of samples");
    write(folder.resolve("empty.csv"), "");
    assertRefused(folder.resolve("empty.csv"), FEATURES, labels(), "the table is empty");
    write(folder.resolve("heading.csv"), "a,b,c,label\n");
    assertRefused(folder.resolve("heading.csv"), FEATURES, labels(), "there are no samples in it");
    write(folder.resolve("nan.csv"), "a,b,c,label\n1,2,3,0\n1,NaN,3,1\n");
    assertRefused(
        folder.resolve("nan.csv"), FEATURES, labels(), "no finite number", "sample=nan.csv row 2");
    write(folder.resolve("text.csv"), "a,b,c,label\n1,2,x,0\n");
    assertRefused(
        folder.resolve("text.csv"), FEATURES, labels(), "no number column=c found=x row=1");
    write(folder.resolve("short.csv"), "a,b,c,label\n1,2,3\n");
    assertRefused(folder.resolve("short.csv"), FEATURES, labels(), "asked=4 found=3 row=1");
    write(folder.resolve("unlabelled.csv"), "a,b,c\n1,2,3\n");
    assertRefused(
        folder.resolve("unlabelled.csv"),
        FEATURES,
        labels(),
        "the metric needs a label per sample");
    write(folder.resolve("flat/1.csv"), "a,b,c\n1,2,3\n");
    assertRefused(
        folder.resolve("flat"),
        FEATURES,
        labels(),
        "needs a label",
        "folder per class",
        "--labels");
    write(folder.resolve("mixed/0/1.csv"), "a,b,c\n1,2,3\n");
    picture(folder.resolve("mixed/1/1.png"), 8, 8, 9);
    assertRefused(folder.resolve("mixed"), FEATURES, labels(), "samples are of one kind");
    assertRefused(folder.resolve("nan.csv[5:9]"), FEATURES, labels(), "no such samples", "found=2");
  }

  @Test
  void shouldSayWhatToDoWhenPicturesDoNotFit() throws Exception {
    Path pictures = folder.resolve("pictures");
    picture(pictures.resolve("0/a.png"), 8, 8, 1);
    picture(pictures.resolve("1/b.png"), 9, 8, 1);
    PipelineDescription whole = packageOf("digits", Expected.LABEL).pipeline().orElseThrow();
    PipelineDescription unsized =
        new PipelineDescription(
            whole.source(),
            OptionalDouble.empty(),
            List.of(),
            whole.pre().stream().filter(step -> !step.name().equals("resize")).toList(),
            List.of());
    SampleOptions options =
        new SampleOptions(Optional.of(unsized), List.of(), Optional.empty(), Expected.LABEL);

    assertRefused(pictures, DIGITS, labels(), "--package", "--pipeline FILE", "--mean");
    assertRefused(
        pictures, DIGITS, options, "not the size of the model's input", "resize", "1/b.png");
    ModelInterface any =
        new ModelInterface(
            List.of(
                TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 1, -1, -1))
                    .withLayout(Layout.NCHW)),
            DIGITS.outputs());
    assertRefused(pictures, any, options, "several shapes", "of=0/a.png", "sample=1/b.png");
    write(pictures.resolve("1/c.png"), "no picture");
    assertRefused(
        pictures, DIGITS, packageOf("digits", Expected.LABEL), "cannot decode", "1/c.png");
    Files.delete(pictures.resolve("1/c.png"));
    write(pictures.resolve("labels.csv"), "file,label\n0/a.png,zero\n1/b.png,1\n");
    assertRefused(
        pictures,
        DIGITS,
        packageOf("digits", Expected.LABEL),
        "a class is not among those of the model",
        "found=[zero]");
    write(pictures.resolve("labels.csv"), "file,label\n0/z.png,1\n");
    assertRefused(pictures, DIGITS, options, "not there", "0/z.png");
  }

  @Test
  void shouldRefuseAnOrderThatCannotBeToldWhenClassesAreMissing() throws Exception {
    picture(folder.resolve("pump/a.png"), 8, 8, 1);
    picture(folder.resolve("valve/b.png"), 8, 8, 1);
    SampleOptions options = packageOf("digits", Expected.LABEL);
    SampleOptions unnamed =
        new SampleOptions(options.pipeline(), List.of(), Optional.empty(), Expected.LABEL);

    assertRefused(folder, DIGITS, unnamed, "--classes FILE", "found=[pump, valve]", "classes=10");
  }

  @Test
  void shouldRefuseAFileThatIsCutOffWhenItIsOpened() throws Exception {
    byte[] whole = Files.readAllBytes(golden("digits"));
    Path cut = folder.resolve("cut.safetensors");
    for (int length : new int[] {0, 7, 9, 200, whole.length - 1}) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertRefused(cut, DIGITS, labels(), "file=" + cut);
    }
    Path wav = folder.resolve("0/cut.wav");
    Files.createDirectories(wav.getParent());
    byte[] recording = Files.readAllBytes(RECORDINGS.resolve("normal_machine01_1440rpm.wav"));
    Files.write(wav, Arrays.copyOf(recording, recording.length / 2));
    assertRefused(
        folder.resolve("0"), BEARING, packageOf("bearing", Expected.NOTHING), "cut off", "cut.wav");
  }
}
