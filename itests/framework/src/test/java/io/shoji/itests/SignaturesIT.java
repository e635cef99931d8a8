/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import static org.junit.Assert.assertTrue;

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelCatalog;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.Operations;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import javax.inject.Inject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * The policy on signatures with the sample models and the real drivers, none of which is signed.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class SignaturesIT {
  @Inject private BundleContext context;
  @Inject private InferenceService inference;
  @Inject private Operations operations;
  @Inject private ConfigurationAdmin configurations;

  @Configuration
  public Option[] configuration() {
    return Stack.options();
  }

  private boolean serves() {
    return inference
        .model(ModelRef.latest("digits"))
        .filter(status -> status.state() == ModelStatus.State.SERVING)
        .isPresent();
  }

  /** Looked up anew, since the model store starts anew with each configuration. */
  private List<ModelCatalog.Refusal> refusals() {
    ServiceReference<ModelCatalog> reference = context.getServiceReference(ModelCatalog.class);
    ModelCatalog catalog = reference == null ? null : context.getService(reference);
    return catalog == null ? List.of() : catalog.refusals();
  }

  private void policy(String signatures) throws Exception {
    configurations
        .getConfiguration("io.shoji.models", "?")
        .update(new Hashtable<>(Map.of("signatures", signatures)));
  }

  @Test
  public void shouldUseNeitherModelsNorDriversThatAreNotSignedWhileThatIsRequired()
      throws Exception {
    Waiting.until("serves without any configuration", this::serves);
    int accelerators = inference.accelerators().size();
    assertTrue(accelerators > 0);

    policy("require");

    Waiting.until("models are refused", () -> refusals().size() >= 2);
    assertTrue(
        refusals().toString(),
        refusals().stream()
            .flatMap(refusal -> refusal.reasons().stream())
            .anyMatch(reason -> reason.startsWith("signature: it is not signed")));
    Waiting.until("no driver is used", () -> inference.accelerators().isEmpty());
    Waiting.until(
        "it is said why",
        () ->
            operations.events(0).stream()
                .anyMatch(
                    event ->
                        event.type() == EngineEvent.Type.DRIVER_REFUSED
                            && event.message().contains("it is not signed")));

    policy("warn");

    Waiting.until("serves again", this::serves);
    Waiting.until("all drivers are used", () -> inference.accelerators().size() == accelerators);
    assertTrue(refusals().isEmpty());
  }
}
