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

import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.Policies;
import io.shoji.kura.operations.PolicyLines;
import io.shoji.kura.operations.PolicyLines.Order;
import io.shoji.kura.operations.StatusSource;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import io.shoji.operations.VersionPolicy;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** Policies of models, from a form of Kura's console to the engine. */
@Component(
    name = Models.PID,
    configurationPid = Models.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, StatusSource.class},
    immediate = true)
@Designate(ocd = Models.Configuration.class)
public final class Models implements ConfigurableComponent, StatusSource {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.Models";

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji models",
      description =
          "Which version of each model answers, on which accelerators it runs, and how much memory"
              + " it may take.")
  public @interface Configuration {
    /** Version policies. */
    @AttributeDefinition(
        name = "Versions",
        required = false,
        description =
            "Which version of a model answers. One line per model: NAME = latest, NAME = 1.2.0"
                + " (exactly this version), or NAME = [1.2,2) (the newest in the range: [ ] with,"
                + " ( ) without the bound). The name * stands for all models without a line of"
                + " their own. Several entries on one line are separated by semicolons; # begins a"
                + " comment. A model pinned from the cloud or over REST stays pinned.|TextArea")
    String versions() default "*=latest";

    /** Orders of accelerators. */
    @AttributeDefinition(
        name = "Accelerators",
        required = false,
        description =
            "Where a model runs. One line per model: NAME = fastest (the fastest measured), NAME ="
                + " hailo, cpu (first preferred, the others after them) or NAME = only hailo, cpu"
                + " (these and no others). An accelerator is a kind as cpu, or kind and device as"
                + " cpu:cpu0. The name * stands for all other models.|TextArea")
    String accelerators() default "*=fastest";

    /** Budgets of memory. */
    @AttributeDefinition(
        name = "Memory budgets",
        required = false,
        description =
            "Most memory that a loaded model may take; one that takes more is not used. One line"
                + " per model: NAME = 64 MiB (units KiB, MiB, GiB; bytes without one) or NAME ="
                + " none. The name * stands for all other models. Empty: no limits.|TextArea")
    String memory_budgets() default "";

    /** Samples that are kept. */
    @AttributeDefinition(
        name = "Field samples",
        required = false,
        description =
            "Of which models real inputs and answers are kept on this gateway, encrypted, for a"
                + " later calibration. One line per model: NAME = 500, 50 MiB (a uniform choice of at"
                + " most so many, and at most so much on disk) or NAME = none. The name * stands for"
                + " all other models. Ten minutes after a line is gone, so are the samples. Empty:"
                + " none.|TextArea")
    String field_samples() default "";

    /** How another generation takes over. */
    @AttributeDefinition(
        name = "Taking over",
        required = false,
        description =
            "How another version, driver or variant of a model takes over. One line per model: NAME"
                + " = canary shadow, share 10 %, time 60 s, probation 60 s, tight refuse, group"
                + " line-1, of which any part may be left out, or NAME = engine (as the engine is"
                + " configured). canary: off, shadow (a share of the requests also runs on the new"
                + " one) or live (the new one answers it). probation: how long it is watched and goes"
                + " back by itself, or none. tight: refuse or sequential, where memory is short of"
                + " both. Models of one group take over and go back together. The name * stands for"
                + " all other models. Empty: as the engine is configured.|TextArea")
    String rollouts() default "";

    /** What is done while an accelerator is away. */
    @AttributeDefinition(
        name = "Gaps",
        required = false,
        description =
            "What a model does while its accelerator is away for a short time, as when its driver is"
                + " exchanged. One line per model: NAME = fallback (it runs on the next best one and"
                + " says so in its answers), NAME = wait (its requests wait) or NAME = engine (as the"
                + " engine is configured). The name * stands for all other models. Empty: as the"
                + " engine is configured.|TextArea")
    String gaps() default "";
  }

  private final Policies policies;
  private final LastGood<Map<String, ModelPolicy>> configuration = new LastGood<>(PID, Map.of());

  /** Hands the configured policies over. */
  @Activate
  public Models(@Reference Policies policies, Map<String, Object> properties) {
    this.policies = policies;
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, Models::read, policies::models);
  }

  /** Its policies hold no longer. */
  @Deactivate
  void deactivate() {
    policies.models(null);
  }

  static Map<String, ModelPolicy> read(FormValues form) {
    Map<String, VersionPolicy> versions = form.parsed("versions", PolicyLines::versions);
    Map<String, Order> orders = form.parsed("accelerators", PolicyLines::orders);
    Map<String, OptionalLong> budgets = form.parsed("memory.budgets", PolicyLines::modelBudgets);
    Map<String, Optional<FieldSamplePolicy>> samples =
        form.parsed("field.samples", PolicyLines::fieldSamples);
    Map<String, Optional<RolloutPolicy>> rollouts = form.parsed("rollouts", PolicyLines::rollouts);
    Map<String, Optional<ModelPolicy.Gap>> gaps = form.parsed("gaps", PolicyLines::gaps);
    if (versions == null
        || orders == null
        || budgets == null
        || samples == null
        || rollouts == null
        || gaps == null) {
      return Map.of();
    }
    Set<String> names = new HashSet<>(versions.keySet());
    names.addAll(orders.keySet());
    names.addAll(budgets.keySet());
    names.addAll(samples.keySet());
    names.addAll(rollouts.keySet());
    names.addAll(gaps.keySet());
    Map<String, ModelPolicy> policies = new HashMap<>();
    for (String name : names) {
      Order order = of(orders, name, new Order(List.of(), false));
      policies.put(
          name,
          new ModelPolicy(
              of(versions, name, VersionPolicy.latest()),
              order.accelerators(),
              order.only(),
              of(budgets, name, OptionalLong.empty()),
              of(rollouts, name, Optional.empty()),
              of(samples, name, Optional.empty()),
              of(gaps, name, Optional.empty())));
    }
    return policies;
  }

  /** What a form says of a model: its own line, else that for all others, else nothing. */
  private static <T> T of(Map<String, T> lines, String name, T otherwise) {
    T own = lines.get(name);
    return own != null ? own : lines.getOrDefault(OperationsPolicy.OTHERS, otherwise);
  }

  @Override
  public String section() {
    return CONFIGURATIONS;
  }

  @Override
  public String name() {
    return PID;
  }

  @Override
  public Map<String, Object> status() {
    Map<String, Object> status = configuration.status();
    policies.addTo(status);
    return status;
  }
}
