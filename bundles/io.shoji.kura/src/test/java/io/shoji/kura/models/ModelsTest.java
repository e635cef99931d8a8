/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.kura.accelerators.Accelerators;
import io.shoji.kura.accelerators.AcceleratorsForm;
import io.shoji.kura.operations.Policies;
import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Two forms that become one policy of the engine. */
final class ModelsTest {
  private final ScriptedEngine engine = new ScriptedEngine();
  private final Policies policies = new Policies();

  private static Map<String, Object> form() {
    return Map.of(
        "versions", "* = latest\ndigits = [1.0,2.0)\nbearing = 1.2.0",
        "accelerators", "* = hailo, cpu; digits = only cpu:cpu0",
        "memory.budgets", "digits = 64 MiB",
        "kura.service.pid", Models.PID,
        "unknown", 7);
  }

  @Test
  void shouldHandBothFormsOverAsOnePolicy() {
    engine.plug(policies);
    Models models = new Models(policies, form());
    Accelerators accelerators =
        new Accelerators(
            policies,
            Map.of(
                "switches", "cpu = off; cpu:cpu0 = on",
                "memory.budgets", "cpu = 1 GiB",
                "driver.settings", "cpu.intraOpThreads = 2"));
    OperationsPolicy policy = engine.policy();
    ModelPolicy digits = policy.model("digits");
    assertThat(digits.versions()).hasToString("[1.0.0,2.0.0)");
    assertThat(digits.accelerators()).containsExactly("cpu:cpu0");
    assertThat(digits.only()).isTrue();
    assertThat(digits.memoryBudgetBytes()).isEqualTo(OptionalLong.of(64L << 20));
    ModelPolicy bearing = policy.model("bearing");
    assertThat(bearing.versions()).hasToString("1.2.0");
    assertThat(bearing.accelerators()).containsExactly("hailo", "cpu");
    assertThat(bearing.only()).isFalse();
    assertThat(policy.model("other").accelerators()).containsExactly("hailo", "cpu");
    AcceleratorPolicy cpu0 = policy.accelerator("cpu", "cpu0");
    assertThat(cpu0.enabled()).isTrue();
    assertThat(cpu0.memoryBudgetBytes()).isEqualTo(OptionalLong.of(1L << 30));
    assertThat(policy.accelerator("cpu", "cpu1").enabled()).isFalse();
    assertThat(policy.accelerators().get("cpu").settings()).isEqualTo(Map.of("intraOpThreads", 2));
    assertThat(models.status())
        .containsEntry("configuration", "APPLIED")
        .containsEntry("inForce", true);
    AcceleratorsForm.deactivate(accelerators);
    assertThat(engine.policy().accelerators()).isEmpty();
    assertThat(engine.policy().models()).isNotEmpty();
  }

  @Test
  void shouldHandThePolicyToAnEngineThatComesLater() {
    Models models = new Models(policies, form());
    assertThat(models.status()).containsEntry("inForce", false);
    engine.plug(policies);
    assertThat(engine.policy().models()).containsKeys("*", "digits", "bearing");
    engine.unplug(policies);
    assertThat(models.status()).containsEntry("inForce", false);
    ScriptedEngine next = new ScriptedEngine();
    next.plug(policies);
    assertThat(next.policy()).isEqualTo(engine.policy());
  }

  @Test
  void shouldKeepTheLastGoodFormWholeWhenOneLineIsWrong() {
    engine.plug(policies);
    Models models = new Models(policies, form());
    OperationsPolicy before = engine.policy();
    models.modified(
        Map.of(
            "versions", "* = latest\ndigits = newest",
            "accelerators", "digits = fastest",
            "memory.budgets", "digits = big"));
    assertThat(engine.policy()).isEqualTo(before);
    assertThat(models.status())
        .containsEntry("configuration", "REFUSED")
        .containsEntry("inEffect", "LAST_GOOD");
    assertThat(models.status().get("problems").toString())
        .contains("versions: line 2 \"digits = newest\"", "allowed: latest")
        .contains("memory.budgets: line 1 \"digits = big\"", "allowed: a positive whole number");
    models.modified(Map.of("versions", 7));
    assertThat(models.status().get("problems").toString()).contains("versions is no text");
    assertThat(engine.policy()).isEqualTo(before);
    models.modified(Map.of("versions", "* = latest"));
    assertThat(models.status()).containsEntry("configuration", "APPLIED");
    assertThat(engine.policy().models()).containsOnlyKeys("*");
  }

  @Test
  void shouldKeepTheLastGoodFormWhenTheEngineRefusesTheNewOne() {
    engine.plug(policies);
    Models models = new Models(policies, form());
    OperationsPolicy before = engine.policy();
    engine.refusePolicies("no such accelerator name=tpu");
    models.modified(Map.of("accelerators", "* = tpu"));
    assertThat(models.status().get("problems")).isEqualTo(List.of("no such accelerator name=tpu"));
    assertThat(engine.policy()).isEqualTo(before);
    engine.refusePolicies();
    Accelerators accelerators = new Accelerators(policies, Map.of("switches", "cpu = off"));
    assertThat(accelerators.status()).containsEntry("configuration", "APPLIED");
    // What was refused is not handed over with the other form.
    assertThat(engine.policy().models()).isEqualTo(before.models());
  }

  @Test
  void shouldSayThatAnEngineThatCameLaterRefuses() {
    Models models = new Models(policies, form());
    engine.refusePolicies("no");
    engine.plug(policies);
    assertThat(models.status())
        .containsEntry("inForce", false)
        .containsEntry("refusedByEngine", List.of("no"));
  }
}
