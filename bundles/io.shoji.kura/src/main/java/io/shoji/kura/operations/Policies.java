/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationException;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts what the two forms say of models and of accelerators together with what the boxes of the
 * wire graph prefer, and hands it to the engine: at each change, and again to an engine that comes
 * back, since engines start without a policy. Does nothing until one of the forms was configured or
 * a box prefers something. Thread safe.
 */
@Component(name = "io.shoji.kura.policies", service = Policies.class)
public final class Policies {
  private static final Logger LOG = LoggerFactory.getLogger(Policies.class);

  private @Nullable Operations engine;
  private @Nullable Map<String, ModelPolicy> models;
  private @Nullable Map<String, AcceleratorPolicy> accelerators;
  private final Map<String, Wish> boxes = new TreeMap<>();

  /** What a box prefers. */
  private record Wish(String model, List<String> preferred) {
    Wish {
      preferred = List.copyOf(preferred);
    }
  }

  /** Whether the engine has what was configured. */
  private boolean handed;

  /** What an engine that came later has against what was configured. */
  private List<String> refused = List.of();

  /** An engine is there. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY,
      unbind = "removeEngine")
  synchronized void setEngine(Operations operations) {
    engine = operations;
    if (models == null && accelerators == null && boxes.isEmpty()) {
      return;
    }
    refused = hand(models, accelerators);
    if (!refused.isEmpty()) {
      LOG.error("the engine refused the policies: {}", String.join("; ", refused));
    }
  }

  /** The engine goes. */
  synchronized void removeEngine(Operations operations) {
    if (engine == operations) {
      engine = null;
      handed = false;
      refused = List.of();
    }
  }

  /**
   * Takes policies of models in place of those before.
   *
   * @param policies null for none any more
   * @return what the engine has against them, and nothing is changed then; empty if they hold, or
   *     will when an engine is there
   */
  public synchronized List<String> models(@Nullable Map<String, ModelPolicy> policies) {
    List<String> problems = hand(policies, accelerators);
    if (problems.isEmpty()) {
      models = policies;
      refused = problems;
    }
    return problems;
  }

  /**
   * Takes policies of accelerators in place of those before.
   *
   * @param policies null for none any more
   * @return as {@link #models}
   */
  public synchronized List<String> accelerators(@Nullable Map<String, AcceleratorPolicy> policies) {
    List<String> problems = hand(models, policies);
    if (problems.isEmpty()) {
      accelerators = policies;
      refused = problems;
    }
    return problems;
  }

  /**
   * Takes what a box of a wire graph prefers for its model. It counts for a model that the form of
   * models says no accelerators for, as a preference: what a box takes from no other accelerator,
   * others may. Of several boxes with the same model the one with the first pid counts.
   *
   * @param pid of the box
   * @param model its model
   * @param preferred the accelerators that it prefers; empty for none any more
   */
  public synchronized void box(String pid, String model, List<String> preferred) {
    Wish before = boxes.get(pid);
    Wish now = preferred.isEmpty() || model.isEmpty() ? null : new Wish(model, preferred);
    if (Objects.equals(before, now)) {
      return;
    }
    if (now == null) {
      boxes.remove(pid);
    } else {
      boxes.put(pid, now);
    }
    List<String> problems = hand(models, accelerators);
    if (!problems.isEmpty()) {
      LOG.error(
          "the engine refused what a box prefers pid={}: {}", pid, String.join("; ", problems));
    }
  }

  /** The policies of the form, with what boxes prefer where the form leaves it open. */
  private Map<String, ModelPolicy> withBoxes(Map<String, ModelPolicy> ofForm) {
    Map<String, ModelPolicy> all = new HashMap<>(ofForm);
    boxes.forEach(
        (pid, wish) -> {
          ModelPolicy before =
              all.getOrDefault(
                  wish.model, ofForm.getOrDefault(OperationsPolicy.OTHERS, ModelPolicy.defaults()));
          if (before.accelerators().isEmpty()) {
            all.put(
                wish.model,
                new ModelPolicy(
                    before.versions(),
                    wish.preferred,
                    false,
                    before.memoryBudgetBytes(),
                    before.rollout(),
                    before.fieldSamples(),
                    before.gap()));
          }
        });
    return all;
  }

  /** Adds to a status whether an engine has taken what was configured, and why not. */
  public synchronized void addTo(Map<String, Object> status) {
    status.put("inForce", handed);
    if (!refused.isEmpty()) {
      status.put("refusedByEngine", refused);
    }
  }

  private List<String> hand(
      @Nullable Map<String, ModelPolicy> ofModels,
      @Nullable Map<String, AcceleratorPolicy> ofAccelerators) {
    Operations operations = engine;
    if (operations == null) {
      return List.of();
    }
    try {
      operations.configure(
          new OperationsPolicy(
              withBoxes(ofModels == null ? Map.of() : ofModels),
              ofAccelerators == null ? Map.of() : ofAccelerators));
      handed = true;
      return List.of();
    } catch (OperationException e) {
      return e.reasons();
    }
  }
}
