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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.disk.Disk;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedDisk;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final GenerationKey V1 = key("digits", "1.0.0");
  private static final GenerationKey V2 = key("digits", "2.0.0");
  private static final GenerationKey V3 = key("digits", "3.0.0");
  private static final State[] COMMIT = {
    State.VERIFIED, State.ACCEPTED, State.CANARY, State.LIVE, State.PROBATION, State.COMMITTED
  };

  @TempDir(factory = FastFolder.class)
  Path temp;

  static GenerationKey key(String model, String version) {
    return new GenerationKey(
        model,
        version,
        "p" + version,
        "onnx",
        "v" + version,
        "cpu:cpu0",
        "driver",
        "1.0.0",
        "ONNX Runtime",
        "1.29.0",
        "build");
  }

  private Path folder() {
    return temp.resolve("operations");
  }

  private Journal open() {
    return Journal.open(folder(), new UnsyncedDisk());
  }

  private static long commit(Journal journal, Optional<GenerationKey> from, GenerationKey to) {
    long id = journal.begin(from, to);
    for (State state : COMMIT) {
      journal.advance(id, state, "", Map.of());
    }
    return id;
  }

  private static ModelChange change(Journal journal, long id) {
    return journal.changes("digits").stream().filter(c -> c.id() == id).findFirst().orElseThrow();
  }

  /** A disk that refuses every change when it is told to. */
  private static final class FullDisk extends UnsyncedDisk {
    volatile boolean full;

    private void check() throws IOException {
      if (full) {
        throw new IOException("No space left on device");
      }
    }

    @Override
    public void createFolder(Path folder) throws IOException {
      check();
      super.createFolder(folder);
    }

    @Override
    public Disk.Sink append(Path file) throws IOException {
      check();
      return super.append(file);
    }
  }

  private static final class Told implements Journal.Observer {
    final List<ModelChange> changes = new ArrayList<>();
    final List<String> messages = new ArrayList<>();

    @Override
    public void changed(ModelChange change) {
      changes.add(change);
    }

    @Override
    public void failing(String message) {
      messages.add(message);
    }

    @Override
    public void healed(String message) {
      messages.add(message);
    }
  }

  // What it tells.

  @Test
  void shouldTellEverythingOfChangesWhenOpenedAgain() {
    List<ModelChange> before;
    try (Journal journal = open()) {
      long first = commit(journal, Optional.empty(), V1);
      long second = journal.begin(Optional.of(V1), V2);
      journal.advance(second, State.VERIFIED, "", Map.of("p99Ms", "1.5"));
      journal.advance(second, State.ROLLED_BACK, "worse, \"quoted\" ü\nline", Map.of("top1", "0"));
      before = journal.changes("digits");
      assertThat(before).extracting(ModelChange::id).containsExactly(first, second);
      assertThat(before.get(1).evidence()).isEqualTo(Map.of("p99Ms", "1.5", "top1", "0"));
      assertThat(journal.starts()).isEqualTo(1);
    }

    try (Journal again = open()) {
      assertThat(again.changes("digits")).isEqualTo(before);
      assertThat(again.changes("letters")).isEmpty();
      assertThat(again.unfinished()).isEmpty();
      assertThat(again.lastGood("digits")).contains(V1);
      assertThat(again.starts()).isEqualTo(2);
      assertThat(again.begin(Optional.of(V1), V3)).isGreaterThan(before.get(1).id());
    }
  }

  @Test
  void shouldRefuseStateThatDoesNotFollow() {
    Map<State, Set<State>> allowed = new EnumMap<>(State.class);
    allowed.put(State.STAGED, EnumSet.of(State.VERIFIED, State.ROLLED_BACK));
    allowed.put(State.VERIFIED, EnumSet.of(State.ACCEPTED, State.ROLLED_BACK));
    allowed.put(State.ACCEPTED, EnumSet.of(State.CANARY, State.LIVE, State.ROLLED_BACK));
    allowed.put(State.CANARY, EnumSet.of(State.LIVE, State.ROLLED_BACK));
    allowed.put(State.LIVE, EnumSet.of(State.PROBATION, State.COMMITTED, State.ROLLED_BACK));
    allowed.put(State.PROBATION, EnumSet.of(State.COMMITTED, State.ROLLED_BACK));
    allowed.put(State.COMMITTED, EnumSet.noneOf(State.class));
    allowed.put(State.ROLLED_BACK, EnumSet.noneOf(State.class));
    Map<State, List<State>> ways =
        Map.of(
            State.STAGED, List.of(),
            State.VERIFIED, List.of(State.VERIFIED),
            State.ACCEPTED, List.of(State.VERIFIED, State.ACCEPTED),
            State.CANARY, List.of(State.VERIFIED, State.ACCEPTED, State.CANARY),
            State.LIVE, List.of(State.VERIFIED, State.ACCEPTED, State.LIVE),
            State.PROBATION, List.of(State.VERIFIED, State.ACCEPTED, State.LIVE, State.PROBATION),
            State.COMMITTED, List.of(State.VERIFIED, State.ACCEPTED, State.LIVE, State.COMMITTED),
            State.ROLLED_BACK, List.of(State.ROLLED_BACK));

    for (State from : State.values()) {
      for (State to : State.values()) {
        Journal journal = Journal.inMemory();
        long id = journal.begin(Optional.empty(), V1);
        ways.get(from).forEach(state -> journal.advance(id, state, "", Map.of()));
        if (allowed.get(from).contains(to)) {
          journal.advance(id, to, "", Map.of());
          assertThat(change(journal, id).state()).isEqualTo(to);
        } else {
          assertThatThrownBy(() -> journal.advance(id, to, "", Map.of()))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("from=" + from)
              .hasMessageContaining("to=" + to);
          assertThat(change(journal, id).state()).isEqualTo(from);
        }
      }
    }
  }

  @Test
  void shouldRememberAcceptanceOfThisVeryKeyUntilItIsRolledBack() {
    try (Journal journal = open()) {
      commit(journal, Optional.empty(), V1);
      long second = journal.begin(Optional.of(V1), V2);
      assertThat(journal.wasAccepted(V2)).isFalse();
      journal.advance(second, State.VERIFIED, "", Map.of());
      journal.advance(second, State.ACCEPTED, "", Map.of());
      assertThat(journal.wasAccepted(V2)).isFalse();
    }
    try (Journal journal = open()) {
      assertThat(journal.wasAccepted(V1)).isTrue();
      assertThat(journal.wasAccepted(V2)).isFalse();
      GenerationKey other =
          new GenerationKey(
              "digits",
              "1.0.0",
              "p1.0.0",
              "onnx",
              "v1.0.0",
              "cpu:cpu0",
              "driver",
              "1.0.0",
              "ONNX Runtime",
              "1.28.0",
              "build");
      assertThat(journal.wasAccepted(other)).isFalse();

      long again = journal.begin(Optional.of(V1), V1);
      assertThat(journal.wasAccepted(V1)).isTrue();
      journal.advance(again, State.ROLLED_BACK, "worse", Map.of());
      assertThat(journal.wasAccepted(V1)).isFalse();
      assertThat(journal.lastGood("digits")).contains(V1);
    }
  }

  // Restarts.

  @Test
  void shouldRollBackWhatWasInterruptedAndKeepWhatIsLiveWhenProcessDies() {
    Journal dies = open();
    Map<State, Long> ids = new EnumMap<>(State.class);
    ids.put(State.STAGED, dies.begin(Optional.empty(), V1));
    for (int i = 0; i < COMMIT.length; i++) {
      long id = dies.begin(Optional.empty(), V1);
      for (int j = 0; j <= i; j++) {
        dies.advance(id, COMMIT[j], "", Map.of());
      }
      ids.put(COMMIT[i], id);
    }

    Told told = new Told();
    Journal again = open();
    again.observe(told);

    for (State state : EnumSet.of(State.STAGED, State.VERIFIED, State.ACCEPTED, State.CANARY)) {
      ModelChange closed = change(again, ids.get(state));
      assertThat(closed.state()).isEqualTo(State.ROLLED_BACK);
      assertThat(closed.reason()).isEqualTo("interrupted by a restart");
      assertThat(told.changes).contains(closed);
    }
    assertThat(told.changes).hasSize(4);
    assertThat(again.unfinished())
        .extracting(ModelChange::id)
        .containsExactly(ids.get(State.LIVE), ids.get(State.PROBATION));
    assertThat(again.deaths(ids.get(State.PROBATION))).isEqualTo(1);
    assertThat(again.deaths(ids.get(State.COMMITTED))).isZero();

    // Dies again, then ends as it should.
    try (Journal third = open()) {
      assertThat(third.deaths(ids.get(State.PROBATION))).isEqualTo(2);
      assertThat(third.starts()).isEqualTo(3);
    }
    try (Journal fourth = open()) {
      assertThat(fourth.deaths(ids.get(State.PROBATION))).isEqualTo(2);
      assertThat(fourth.starts()).isEqualTo(4);
    }
  }

  // Disks.

  @Test
  void shouldGoOnInMemoryAndHealWhenDiskIsFull() throws Exception {
    FullDisk disk = new FullDisk();
    Told told = new Told();
    Journal journal = Journal.open(folder(), disk);
    journal.observe(told);
    long id = journal.begin(Optional.empty(), V1);

    disk.full = true;
    for (State state : COMMIT) {
      journal.advance(id, state, "", Map.of());
    }
    assertThat(journal.failing()).isTrue();
    assertThat(journal.lastGood("digits")).contains(V1);
    assertThat(journal.heal()).isFalse();
    assertThat(told.messages).hasSize(1);
    assertThat(told.messages.get(0)).contains("No space left on device", folder().toString());
    Path copy = Files.createDirectory(temp.resolve("copy"));
    Files.copy(folder().resolve("changes"), copy.resolve("changes"));
    assertThat(Journal.open(copy, new UnsyncedDisk()).lastGood("digits")).isEmpty();

    disk.full = false;
    assertThat(journal.heal()).isTrue();
    assertThat(journal.failing()).isFalse();
    assertThat(told.messages).hasSize(2);
    assertThat(told.messages.get(1)).contains("on the disk again");
    assertThat(open().lastGood("digits")).contains(V1);
  }

  @Test
  void shouldWorkInMemoryWhenFolderCannotBeMade() throws Exception {
    Files.writeString(folder(), "no folder");
    Told told = new Told();
    try (Journal journal = open()) {
      journal.observe(told);
      commit(journal, Optional.empty(), V1);
      assertThat(journal.lastGood("digits")).contains(V1);
      assertThat(told.messages).hasSize(1);
      Files.delete(folder());
      commit(journal, Optional.of(V1), V2);
      assertThat(journal.failing()).isFalse();
    }
    assertThat(open().lastGood("digits")).contains(V2);
  }

  @Test
  void shouldReplaceFileWhenItIsNotAsItWasLeft() throws Exception {
    Told told = new Told();
    Journal journal = open();
    journal.observe(told);
    commit(journal, Optional.empty(), V1);
    Files.delete(folder().resolve("changes"));

    commit(journal, Optional.of(V1), V2);

    assertThat(told.messages).hasSize(2);
    journal.close();
    try (Journal again = open()) {
      assertThat(again.wasAccepted(V1)).isTrue();
      assertThat(again.lastGood("digits")).contains(V2);
    }
  }

  @Test
  void shouldCutOffTornEndAndTrustTheRest() throws Exception {
    Journal journal = open();
    commit(journal, Optional.empty(), V1);
    Path file = folder().resolve("changes");
    byte[] before = Files.readAllBytes(file);
    long id = journal.begin(Optional.of(V1), V2);
    byte[] after = Files.readAllBytes(file);
    int step = Proof.rounds(9, 1);

    for (int cut = after.length - before.length; cut >= 0; cut -= cut > 9 ? step : 1) {
      int length = after.length - cut;
      Files.write(file, Arrays.copyOf(after, length));
      Files.deleteIfExists(folder().resolve("changes.damaged"));
      Journal again = open();
      assertThat(again.wasAccepted(V1)).as("cut after %d", length).isTrue();
      assertThat(again.lastGood("digits")).contains(V1);
      assertThat(again.changes("digits")).hasSize(length == after.length ? 2 : 1);
      assertThat(folder().resolve("changes.damaged")).doesNotExist();
      again.begin(Optional.of(V1), V3);
      assertThat(Journal.open(folder(), new UnsyncedDisk()).changes("digits"))
          .hasSize(length == after.length ? 3 : 2);
    }
    assertThat(id).isPositive();
  }

  @Test
  void shouldDetectEveryDamagedByteInTheMiddleAndDistrustWhatCameBefore() throws Exception {
    Journal journal = open();
    commit(journal, Optional.empty(), V1);
    Path file = folder().resolve("changes");
    int begin = Files.readString(file).indexOf('\n') + 1;
    int firstEnd = Files.readAllBytes(file).length;
    long second = commit(journal, Optional.of(V1), V2);
    byte[] whole = Files.readAllBytes(file);
    int lastLine = new String(whole, 0, whole.length - 1, StandardCharsets.UTF_8).lastIndexOf('\n');

    for (int at = begin; at < firstEnd - 1; at += Proof.rounds(31, 1)) {
      byte[] bytes = whole.clone();
      bytes[at] ^= 0x01;
      Files.write(file, bytes);
      Journal again = open();
      assertThat(again.wasAccepted(V1)).as("byte %d", at).isFalse();
      assertThat(again.wasAccepted(V2)).as("byte %d", at).isTrue();
      assertThat(again.lastGood("digits")).contains(V2);
      assertThat(folder().resolve("changes.damaged")).hasBinaryContent(bytes);
      // It is said once, and the numbers go on.
      assertThat(again.begin(Optional.of(V2), V3)).isGreaterThan(second);
      Files.delete(folder().resolve("changes.damaged"));
      assertThat(open().wasAccepted(V1)).isFalse();
      assertThat(folder().resolve("changes.damaged")).doesNotExist();
    }
    for (int at = firstEnd - 1; at < lastLine; at += Proof.rounds(31, 1)) {
      byte[] bytes = whole.clone();
      bytes[at] ^= 0x01;
      Files.write(file, bytes);
      Journal again = open();
      assertThat(again.wasAccepted(V1)).as("byte %d", at).isFalse();
      // The end of the second change is whole, but not the way to it.
      assertThat(again.wasAccepted(V2)).as("byte %d", at).isFalse();
      assertThat(again.lastGood("digits")).contains(V2);
    }
  }

  @Test
  void shouldNotTakeOldLinesForNewOnes() throws Exception {
    Journal journal = open();
    commit(journal, Optional.empty(), V1);
    Path file = folder().resolve("changes");
    List<String> lines = Files.readAllLines(file);
    commit(journal, Optional.of(V1), V2);

    // A block of the disk that held an earlier part of a journal.
    Files.writeString(file, Files.readString(file) + lines.get(2) + "\n" + lines.get(3) + "\n");

    Journal again = open();
    assertThat(again.lastGood("digits")).contains(V2);
    assertThat(again.unfinished()).isEmpty();
    assertThat(again.changes("digits")).hasSize(2);
  }

  @Test
  void shouldBeginAnewAndKeepCopyWhenLayoutIsUnknown() throws Exception {
    Path file = folder().resolve("changes");
    Files.createDirectories(folder());
    JournalFile other = new JournalFile(folder(), "changes", new UnsyncedDisk());
    other.replace(List.of("{\"layout\":2,\"starts\":1,\"last\":7}", "what no one knows"));
    byte[] bytes = Files.readAllBytes(file);

    Journal journal = open();

    assertThat(journal.changes("digits")).isEmpty();
    assertThat(folder().resolve("changes.damaged")).hasBinaryContent(bytes);
    commit(journal, Optional.empty(), V1);
    assertThat(open().lastGood("digits")).contains(V1);
  }

  @Test
  void shouldKeepWhatMattersWhenFileGetsLong() throws Exception {
    GenerationKey letters = key("letters", "1.0.0");
    long open;
    try (Journal journal = open()) {
      commit(journal, Optional.empty(), letters);
      commit(journal, Optional.empty(), V1);
      open = journal.begin(Optional.of(V1), V3);
      for (int i = 0; i < 1_000; i++) {
        long id = journal.begin(Optional.of(V1), V2);
        journal.advance(id, State.ROLLED_BACK, "worse " + i, Map.of());
      }
      assertThat(journal.changes("digits")).hasSize(Journal.KEPT_CHANGES + 2);
      journal.advance(open, State.VERIFIED, "", Map.of());
      assertThat(Files.size(folder().resolve("changes"))).isLessThan(300_000);
    }
    try (Journal again = open()) {
      assertThat(again.lastGood("digits")).contains(V1);
      assertThat(again.wasAccepted(V1)).isTrue();
      assertThat(again.wasAccepted(letters)).isTrue();
      assertThat(change(again, open).state()).isEqualTo(State.ROLLED_BACK);
      assertThat(again.begin(Optional.empty(), V1)).isEqualTo(1_004);
    }
  }

  /** Whatever happens, what was said to be on the disk is, and nothing is there that was not. */
  @Test
  void shouldHoldEveryStateThatWasReachedWhenPowerGoesAtAnyChange() throws Exception {
    Path parent = Files.createDirectory(temp.resolve("lives"));
    SimulatedDisk disk = new SimulatedDisk(parent);
    // After how many changes on disk which states were reached for certain.
    List<Map.Entry<Integer, List<ModelChange>>> reached = new ArrayList<>();
    Journal journal = Journal.open(parent.resolve("operations"), disk);
    Runnable note =
        () -> {
          reached.add(Map.entry(disk.done(), journal.changes("digits")));
        };
    note.run();
    for (GenerationKey to : List.of(V1, V2, V3)) {
      long id = journal.begin(Optional.of(V1), to);
      note.run();
      for (State state : COMMIT) {
        boolean fails = to.equals(V2) && state == State.COMMITTED;
        journal.advance(id, fails ? State.ROLLED_BACK : state, "", Map.of());
        note.run();
      }
    }
    journal.close();
    Path work = Files.createDirectory(temp.resolve("work"));
    Random random = new Random(5);

    int played = 0;
    for (int after = 0; after <= disk.done(); after++) {
      int now = after;
      List<ModelChange> least =
          reached.stream()
              .filter(r -> r.getKey() <= now)
              .reduce((a, b) -> b)
              .map(Map.Entry::getValue)
              .orElse(List.of());
      played +=
          disk.powerCuts(
              after,
              Proof.rounds(12, 256),
              work,
              random,
              (image, what) -> {
                Path folder = image.resolve("operations");
                try (Journal again = Journal.open(folder, new UnsyncedDisk())) {
                  List<ModelChange> found = again.changes("digits");
                  assertThat(found.size()).as(what).isGreaterThanOrEqualTo(least.size());
                  for (int i = 0; i < found.size(); i++) {
                    State state = found.get(i).state();
                    State before = i < least.size() ? least.get(i).state() : State.STAGED;
                    boolean closed = found.get(i).reason().equals(Journal.INTERRUPTED);
                    assertThat(closed || state.compareTo(before) >= 0).as(what).isTrue();
                    assertThat(closed && before.compareTo(State.LIVE) >= 0).as(what).isFalse();
                  }
                  assertThat(folder.resolve("changes.damaged")).as(what).doesNotExist();
                  commit(again, Optional.empty(), V3);
                }
                assertThat(Journal.open(folder, new UnsyncedDisk()).lastGood("digits"))
                    .as(what)
                    .contains(V3);
              });
    }
    assertThat(played).isGreaterThan(2 * disk.done());
  }
}
