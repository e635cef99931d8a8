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

import io.shoji.accelerator.VendorLibraries.MappedLibrary;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.SwapReceipt.Resource;
import io.shoji.operations.SwapReceipt.Subject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A driver whose last accelerator has left. */
final class DriverDeparture extends Departure {
  /** Growth of direct buffers below this may be anybody's. */
  private static final long LEAST_DIRECT_BYTES = 1 << 20;

  /** Threads that Java starts when it needs them, and keeps. */
  private static final Pattern JAVAS =
      Pattern.compile(
          "ForkJoinPool\\.commonPool-.*|process reaper.*|Keep-Alive-Timer|Common-Cleaner|Cleaner-\\d+"
              + "|JNA Cleaner|RMI .*|JMX .*|Attach Listener|Signal Dispatcher|Reference Handler"
              + "|Finalizer|Notification Thread|HttpClient-.*");

  private static final String NOT_COLLECTED =
      "the heap has to be collected to show whether it is still held";

  private final DriverTrace trace;

  /** Whether its bundle went on: only its device went, or it opens its library anew. */
  private boolean stays;

  DriverDeparture(long id, Instant time, DriverTrace trace, boolean stays) {
    super(id, time, trace);
    this.trace = trace;
    this.stays = stays;
  }

  /** Its bundle has stopped after all. */
  void stopped() {
    stays = false;
  }

  @Override
  Subject subject() {
    return Subject.DRIVER;
  }

  @Override
  Optional<GenerationKey> key() {
    return Optional.empty();
  }

  @Override
  OptionalLong number() {
    return OptionalLong.empty();
  }

  @Override
  String accelerator() {
    return String.join(",", trace.labels);
  }

  @Override
  Findings find(Look look, List<LoadTrace> live, boolean timeIsOver) {
    Findings findings = new Findings();
    generations(live, findings);
    libraries(look, findings);
    if (!stays) {
      threads(look, findings);
      descriptors(look, findings);
      directMemory(look, findings);
      temporaryFiles(look, findings);
      classLoader(look, live, timeIsOver, findings);
    }
    return findings;
  }

  private void generations(List<LoadTrace> live, Findings findings) {
    findings.held(Resource.NATIVE_MEMORY, trace.nativeBytes);
    for (LoadTrace each : live) {
      Generation generation = each.generation;
      if (each.driver == trace && generation != null) {
        findings.remains(
            Resource.NATIVE_MEMORY,
            "the loaded model " + generation,
            Math.max(1, each.nativeBytes),
            "it is not closed, requests run on it running=" + generation.running());
      }
    }
  }

  private void libraries(Look look, Findings findings) {
    Set<String> all = new TreeSet<>(trace.libraries);
    all.addAll(trace.mappings);
    all.removeAll(look.mappingsOfOthers);
    if (stays) {
      // What it holds open it may go on using.
      all.removeIf(path -> !isClosed(look, path));
    }
    for (String path : all) {
      findings.held(Resource.MAPPING, 1);
      if (look.census.mappings().containsKey(path)) {
        Optional<MappedLibrary> known =
            look.mapped().stream().filter(m -> m.file().toString().equals(path)).findFirst();
        if (known.isPresent() || !trace.libraries.contains(path)) {
          findings.remains(Resource.MAPPING, path, 1, whyMapped(known));
        }
      }
    }
  }

  private static boolean isClosed(Look look, String path) {
    return look.mapped().stream().anyMatch(m -> m.file().toString().equals(path) && !m.open());
  }

  private static String whyMapped(Optional<MappedLibrary> known) {
    if (known.isEmpty()) {
      return "it was not opened by the service for vendors' libraries; if Java loaded it"
          + " (System.load), it goes with its class loader";
    }
    return known.get().open()
        ? "it was not closed: the driver has not called VendorLibrary.close"
        : "it was closed: " + known.get().reason();
  }

  private void threads(Look look, Findings findings) {
    ClassLoader loader = trace.loader.get();
    Set<Long> remaining = new HashSet<>();
    for (Thread thread : look.threads) {
      String why = tie(thread, loader);
      if (!why.isEmpty()) {
        remaining.add(thread.getId());
        findings.remains(Resource.THREAD, JavaThreads.name(thread), 1, why);
      }
    }
    remaining.addAll(trace.threadsHeld);
    findings.held(Resource.THREAD, remaining.size() + trace.nativeThreads.size());
    for (int task : trace.nativeThreads) {
      if (look.census.tasks().contains(task) && !look.nativeThreadsOfOthers.contains(task)) {
        findings.remains(
            Resource.THREAD,
            "native name=" + NativeThreads.name(task) + " task=" + task,
            1,
            "a native library started it while the driver opened it or loaded a model");
      }
    }
  }

  /** Why a thread is the driver's, and where it is, or "". */
  private String tie(Thread thread, @Nullable ClassLoader loader) {
    if (thread == Thread.currentThread()) {
      return "";
    }
    String tie = JavaThreads.tie(thread, loader);
    if (!tie.isEmpty()) {
      return at(tie, thread.getStackTrace());
    }
    if (!trace.threadsAtLeaving.contains(thread.getId())
        || JavaThreads.isOfAnother(thread, trace.bundle)) {
      return "";
    }
    StackTraceElement[] stack = thread.getStackTrace();
    // Once its class loader is gone, such code is that of the driver that came after it.
    if (loader != null && JavaThreads.isIn(stack, trace.packages)) {
      return at("it runs code of the driver", stack);
    }
    return trace.javaThreads.contains(thread.getId()) && !JAVAS.matcher(thread.getName()).matches()
        ? at("it came while the driver started, and nothing else did", stack)
        : "";
  }

