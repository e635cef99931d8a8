/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.onnxruntime.OrtProvider;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a model's nodes run, by the profile that the runtime writes of an inference. All versions
 * since 1.11 write it, and no function of the C API says the same in all of them.
 *
 * <p>What TensorRT takes runs as one node for each engine, so that its share is what no other
 * provider ran.
 *
 * @param nodes of the model's file
 * @param tensorRt nodes that are in TensorRT's engines
 * @param cuda nodes that the CUDA provider ran
 * @param cpu nodes that the CPU ran
 * @param cpuOperators operators of these, in the order of the alphabet
 */
record Placement(long nodes, long tensorRt, long cuda, long cpu, Set<String> cpuOperators) {
  private static final String CPU = "CPUExecutionProvider";
  private static final Pattern NAME =
      Pattern.compile("\"name\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern PROVIDER = Pattern.compile("\"provider\"\\s*:\\s*\"(\\w+)\"");
  private static final Pattern OPERATOR = Pattern.compile("\"op_name\"\\s*:\\s*\"([^\"]*)\"");
  private static final Pattern ENDING = Pattern.compile("_(kernel_time|fence_before|fence_after)$");

  /** Copies between the host and the device: no nodes of the model. */
  private static final Set<String> COPIES = Set.of("MemcpyToHost", "MemcpyFromHost");

  /** Longer than any profile of one inference. */
  private static final long MOST_LINES = 2_000_000;

  /**
   * Reads a profile.
   *
   * @param nodes of the model's file
   * @throws AcceleratorException FAILED if it cannot be read, or says nothing of nodes: then nobody
   *     knows where they run
   */
  static Placement read(Path profile, long nodes) throws AcceleratorException {
    Map<String, Set<String>> ran = new HashMap<>();
    Set<String> cpuOperators = new TreeSet<>();
    try (BufferedReader reader = Files.newBufferedReader(profile, StandardCharsets.ISO_8859_1)) {
      long count = 0;
      for (String line = reader.readLine();
          line != null && count < MOST_LINES;
          line = reader.readLine(), count++) {
        Matcher provider = PROVIDER.matcher(line);
        Matcher name = NAME.matcher(line);
        if (!provider.find() || !name.find()) {
          continue;
        }
        Matcher operator = OPERATOR.matcher(line);
        String kind = operator.find() ? operator.group(1) : "";
        if (COPIES.contains(kind)) {
          continue;
        }
        ran.computeIfAbsent(provider.group(1), key -> new HashSet<>())
            .add(ENDING.matcher(name.group(1)).replaceFirst(""));
        if (provider.group(1).equals(CPU) && !kind.isEmpty()) {
          cpuOperators.add(kind);
        }
      }
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED,
          "the runtime's profile cannot be read, so that nobody knows where the nodes run file="
              + profile
              + " cause="
              + e,
          e);
    }
    if (ran.isEmpty()) {
      throw new AcceleratorException(
          Code.FAILED,
          "the runtime's profile names no node, so that nobody knows where they run file="
              + profile);
    }
    return of(
        nodes,
        ran.getOrDefault(OrtProvider.TENSORRT.runtimeName(), Set.of()).size(),
        ran.getOrDefault(OrtProvider.CUDA.runtimeName(), Set.of()).size(),
        ran.getOrDefault(CPU, Set.of()).size(),
        cpuOperators);
  }

  private static Placement of(
      long nodes, long engines, long cuda, long cpu, Set<String> cpuOperators) {
    if (engines > 0) {
      long all = Math.max(nodes, cuda + cpu + 1);
      return new Placement(all, all - cuda - cpu, cuda, cpu, cpuOperators);
    }
    // The runtime has merged or dropped nodes before it ran them: all that is left counts.
    return new Placement(cuda + cpu, 0, cuda, cpu, cpuOperators);
  }

  /** Share of nodes on the CPU, percent. */
  double cpuPercent() {
    return nodes == 0 ? 0 : 100.0 * cpu / nodes;
  }

  /** As details of a model. */
  Map<String, String> details() {
    Map<String, String> details = new LinkedHashMap<>();
    details.put("nodes", Long.toString(nodes));
    details.put("nodesOnTensorRt", Long.toString(tensorRt));
    details.put("nodesOnCuda", Long.toString(cuda));
    details.put("nodesOnCpu", Long.toString(cpu));
    details.put("cpuPercent", String.format(Locale.ROOT, "%.1f", cpuPercent()));
    if (!cpuOperators.isEmpty()) {
      details.put("operatorsOnCpu", String.join(",", cpuOperators));
    }
    return details;
  }
}
