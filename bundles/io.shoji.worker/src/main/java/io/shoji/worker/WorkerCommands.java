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

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** What an operator sees of workers, and can do about them, in the console's shell. */
@Component(
    name = "io.shoji.worker.commands",
    service = WorkerCommands.class,
    property = {
      "osgi.command.scope=shoji",
      "osgi.command.function=workers",
      "osgi.command.function=crashes",
      "osgi.command.function=crash",
      "osgi.command.function=restart",
      "osgi.command.function=quarantine",
      "osgi.command.function=forgive"
    })
public final class WorkerCommands {
  private final Workers workers;

  /** Commands on the workers. */
  @Activate
  public WorkerCommands(@Reference Workers workers) {
    this.workers = workers;
  }

  /** {@code shoji:workers}: every driver that runs in a worker. */
  public String workers() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "DRIVER",
            "STATE",
            "PROCESS",
            "ACCELERATORS",
            "MODELS",
            "FORMER",
            "DEATHS",
            "GAP",
            "REASON"));
    workers.drivers().forEach(driver -> rows.add(driver.row()));
    return table(rows);
  }

  /** {@code shoji:crashes}: the latest deaths of workers, one line each. */
  public String crashes() {
    StringBuilder text = new StringBuilder();
    for (String crash : workers.crashes().all()) {
      text.append(
              String.join(
                  "  ", crash.lines().filter(line -> !line.startsWith(" ")).limit(7).toList()))
          .append('\n');
    }
    return text.isEmpty() ? "no worker has died" : text.toString();
  }

  /** {@code shoji:crash NUMBER}: everything that is known of a worker's death. */
  public String crash(long number) {
    Optional<String> text = workers.crashes().text(number);
    return text.orElse("no such report is kept crash=" + number);
  }

  /** {@code shoji:restart NAME}: starts drivers again, also those that were given up. */
  public String restart(String name) {
    int count = workers.restart(name);
    return count == 0
        ? "no driver of this name or kind runs in a worker name=" + name
        : "restarted " + count;
  }

  /** {@code shoji:quarantine}: inputs that are refused. */
  public String quarantine() {
    StringBuilder text = new StringBuilder();
    workers
        .quarantine()
        .refused()
        .forEach(
            (digest, deaths) ->
                text.append(digest).append("  deaths ").append(deaths).append('\n'));
    return text.isEmpty() ? "no input is refused" : text.toString();
  }

  /** {@code shoji:forgive}: lets all inputs run again. */
  public String forgive() {
    return "forgiven " + workers.quarantine().release();
  }

  private static String table(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
