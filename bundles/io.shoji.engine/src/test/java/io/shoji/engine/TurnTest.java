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

import io.shoji.inference.ModelStatus;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import io.shoji.operations.RolloutPolicy;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;

/** Versions that are loaded already take over like others: the journal says so first. */
class TurnTest extends GoldenFixture {
  /** Notes which version answered when a line was written, and can keep the journal as it is. */
  private final class Witness extends UnsyncedDisk {
    final List<String> lines = new CopyOnWriteArrayList<>();
    volatile String copyAt = "";

    @Override
    public Sink append(Path file) throws IOException {
      Sink sink = super.append(file);
      return new Sink() {
        @Override
        public void write(ByteBuffer bytes) throws IOException {
          String text = StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
          sink.write(bytes);
          witnessed(text);
        }

        @Override
        public void sync() throws IOException {
          sink.sync();
        }

        @Override
        public void close() throws IOException {
          sink.close();
        }
      };
    }

    private void witnessed(String text) throws IOException {
      for (State state : State.values()) {
        for (String version : List.of("1.0.0", "2.0.0")) {
          if (text.contains("\"state\":\"" + state + "\"")
              && text.contains("\"to\":{\"model\":\"digits\",\"version\":\"" + version + "\"")) {
            String line = version + " " + state + " while " + answering();
            if (line.startsWith(copyAt) && !copyAt.isEmpty()) {
              copyAt = "";
              Files.createDirectories(temp.resolve("killed"));
              Files.copy(folder().resolve("changes"), temp.resolve("killed/changes"));
            }
            lines.add(line);
          }
        }
      }
    }
  }

  private Path folder() {
    return temp.resolve("operations");
  }

  private void start(Path folder, UnsyncedDisk disk, Pins pins) {
    engine.close();
    engine = new Engine(SETTINGS, FakeAccelerator::stopwatch, pins, Journal.open(folder, disk));
  }

  private String answering() {
    Family family = engine.family("digits");
    Generation answers = family == null ? null : family.routes().unnamed();
    return answers == null ? "" : answers.version.toString();
  }

  private List<ModelChange> changes() {
    return engine.rollouts().changes("digits");
  }

  private Optional<String> committed() {
    return engine.journal().lastGood("digits").map(key -> key.version());
  }

  private FakePackage version(String version) throws Exception {
    return packageOf(version, Optional.of(top1(0.9)));
  }

  private void commit(String version) {
    await(version + " answers", () -> answering().equals(version));
    await(version + " is committed", () -> committed().equals(Optional.of(version)));
    awaitPlaced(DIGITS);
  }

  @Test
  void shouldGoOnWithWhatWasCommittedWhenUpdateBeginsBeforeStoreToldOfItsPredecessor()
      throws Exception {
    samples(0, 0);
    start(folder(), new UnsyncedDisk(), Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 2));
    // The store has not come to say that the first is only there to go back to by now.
    FakePackage first = install(version("1.0.0"));
    commit("1.0.0");
    FakePackage second = install(version("2.0.0"));
    commit("2.0.0");

    // The bundle stops to be updated, then brings the next, which takes its time.
    engine.removePackage(second);
    engine.infer(DIGITS, input(1), in(5_000));
    assertThat(answering()).isEqualTo("2.0.0");
    install(first.asRetained());
    engine.removePackage(first);
    FakePackage third = install(version("3.0.0"));
    install(second.asRetained());
    commit("3.0.0");

