/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.ModelStatus.Candidate;
import io.shoji.itests.faults.Forms.Form;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelChange;
import io.shoji.operations.Operations;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedEdgeTpu;
import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedOnnxRuntime;
import io.shoji.testkit.SimulatedOpenVino;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/**
 * One package in the forms of all accelerators, which moves between them as they are plugged in and
 * out by a tape while clients ask all the time. The processor's drivers run on the real ONNX
 * Runtime and the real TensorFlow Lite, those of the devices on the vendors' simulated libraries.
 */
class AcceleratorsIT {
  private static final String TAPE = "accelerators.tape";
  private static final int CLIENTS = 3;
  private static final int POLL_MS = 100;
  private static final int MOST_TURNS = 10;

  /** A device that is lost again and again is tried after pauses of up to a minute. */
  private static final long PATIENCE_SECONDS = 150;

  private static final List<String> DRIVERS =
      List.of(
          Gateway.CPU,
          "io.shoji.driver.edgetpu",
          "io.shoji.driver.hailo",
          "io.shoji.driver.openvino",
          "io.shoji.driver.tensorrt");

  private static final ModelRef REF = ModelRef.latest(Forms.MODEL);

  @TempDir static Path folder;

  private final Map<Form, Socket> sockets = new EnumMap<>(Form.class);

  /** What the journal said after each step; by itself it keeps the latest changes only. */
  private final Set<String> changes = new HashSet<>();

  @Test
  void shouldMoveToTheFastestAcceleratorThatIsThereAndLoseNoRequest() throws Exception {
    SimulatedHailoRt hailo = SimulatedHailoRt.in(folder.resolve("hailo"), "4.23.0");
    sockets.put(
        Form.HAILO,
        new Socket(
            Form.HAILO,
            true,
            hailo::tape,
            List.of("hailo_vstream_read_raw_buffer"),
            List.of(),
            List.of("no device")));
    SimulatedOnnxRuntime tensorRt =
        SimulatedOnnxRuntime.in(
            folder.resolve("tensorrt"), Gateway.realRuntime(folder.resolve("behind")));
    sockets.put(
        Form.TENSORRT,
        new Socket(
            Form.TENSORRT,
            false,
            tensorRt::tape,
            List.of("Run", "RunWithBinding"),
            List.of("provider tensorrt"),
            List.of(
                "from Run 1 status 15 the device was reset",
                "from RunWithBinding 1 status 15 the device was reset")));
    SimulatedEdgeTpu edgeTpu =
        SimulatedEdgeTpu.in(folder.resolve("edgetpu"), SimulatedEdgeTpu.FITTING);
    sockets.put(
        Form.EDGETPU,
        new Socket(
            Form.EDGETPU,
            true,
            edgeTpu::tape,
            List.of("KernelInvoke"),
            List.of(),
            List.of("no device")));
    SimulatedOpenVino openVino = SimulatedOpenVino.in(folder.resolve("openvino"), "2024.6.0");
    sockets.put(
        Form.OPENVINO,
        new Socket(
            Form.OPENVINO,
            true,
            openVino::tape,
            List.of("ov_infer_request_start_async"),
            List.of("device NPU 3720"),
            List.of("no device")));
    sockets.get(Form.HAILO).plug(1);
    sockets.get(Form.EDGETPU).plug(3);
    sockets.get(Form.TENSORRT).plug(8);
    sockets.get(Form.OPENVINO).plug(12);
    Map<String, Map<String, Object>> configurations =
        Map.of(
            Gateway.ENGINE,
            Gateway.engine(
                Map.of(
                    "measureRuns",
                    9,
                    "measureTimeMs",
                    300,
                    "probationMs",
                    0,
                    // On a busy machine loads that give way would take long.
                    "loaderNiceness",
                    0)),
            "io.shoji.driver.edgetpu",
            Map.of(
                "edgeTpuLibraryPath",
                edgeTpu.library().toString(),
                "edgeTpuTensorFlow",
                SimulatedEdgeTpu.FITTING,
                "edgeTpuLockFolder",
                Files.createDirectories(folder.resolve("locks")).toString(),
                "edgeTpuPollMs",
                POLL_MS),
            "io.shoji.driver.hailo",
            Map.of("libraryPath", hailo.library().toString(), "pollMs", POLL_MS),
            "io.shoji.driver.openvino",
            Map.of(
                "libraryPath",
                openVino.library().toString(),
                // Whether a Myriad X is there, the driver also asks of this machine's USB.
                "devices",
                "NPU",
                "cacheFolder",
                "none",
                "absenceMs",
                POLL_MS,
                "pollMs",
                POLL_MS),
            "io.shoji.driver.tensorrt",
            Map.of(
                "libraryPath",
                tensorRt.library().toString(),
                "cacheFolder",
                folder.resolve("engines").toString(),
                "pollMs",
                POLL_MS,
                "logSeverity",
                "fatal"));
    try (Gateway gateway = new Gateway(folder, configurations, libraries(), DRIVERS)) {
      InferenceService inference = gateway.inference();
      Operations operations = gateway.operations();
      gateway.install(Forms.write(folder.resolve("package"))).start();
      Waiting.until(
          () -> "the package is taken " + describe(inference),
          () -> inference.model(REF).isPresent());
      settle("at the start", inference);
      Crowd crowd = new Crowd(inference, sockets, CLIENTS);
      try {
        play(inference, operations, crowd);
        for (Socket socket : sockets.values()) {
          giveATurn(socket, gateway.bundle(driver(socket.form)), inference, operations, crowd);
        }
      } finally {
        crowd.close();
      }
      assertThat(crowd.complaints()).isEmpty();
      assertThat(crowd.answers()).as("answers, one to each request").isEqualTo(crowd.asked());
      assertThat(changes).containsAll(Set.copyOf(crowd.generations().values()));
      assertThat(operations.events(0))
          .filteredOn(event -> event.type() == EngineEvent.Type.MODEL_ROLLED_BACK)
          .isEmpty();
    }
    assertThat(hailo.misuse()).isEmpty();
    assertThat(hailo.record().open()).as("left of HailoRT").isEmpty();
    assertThat(edgeTpu.misuse()).isEmpty();
    assertThat(edgeTpu.record().open()).as("left of libedgetpu").isEmpty();
    assertThat(openVino.misuse()).isEmpty();
    assertThat(openVino.record().open()).as("left of OpenVINO").isEmpty();
    assertThat(tensorRt.record().open()).as("left of ONNX Runtime").isEmpty();
    assertThat(tensorRt.record().twice()).isEmpty();
  }

