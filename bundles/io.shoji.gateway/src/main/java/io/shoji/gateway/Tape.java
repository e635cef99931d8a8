/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What happens to a simulated device, and when. Scenes follow each other; each is a whole tape of
 * the simulator (native-libs/README.md says what its lines mean), in place of the one before.
 *
 * @param name what it is called
 * @param scenes in order; the first begins at 0 seconds
 */
record Tape(String name, List<Scene> scenes) {
  private static final Pattern AFTER =
      Pattern.compile("after\\s+([0-9]{1,6}(?:\\.[0-9]{1,3})?)\\s*s(?:\\s+(.*))?");

  /** Stands for the simulated chip, as tapes call it. */
  private static final String ARCHITECTURE = "${architecture}";

  /** Copies the list. */
  Tape {
    scenes = List.copyOf(scenes);
  }

  /**
   * A scene.
   *
   * @param afterMillis when it begins, since the tape began
   * @param title what happens, for people
   * @param lines for the simulator
   */
  record Scene(long afterMillis, String title, List<String> lines) {
    /** Copies the list. */
    Scene {
      lines = List.copyOf(lines);
    }

    @Override
    public String toString() {
      return afterMillis / 1000.0 + " s" + (title.isEmpty() ? "" : ": " + title);
    }
  }

  /** Nothing ever happens. */
  static Tape none(String device) {
    return new Tape("none", List.of(new Scene(0, "", List.of(device))));
  }

  /**
   * Reads a tape.
   *
   * @param name what it is called, for errors
   * @param lines of the file
   * @param architecture the simulated chip, as tapes call it
   * @param device the line that plugs the device in, for scenes that do not say what is there
   * @throws IllegalArgumentException for scenes out of order or with a time that is none, naming
   *     the line
   */
  static Tape read(String name, List<String> lines, String architecture, String device) {
    List<Scene> scenes = new ArrayList<>();
    List<String> current = new ArrayList<>();
    long after = 0;
    String title = "";
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip().replace(ARCHITECTURE, architecture);
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      if (!line.startsWith("after")) {
        current.add(line);
        continue;
      }
      Matcher matcher = AFTER.matcher(line);
      long next = matcher.matches() ? Math.round(Double.parseDouble(matcher.group(1)) * 1000) : 0;
      if (next <= after) {
        throw new IllegalArgumentException(
            "a scene begins with a line as \"after 20 s unplugged\", and later than the one before"
                + " tape="
                + name
                + " line="
                + (i + 1)
                + " found="
                + line);
      }
      scenes.add(scene(after, title, current, device));
      current = new ArrayList<>();
      after = next;
      title = matcher.group(2) == null ? "" : matcher.group(2);
    }
    scenes.add(scene(after, title, current, device));
    return new Tape(name, scenes);
  }

  private static Scene scene(long after, String title, List<String> lines, String device) {
    List<String> all = new ArrayList<>();
    if (lines.stream().noneMatch(line -> line.startsWith("device ") || line.equals("no device"))) {
      all.add(device);
    }
    all.addAll(lines);
    return new Scene(after, title, all);
  }
}
