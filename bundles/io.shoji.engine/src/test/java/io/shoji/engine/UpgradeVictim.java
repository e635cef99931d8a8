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

import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.models.ModelExtender;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.Operations;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;

/**
 * A process with framework, store, engine and ONNX Runtime, which upgrades a model, tries bad
 * versions, rolls back and tidies up until somebody kills it. Says what it does, a line each:
 * {@code installs VERSION}, {@code answers VERSION}, {@code ready}, {@code settled VERSION}, {@code
 * to VERSION}.
 */
final class UpgradeVictim {
  private static final int VERSIONS = 6;
  private static final int BAD = 4;

  private UpgradeVictim() {}

  /**
   * Runs for ever.
   *
   * @param args folder, seed
   */
  public static void main(String[] args) {
    try {
      live(args);
    } catch (Exception | Error e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static void live(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Random random = new Random(Long.parseLong(args[1]));
    RealAccelerators real = new RealAccelerators(folder);
    BundleContext context = real.context();
    EngineComponent engine =
        new EngineComponent(
            context,
            RealAccelerators.annotation(
                EngineComponent.Configuration.class,
                Map.of("measureTimeMs", 5, "probationMs", 20, "gapWaitMs", 5_000)));
    ModelExtender store =
        new ModelExtender(
            context, RealAccelerators.annotation(ModelExtender.Config.class, Map.of()));
    context.registerService(ModelCatalog.class, store, null);
    follow(context, engine);
    engine.addAccelerator(real.cpu(), Map.of());
    Bundle bundle = context.getBundle("test:digits");
    if (bundle == null) {
      // At the beginning, and if Felix was killed while it wrote its own cache: it removes then
      // what
      // it cannot read.
      say("installs 1.0.0");
      bundle = context.installBundle("test:digits", new NumberedModel(1, true).jar());
      bundle.start();
    }
    say("answers " + answering(engine));
    try (Stream<Path> damaged =
        Files.find(folder, 9, (file, is) -> file.toString().endsWith(".damaged"))) {
      if (damaged.findAny().isPresent()) {
        throw new IllegalStateException("the journal was damaged");
      }
    }
    ServiceReference<Operations> reference = context.getServiceReference(Operations.class);
    Operations operations = context.getService(reference);
    say("ready");
    while (true) {
      settle(bundle, operations);
      say("settled " + answering(engine));
      act(random, bundle, operations);
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static void act(Random random, Bundle bundle, Operations operations) throws Exception {
    switch (random.nextInt(6)) {
      case 0 -> {
        ModelOverview digits = operations.models().get(0);
        if (digits.rollback().isPresent()) {
          say("to " + digits.rollback().get());
          operations.rollback("digits");
        }
      }
      case 1 -> {
        say("to " + bundle.getVersion());
        operations.unpin("digits");
      }
      case 2 -> operations.collectGarbage();
      default -> {
        int number = 1 + random.nextInt(VERSIONS);
        say("to " + number + ".0.0");
        operations.unpin("digits");
        bundle.update(new NumberedModel(number, number != BAD).jar());
      }
    }
  }

  /**
   * Waits until the store has what the bundle contains now, nothing is under way, and the journal
   * has what answers.
   */
  private static void settle(Bundle bundle, Operations operations) throws Exception {
    long until = EngineFixture.in(30_000);
    while (!isSettled(bundle, operations.models(), operations)) {
      if (System.nanoTime() - until > 0) {
        throw new IllegalStateException(
            "stuck models=" + operations.models() + " changes=" + operations.changes("digits"));
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static boolean isSettled(
      Bundle bundle, List<ModelOverview> models, Operations operations) {
    return !models.isEmpty()
        && models.get(0).versions().stream()
            .anyMatch(
                v ->
                    v.state() == ModelOverview.State.INSTALLED
                        && v.version().equals(Optional.of(bundle.getVersion())))
        && models.get(0).versions().stream()
            .flatMap(v -> v.status().stream())
            .noneMatch(status -> status.state() == ModelStatus.State.LOADING)
        && operations.changes("digits").stream().allMatch(change -> change.state().ended())
        && models.get(0).answering().map(Version::toString).equals(lastCommitted(operations));
  }

  private static Optional<String> lastCommitted(Operations operations) {
    return operations.changes("digits").stream()
        .filter(change -> change.state() == ModelChange.State.COMMITTED)
        .max(Comparator.comparing(ModelChange::updated))
        .map(change -> change.to().version());
  }

  private static String answering(EngineComponent engine) throws Exception {
    long until = EngineFixture.in(30_000);
    while (engine.models().isEmpty() && until - System.nanoTime() > 0) {
      // The store has not looked at the bundle yet.
      LockSupport.parkNanos(1_000_000);
    }
    InferenceResult result = engine.infer(EngineFixture.DIGITS, EngineFixture.input(1), until);
    Version version = new Version(result.provenance().modelVersion());
    if (result.outputs().get(0).getFloat(0) != 1 + version.getMajor()) {
      throw new IllegalStateException(
          "answered otherwise version=" + version + " found=" + result.outputs());
    }
    return version.toString();
  }

  private static void follow(BundleContext context, EngineComponent engine) {
    new ServiceTracker<>(
            context,
            ModelPackage.class,
            new ServiceTrackerCustomizer<ModelPackage, ModelPackage>() {
              @Override
              public ModelPackage addingService(ServiceReference<ModelPackage> reference) {
                ModelPackage added = context.getService(reference);
                engine.addModelPackage(added);
                return added;
              }

              @Override
              public void modifiedService(
                  ServiceReference<ModelPackage> reference, ModelPackage same) {
                // Its properties are of no interest.
              }

              @Override
              public void removedService(
                  ServiceReference<ModelPackage> reference, ModelPackage gone) {
                engine.removeModelPackage(gone);
              }
            })
        .open();
  }

  /** What is left in the folder where things are written before they have their place. */
  static List<Path> leftovers(Path folder) throws Exception {
    try (Stream<Path> found =
        Files.find(
            folder, 9, (file, is) -> is.isRegularFile() && file.toString().contains("/staging/"))) {
      return found.toList();
    }
  }
}
