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

import io.shoji.accelerator.AcceleratorInfo;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a driver brought into the process, in words and numbers and one weak reference, so that
 * nothing of it is kept. Guarded by {@link Receipts}, but for what is final.
 */
final class DriverTrace {
  /** Device nodes of accelerators; others may be anybody's. */
  private static final Pattern ACCELERATOR_NODE =
      Pattern.compile(
          "/dev/(hailo|apex_|accel|nvhost|nvidia|nvmap|dri/|kfd|bus/usb/|mali|rknpu|ethosu).*");

  private static final Pattern NOBODYS =
      Pattern.compile(
          "/proc/.*|/sys/.*|/dev/(null|zero|full|random|urandom|tty.*|pts/.*|console|ptmx)");

  private static final Pattern NUMBERED =
      Pattern.compile("(?<!\\d)" + ProcessHandle.current().pid() + "(?!\\d)");

  private static final String JAVA_HOME = System.getProperty("java.home", "/nonexistent") + "/";

  /** The bundle, or {@link BundleFacts#NONE}. */
  final long bundle;

  final String driver;
  final String driverVersion;
  final String runtime;
  final String runtimeVersion;
  final String runtimeBuildId;

  /** Its class loader; refers to nothing if the driver comes from no bundle. */
  final WeakReference<@Nullable ClassLoader> loader;

  /** Its accelerators, those that were too. */
  final Set<String> labels = new TreeSet<>();

  /** Accelerators that are there. */
  int devices;

  /** Packages of its classes. */
  Set<String> packages = Set.of();

  /** Where the framework keeps it, with a slash at its end; empty if unknown. */
  String folder = "";

  /** Where the framework keeps all bundles, with a slash at its end; empty if unknown. */
  String root = "";

  /** Whether what came in its start came with it alone. */
  boolean exclusive;

  /** Vendors' libraries that it opened, by path. */
  final Set<String> libraries = new HashSet<>();

  /** Other libraries that came with it. */
  final Set<String> mappings = new HashSet<>();

  /** What it has descriptors open on, how many. */
  final Map<String, Integer> descriptors = new HashMap<>();

  /** How many there were on the same before. */
  final Map<String, Integer> descriptorsBefore = new HashMap<>();

  /** Java's threads that came in its start. */
  final Set<Long> javaThreads = new HashSet<>();

  /** Threads that its libraries started. */
  final Set<Integer> nativeThreads = new HashSet<>();

  /** Temporary files that came in its start. */
  final Set<String> temporaryFiles = new HashSet<>();

  /** Direct buffers before it came, and by how much they grew when it did, bytes. */
  long directBefore;

  long directBytes;

  /** What its closed generations had of native memory, as the runtime said, bytes. */
  long nativeBytes;

  /** Files of models that were loaded by it: what is open on them is those models'. */
  final Set<String> modelFiles = new HashSet<>();

  /** Models that were loaded by it. */
  final Set<String> models = new HashSet<>();

  /** Java's threads when its last accelerator began to leave. */
  Set<Long> threadsAtLeaving = Set.of();

  /** Those of them that were its own. */
  Set<Long> threadsHeld = Set.of();

  DriverTrace(AcceleratorInfo info, long bundle, @Nullable ClassLoader loader) {
    this.bundle = bundle;
    this.driver = info.driver();
    this.driverVersion = info.driverVersion();
    this.runtime = info.runtime();
    this.runtimeVersion = info.runtimeVersion();
    this.runtimeBuildId = info.runtimeBuildId();
    this.loader = new WeakReference<>(loader);
  }

  /** Whether it is this class loader's, and from a bundle. */
  boolean isOf(long otherBundle, @Nullable ClassLoader otherLoader) {
    return bundle == otherBundle && (bundle == BundleFacts.NONE || loader.get() == otherLoader);
  }

