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
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts what the two forms say of models and of accelerators together, and hands it to the engine:
 * at each change, and again to an engine that comes back, since engines start without a policy.
 * Does nothing until one of the forms was configured. Thread safe.
 */
@Component(name = "io.shoji.kura.policies", service = Policies.class)
public final class Policies {
  private static final Logger LOG = LoggerFactory.getLogger(Policies.class);

  private @Nullable Operations engine;
  private @Nullable Map<String, ModelPolicy> models;
  private @Nullable Map<String, AcceleratorPolicy> accelerators;

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
    if (models == null && accelerators == null) {
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
              ofModels == null ? Map.of() : ofModels,
              ofAccelerators == null ? Map.of() : ofAccelerators));
      handed = true;
      return List.of();
    } catch (OperationException e) {
      return e.reasons();
    }
  }
}
