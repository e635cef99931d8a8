/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.kura.type.DataType;

/**
 * Checked settings of a replay, and its files.
 *
 * @param files in the order of their names, at least one
 * @param kind of all files
 * @param triggered emits when an envelope comes in, not by itself
 * @param periodNanos from envelope to envelope; 0 for as fast as receivers take them
 * @param delayMs from the first connection to the first envelope
 * @param property name of a picture's or recording's property
 * @param labelProperty empty for none
 * @param labelColumn CSV: the column with the label; empty for none
 * @param indexProperty name of the property with the record's number; empty for none
 * @param columns CSV: all columns if empty
 * @param window recording: values of a record; 0 for the whole recording
 * @param hop recording: values from record to record
 */
record ReplayPlan(
    List<Path> files,
    Kind kind,
    boolean triggered,
    long periodNanos,
    int delayMs,
    int batch,
    boolean loop,
    String property,
    String labelProperty,
    String labelColumn,
    String indexProperty,
    List<Column> columns,
    char separator,
    boolean pixels,
    boolean gray,
    boolean windows,
    int window,
    int hop,
    int channel) {
  static final String LABELS = "labels.csv";

  private static final double MOST_PER_SECOND = 100_000;
  private static final double NANOS = 1e9;
  private static final int MOST_MS = 3_600_000;
  private static final int MOST_RECORDS = 100_000;
  private static final int MOST_VALUES = 1 << 24;

  /** Kind of a file. */
  enum Kind {
    CSV,
    WAV,
    IMAGES;

    static Optional<Kind> of(Path file) {
      String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
      if (name.equals(LABELS) || name.startsWith(".")) {
        return Optional.empty();
      } else if (name.endsWith(".csv")) {
        return Optional.of(CSV);
      } else if (name.endsWith(".wav")) {
        return Optional.of(WAV);
      } else if (name.endsWith(".png") || name.endsWith(".jpg") || name.endsWith(".jpeg")) {
        return Optional.of(IMAGES);
      }
      return Optional.empty();
    }
  }

  private enum Format {
    AUTO,
    CSV,
    WAV,
    IMAGES
  }

  private enum Mode {
    RATE,
    TRIGGER
  }

  private enum ImageContent {
    PIXELS,
    FILE
  }

  private enum ImageColor {
    GRAY,
    RGB
  }

  private enum AudioContent {
    WINDOWS,
    SAMPLES
  }

  /**
   * A column of a CSV file.
   *
   * @param type none: as its values are
   */
  record Column(String name, Optional<DataType> type, String property) {}

  /**
   * Reads the settings and finds the files.
   *
   * @param base folder that the path lies in
   * @throws IllegalArgumentException if a setting is wrong, or there are no such files in the base
   *     folder
   */
  static ReplayPlan of(Map<String, Object> properties, Path base) {
    Settings settings = new Settings(properties);
    Format format = settings.choice("format", Format.class, Format.AUTO);
    String separator = settings.verbatim("separator", ",");
    if (separator.length() != 1
        || separator.equals("\"")
        || (separator.isBlank() && !separator.equals("\t"))) {
      throw new IllegalArgumentException(
          "a setting is wrong setting=separator asked=\"one character\" found=\""
              + separator
              + "\"");
    }
    int window = settings.integer("audio.window", 1024, 0, MOST_VALUES);
    int hop = settings.integer("audio.hop", 0, 0, MOST_VALUES);
    double rate = settings.real("rate", 10, 0, MOST_PER_SECOND);
    String property = settings.text("property", "input");
    if (property.isEmpty()) {
      throw new IllegalArgumentException(
          "a setting is wrong setting=property asked=\"a name\" found=\"\"");
    }
    List<Column> columns = columns(settings.text("columns", ""));
    boolean triggered = settings.choice("mode", Mode.class, Mode.RATE) == Mode.TRIGGER;
    int delayMs = settings.integer("start.delay", 1_000, 0, MOST_MS);
    int batch = settings.integer("batch", 1, 1, MOST_RECORDS);
    boolean loop = settings.flag("loop", false);
    int channel = settings.integer("audio.channel", 0, 0, 255);
    List<Path> files = files(settings.text("path", ""), base, format);
    return new ReplayPlan(
        files,
        Kind.of(files.get(0)).orElseThrow(),
        triggered,
        rate == 0 ? 0 : (long) (NANOS / rate),
        delayMs,
        batch,
        loop,
        property,
        settings.text("label.property", "label"),
        settings.text("label.column", "label"),
        settings.text("index.property", ""),
        columns,
        separator.charAt(0),
        settings.choice("image.content", ImageContent.class, ImageContent.FILE)
            == ImageContent.PIXELS,
        settings.choice("image.color", ImageColor.class, ImageColor.GRAY) == ImageColor.GRAY,
        settings.choice("audio.content", AudioContent.class, AudioContent.WINDOWS)
            == AudioContent.WINDOWS,
        window,
        hop == 0 ? window : hop,
        channel);
  }

  private static List<Column> columns(String text) {
    List<Column> columns = new ArrayList<>();
    Set<String> properties = new HashSet<>();
    if (text.isEmpty()) {
      return columns;
    }
    for (String item : text.split(",", -1)) {
      int equals = item.indexOf('=');
      String left = (equals < 0 ? item : item.substring(0, equals)).strip();
      int colon = left.lastIndexOf(':');
      String name = (colon < 0 ? left : left.substring(0, colon)).strip();
      String property = equals < 0 ? name : item.substring(equals + 1).strip();
      Optional<DataType> type =
          colon < 0 ? Optional.empty() : Optional.of(type(left.substring(colon + 1).strip()));
      if (name.isEmpty() || property.isEmpty() || !properties.add(property)) {
        throw new IllegalArgumentException(
            "a setting is wrong setting=columns asked=\"COLUMN:TYPE=PROPERTY, each property once\""
                + " found=\""
                + item
                + "\"");
      }
      columns.add(new Column(name, type, property));
    }
    return columns;
  }

  private static DataType type(String name) {
    for (DataType type : DataType.values()) {
      if (type != DataType.BYTE_ARRAY && type.name().equalsIgnoreCase(name)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "a setting is wrong setting=columns asked=\"BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG or"
            + " STRING\" found=\""
            + name
            + "\"");
  }

  /** Files below the base folder, links followed, so that nothing else can be read. */
  private static List<Path> files(String path, Path base, Format format) {
    if (path.isEmpty()) {
      throw new IllegalArgumentException("there is no file or folder to replay setting=path");
    }
    try {
      Path root = base.toRealPath();
      Path found = root.resolve(path).toRealPath();
      if (!found.startsWith(root)) {
        throw new IllegalArgumentException(
            "only what lies in the base folder is replayed path=" + path + " folder=" + root);
      }
      List<Path> files = new ArrayList<>();
      if (Files.isDirectory(found)) {
        try (Stream<Path> list = Files.list(found)) {
          for (Path file : list.sorted().toList()) {
            if (Kind.of(file).isPresent()
                && Files.isRegularFile(file)
                && file.toRealPath().startsWith(root)) {
              files.add(file);
            }
          }
        }
      } else if (Kind.of(found).isPresent()) {
        files.add(found);
      }
      if (format != Format.AUTO) {
        files.removeIf(file -> !Kind.of(file).orElseThrow().name().equals(format.name()));
      }
      Set<Kind> kinds = new HashSet<>();
      files.forEach(file -> kinds.add(Kind.of(file).orElseThrow()));
      if (kinds.size() != 1) {
        throw new IllegalArgumentException(
            (kinds.isEmpty()
                    ? "nothing to replay: no .csv, .wav, .png, .jpg or .jpeg"
                    : "files of several kinds: say which by format")
                + " path="
                + found
                + " format="
                + format);
      }
      return List.copyOf(files);
    } catch (IOException | InvalidPathException e) {
      throw new IllegalArgumentException(
          "there is no such file or folder to replay path="
              + path
              + " folder="
              + base
              + " cause="
              + e,
          e);
    }
  }
}