  private static String at(String why, StackTraceElement[] stack) {
    return why + "; " + JavaThreads.top(stack);
  }

  private void descriptors(Look look, Findings findings) {
    trace.descriptors.forEach(
        (target, count) -> {
          findings.held(Resource.DESCRIPTOR, count);
          long left =
              unclaimed(look, target, count, trace.descriptorsBefore.getOrDefault(target, 0));
          if (left > 0) {
            findings.remains(
                Resource.DESCRIPTOR,
                target,
                left,
                trace.isSurelyOwn(target)
                    ? "it is the driver's by its name; code of the driver or of its library opened it"
                    : "it was opened while the driver started, and nothing else did");
          }
        });
    look.census
        .descriptors()
        .forEach(
            (target, count) -> {
              // An archive that somebody reads past the framework, as a cache of URL connections.
              if (target.endsWith(Census.DELETED)
                  && trace.isInOwnFolder(target)
                  && !trace.descriptors.containsKey(Census.undeleted(target))) {
                findings.held(Resource.DESCRIPTOR, count);
                findings.remains(
                    Resource.DESCRIPTOR,
                    target,
                    count,
                    "a file of the bundle that is deleted, and still open");
              }
            });
  }

  private void directMemory(Look look, Findings findings) {
    findings.held(Resource.DIRECT_MEMORY, trace.directBytes);
    if (trace.directBytes < LEAST_DIRECT_BYTES) {
      return;
    }
    long left =
        Math.min(
            trace.directBytes,
            look.census.directBytes() - trace.directBefore - look.directBytesOfOthers);
    if (left >= trace.directBytes / 2) {
      // Buffers go when the heap is collected.
      findings.collectionNeeded = true;
      findings.remains(
          Resource.DIRECT_MEMORY,
          "direct buffers",
          left,
          isUncollected()
              ? NOT_COLLECTED
              : "they came while the driver started; a figure of the whole process, so somebody else"
                  + " may have taken as much since");
    }
  }

  /** Whether no collection of the heap has run that could have shown what is gone. */
  private boolean isUncollected() {
    return Look.collections() == collectionsBefore;
  }

  private void temporaryFiles(Look look, Findings findings) {
    for (String name : trace.temporaryFiles) {
      findings.held(Resource.TEMPORARY_FILE, 1);
      if (look.census.temporaryFiles().contains(name)) {
        findings.remains(
            Resource.TEMPORARY_FILE,
            Census.TEMPORARY.resolve(name).toString(),
            1,
            "it was made while the driver started, and nothing else did");
      }
    }
  }

  private void classLoader(Look look, List<LoadTrace> live, boolean timeIsOver, Findings findings) {
    BundleFacts facts = look.facts;
    if (facts == null || trace.bundle == BundleFacts.NONE) {
      return;
    }
    ClassLoader loader = trace.loader.get();
    if (loader == null) {
      findings.held(Resource.CLASS_LOADER, 1);
      return;
    }
    if (facts.loader(trace.bundle) == loader) {
      // Installed as before: an update may follow. If none does, its classes are there to stay.
      findings.pending = !facts.active(trace.bundle);
      return;
    }
    findings.held(Resource.CLASS_LOADER, 1);
    findings.collectionNeeded = true;
    findings.remains(
        Resource.CLASS_LOADER,
        "class loader of " + trace.driver + " " + trace.driverVersion,
        1,
        isUncollected() || !timeIsOver
            ? NOT_COLLECTED
            : holders(look, facts, loader, live, findings));
  }

  private String holders(
      Look look, BundleFacts facts, ClassLoader loader, List<LoadTrace> live, Findings findings) {
    List<String> holders = new ArrayList<>();
    for (LoadTrace each : live) {
      if (each.driver == trace) {
        holders.add("a generation that is not closed " + each.generation);
      }
    }
    if (facts.removalPending(trace.bundle)) {
      holders.add("the framework, until bundles are refreshed (removal is pending)");
    }
    findings.remains.getOrDefault(Resource.THREAD, List.of()).stream()
        .filter(thread -> thread.what().startsWith("name="))
        .forEach(thread -> holders.add("thread " + thread.what()));
    holders.addAll(LoaderHolders.ofTheProcess(loader));
    boolean visible = HiddenHolders.visible();
    if (visible) {
      holders.addAll(HiddenHolders.find(loader, look.threads));
    }
    if (!holders.isEmpty()) {
      return String.join("; ", holders);
    }
    return "nobody that can be seen"
        + (visible
            ? ": a static field, a cache or native code"
            : "; ThreadLocals, shutdown hooks and tasks are seen if Java is started with --add-opens"
                + " java.base/java.lang=ALL-UNNAMED")
        + "; jcmd PID GC.heap_dump FILE shows the way to it";
  }

  @Override
  public String toString() {
    return trace + " accelerator=" + accelerator();
  }
}
