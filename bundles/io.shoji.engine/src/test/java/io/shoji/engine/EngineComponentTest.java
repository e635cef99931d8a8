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

import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

class EngineComponentTest {
  private EngineComponent component = component(Map.of());

  @AfterEach
  void stop() {
    component.deactivate();
  }

  /** A configuration as declarative services make it: the defaults where nothing is set. */
  static EngineComponent.Configuration configuration(Map<String, Object> values) {
    return (EngineComponent.Configuration)
        Proxy.newProxyInstance(
            EngineComponentTest.class.getClassLoader(),
            new Class<?>[] {EngineComponent.Configuration.class},
            (proxy, method, arguments) -> {
              Object value = values.getOrDefault(method.getName(), method.getDefaultValue());
              if (value instanceof RuntimeException e) {
                throw e;
              }
              return value;
            });
  }

  /** A framework in which no bundle is installed. */
  private static BundleContext framework() {
    return (BundleContext)
        Proxy.newProxyInstance(
            EngineComponentTest.class.getClassLoader(),
            new Class<?>[] {BundleContext.class},
            (proxy, method, arguments) ->
                method.getName().equals("getBundles") ? new Bundle[0] : null);
  }

  private static EngineComponent component(Map<String, Object> values) {
    return new EngineComponent(framework(), configuration(values));
  }

  private Provenance answer() throws Exception {
    InferenceResult result =
        component
            .inferAsync(EngineFixture.DIGITS, EngineFixture.input(1), EngineFixture.in(5_000))
            .get(5, TimeUnit.SECONDS);
    assertThat(result.outputs().get(0).getFloat(0)).isEqualTo(2);
    return result.provenance();
  }

  @Test
  void shouldHaveTheSameDefaultsInTheFormAndInTheCode() {
    Map<String, Object> defaults = new HashMap<>();
    for (var method : EngineComponent.Configuration.class.getDeclaredMethods()) {
      defaults.put(method.getName(), method.getDefaultValue());
    }
    Settings code = Settings.DEFAULTS;

    assertThat(defaults)
        .containsEntry("maxQueue", code.maxQueue())
        .containsEntry("asyncThreads", code.asyncThreads())
        .containsEntry("loaderThreads", code.loaderThreads())
        .containsEntry("gapWaitMs", code.gapWaitMs())
        .containsEntry("drainTimeoutMs", code.drainTimeoutMs())
        .containsEntry("measureRuns", code.measureRuns())
        .containsEntry("measureTimeMs", code.measureTimeMs())
        .containsEntry("retryMs", code.retryMs())
        .containsEntry("acceptance", code.acceptance())
        .containsEntry("acceptanceTimeMs", code.acceptanceTimeMs())
        .containsEntry("canary", code.rollout().canary())
        .containsEntry("canaryShare", code.rollout().share())
        .containsEntry("canaryTimeMs", code.rollout().canaryTimeMs())
        .containsEntry("probationMs", code.rollout().probationMs())
        .containsEntry("tightMemory", code.rollout().tight())
        .containsEntry("loaderNiceness", code.loaderNiceness())
        .containsEntry("gap", code.gap().name().toLowerCase(Locale.ROOT))
        .containsEntry("acceptAgain", code.acceptAgain())
        .containsEntry("receiptTimeMs", ReceiptSettings.DEFAULTS.timeMs())
        .containsEntry("receiptGc", ReceiptSettings.DEFAULTS.collect())
        .containsEntry("driftShare", DriftSettings.DEFAULTS.share())
        .containsEntry("driftPerSecond", DriftSettings.DEFAULTS.perSecond())
        .containsEntry("driftWindow", DriftSettings.DEFAULTS.window())
        .containsEntry("driftAlarm", DriftSettings.DEFAULTS.alarm())
        .containsEntry("driftLabelAlarm", DriftSettings.DEFAULTS.labelAlarm())
        .containsEntry("guardCalls", "auto")
        .containsEntry("hangGraceMs", code.patience().hangGraceMs())
        .containsEntry("callTimeoutMs", code.patience().callTimeoutMs())
        .containsEntry("loadTimeoutMs", code.patience().loadTimeoutMs())
        .hasSize(29);
  }

  @Test
  void shouldServeWithTheDefaultsWhenTheConfigurationIsRefused() throws Exception {
    component.deactivate();
    component = component(Map.of("maxQueue", 0, "retryMs", new NumberFormatException("abc")));
    component.addAccelerator(FakeAccelerator.of("cpu", 2), Map.of());
    component.addModelPackage(FakePackage.of("digits", "1.0.0"));

    assertThat(answer().model()).isEqualTo("digits");
  }

  @Test
  void shouldServeOnWhenTheConfigurationChangesOrIsRefused() throws Exception {
    component.addAccelerator(FakeAccelerator.of("cpu", 2), Map.of());
    component.addModelPackage(FakePackage.of("digits", "1.0.0"));
    Provenance before = answer();

    component.modified(configuration(Map.of("maxQueue", 1)));
    component.modified(configuration(Map.of("maxQueue", -1)));
    component.modified(configuration(Map.of("maxQueue", new NumberFormatException("abc"))));

    assertThat(answer()).isSameAs(before);
  }

  @Test
  void shouldEndTheModelWhenThePackagesBundleIsNoLongerInstalled() throws Exception {
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 2);
    FakePackage digits = FakePackage.of("digits", "1.0.0");
    component.addAccelerator(cpu, Map.of());
    component.addModelPackage(digits);
    answer();

    component.removeModelPackage(digits);

    EngineFixture.await("closed", () -> cpu.open.get() == 0);
    assertThat(component.models()).isEmpty();
  }

  @Test
  void shouldShowModelsAcceleratorsAndFiguresInTheShell() throws Exception {
    component.addAccelerator(FakeAccelerator.of("cpu", 2), Map.of());
    component.addModelPackage(FakePackage.of("digits", "1.0.0"));
    answer();
    component.addModelPackage(
        FakePackage.of("bearing", "2.0.0", FakePackage.variant("v", "(shoji.kind=gpu)")));
    EngineFixture.await(
        "looked at",
        () ->
            component
                .model(io.shoji.inference.ModelRef.latest("bearing"))
                .orElseThrow()
                .state()
                .equals(ModelStatus.State.NO_ACCELERATOR));
    EngineCommands commands = new EngineCommands(component);

    assertThat(commands.models().lines())
        .hasSize(3)
        .anySatisfy(line -> assertThat(line).matches("digits +1.0.0 +SERVING +onnx-fp32 .*"))
        .anySatisfy(line -> assertThat(line).contains("NO_ACCELERATOR").contains("cannot run"));
    assertThat(commands.model("digits")).contains("*  onnx-fp32").contains("serves");
    assertThat(commands.model("nothing")).contains("no such model").contains("name=nothing");
    assertThat(commands.accelerators().lines())
        .anySatisfy(line -> assertThat(line).startsWith("cpu:cpu0").endsWith("digits 1.0.0"));
    assertThat(commands.infer("digits", 5)).contains("runs=5").contains("FLOAT32[1, 4]");
    assertThat(commands.infer("digits", 0)).contains("runs=0");
    assertThat(commands.metrics().lines())
        .anySatisfy(line -> assertThat(line).matches("digits 1.0.0 +6 +6 +0 .*"));
  }
}