    assertThat(changes().stream().map(c -> c.to().version() + " " + c.state()).toList())
        .containsExactly("3.0.0 COMMITTED", "2.0.0 COMMITTED", "1.0.0 COMMITTED");
    assertThat(changes().get(0).from().orElseThrow().version()).isEqualTo("2.0.0");
    assertThat(third.description().version()).isEqualTo(new Version(3, 0, 0));
  }

  @Test
  void shouldWriteFirstAndSwitchThenWhenOperatorAsksForVersionThatIsLoaded() throws Exception {
    samples(0, 0);
    Witness witness = new Witness();
    start(folder(), witness, Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 2));
    install(version("1.0.0"));
    commit("1.0.0");
    install(version("2.0.0"));
    commit("2.0.0");
    witness.lines.clear();

    engine.family("digits").pin(new Version(1, 0, 0));

    // Loaded already, so there is nothing to wait for.
    assertThat(answering()).isEqualTo("1.0.0");
    assertThat(witness.lines)
        .containsExactly(
            "1.0.0 STAGED while 2.0.0",
            "1.0.0 VERIFIED while 2.0.0",
            "1.0.0 ACCEPTED while 2.0.0",
            "1.0.0 LIVE while 2.0.0",
            "1.0.0 COMMITTED while 1.0.0");
    assertThat(changes().get(0).reason()).contains("loaded already");
  }

  @Test
  void shouldAnswerWithOldOrNewAndEndTheChangeWhenKilledBetweenJournalAndSwitch() throws Exception {
    samples(0, 0);
    Witness witness = new Witness();
    start(folder(), witness, Pins.inMemory());
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    FakePackage first = install(version("1.0.0"));
    commit("1.0.0");
    FakePackage second = install(version("2.0.0"));
    commit("2.0.0");
    witness.copyAt = "1.0.0 LIVE while 2.0.0";
    engine.family("digits").pin(new Version(1, 0, 0));
    assertThat(temp.resolve("killed/changes")).exists();
    unplug(cpu);

    // The pin is on disk before; then without it, as if the policy came from elsewhere.
    for (boolean pinned : List.of(true, false)) {
      Pins pins = Pins.inMemory();
      if (pinned) {
        pins.pin("digits", new Version(1, 0, 0));
      }
      Path copy = temp.resolve("copy" + pinned);
      Files.createDirectories(copy);
      Files.copy(temp.resolve("killed/changes"), copy.resolve("changes"));
      start(copy, new UnsyncedDisk(), pins);
      plug(FakeAccelerator.of("cpu", 2));
      install(first);
      install(second);
      assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
          .isEqualTo(pinned ? "1.0.0" : "2.0.0");
      if (!pinned) {
        // The next change ends what was left.
        install(version("3.0.0"));
      }
      String last = pinned ? "1.0.0" : "3.0.0";
      await(last + " is committed", () -> committed().equals(Optional.of(last)));
      await("every change ended", () -> changes().stream().allMatch(c -> c.state().ended()));
      assertThat(answering()).isEqualTo(last);
    }
  }

  @Test
  void shouldWatchVersionWhenOneThatWasNeverTriedTakesOverAlthoughItIsLoaded() throws Exception {
    samples(0, 0);
    RolloutPolicy watched =
        new RolloutPolicy(
            RolloutPolicy.Canary.OFF, 0.1, 60_000, 600_000, RolloutPolicy.TightMemory.REFUSE, "");
    engine.close();
    engine =
        new Engine(
            new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, true, 5_000, watched),
            FakeAccelerator::stopwatch,
            Pins.inMemory(),
            Journal.inMemory());
    plug(FakeAccelerator.of("cpu", 2));
    FakePackage second = install(version("2.0.0"));
    commit("2.0.0");
    // An update to a lower version: the store says only then that the higher one is kept.
    install(version("1.0.0"));
    await(
        "both serve",
        () ->
            engine.models().stream().filter(m -> m.state() == ModelStatus.State.SERVING).count()
                == 2);
    install(second.asRetained());
    engine.removePackage(second);

    await("1.0.0 answers", () -> answering().equals("1.0.0"));
    await("it is watched", () -> changes().get(0).state() == State.PROBATION);
    assertThat(changes().get(0).to().version()).isEqualTo("1.0.0");
    assertThat(committed()).contains("2.0.0");
  }
}
