/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.shoji.testkit.OnnxModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A large model, in a process with little memory: to its end, and interrupted; and a full disk. */
final class QuantizeProcessTest {
  private static final int SAMPLES = 500;
  private static final int WIDTH = 1024;
  private static final long PATIENCE_SECONDS = 300;

  @TempDir private Path folder;

  private Object[] words(Path out) throws IOException {
    Path model =
        Files.write(folder.resolve("large.onnx"), OnnxModels.mlp(7, WIDTH, 3072, 3072, 10));
    assertThat(Files.size(model)).isGreaterThan(50_000_000);
    Path samples = samples(folder.resolve("x.npy"));
    return new Object[] {
      model,
      "--calibration",
      samples,
      "--evaluation",
      samples + "[:100]",
      "--metric",
      "cosine",
      "--minimum",
      "0.9",
      "--reference",
      "fp32",
      "--method",
      "entropy",
      "--rounds",
      "0",
      "--output",
      out
    };
  }

  private static Path samples(Path file) throws IOException {
    String header =
        String.format(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", SAMPLES, WIDTH);
    header = header + " ".repeat(117 - header.length()) + "\n";
    ByteBuffer bytes =
        ByteBuffer.allocate(128 + 4 * SAMPLES * WIDTH).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY\1\0".getBytes(StandardCharsets.ISO_8859_1));
    bytes.putShort((short) header.length()).put(header.getBytes(StandardCharsets.ISO_8859_1));
    Random random = new Random(5);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(bytes.flip());
    }
    return file;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private Process start(List<String> command, Path log) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  @Test
  void shouldQuantize50MegabytesWhenTheHeapHas512() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    Path out = folder.resolve("out");
    Path log = folder.resolve("log");
    Process process = start(Quantize.command(temporary, "512m", words(out)), log);

    boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String said = Files.readString(log);
    assertThat(ended).as(said).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(said).contains("calibrating", "making onnx-int8", "written: ");
    assertThat(names(out))
        .containsExactly("large-int8.onnx", "large-int8.onnx.evidence.json", "large-report.html");
    assertThat(Files.size(out.resolve("large-int8.onnx"))).isLessThan(50_000_000 * 26 / 100);
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void shouldLeaveNothingWhenCtrlCEndsIt() throws Exception {
    assumeFalse(
        Quantize.ignoresInterrupts(),
        "SIGINT is ignored by whoever started this, as a script does for what it puts in the background");
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    Path out = folder.resolve("out");
    Path log = folder.resolve("log");
    Process process = start(Quantize.command(temporary, "512m", words(out)), log);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Files.readString(log).contains("calibrating")
        && process.isAlive()
        && System.nanoTime() < end) {
      process.waitFor(20, TimeUnit.MILLISECONDS);
    }

    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();

    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isEqualTo(130);
    assertThat(said).contains("shoji: interrupted; nothing was written").doesNotContain("\tat ");
    assertThat(out).doesNotExist();
    assertThat(temporary).isEmptyDirectory();
    assertThat(names(folder)).containsExactly("large.onnx", "log", "temporary", "x.npy");
  }

  @Test
  void shouldLeaveNothingWhenTheDiskIsFull() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    Path small = Files.createDirectory(folder.resolve("small"));
    List<String> quantize =
        Quantize.command(
            temporary,
            "512m",
            Quantize.model("digits"),
            "--package",
            Quantize.packageOf("digits"),
            "--calibration",
            Quantize.calibration("digits"),
            "--evaluation",
            Quantize.golden("digits"),
            "--metric",
            "top1",
            "--max-drop",
            "0.01",
            "--rounds",
            "0",
            "--output",
            small.resolve("out"));
    String quoted =
        quantize.stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
    // Room for the model, not for its report.
    String script =
        "mount -t tmpfs -o size=64k tmpfs "
            + small
            + " || exit 77; "
            + quoted
            + "; code=$?; "
            + "echo left: $(find "
            + small
            + " -mindepth 1); exit $code";
    List<String> command =
        new ArrayList<>(List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"));
    command.add(script);
    Path log = folder.resolve("log");
    Process process = start(command, log);

    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(log);
    assumeFalse(
        said.contains("unshare:") || process.exitValue() == 77, () -> "no mounts here: " + said);
    assertThat(process.exitValue()).as(said).isEqualTo(1);
    assertThat(said)
        .contains("a result cannot be written; nothing was left there")
        .contains("No space left on device")
        .containsPattern("(?m)^left:$")
        .doesNotContain("\tat ");
    assertThat(temporary).isEmptyDirectory();
  }
}
