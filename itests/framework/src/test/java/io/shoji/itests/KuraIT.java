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

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.operations.Operations;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import javax.inject.Inject;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.Tensor;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWiring;

/** What shows in Kura, with Kura's services emulated, on our stack and on Kura's. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class KuraIT {
  private static final String MODELS = "io.shoji.kura.Models";

  @Inject private BundleContext context;
  @Inject private ConfigurationService configurations;
  @Inject private InferenceService inference;
  @Inject private InferenceEngineService engine;
  @Inject private Operations operations;

  @Configuration
  public Option[] configuration() {
    return Stack.withKura();
  }

  @Before
  public void awaitModel() throws InterruptedException {
    Waiting.until(
        "digits serves",
        () ->
            inference
                .model(ModelRef.latest("digits"))
                .filter(status -> status.state() == ModelStatus.State.SERVING)
                .isPresent());
  }

  @Test
  public void shouldTrackEveryComponentWithItsForm() throws Exception {
    TreeSet<String> expected =
        new TreeSet<>(
            List.of(
                "io.shoji.kura.Accelerators",
                "io.shoji.kura.CloudRequests",
                "io.shoji.kura.InferenceEngine",
                MODELS,
                "io.shoji.kura.PackageTrust",
                "io.shoji.kura.RestService",
                "io.shoji.kura.Telemetry"));
    Waiting.until(
        "components are tracked",
        () -> configurations.getConfigurableComponentPids().containsAll(expected));
    for (String pid : expected) {
      ComponentConfiguration configuration = configurations.getComponentConfiguration(pid);
      assertNotNull(pid, configuration.getDefinition());
      assertFalse(pid, configuration.getDefinition().getAD().isEmpty());
      for (var attribute : configuration.getDefinition().getAD()) {
        assertNotNull(pid + " " + attribute.getId(), attribute.getDescription());
      }
    }
    assertTrue(configurations.getFactoryComponentPids().contains("io.shoji.kura.WireInference"));
  }

  @Test
  public void shouldRunModelThroughKurasServiceAndNameWhatIsWrong() throws Exception {
    assertTrue(engine.isEngineReady());
    assertTrue(engine.getModelNames().contains("digits"));
    ModelInfo model = engine.getModelInfo("digits").orElseThrow();
    int elements = 1;
    for (long size : model.getInputs().get(0).getShape()) {
      elements *= (int) Math.max(1, size);
    }
    Tensor input =
        new Tensor(Float.class, model.getInputs().get(0), Collections.nCopies(elements, 0.5f));
    List<Tensor> outputs = engine.infer(model, List.of(input));
    assertEquals(model.getOutputs().size(), outputs.size());
    assertEquals(10, outputs.get(0).getData(Float.class).orElseThrow().size());

    Tensor wrong =
        new Tensor(Float.class, model.getInputs().get(0), Collections.nCopies(elements + 1, 0f));
    KuraException e = assertThrows(KuraException.class, () -> engine.infer(model, List.of(wrong)));
    assertEquals(KuraErrorCode.INVALID_PARAMETER, e.getCode());
  }

  @Test
  public void shouldKeepLastGoodConfigurationWhenAnotherIsWrong() throws Exception {
    configurations.updateConfiguration(MODELS, Map.of("versions", "digits = [1.0,2.0)"));
    Waiting.until("the policy holds", () -> policy().contains("[1.0"));

    configurations.updateConfiguration(MODELS, Map.of("versions", "digits = = latest"));
    configurations.updateConfiguration(
        "io.shoji.kura.Telemetry", Map.of("interval.seconds", 99_999));
    // Changes arrive on another thread: it has to hold for longer than one takes.
    for (int i = 0; i < 100; i++) {
      assertTrue(policy(), policy().contains("[1.0"));
      TimeUnit.MILLISECONDS.sleep(20);
    }

    configurations.updateConfiguration(MODELS, Map.of("versions", "* = latest"));
    Waiting.until("the policy is taken back", () -> !policy().contains("[1.0"));
  }

  private String policy() {
    return operations.policy().toString();
  }

  @Test
  public void shouldImportKuraInOneShippedBundleOnly() {
    TreeSet<String> importers = new TreeSet<>();
    TreeSet<String> exporters = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (!bundle.getSymbolicName().startsWith("io.shoji.")) {
        continue;
      }
      for (var requirement :
          bundle.adapt(BundleRevision.class).getDeclaredRequirements("osgi.wiring.package")) {
        if (String.valueOf(requirement.getDirectives().get("filter"))
            .contains("org.eclipse.kura")) {
          importers.add(bundle.getSymbolicName());
        }
      }
      if (!bundle.adapt(BundleWiring.class).getCapabilities("osgi.wiring.package").isEmpty()) {
        exporters.add(bundle.getSymbolicName());
      }
    }
    assertEquals(new TreeSet<>(List.of("io.shoji.gateway.kura", "io.shoji.kura")), importers);
    assertEquals(new TreeSet<>(List.of("io.shoji.api", "io.shoji.jna")), exporters);
  }
}
