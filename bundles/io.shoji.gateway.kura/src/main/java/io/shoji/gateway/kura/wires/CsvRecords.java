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

import io.shoji.gateway.kura.wires.ReplayPlan.Column;
import io.shoji.gateway.kura.wires.ReplayReader.BadRecordException;
import io.shoji.gateway.kura.wires.ReplayReader.Records;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.eclipse.kura.type.DataType;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.jspecify.annotations.Nullable;

/**
 * A record for each row of a CSV file whose first row names the columns. A column without a
 * declared type is LONG, DOUBLE or BOOLEAN if all its cells are, else STRING. An empty cell is no
 * property.
 */
final class CsvRecords implements Records {
  /** A column at its place. */
  private record Place(int index, String column, DataType type, String property) {}

  private final CsvRows rows;
  private final int width;
  private final List<Place> places;

  CsvRecords(Path file, ReplayPlan plan) throws IOException {
    List<String> header;
    try (CsvRows all = new CsvRows(file, plan.separator())) {
      List<String> first = all.next();
      if (first == null) {
        throw new IOException("the file is empty");
      }
      header = first.stream().map(String::strip).toList();
      width = header.size();
      places = places(header, plan, all);
    }
    rows = new CsvRows(file, plan.separator());
    List<String> unused = rows.next();
  }

  private static List<Place> places(List<String> header, ReplayPlan plan, CsvRows all)
      throws IOException {
    List<Column> columns = new ArrayList<>();
    if (plan.columns().isEmpty()) {
      for (String name : header) {
        if (!name.equals(plan.labelColumn()) || plan.labelProperty().isEmpty()) {
          columns.add(new Column(name, Optional.empty(), name));
        }
      }
    } else {
      columns.addAll(plan.columns());
    }
    if (!plan.labelProperty().isEmpty() && header.contains(plan.labelColumn())) {
      columns.removeIf(column -> column.property().equals(plan.labelProperty()));
      columns.add(
          new Column(plan.labelColumn(), Optional.of(DataType.STRING), plan.labelProperty()));
    }
    @Nullable DataType[] found = new DataType[header.size()];
    if (columns.stream().anyMatch(column -> column.type().isEmpty())) {
      for (List<String> row = all.next(); row != null; row = all.next()) {
        for (int i = 0; i < Math.min(row.size(), found.length); i++) {
          found[i] = type(found[i], row.get(i).strip());
        }
      }
    }
    List<Place> places = new ArrayList<>();
    for (Column column : columns) {
      int index = header.indexOf(column.name());
      if (index < 0) {
        throw new IOException(
            "there is no such column column=" + column.name() + " columns=" + header);
      }
      DataType inferred = found[index];
      places.add(
          new Place(
              index,
              column.name(),
              column.type().orElse(inferred == null ? DataType.STRING : inferred),
              column.property()));
    }
    return places;
  }

  /** The type of a column with one more cell. */
  private static @Nullable DataType type(@Nullable DataType before, String cell) {
    if (cell.isEmpty() || before == DataType.STRING) {
      return before;
    }
    DataType one = DataType.STRING;
    for (DataType candidate : List.of(DataType.LONG, DataType.DOUBLE, DataType.BOOLEAN)) {
      if (one == DataType.STRING && value(candidate, cell) != null) {
        one = candidate;
      }
    }
    if (before == null || before == one) {
      return one;
    }
    boolean numbers = before != DataType.BOOLEAN && one != DataType.BOOLEAN;
    return numbers && one != DataType.STRING ? DataType.DOUBLE : DataType.STRING;
  }

  private static @Nullable TypedValue<?> value(DataType type, String cell) {
    try {
      return switch (type) {
        case LONG -> TypedValues.newLongValue(Long.parseLong(cell));
        case INTEGER -> TypedValues.newIntegerValue(Integer.parseInt(cell));
        case DOUBLE -> TypedValues.newDoubleValue(Double.parseDouble(cell));
        case FLOAT -> TypedValues.newFloatValue(Float.parseFloat(cell));
        case BOOLEAN ->
            switch (cell.toLowerCase(Locale.ROOT)) {
              case "true" -> TypedValues.newBooleanValue(true);
              case "false" -> TypedValues.newBooleanValue(false);
              default -> null;
            };
        default -> TypedValues.newStringValue(cell);
      };
    } catch (NumberFormatException e) {
      return null;
    }
  }

  @Override
  public @Nullable Map<String, TypedValue<?>> next() throws IOException, BadRecordException {
    List<String> row = rows.next();
    if (row == null) {
      return null;
    }
    if (row.size() != width) {
      throw new BadRecordException(
          "a row has not as many cells as the first row="
              + rows.row()
              + " asked="
              + width
              + " found="
              + row.size());
    }
    Map<String, TypedValue<?>> properties = new HashMap<>();
    for (Place place : places) {
      String cell = row.get(place.index()).strip();
      if (cell.isEmpty()) {
        continue;
      }
      TypedValue<?> value = value(place.type(), cell);
      if (value == null) {
        throw new BadRecordException(
            "a cell is not of its type row="
                + rows.row()
                + " column="
                + place.column()
                + " asked="
                + place.type()
                + " found=\""
                + cell
                + "\"");
      }
      properties.put(place.property(), value);
    }
    return properties;
  }

  @Override
  public void close() throws IOException {
    rows.close();
  }
}
