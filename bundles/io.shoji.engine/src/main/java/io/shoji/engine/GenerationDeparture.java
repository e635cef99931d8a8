/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.Provenance;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.SwapReceipt.Resource;
import io.shoji.operations.SwapReceipt.Subject;
import java.lang.ref.WeakReference;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** A generation that is being closed. */
final class GenerationDeparture extends Departure {
  private final Provenance provenance;
  private final LoadTrace load;
  private final WeakReference<Thread> closer = new WeakReference<>(Thread.currentThread());
  private volatile boolean closed;
  private volatile String failure = "";

  /** Begins, on the thread that closes the generation. */
  GenerationDeparture(long id, Instant time, LoadTrace load, Provenance provenance) {
    super(id, time, load.driver);
    this.load = load;
    this.provenance = provenance;
  }

  /**
   * It was closed. From any thread.
   *
   * @param whatFailed parts that could not be closed; empty if none
   */
  void closed(String whatFailed) {
    failure = whatFailed;
    closed = true;
  }

  @Override
  Subject subject() {
    return Subject.GENERATION;
  }

  @Override
  Optional<GenerationKey> key() {
    return Optional.of(Generation.key(provenance));
  }

  @Override
  OptionalLong number() {
    return OptionalLong.of(provenance.generation());
  }

  @Override
  String accelerator() {
    return provenance.accelerator() + ":" + provenance.device();
  }

  @Override
  Findings find(Look look, List<LoadTrace> live, boolean timeIsOver) {
    Findings findings = new Findings();
    nativeMemory(findings);
    mappings(look, findings);
    descriptors(look, findings);
    if (load.repeated) {
      threads(look, findings);
    }
    return findings;
  }

  private void nativeMemory(Findings findings) {
    findings.held(Resource.NATIVE_MEMORY, load.nativeBytes);
    if (!closed) {
      findings.remains(
          Resource.NATIVE_MEMORY, "the loaded model", Math.max(1, load.nativeBytes), closing());
    } else if (!failure.isEmpty()) {
      findings.remains(
          Resource.NATIVE_MEMORY,
          "the loaded model",
          Math.max(1, load.nativeBytes),
          "it could not be closed: " + failure);
    }
  }

  /** Where the thread is that closes it. */
  private String closing() {
    Thread thread = closer.get();
    return thread == null
        ? "its close has not returned, and its thread is gone"
        : "its close has not returned: thread "
            + JavaThreads.name(thread)
            + " "
            + JavaThreads.top(thread.getStackTrace());
  }

  private void mappings(Look look, Findings findings) {
    load.arrivals
        .mappings()
        .forEach(
            (path, executable) -> {
              if (load.files.contains(path)) {
                findings.held(Resource.MAPPING, 1);
                if (look.census.mappings().containsKey(path)
                    && !look.mappingsOfOthers.contains(path)) {
                  findings.remains(
                      Resource.MAPPING,
                      path,
                      1,
                      "the runtime has the model's file mapped although the model is closed");
                }
              }
            });
  }

  private void descriptors(Look look, Findings findings) {
    load.arrivals
        .descriptors()
        .forEach(
            (target, count) -> {
              boolean file = load.files.contains(target);
              if (file
                  || (load.repeated && load.driver != null && load.driver.isSurelyOwn(target))) {
                findings.held(Resource.DESCRIPTOR, count);
                long left = unclaimed(look, target, count, 0);
                if (left > 0) {
                  findings.remains(
                      Resource.DESCRIPTOR,
                      target,
                      left,
                      file
                          ? "the runtime has the model's file open although the model is closed"
                          : "opened when the model was loaded, by the driver or its library");
                }
              }
            });
  }

  private void threads(Look look, Findings findings) {
    for (int task : load.arrivals.nativeThreads()) {
      findings.held(Resource.THREAD, 1);
      if (look.census.tasks().contains(task) && !look.nativeThreadsOfOthers.contains(task)) {
        findings.remains(
            Resource.THREAD,
            "native name=" + NativeThreads.name(task) + " task=" + task,
            1,
            "a native library started it when the model was loaded; the load of the same model"
                + " before left none");
      }
    }
    DriverTrace of = load.driver;
    ClassLoader loader = of == null ? null : of.loader.get();
    if (of == null || of.bundle == BundleFacts.NONE) {
      return;
    }
    Set<Long> came = load.arrivals.javaThreads();
    for (Thread thread : look.threads) {
      if (came.contains(thread.getId())) {
        String tie = JavaThreads.tie(thread, loader);
        StackTraceElement[] stack = thread.getStackTrace();
        if (!tie.isEmpty() || JavaThreads.isIn(stack, of.packages)) {
          findings.held(Resource.THREAD, 1);
          findings.remains(
              Resource.THREAD,
              JavaThreads.name(thread),
              1,
              "it came when the model was loaded; "
                  + (tie.isEmpty() ? "" : tie + "; ")
                  + JavaThreads.top(stack));
        }
      }
    }
  }

  @Override
  public String toString() {
    return "generation="
        + provenance.generation()
        + " model="
        + provenance.model()
        + " version="
        + provenance.modelVersion()
        + " variant="
        + provenance.variant()
        + " accelerator="
        + accelerator();
  }
}