  private static List<String> libraries() {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    return List.of(
        "io.shoji.onnxruntime.linux." + architecture,
        "io.shoji.tensorflowlite.linux." + architecture);
  }

  private static String driver(Form form) {
    return "io.shoji.driver." + form.kind;
  }

  private void play(InferenceService inference, Operations operations, Crowd crowd)
      throws Exception {
    List<String> tape;
    try (InputStream in = AcceleratorsIT.class.getResourceAsStream(TAPE)) {
      tape =
          new String(in.readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.startsWith("#"))
              .toList();
    }
    for (String step : tape) {
      for (String each : step.split("; ")) {
        play(each);
      }
      settle(step, inference, operations, crowd);
    }
    Random random = new Random(7);
    List<Socket> all = List.copyOf(sockets.values());
    for (int round = 0; round < Proof.rounds(0, 60); round++) {
      Socket socket = all.get(random.nextInt(all.size()));
      String step =
          (socket.isPlugged() ? "unplug " : "plug ")
              + socket.form.kind
              + (socket.isPlugged() ? "" : " " + (1 << random.nextInt(5)));
      play(step);
      settle("round " + round + " " + step, inference, operations, crowd);
    }
  }

  /**
   * On a machine that is very busy figures may be such that a device had no turn: its driver starts
   * anew, and it is measured alone beside the processor, until it has one.
   */
  private void giveATurn(
      Socket socket, Bundle driver, InferenceService inference, Operations operations, Crowd crowd)
      throws Exception {
    for (int i = 0; i < MOST_TURNS && crowd.answers(socket.form) == 0; i++) {
      for (Socket each : sockets.values()) {
        if (each.isPlugged()) {
          each.unplug();
        }
      }
      settle("unplug all", inference, operations, crowd);
      driver.stop();
      socket.plug(1);
      driver.start();
      settle("plug " + socket.form.kind + " 1", inference, operations, crowd);
    }
    assertThat(crowd.answers(socket.form)).as("answers of %s", socket.form).isPositive();
  }

