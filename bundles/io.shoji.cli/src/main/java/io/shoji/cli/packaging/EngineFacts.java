/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads what the header of a TensorRT engine ("plan") tells without TensorRT: its tag and the
 * version that built it, as {@code trtexec --getPlanVersionOnly} of TensorRT 10 reads them. Chip
 * and precision stand in parts that NVIDIA does not document, and must be said by who built it.
 */
final class EngineFacts {
  /** "ftrt" as a little-endian number. */
  private static final int TAG = 0x74727466;

  private static final int HEADER = 28;
  private static final int VERSION_AT = 24;

  /** The layout of the header is known for this version of it. */
  private static final int SERIALIZATION = 0;

  private EngineFacts() {}

  /** Whether a file begins as an engine does. */
  static boolean is(byte[] start) {
    return start.length >= 4
        && ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getInt() == TAG;
  }

  /**
   * Reads a file.
   *
   * @param precision what it was built for, by who built it
   * @param architecture the chip that it was built on, as {@code sm_87}, by who built it
   */
  static ModelFacts of(Path file, Optional<Precision> precision, Optional<String> architecture)
      throws CommandException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(HEADER);
    } catch (IOException e) {
      throw Refusal.io("the engine cannot be read", file, e);
    }
    ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < HEADER || header.getInt(0) != TAG) {
      throw Refusal.of(
          "BAD_MODEL",
          "this is no TensorRT engine, or one of TensorRT before 8.6, whose header does not tell its"
              + " version: build it with a newer one bytes="
              + bytes.length
              + " file="
              + file);
    }
    if (header.getInt(4) != SERIALIZATION) {
      throw Refusal.of(
          "BAD_MODEL",
          "the engine's header is of a version that this command does not know asked="
              + SERIALIZATION
              + " found="
              + Integer.toUnsignedString(header.getInt(4))
              + " file="
              + file);
    }
    if (precision.isEmpty() || architecture.isEmpty()) {
      throw Refusal.usage(
          "an engine runs on the chip and with the TensorRT that built it, and does not tell the chip:"
              + " say --architecture, as sm_87 (Orin), and --precision file="
              + file);
    }
    String version =
        Byte.toUnsignedInt(bytes[VERSION_AT])
            + "."
            + Byte.toUnsignedInt(bytes[VERSION_AT + 1])
            + "."
            + Byte.toUnsignedInt(bytes[VERSION_AT + 2]);
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(AcceleratorInfo.ARCHITECTURE, architecture.get());
    properties.put(AcceleratorInfo.RUNTIME, "tensorrt");
    properties.put(AcceleratorInfo.RUNTIME_VERSION, version);
    Map<String, String> details = new LinkedHashMap<>();
    details.put("tensorrt", version + "." + Byte.toUnsignedInt(bytes[VERSION_AT + 3]));
    details.put("architecture", architecture.get() + " (said, not read)");
    return new ModelFacts(
        ModelFacts.TENSORRT_ENGINE,
        precision.get(),
        List.of(),
        List.of(),
        properties,
        details,
        List.of(
            "no driver of this release loads TensorRT engines; gateways leave the variant alone until one does"));
  }
}