  /** What came while it started, up to its first accelerator. */
  void started(Census before, Census after, boolean alone) {
    exclusive = alone;
    Arrivals arrivals = Arrivals.between(before, after);
    arrivals
        .mappings()
        .forEach(
            (path, executable) -> {
              if (executable && isOwnLibrary(path)) {
                mappings.add(path);
              }
            });
    arrivals
        .descriptors()
        .forEach(
            (target, count) -> {
              if (!modelFiles.contains(target) && isOwnDescriptor(target)) {
                descriptors.put(target, count);
                descriptorsBefore.put(target, before.descriptors().getOrDefault(target, 0));
              }
            });
    nativeThreads.addAll(arrivals.nativeThreads());
    if (alone) {
      javaThreads.addAll(arrivals.javaThreads());
      arrivals.temporaryFiles().stream()
          .filter(name -> isOfThisProcess(name, after))
          .forEach(temporaryFiles::add);
      directBefore = before.directBytes();
      directBytes = arrivals.directBytes();
    }
  }

  /**
   * Whether a temporary file, or something in such a folder, is this process's, where others have
   * theirs in the same place: it has it open or mapped, or it is one of Shoji's with the process's
   * number in its name.
   */
  private static boolean isOfThisProcess(String name, Census census) {
    String path = Census.TEMPORARY.resolve(name).toString();
    return Stream.of(census.descriptors(), census.mappings())
            .flatMap(used -> used.keySet().stream())
            .map(Census::undeleted)
            .anyMatch(used -> used.equals(path) || used.startsWith(path + "/"))
        || (name.startsWith("shoji") && NUMBERED.matcher(name).find());
  }

  /** What came while a model was loaded, and is not the model's. */
  void loaded(Arrivals arrivals) {
    arrivals
        .descriptors()
        .forEach(
            (target, count) -> {
              if (!modelFiles.contains(target) && isSurelyOwn(target)) {
                descriptors.merge(target, count, Integer::sum);
                descriptorsBefore.putIfAbsent(target, 0);
              }
            });
    arrivals
        .mappings()
        .forEach(
            (path, executable) -> {
              if (executable && isInOwnFolder(path)) {
                mappings.add(path);
              }
            });
    nativeThreads.addAll(arrivals.nativeThreads());
  }

  /**
   * Whether a library is to go with the driver. Those of the system and of Java are shared, and
   * those that the service for vendors' libraries opened are known from it.
   */
  private boolean isOwnLibrary(String path) {
    return isInOwnFolder(path)
        || (exclusive
            && !path.startsWith(JAVA_HOME)
            && !path.startsWith("/lib")
            && !path.startsWith("/usr/lib")
            && !path.contains("jnidispatch")
            && !path.contains("/jna-")
            && (root.isEmpty() || !path.startsWith(root)));
  }

  private boolean isOwnDescriptor(String target) {
    return isSurelyOwn(target)
        || (exclusive
            && !NOBODYS.matcher(target).matches()
            && !target.startsWith(JAVA_HOME)
            && !isFrameworks(target));
  }

  /** Whether something is the driver's by its name alone. */
  boolean isSurelyOwn(String target) {
    return ACCELERATOR_NODE.matcher(target).matches()
        || libraries.contains(target)
        || (isInOwnFolder(target) && !isFrameworks(target));
  }

  boolean isInOwnFolder(String path) {
    return !folder.isEmpty() && path.startsWith(folder);
  }

  /** Whether it is a bundle's archive, which the framework opens and closes. */
  private boolean isFrameworks(String target) {
    Path name = Path.of(target).getFileName();
    return !root.isEmpty()
        && target.startsWith(root)
        && name != null
        && (name.toString().endsWith(".jar") || name.toString().equals("bundleFile"));
  }

  @Override
  public String toString() {
    return "driver="
        + driver
        + " driverVersion="
        + driverVersion
        + " runtime="
        + runtime
        + " runtimeVersion="
        + runtimeVersion;
  }
}
