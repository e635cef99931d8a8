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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.disk.LocalDisk;
import io.shoji.testkit.SimulatedDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a power cut leaves of field samples and of their key. */
class SampleFilesTest {
  private static final String SIGNATURE = "0123456789abcdef";
  private static final String MODEL = "6469";

  @TempDir Path temp;

  private static byte[] contents(long index) {
    byte[] bytes = new byte[5_000];
    Arrays.fill(bytes, (byte) index);
    return bytes;
  }

  @Test
  void shouldHoldEachSampleWholeOrNotAtAllWhenPowerGoesAtAnyChange() throws Exception {
    Path parent = Files.createDirectory(temp.resolve("data"));
    SimulatedDisk disk = new SimulatedDisk(parent);
    Path root = parent.resolve("field-samples");
    // After how many changes on disk which samples were there for certain, and which were removed.
    List<Map.Entry<Integer, Set<Long>>> certain = new ArrayList<>();
    SampleKeys keys = new SampleKeys(root, disk, Optional::empty);
    assertThat(keys.writing()).isNotNull();
    int keyAfter = disk.done();
    SampleFiles files = SampleFiles.in(root.resolve(MODEL), disk);
    TreeSet<Long> there = new TreeSet<>();
    certain.add(Map.entry(disk.done(), Set.of()));
    for (long index = 1; index <= 4; index++) {
      files.write(index, SIGNATURE, contents(index), 0);
      there.add(index);
      certain.add(Map.entry(disk.done(), Set.copyOf(there)));
    }
    for (SampleFiles.Entry entry : List.copyOf(files.from(3))) {
      there.remove(entry.index());
      certain.add(Map.entry(disk.done(), Set.copyOf(there)));
      files.remove(entry);
    }
    Path work = Files.createDirectory(temp.resolve("work"));
    Random random = new Random(11);

    int played = 0;
    for (int after = 0; after <= disk.done(); after++) {
      int now = after;
      Set<Long> least =
          certain.stream()
              .filter(each -> each.getKey() <= now)
              .reduce((a, b) -> b)
              .map(Map.Entry::getValue)
              .orElse(Set.of());
      played +=
          disk.powerCuts(
              after,
              12,
              work,
              random,
              (copy, what) -> {
                Path folder = copy.resolve("field-samples");
                SampleFiles found = SampleFiles.in(folder.resolve(MODEL), new LocalDisk());
                Set<Long> numbers = new TreeSet<>();
                for (SampleFiles.Entry entry : found.entries()) {
                  assertThat(found.read(entry)).as(what).isEqualTo(contents(entry.index()));
                  numbers.add(entry.index());
                }
                assertThat(numbers).as(what).containsAll(least);
                if (now >= keyAfter) {
                  assertThat(Files.size(folder.resolve("key"))).as(what).isEqualTo(32);
                }
                // It goes on.
                found.write(9, SIGNATURE, contents(9), 0);
                assertThat(found.last()).as(what).isEqualTo(9);
              });
    }

    System.out.println("changes=" + disk.done() + " powerCuts=" + played);
    assertThat(disk.done()).isGreaterThan(20);
    assertThat(played).isGreaterThan(disk.done());
  }
}
