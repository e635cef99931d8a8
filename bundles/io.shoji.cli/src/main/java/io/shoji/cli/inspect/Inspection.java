/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.shoji.cli.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was found in a file, in the order in which it is shown. For text and for JSON alike. Not
 * thread safe.
 */
final class Inspection {
  private static final int WIDTH = 110;

  private final String file;
  private final String kind;
  private final Map<String, Fact> facts = new LinkedHashMap<>();
  private final List<Row> inputs = new ArrayList<>();
  private final List<Row> outputs = new ArrayList<>();
  private final Map<String, Integer> operators = new LinkedHashMap<>();
  private final List<Section> sections = new ArrayList<>();
  private final List<Suitability> suitability = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<Inspection> parts = new ArrayList<>();

  /** A fact: its member of the JSON document, and the same for people. */
  private record Fact(String label, JsonElement value, String text) {}

  /**
   * An input or output.
   *
   * @param shape dimensions, as {@code [1,3,224,224]}
   * @param more quantization and what else there is; may be empty
   */
  record Row(String name, String type, String shape, String layout, String more) {}

  /** A table of its own. */
  private record Section(
      String member, String title, List<String> headings, List<List<String>> rows) {}

  Inspection(String file, String kind) {
    this.file = file;
    this.kind = kind;
  }

  /** A fact that is text. */
  Inspection fact(String member, String label, String value) {
    if (!value.isEmpty()) {
      facts.put(member, new Fact(label, new JsonPrimitive(value), value));
    }
    return this;
  }

  /** A fact that is a number, and how people read it. */
  Inspection fact(String member, String label, Number value, String text) {
    facts.put(member, new Fact(label, new JsonPrimitive(value), text));
    return this;
  }

  Inspection input(Row row) {
    inputs.add(row);
    return this;
  }

  Inspection output(Row row) {
    outputs.add(row);
    return this;
  }

  Inspection operators(Map<String, Integer> counts) {
    operators.putAll(counts);
    return this;
  }

  Inspection section(String member, String title, List<String> headings, List<List<String>> rows) {
    sections.add(new Section(member, title, headings, rows));
    return this;
  }

  Inspection suitability(List<Suitability> all) {
    suitability.addAll(all);
    return this;
  }

  Inspection note(String note) {
    notes.add(note);
    return this;
  }

  /** Something within the file. */
  Inspection part(Inspection part) {
    parts.add(part);
    return this;
  }

  /** Whether a target runs it as it is, or in part. */
  boolean runsOn(Target target) {
    return suitability.stream()
            .anyMatch(each -> each.target() == target && each.verdict() != Suitability.Verdict.NO)
        || parts.stream().anyMatch(part -> part.runsOn(target));
  }

