/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which TensorFlow a libedgetpu was built against. The library itself does not tell, so it is
 * concluded: an old runtime or an old compiler is of the vendor's own packages, which were built
 * against 2.5; the Debian packages of newer builds name theirs in their versions ({@code
 * 16.0tf2.16.1-1}); of any other the configuration says it.
 *
 * @param release of TensorFlow
 * @param by how that is known
 */
record LibraryOrigin(String release, String by) {
  private static final Logger LOG = LoggerFactory.getLogger(LibraryOrigin.class);

  /** The first runtime of which there are builds against other releases than 2.5. */
  private static final int MANY_BUILDS = 14;

  /** The first GCC that compiles C++17, which TensorFlow is written in since before 2.14. */
  private static final int OLDEST_COMPILER = 7;

  private static final String LEGACY = "2.5.0";
  private static final Pattern PACKAGED =
      Pattern.compile("[0-9.]+tf(2\\.\\d+(?:\\.\\d+)?).*", Pattern.CASE_INSENSITIVE);

  /**
   * Concludes it.
   *
   * @param configured what the configuration says, or empty
   * @param files where the system's list of packages is
   * @param library its file
   */
  static Optional<LibraryOrigin> of(
      EdgeTpu.Version version, String configured, DeviceFiles files, Path library) {
    if (version.runtime() < MANY_BUILDS) {
      return Optional.of(new LibraryOrigin(LEGACY, "RuntimeVersion(" + version.runtime() + ")"));
    }
    if (version.compiler() > 0 && version.compiler() < OLDEST_COMPILER) {
      return Optional.of(new LibraryOrigin(LEGACY, "compiler " + version.compiler()));
    }
    if (!configured.isBlank()) {
      return Optional.of(new LibraryOrigin(configured.strip(), "edgeTpuTensorFlow"));
    }
    return library.startsWith("/usr/lib") || library.startsWith("/lib")
        ? packaged(files).map(release -> new LibraryOrigin(release, "its Debian package"))
        : Optional.empty();
  }

  /** What the version of the installed Debian package says. */
  static Optional<String> packaged(DeviceFiles files) {
    Path status = files.file("/var/lib/dpkg/status");
    if (!Files.isReadable(status)) {
      return Optional.empty();
    }
    try {
      boolean ours = false;
      boolean installed = false;
      for (String line :
          new String(Files.readAllBytes(status), StandardCharsets.UTF_8).split("\n", -1)) {
        if (line.startsWith("Package: ")) {
          ours = line.startsWith("Package: libedgetpu1");
          installed = false;
        } else if (line.startsWith("Status: ")) {
          installed = line.endsWith(" installed");
        } else if (ours && installed && line.startsWith("Version: ")) {
          Matcher version = PACKAGED.matcher(line.substring("Version: ".length()).strip());
          if (version.matches()) {
            return Optional.of(version.group(1).toLowerCase(Locale.ROOT));
          }
        }
      }
    } catch (IOException e) {
      LOG.debug("the list of packages cannot be read file={}", status, e);
    }
    return Optional.empty();
  }

  /**
   * Refuses a library that does not fit the runtime, before it makes a delegate.
   *
   * @param runtime release of TensorFlow Lite
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it does not fit or that is not known
   */
  static LibraryOrigin require(
      EdgeTpu.Version version, String configured, DeviceFiles files, Path library, String runtime)
      throws AcceleratorException {
    TensorFlowSizes asked =
        TensorFlowSizes.of(runtime)
            .orElseThrow(
                () ->
                    new IllegalStateException("the sizes of no such runtime are known " + runtime));
    LibraryOrigin origin =
        of(version, configured, files, library)
            .orElseThrow(
                () ->
                    new AcceleratorException(
                        Code.INCOMPATIBLE_RUNTIME,
                        "libedgetpu does not tell which TensorFlow it was built against, and one that does"
                            + " not fit crashes the process; install the package of a build against"
                            + " TensorFlow 2.14 to 2.21, or say by edgeTpuTensorFlow what yours was built"
                            + " against asked="
                            + asked
                            + " (TensorFlow "
                            + runtime
                            + ") found="
                            + version.text()
                            + " file="
                            + library));
    Optional<TensorFlowSizes> found = TensorFlowSizes.of(origin.release);
    if (found.isEmpty() || !found.get().fits(asked)) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "libedgetpu was built against a TensorFlow whose structures are not those of the runtime, and"
              + " would crash the process; install one that was built against TensorFlow 2.14 to 2.21"
              + " asked="
              + asked
              + " (TensorFlow "
              + runtime
              + ") found="
              + found.map(TensorFlowSizes::toString).orElse("unknown sizes")
              + " (TensorFlow "
              + origin.release
              + ", by "
              + origin.by
              + ") version="
              + version.text()
              + " file="
              + library);
    }
    return origin;
  }
}
