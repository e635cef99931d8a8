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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the runtime's profile says of where nodes ran. */
class PlacementTest {
  @TempDir Path folder;

  private static String event(String name, String operator, String provider) {
    return "{\"cat\" : \"Node\",\"pid\" :1,\"tid\" :2,\"dur\" :3,\"ts\" :4,\"ph\" : \"X\",\"name\" :\""
        + name
        + "_kernel_time\",\"args\" : {\"op_name\" : \""
        + operator
        + "\",\"provider\" : \""
        + provider
        + "\",\"node_index\" : \"5\"}},\n";
  }

  private Placement read(long nodes, String... events) throws Exception {
    Path file = folder.resolve("profile.json");
    Files.writeString(
        file,
        "[\n{\"cat\" : \"Session\",\"name\" :\"model_loading_uri\",\"args\" : {}},\n"
            + String.join("", events)
            + "]\n");
    return Placement.read(file, nodes);
  }

  @Test
  void shouldGiveTensorRtWhatNobodyElseRan() throws Exception {
    Placement placement =
        read(
            20,
            event("TRT_0", "TRTKernel_graph_main_0", "TensorrtExecutionProvider"),
            event("copy", "MemcpyToHost", "CUDAExecutionProvider"),
            event("resize", "Resize", "CUDAExecutionProvider"),
            event("nms", "NonMaxSuppression", "CPUExecutionProvider"),
            event("nms", "NonMaxSuppression", "CPUExecutionProvider"));
    assertThat(placement.nodes()).isEqualTo(20);
    assertThat(placement.tensorRt()).isEqualTo(18);
    assertThat(placement.cuda()).isEqualTo(1);
    assertThat(placement.cpu()).isEqualTo(1);
    assertThat(placement.cpuPercent()).isEqualTo(5);
    assertThat(placement.details())
        .containsEntry("operatorsOnCpu", "NonMaxSuppression")
        .containsEntry("cpuPercent", "5.0");
  }

  @Test
  void shouldSayThatAllIsOnTheCpuWhenItIsThoughTheRuntimeMergedNodes() throws Exception {
    Placement placement =
        read(
            5,
            event("a", "FusedGemm", "CPUExecutionProvider"),
            event("b", "Gemm", "CPUExecutionProvider"));
    assertThat(placement.tensorRt()).isZero();
    assertThat(placement.cpuPercent()).isEqualTo(100);
  }

  @Test
  void shouldRefuseToGuessWhenTheProfileSaysNothing() {
    assertThatThrownBy(() -> read(5))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("nobody knows");
    assertThatThrownBy(() -> Placement.read(folder.resolve("absent"), 5))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("absent");
  }
}
