/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the JVM wrote when it died of a signal (hs_err file of HotSpot, JDK 17 and 21). Reads only
 * its first part: the file lists the whole process after that.
 *
 * @param signal as {@code SIGSEGV}; empty if the file does not say
 * @param frame the problematic frame; empty if the file does not say
 * @param nativeFrames native frames, innermost first
 */
record ErrorFile(String signal, String frame, List<String> nativeFrames) {
  /** There was no such file, as of an exit or SIGKILL. */
  static final ErrorFile NONE = new ErrorFile("", "", List.of());

  private static final int MOST_LINES = 400;
  private static final Pattern SIGNAL = Pattern.compile("^#\\s+(SIG[A-Z0-9]+)\\b");
  private static final Logger LOG = LoggerFactory.getLogger(ErrorFile.class);

  ErrorFile {
    nativeFrames = List.copyOf(nativeFrames);
  }

  /** Reads the file; what it does not tell is empty. */
  static ErrorFile read(Path file) {
    if (!Files.isRegularFile(file)) {
      return NONE;
    }
    try (BufferedReader reader =
            // Symbols of a vendor's library may hold anything.
            Files.newBufferedReader(file, StandardCharsets.ISO_8859_1);
        Stream<String> lines = reader.lines()) {
      return parse(lines.limit(MOST_LINES).toList());
    } catch (IOException | java.io.UncheckedIOException e) {
      LOG.warn("what the JVM of a worker wrote at its end cannot be read file={}", file, e);
      return NONE;
    }
  }

  /** Reads the file's lines. */
  static ErrorFile parse(List<String> lines) {
    String signal = "";
    String frame = "";
    List<String> frames = new ArrayList<>();
    boolean framesFollow = false;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      Matcher matcher = SIGNAL.matcher(line);
      if (signal.isEmpty() && matcher.find()) {
        signal = matcher.group(1);
      } else if (frame.isEmpty()
          && line.startsWith("# Problematic frame:")
          && i + 1 < lines.size()) {
        frame = lines.get(i + 1).replaceFirst("^#\\s*", "").strip();
      } else if (line.startsWith("Native frames:")) {
        framesFollow = true;
      } else if (framesFollow && line.isBlank()) {
        framesFollow = false;
      } else if (framesFollow && frames.size() < CrashReport.MOST_LINES) {
        frames.add(CrashReport.bounded(line.strip()));
      }
    }
    return new ErrorFile(signal, CrashReport.bounded(frame), frames);
  }
}