  private void play(String step) throws IOException {
    String[] words = step.split(" ");
    Socket socket =
        sockets.values().stream()
            .filter(each -> each.form.kind.equals(words[1]))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("no such device step=" + step));
    switch (words[0]) {
      case "plug" -> socket.plug(Double.parseDouble(words[2]));
      case "unplug" -> socket.unplug();
      default -> throw new IllegalStateException("no such step step=" + step);
    }
  }

  /** Waits until the fastest serves, and answers. */
  private void settle(String step, InferenceService inference, Operations operations, Crowd crowd) {
    Candidate chosen = settle(step, inference);
    long before = crowd.answers(Form.of(chosen.variant()));
    Waiting.until(
        PATIENCE_SECONDS,
        () ->
            "answers of "
                + chosen
                + " after: "
                + step
                + " complaints="
                + crowd.complaints()
                + " "
                + describe(inference),
        () -> crowd.answers(Form.of(chosen.variant())) > before);
    for (ModelChange change : operations.changes(Forms.MODEL)) {
      changes.add(change.to().variant() + " on " + change.to().accelerator());
    }
  }

  /**
   * Waits until all that is plugged in was measured, the fastest serves, and the engine says so of
   * every pair of variant and accelerator.
   */
  private Candidate settle(String step, InferenceService inference) {
    AtomicReference<ModelStatus> seen = new AtomicReference<>();
    Waiting.until(
        PATIENCE_SECONDS,
        () ->
            "the fastest of what is plugged in serves after: "
                + step
                + " doubts="
                + doubts(seen.get())
                + " "
                + describe(inference),
        () -> {
          seen.set(inference.model(REF).orElseThrow());
          return doubts(seen.get()).isEmpty();
        });
    System.out.printf(
        "%-36s %s%n",
        step,
        seen.get().candidates().stream()
            .filter(each -> each.latencyNanos().isPresent())
            .map(
                each ->
                    (each.chosen() ? "*" : "")
                        + each.accelerator()
                        + " "
                        + each.latencyNanos().getAsLong() / 10_000 / 100.0
                        + " ms")
            .collect(Collectors.joining(", ")));
    return chosen(seen.get()).orElseThrow();
  }

  /** What is not yet as it must become: of the choice, of the figures, of what is said of them. */
  private List<String> doubts(ModelStatus status) {
    List<String> doubts = new ArrayList<>();
    Set<Form> measured = EnumSet.noneOf(Form.class);
    long least = Long.MAX_VALUE;
    for (Candidate candidate : status.candidates()) {
      Form form = Form.of(candidate.variant());
      if (isThere(form) && candidate.latencyNanos().isPresent()) {
        measured.add(form);
        least = Math.min(least, candidate.latencyNanos().getAsLong());
      }
    }
    for (Form form : Form.values()) {
      if (isThere(form) && !measured.contains(form)) {
        doubts.add("it is there and was not measured form=" + form);
      }
    }
    Candidate chosen = chosen(status).orElse(null);
    if (chosen == null || !isThere(Form.of(chosen.variant()))) {
      doubts.add("what serves is not there " + chosen);
      return doubts;
    }
    // What is within a twentieth counts as equal.
    long most = least + least / 20;
    if (chosen.latencyNanos().orElse(Long.MAX_VALUE) > most) {
      doubts.add("another is faster least=" + least + " " + chosen);
    }
    String others =
        "not faster than variant=" + chosen.variant() + " accelerator=" + chosen.accelerator();
    for (Candidate candidate : status.candidates()) {
      Socket socket = sockets.get(Form.of(candidate.variant()));
      String figures =
          " medianNanos="
              + candidate.latencyNanos().orElse(-1)
              + " against="
              + chosen.latencyNanos().orElse(-1);
      if (candidate.chosen()
          ? !candidate.verdict().equals("serves")
          : candidate.latencyNanos().isEmpty()
              ? candidate.verdict().isBlank()
              : isThere(Form.of(candidate.variant()))
                  && !candidate.verdict().equals(others + figures)) {
        doubts.add("it is not said why " + candidate);
      }
      if (socket != null && socket.watched && candidate.latencyNanos().isPresent()) {
        if (!socket.isPlugged()) {
          doubts.add("it is not there any more " + candidate);
        } else if (candidate.latencyNanos().getAsLong() < socket.ms() * 1e6) {
          doubts.add("it was not measured as it is now ms=" + socket.ms() + " " + candidate);
        }
      }
    }
    return doubts;
  }

  private boolean isThere(Form form) {
    return !sockets.containsKey(form) || sockets.get(form).isPlugged();
  }

  private static Optional<Candidate> chosen(ModelStatus status) {
    return status.candidates().stream().filter(Candidate::chosen).findFirst();
  }

  private static String describe(InferenceService inference) {
    return inference.models().stream()
        .map(
            each ->
                each.state()
                    + " "
                    + each.reason()
                    + each.candidates().stream().map(c -> "\n  " + c).collect(Collectors.joining()))
        .collect(Collectors.joining());
  }
}