  // JSON.

  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("file", file);
    json.addProperty("kind", kind);
    facts.forEach((member, fact) -> json.add(member, fact.value()));
    if (!inputs.isEmpty() || !outputs.isEmpty()) {
      json.add("inputs", rows(inputs));
      json.add("outputs", rows(outputs));
    }
    if (!operators.isEmpty()) {
      JsonObject counts = new JsonObject();
      operators.forEach(counts::addProperty);
      json.add("operators", counts);
    }
    for (Section section : sections) {
      JsonArray array = new JsonArray();
      for (List<String> row : section.rows()) {
        JsonObject one = new JsonObject();
        for (int i = 0; i < row.size(); i++) {
          if (!row.get(i).isEmpty()) {
            one.addProperty(member(section.headings().get(i)), row.get(i));
          }
        }
        array.add(one);
      }
      json.add(section.member(), array);
    }
    if (!suitability.isEmpty()) {
      JsonArray array = new JsonArray();
      for (Suitability each : suitability) {
        JsonObject one = new JsonObject();
        one.addProperty("accelerator", each.target().id());
        one.addProperty("runs", each.verdict().text());
        one.addProperty("remark", each.remark());
        one.addProperty("advice", each.advice());
        array.add(one);
      }
      json.add("accelerators", array);
    }
    JsonArray said = new JsonArray();
    notes.forEach(said::add);
    json.add("notes", said);
    if (!parts.isEmpty()) {
      JsonArray array = new JsonArray();
      parts.forEach(part -> array.add(part.toJson()));
      json.add("parts", array);
    }
    return json;
  }

  private static String member(String heading) {
    return heading.toLowerCase(Locale.ROOT).replace(' ', '_');
  }

  private static JsonArray rows(List<Row> rows) {
    JsonArray array = new JsonArray();
    for (Row row : rows) {
      JsonObject one = new JsonObject();
      one.addProperty("name", row.name());
      one.addProperty("type", row.type());
      one.addProperty("shape", row.shape());
      if (!row.layout().isEmpty()) {
        one.addProperty("layout", row.layout());
      }
      if (!row.more().isEmpty()) {
        one.addProperty("quantization", row.more());
      }
      array.add(one);
    }
    return array;
  }

  // Text.

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    write(text);
    return text.toString();
  }

  private void write(StringBuilder text) {
    text.append(Text.printable(file)).append(": ").append(Text.printable(kind)).append('\n');
    int widest = facts.values().stream().mapToInt(fact -> fact.label().length()).max().orElse(0);
    for (Fact fact : facts.values()) {
      String label = "  " + fact.label() + " ".repeat(widest - fact.label().length() + 2);
      wrapped(text, label, Text.printable(fact.text()));
    }
    rows(text, "Inputs", inputs);
    rows(text, "Outputs", outputs);
    if (!operators.isEmpty()) {
      int nodes = operators.values().stream().mapToInt(Integer::intValue).sum();
      heading(text, "Operators: " + nodes + " of " + operators.size() + " kinds");
      StringBuilder line = new StringBuilder();
      operators.forEach(
          (name, count) ->
              line.append(line.isEmpty() ? "" : ", ").append(name).append(' ').append(count));
      wrapped(text, "  ", Text.printable(line.toString()));
    }
    for (Section section : sections) {
      heading(text, section.title());
      Text.Table table = new Text.Table(section.headings().toArray(new String[0]));
      section.rows().forEach(row -> table.row(row.toArray(new String[0])));
      table(text, table);
    }
    where(text);
    if (!notes.isEmpty()) {
      heading(text, "Note");
      notes.forEach(note -> wrapped(text, "  - ", Text.printable(note)));
    }
    for (Inspection part : parts) {
      text.append('\n');
      part.write(text);
    }
  }

  private void where(StringBuilder text) {
    if (suitability.isEmpty()) {
      return;
    }
    heading(text, "Where it runs");
    int widest = 0;
    for (Suitability each : suitability) {
      widest = Math.max(widest, each.target().id().length());
    }
    Map<String, List<String>> advice = new LinkedHashMap<>();
    for (Suitability each : suitability) {
      String id = each.target().id();
      String label =
          "  "
              + id
              + " ".repeat(widest - id.length() + 2)
              + each.verdict().text()
              + " ".repeat(8 - each.verdict().text().length());
      wrapped(text, label, Text.printable(each.remark()));
      if (!each.advice().isEmpty()) {
        advice.computeIfAbsent(Text.printable(each.advice()), key -> new ArrayList<>()).add(id);
      }
    }
    if (!advice.isEmpty()) {
      heading(text, "What to do");
      advice.forEach(
          (what, targets) ->
              // Not wrapped: command lines are copied.
              text.append("  for ")
                  .append(String.join(", ", targets))
                  .append(":\n    ")
                  .append(what)
                  .append('\n'));
    }
  }

  private static void rows(StringBuilder text, String title, List<Row> rows) {
    if (rows.isEmpty()) {
      return;
    }
    heading(text, title);
    boolean layouts = rows.stream().anyMatch(row -> !row.layout().isEmpty());
    boolean more = rows.stream().anyMatch(row -> !row.more().isEmpty());
    List<String> headings = new ArrayList<>(List.of("NAME", "TYPE", "SHAPE"));
    if (layouts) {
      headings.add("LAYOUT");
    }
    if (more) {
      headings.add("QUANTIZATION");
    }
    Text.Table table = new Text.Table(headings.toArray(new String[0]));
    for (Row row : rows) {
      List<String> cells = new ArrayList<>(List.of(row.name(), row.type(), row.shape()));
      if (layouts) {
        cells.add(row.layout());
      }
      if (more) {
        cells.add(row.more());
      }
      table.row(cells.toArray(new String[0]));
    }
    table(text, table);
  }

  private static void heading(StringBuilder text, String title) {
    text.append('\n').append(title).append('\n');
  }

  private static void table(StringBuilder text, Text.Table table) {
    table.toString().lines().forEach(line -> text.append("  ").append(line).append('\n'));
  }

  /** Words after a label, in lines that begin below each other. */
  private static void wrapped(StringBuilder text, String label, String words) {
    StringBuilder line = new StringBuilder(label);
    int empty = line.length();
    for (String word : words.split(" ", -1)) {
      if (line.length() > empty && line.length() + word.length() > WIDTH) {
        text.append(line.toString().stripTrailing()).append('\n');
        line.setLength(0);
        line.append(" ".repeat(empty));
      }
      line.append(word).append(' ');
    }
    text.append(line.toString().stripTrailing()).append('\n');
  }
}
