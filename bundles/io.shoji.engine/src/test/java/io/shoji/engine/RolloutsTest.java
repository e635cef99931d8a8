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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.disk.LocalDisk;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import io.shoji.operations.RolloutPolicy.Canary;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Proof;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;

/** How generations take over from each other, and go back. */
class RolloutsTest extends GoldenFixture {
  private static final int CANARY_MS = 3_600_000;
  private static final int PROBATION_MS = 7_200_000;

  private final AtomicLong clock = new AtomicLong();

  private static RolloutPolicy policy(Canary canary, double share, String group) {
    return new RolloutPolicy(
        canary, share, CANARY_MS, PROBATION_MS, RolloutPolicy.TightMemory.REFUSE, group);
  }

  private void configure(Canary canary, double share) {
    configure(policy(canary, share, ""), Journal.inMemory(), Pins.inMemory());
  }

  private void configure(RolloutPolicy rollout, Journal journal, Pins pins) {
    engine.close();
    engine =
        new Engine(
            new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, true, 5_000, rollout),
            FakeAccelerator::stopwatch,
            clock::get,
            pins,
            journal);
  }

  private void pass(int ms) {
    clock.addAndGet(TimeUnit.MILLISECONDS.toNanos(ms) + 1);
  }

  private Provenance ask() throws Exception {
    return engine.infer(DIGITS, input(1), in(5_000)).provenance();
  }

  private void serveFirst() throws Exception {
    samples(0, 0);
    install(packageOf("1.0.0", Optional.of(top1(0.9))));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    await("the first stays", () -> newest().state() == State.COMMITTED);
  }

  private FakePackage installSecond() throws Exception {
    return install(packageOf("2.0.0", Optional.of(top1(0.9))));
  }

  private ModelChange newest() {
    return engine.rollouts().changes("digits").get(0);
  }

  private void awaitAnswering(String version) {
    await(
        version + " answers",
        () -> {
          Generation answers = engine.family("digits").routes().unnamed();
          return answers != null && answers.version.toString().equals(version);
        });
  }

  private void awaitState(String version, State state) {
    await(
        version + " is " + state,
        () ->
            !engine.rollouts().changes("digits").isEmpty()
                && newest().to().version().equals(version)
                && newest().state() == state);
  }

  /** Asks until a change came to a state; the versions that answered. */
  private List<String> askUntil(State state) throws Exception {
    List<String> versions = new ArrayList<>();
    long deadline = in(20_000);
    while (!(newest().to().version().equals("2.0.0") && newest().state() == state)) {
      assertThat(System.nanoTime() - deadline).as("waited too long for " + state).isNegative();
      versions.add(ask().modelVersion());
    }
    return versions;
  }

  private List<String> states(String version) {
    return engine.events().after(0).stream()
        .filter(e -> e.type() == EngineEvent.Type.MODEL_CHANGE && e.version().equals(version))
        .map(e -> e.details().get("state"))
        .toList();
  }

  private static boolean isLive(List<Tensor> inputs) {
    return inputs.get(0).getFloat(0) == 1;
  }

  /** Live requests of every so many are answered wrongly; golden samples never. */
  private static FakeAccelerator.Quirk wrongEvery(int period) {
    AtomicInteger runs = new AtomicInteger();
    return (inputs, outputs) -> {
      if (isLive(inputs) && runs.incrementAndGet() % period == 0) {
        outputs.get(0).setFloat(0, 77);
      }
    };
  }

  private static FakeAccelerator.Quirk failing(AcceleratorException.Code code) {
    return (inputs, outputs) -> {
      if (isLive(inputs)) {
        throw new AcceleratorException(code, "a quirk");
      }
    };
  }

  // Canary.

  @Test
  void shouldAnswerWithTheOldVersionUntilTheShadowCanaryHasFoundTheNewOneAsGood() throws Exception {
    configure(Canary.SHADOW, 1);
    plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.CANARY);
    // The one that answers when the switch is made may be of either.
    List<String> versions = askUntil(State.PROBATION);
    assertThat(versions.subList(0, versions.size() - 1))
        .startsWith("1.0.0")
        .doesNotContainSequence("2.0.0", "1.0.0");
    assertThat(ask().modelVersion()).isEqualTo("2.0.0");
    assertThat(newest().evidence())
        .containsEntry("canary.end", "as good")
        .containsEntry("canary.differing", "0")
        .containsEntry("top1", "1.0000")
        .containsEntry("agreement", "1.0000");

    await(
        "it stays",
        () -> {
          pass(PROBATION_MS);
          return newest().state() == State.COMMITTED;
        });
    assertThat(states("2.0.0"))
        .containsExactly(
            "STAGED", "VERIFIED", "ACCEPTED", "CANARY", "LIVE", "PROBATION", "COMMITTED");
  }

  @Test
  void shouldRefuseWhenAnswersDifferMoreOftenThanGoldenSamplesExplain() throws Exception {
    configure(Canary.SHADOW, 1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    cpu.quirks.put("2.0.0", wrongEvery(2));
    serveFirst();
    installSecond();

    List<String> versions = askUntil(State.ROLLED_BACK);

    assertThat(versions).containsOnly("1.0.0");
    assertThat(newest().reason()).contains("its canary speaks against it", "answers otherwise");
    await("it is closed", () -> cpu.open.get() == 1);
    assertThat(status(ModelRef.of("digits", "2.0.0")).reason()).contains("answers otherwise");
  }

  @Test
  void shouldHaveTheNewVersionAnswerItsShareAndLoseNoRequestWhenItFails() throws Exception {
    configure(Canary.LIVE, 0.5);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.CANARY);
    List<String> versions = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      versions.add(ask().modelVersion());
    }
    assertThat(versions).filteredOn("2.0.0"::equals).hasSize(10);

    // Not broken, as when its memory is short: it is counted, and what answers is asked.
    cpu.quirks.put("2.0.0", failing(AcceleratorException.Code.OUT_OF_MEMORY));
    versions = askUntil(State.ROLLED_BACK);

    assertThat(versions).containsOnly("1.0.0");
    assertThat(newest().reason()).contains("it fails failures=", "OUT_OF_MEMORY");
    assertThat(status(ModelRef.of("digits", "1.0.0")).metrics().errors()).isEmpty();
  }

  @Test
  void shouldAnswerPreparedAndAsynchronousRequestsWhenTheCanaryBreaks() throws Exception {
    configure(Canary.LIVE, 0.5);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.CANARY);
    List<Tensor> outputs = output();
    try (PreparedInference prepared = engine.prepare(DIGITS, input(1), outputs, in(5_000))) {
      List<String> versions = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        versions.add(prepared.run(in(5_000)).modelVersion());
        assertThat(outputs.get(0).getFloat(3)).isEqualTo(5);
      }
      assertThat(versions).contains("1.0.0", "2.0.0");
      cpu.quirks.put("2.0.0", failing(AcceleratorException.Code.FAILED));
      for (int i = 0; i < 10; i++) {
        InferenceResult result =
            engine.inferAsync(DIGITS, input(1), in(5_000)).get(5, TimeUnit.SECONDS);
        assertThat(result.provenance().modelVersion()).isEqualTo("1.0.0");
        assertThat(prepared.run(in(5_000)).modelVersion()).isEqualTo("1.0.0");
      }
    }
    awaitState("2.0.0", State.ROLLED_BACK);
    assertThat(newest().reason()).contains("it failed while it ran", "a quirk");
  }

  @Test
  void shouldGoLiveWithoutEvidenceAgainstItWhenTheTimeIsOver() throws Exception {
    configure(Canary.SHADOW, 1);
    plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.CANARY);

    await(
        "the time is over",
        () -> {
          pass(CANARY_MS);
          return newest().state() == State.PROBATION;
        });
    assertThat(newest().evidence()).containsEntry("canary.end", "nothing against it in time");
    assertThat(ask().modelVersion()).isEqualTo("2.0.0");
  }

  @Test
  void shouldAnswerAtOnceWhenWhatAnsweredGoesDuringTheCanary() throws Exception {
    configure(Canary.SHADOW, 1);
    plug(FakeAccelerator.of("cpu", 4));
    FakePackage first = null;
    samples(0, 0);
    first = install(packageOf("1.0.0", Optional.of(top1(0.9))));
    awaitServing(DIGITS);
    installSecond();
    awaitState("2.0.0", State.CANARY);

    engine.removePackage(first);
    engine.uninstalled(first.origin()::equals);

    assertThat(ask().modelVersion()).isEqualTo("2.0.0");
  }

  @Test
  void shouldRefuseWithACanaryWhatLostRightAnswersOnTheSameGoldenSamples() throws Exception {
    configure(Canary.SHADOW, 1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    // Right in the trial of its own minimum, but worse than what answers.
    AtomicInteger runs = new AtomicInteger();
    cpu.quirks.put(
        "2.0.0",
        (inputs, outputs) -> {
          if (inputs.get(0).getFloat(3) == 9 || runs.incrementAndGet() % 2 == 0) {
            for (int i = 0; i < 4; i++) {
              outputs.get(0).setFloat(i, i == 1 ? 10 : 1);
            }
          }
        });
    serveFirst();
    install(packageOf("2.0.0", Optional.of(top1(0.1))));

    awaitState("2.0.0", State.ROLLED_BACK);
    assertThat(newest().reason()).contains("it is worse than what answers", "lost=");
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
  }

  @Test
  void shouldSayWhyWhatAnswersCouldNotBeComparedOnGoldenSamples() throws Exception {
    configure(Canary.OFF, 0.1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    cpu.quirks.put(
        "1.0.0",
        (inputs, outputs) -> {
          throw new AcceleratorException(AcceleratorException.Code.FAILED, "out of order");
        });
    installSecond();

    awaitState("2.0.0", State.PROBATION);
    assertThat(newest().evidence())
        .containsEntry("top1", "1.0000")
        .hasEntrySatisfying("agreement.failure", why -> assertThat(why).contains("out of order"))
        .doesNotContainKey("agreement");
  }

  // Probation.

  @Test
  void shouldGoBackToTheVersionBeforeWhenTheNewOneFailsOnProbation() throws Exception {
    configure(Canary.OFF, 0.1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.PROBATION);
    assertThat(ask().modelVersion()).isEqualTo("2.0.0");
    cpu.quirks.put("2.0.0", failing(AcceleratorException.Code.OUT_OF_MEMORY));

    int failed = 0;
    while (newest().state() == State.PROBATION) {
      try {
        ask();
      } catch (io.shoji.inference.InferenceException e) {
        failed++;
      }
      assertThat(failed).isLessThan(1_000);
    }

    awaitState("2.0.0", State.ROLLED_BACK);
    assertThat(newest().reason()).contains("it fails more often than what answered before");
    awaitAnswering("1.0.0");
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
    assertThat(engine.pins().pin("digits")).isEqualTo(Version.parseVersion("1.0.0"));
    assertThat(engine.events().after(0))
        .anySatisfy(
            event -> {
              assertThat(event.type()).isEqualTo(EngineEvent.Type.MODEL_ROLLED_BACK);
              assertThat(event.version()).isEqualTo("1.0.0");
              assertThat(event.details())
                  .containsEntry("cause", "probation")
                  .containsEntry("from.version", "2.0.0")
                  .containsKey("evidence.top1");
            });
  }

  @Test
  void shouldAnswerOnWithoutAGapWhenTheNewAcceleratorBreaksOnProbation() throws Exception {
    configure(Canary.OFF, 0.1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4).costing(1_000_000));
    serveFirst();
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 4).costing(100_000));
    await("it moved", () -> newest().state() == State.PROBATION);
    assertThat(ask().accelerator()).isEqualTo("npu");
    assertThat(cpu.open).hasValue(1);
    npu.runFailure = new AcceleratorException(AcceleratorException.Code.FAILED, "broken");

    assertThat(engine.inferAsync(DIGITS, input(1), in(5_000))).failsWithin(5, TimeUnit.SECONDS);
    int loads = cpu.loads.get();
    assertThat(ask().accelerator()).isEqualTo("cpu");

    await("it is rolled back", () -> newest().state() == State.ROLLED_BACK);
    assertThat(cpu.loads).hasValue(loads);
    await("the broken one is closed", () -> npu.open.get() == 0);
    assertThat(status(DIGITS).candidates())
        .anySatisfy(
            c -> {
              assertThat(c.accelerator()).isEqualTo("npu:npu0");
              assertThat(c.verdict()).contains("it did worse on probation", "broken");
            });
  }

  @Test
  void shouldGoBackWhenTheNewOneIsSlowerOnTheSameRequests() throws Exception {
    configure(Canary.OFF, 1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    for (int i = 0; i < 20; i++) {
      ask();
    }
    AtomicBoolean slow = new AtomicBoolean();
    cpu.quirks.put(
        "2.0.0",
        (inputs, outputs) -> {
          if (slow.get()) {
            long end = System.nanoTime() + 30_000_000;
            while (end - System.nanoTime() > 0) {
              java.util.concurrent.locks.LockSupport.parkNanos(end - System.nanoTime());
            }
          }
        });
    installSecond();
    awaitState("2.0.0", State.PROBATION);
    slow.set(true);

    Thread[] clients = new Thread[4];
    for (int i = 0; i < clients.length; i++) {
      clients[i] =
          new Thread(
              () -> {
                while (newest().state() == State.PROBATION && engine.pins() != null) {
                  try {
                    ask();
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                }
              });
      clients[i].start();
    }
    for (Thread client : clients) {
      client.join(30_000);
      assertThat(client.isAlive()).isFalse();
    }

    awaitState("2.0.0", State.ROLLED_BACK);
    assertThat(newest().reason()).contains("it takes more than 2 times as long");
    awaitAnswering("1.0.0");
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
  }

  @Test
  void shouldGoBackWhenAnswersDifferOnProbationAfterACanary() throws Exception {
    configure(Canary.SHADOW, 1);
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    askUntil(State.PROBATION);
    cpu.quirks.put("2.0.0", wrongEvery(2));

    askUntil(State.ROLLED_BACK);

    assertThat(newest().reason()).contains("answers otherwise");
    awaitAnswering("1.0.0");
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
  }

  @Test
  void shouldLeaveTheDecisionToTheOperatorWhenHeGoesBackHimself() throws Exception {
    configure(Canary.OFF, 1);
    plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.PROBATION);

    new Operator(engine, Optional::empty).rollback("digits");

    await("it ended", () -> newest().state().ended());
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
  }

  // Acceptance beside what answers.

  @Test
  void shouldRefuseTheSameFileWhenAnotherDriverAnswersOtherwise() throws Exception {
    configure(Canary.OFF, 1);
    plug(FakeAccelerator.of("cpu", 4).costing(1_000_000));
    serveFirst();
    FakeAccelerator npu = FakeAccelerator.of("npu", 4).costing(100_000);
    npu.offset = 1.2f;
    plug(npu);
    awaitPlaced(DIGITS);

    await(
        "it is refused",
        () ->
            status(DIGITS).candidates().stream()
                .anyMatch(c -> c.verdict().contains("it answers otherwise than what answers now")));
    assertThat(ask().accelerator()).isEqualTo("cpu");
  }

  @Test
  void shouldHoldADriverToItsPromiseOfTheSameBits() throws Exception {
    samples(0, 0);
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 4);
    cpu.details = Map.of(LoadedModel.DETERMINISTIC, "true");
    AtomicInteger runs = new AtomicInteger();
    cpu.quirks.put(
        "1.0.0",
        (inputs, outputs) ->
            outputs
                .get(0)
                .setFloat(0, outputs.get(0).getFloat(0) + runs.incrementAndGet() * 1e-5f));
    plug(cpu);
    install(packageOf("1.0.0", Optional.of(top1(0.9))));

    await(
        "it is refused",
        () -> status(DIGITS).reason().contains("its driver promises the same answer"));
  }

  @Test
  void shouldRefuseOutputsOfAWrongScale() throws Exception {
    samples(0, 0);
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 4);
    cpu.quirks.put(
        "1.0.0",
        (inputs, outputs) -> {
          for (int i = 0; i < 4; i++) {
            outputs.get(0).setFloat(i, outputs.get(0).getFloat(i) * 2);
          }
        });
    plug(cpu);
    install(packageOf("1.0.0", Optional.of(top1(0.9))));

    await("it is refused", () -> status(DIGITS).reason().contains("precision=FP32 tolerance="));
  }

  // Groups.

  private FakePackage twin(String name, String version, double minimum) throws Exception {
    FakePackage like = packageOf(version, Optional.of(top1(minimum)));
    return new FakePackage(
        new io.shoji.model.ModelDescription(
            name,
            like.description().version(),
            name,
            "",
            "",
            like.description().task(),
            like.description().inputs(),
            like.description().outputs(),
            List.of(),
            like.description().variants(),
            Optional.empty(),
            like.description().golden(),
            Optional.empty(),
            like.description().acceptance(),
            name + version),
        false,
        file,
        golden);
  }

  private void group(FakeAccelerator cpu) throws Exception {
    configure(Canary.OFF, 1);
    plug(cpu);
    samples(0, 0);
    ModelPolicy both = ModelPolicy.defaults().with(policy(Canary.OFF, 1, "line"));
    new Operator(engine, Optional::empty)
        .configure(new OperationsPolicy(Map.of("left", both, "right", both), Map.of()));
    install(twin("left", "1.0.0", 0.9));
    install(twin("right", "1.0.0", 0.9));
    awaitServing(ModelRef.latest("left"));
    awaitServing(ModelRef.latest("right"));
    await("left stays", () -> state("left") == State.COMMITTED);
    await("right stays", () -> state("right") == State.COMMITTED);
  }

  private State state(String model) {
    List<ModelChange> changes = engine.rollouts().changes(model);
    return changes.isEmpty() ? State.STAGED : changes.get(0).state();
  }

  private String answeringVersion(String model) {
    Generation answers = engine.family(model).routes().unnamed();
    return answers == null ? "" : answers.version.toString();
  }

  private String answers(String model) throws Exception {
    return engine.infer(ModelRef.latest(model), input(1), in(5_000)).provenance().modelVersion();
  }

  @Test
  void shouldSwitchAGroupTogetherAndGoBackTogether() throws Exception {
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 4);
    group(cpu);
    install(twin("left", "2.0.0", 0.9));
    await("left is staged", () -> state("left") == State.ACCEPTED);
    install(twin("right", "2.0.0", 0.9));
    await("right is staged", () -> state("right") == State.ACCEPTED);
    assertThat(answers("left")).isEqualTo("1.0.0");

    await(
        "left is live",
        () -> {
          pass(3_000);
          return state("left") == State.PROBATION;
        });
    await("right is live", () -> state("right") == State.PROBATION);
    assertThat(answers("left")).isEqualTo("2.0.0");
    assertThat(answers("right")).isEqualTo("2.0.0");

    cpu.quirks.put("2.0.0", failing(AcceleratorException.Code.OUT_OF_MEMORY));
    while (state("left") == State.PROBATION) {
      try {
        answers("left");
      } catch (io.shoji.inference.InferenceException e) {
        assertThat(e.getMessage()).contains("a quirk");
      }
    }
    await("both are back", () -> state("right") == State.ROLLED_BACK);
    await("left answers", () -> answeringVersion("left").equals("1.0.0"));
    await("right answers", () -> answeringVersion("right").equals("1.0.0"));
    assertThat(answers("left")).isEqualTo("1.0.0");
    assertThat(answers("right")).isEqualTo("1.0.0");
    assertThat(engine.rollouts().changes("right").get(0).reason())
        .contains("another model of its group goes back model=left");
  }

  @Test
  void shouldSwitchNoneOfAGroupWhenOneIsNotAccepted() throws Exception {
    group(FakeAccelerator.of("cpu", 4));
    install(twin("left", "2.0.0", 0.9));
    await("left is staged", () -> state("left") == State.ACCEPTED);
    samples(20, 0);
    install(twin("right", "2.0.0", 0.9));
    await("right is refused", () -> state("right") == State.ROLLED_BACK);

    await(
        "left is refused",
        () -> {
          pass(3_000);
          return state("left") == State.ROLLED_BACK;
        });
    assertThat(engine.rollouts().changes("left").get(0).reason())
        .contains("another model of its group is not ready", "model=right");
    assertThat(answers("left")).isEqualTo("1.0.0");
    assertThat(answers("right")).isEqualTo("1.0.0");
  }

  // After a start.

  private static Path copy(Path folder, Path to) throws Exception {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path each : files.toList()) {
        Files.copy(each, to.resolve(String.valueOf(each.getFileName())));
      }
    }
    return to;
  }

  @Test
  void shouldGoBackWhenTheProcessEndedTwiceOnProbation() throws Exception {
    Path disk = temp.resolve("process1");
    Files.createDirectories(disk);
    RolloutPolicy rollout = policy(Canary.OFF, 1, "");
    configure(rollout, Journal.open(disk, new LocalDisk()), Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.PROBATION);

    // The disk as it is when the process ends at this moment.
    Path second = copy(disk, temp.resolve("process2"));
    configure(rollout, Journal.open(second, new LocalDisk()), Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 4));
    installSecond();
    awaitServing(DIGITS);
    assertThat(ask().modelVersion()).isEqualTo("2.0.0");
    awaitState("2.0.0", State.PROBATION);

    Path third = copy(second, temp.resolve("process3"));
    configure(rollout, Journal.open(third, new LocalDisk()), Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 4));
    install(packageOf("1.0.0", Optional.of(top1(0.9))));
    installSecond();
    await("1.0.0 answers", () -> engine.family("digits").routes().unnamed() != null);
    assertThat(ask().modelVersion()).isEqualTo("1.0.0");
    assertThat(newest().state()).isEqualTo(State.ROLLED_BACK);
    assertThat(newest().reason()).contains("the process ended twice while it was on probation");
    assertThat(engine.pins().pin("digits")).isEqualTo(Version.parseVersion("1.0.0"));
  }

  @Test
  void shouldGoOnWithProbationAfterTheEngineWasStopped() throws Exception {
    Path disk = temp.resolve("process1");
    Files.createDirectories(disk);
    RolloutPolicy rollout = policy(Canary.OFF, 1, "");
    configure(rollout, Journal.open(disk, new LocalDisk()), Pins.inMemory());
    plug(FakeAccelerator.of("cpu", 4));
    serveFirst();
    installSecond();
    awaitState("2.0.0", State.PROBATION);
    for (int i = 0; i < 3; i++) {
      engine.close();
      configure(rollout, Journal.open(disk, new LocalDisk()), Pins.inMemory());
      plug(FakeAccelerator.of("cpu", 4));
      installSecond();
      awaitServing(DIGITS);
      awaitState("2.0.0", State.PROBATION);
    }
    await(
        "it stays",
        () -> {
          pass(PROBATION_MS);
          return newest().state() == State.COMMITTED;
        });
  }

  // All at once.

  @Test
  void shouldLoseNoRequestWhileCanariesComeAndGo() throws Exception {
    configure(
        new RolloutPolicy(Canary.LIVE, 0.3, 200, 100, RolloutPolicy.TightMemory.REFUSE, ""),
        Journal.inMemory(),
        Pins.inMemory());
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 3));
    samples(0, 0);
    FakePackage serving = install(packageOf("1.0.0", Optional.of(top1(0.9))));
    awaitServing(DIGITS);
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong answered = new AtomicLong();
    ConcurrentLinkedQueue<Throwable> lost = new ConcurrentLinkedQueue<>();
    List<Thread> clients = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int client = i;
      Thread thread = new Thread(() -> client(client, done, answered, lost));
      thread.start();
      clients.add(thread);
    }
    int rounds = Proof.rounds(8, 200);
    for (int round = 0; round < rounds; round++) {
      String version = "1.0." + (round + 1);
      switch (round % 4) {
        case 1 -> cpu.quirks.put(version, failing(AcceleratorException.Code.FAILED));
        case 2 -> cpu.quirks.put(version, failing(AcceleratorException.Code.OUT_OF_MEMORY));
        default -> cpu.quirks.remove(version);
      }
      FakePackage next = install(packageOf(version, Optional.of(top1(0.9))));
      await(version + " has begun", () -> newest().to().version().equals(version));
      // One that fails is found by its requests, not by the clock.
      boolean good = round % 4 == 0 || round % 4 == 3;
      await(
          version + " has ended",
          () -> {
            pass(good ? 5 : 0);
            return newest().state().ended();
          });
      boolean took = newest().state() == State.COMMITTED;
      FakePackage gone = took ? serving : next;
      serving = took ? next : serving;
      engine.removePackage(gone);
      engine.uninstalled(gone.origin()::equals);
    }
    done.set(true);
    for (Thread client : clients) {
      client.join(10_000);
      assertThat(client.isAlive()).isFalse();
    }
    assertThat(lost).isEmpty();
    assertThat(answered.get()).isGreaterThan(rounds);
  }

  private void client(
      int client, AtomicBoolean done, AtomicLong answered, ConcurrentLinkedQueue<Throwable> lost) {
    List<Tensor> outputs = output();
    try (PreparedInference prepared = engine.prepare(DIGITS, input(1), outputs, in(10_000))) {
      while (!done.get()) {
        float found =
            switch (client) {
              case 0 -> engine.infer(DIGITS, input(1), in(10_000)).outputs().get(0).getFloat(0);
              case 1 ->
                  engine
                      .inferAsync(DIGITS, input(1), in(10_000))
                      .get(10, TimeUnit.SECONDS)
                      .outputs()
                      .get(0)
                      .getFloat(0);
              default -> {
                prepared.run(in(10_000));
                yield outputs.get(0).getFloat(0);
              }
            };
        assertThat(found).isEqualTo(2);
        answered.incrementAndGet();
      }
    } catch (Throwable e) {
      lost.add(e);
    }
  }
}
