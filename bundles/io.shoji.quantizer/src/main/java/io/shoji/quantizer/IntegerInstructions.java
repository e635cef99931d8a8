/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Whether a processor multiplies and sums 8-bit integers in one instruction. Where it does not,
 * INT8 may be slower than FP32, and on x86 sums of two products saturate at 16 bits.
 *
 * @param processor its name as Linux gives it, or its architecture
 * @param found those of the instruction sets that all of its cores have, by Linux' names: {@code
 *     avx512_vnni}, {@code avx_vnni}, {@code avx_vnni_int8}, {@code amx_int8} on x86, {@code
 *     asimddp}, {@code i8mm} on aarch64
 */
public record IntegerInstructions(String processor, List<String> found) {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private static final Set<String> KNOWN =
      new TreeSet<>(
          Set.of("avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"));

  /** Copies the list. */
  public IntegerInstructions {
    found = List.copyOf(found);
  }

  /** Whether there are any. */
  public boolean present() {
    return !found.isEmpty();
  }

  /**
   * Those of this machine.
   *
   * @throws QuantizerException UNREADABLE if Linux does not say
   */
  public static IntegerInstructions ofThisMachine() throws QuantizerException {
    try {
      return parse(Files.readString(CPU_INFO), System.getProperty("os.arch", ""));
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the processor's features cannot be read file=" + CPU_INFO, e);
    }
  }

  /**
   * Reads the text of {@code /proc/cpuinfo}, on x86 {@code flags}, on aarch64 {@code Features}.
   *
   * @param architecture what it is called if the text gives no name
   */
  public static IntegerInstructions parse(String cpuInfo, String architecture) {
    String name = architecture;
    Set<String> common = null;
    for (String line : cpuInfo.lines().toList()) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        continue;
      }
      String key = line.substring(0, colon).strip();
      String value = line.substring(colon + 1).strip();
      if (key.equals("model name")) {
        name = value;
      } else if (key.equals("flags") || key.equals("Features")) {
        Set<String> core = Set.copyOf(Arrays.asList(value.split(" +", -1)));
        if (common == null) {
          common = new TreeSet<>(KNOWN);
        }
        common.retainAll(core);
      }
    }
    return new IntegerInstructions(name, common == null ? List.of() : List.copyOf(common));
  }

  /** As a report says it. */
  @Override
  public String toString() {
    return present()
        ? processor + " has integer instructions: " + String.join(", ", found)
        : processor + " has no integer instructions (VNNI, AMX, dot product): INT8 may be slower";
  }
}
