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
import static org.junit.Assert.assertTrue;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelCatalog;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.inject.Inject;
import org.junit.After;
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
import org.osgi.framework.BundleException;

/**
 * Bad model packages, each refused with its own reason, and a good model that goes on answering
 * beside them.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class BadModelsIT {
  @Inject private BundleContext context;
  @Inject private InferenceService inference;
  @Inject private ModelCatalog catalog;

  private Bundle good;

  @Configuration
  public Option[] configuration() {
    Path folder = Path.of(System.getProperty("shoji.platform")).resolve("models");
    ModelBundles.write(folder);
    Option[] options = Arrays.copyOf(Stack.options(), Stack.options().length + 1);
    options[options.length - 1] = systemProperty("shoji.models").value(folder.toString());
    return options;
  }

  @Before
  public void startGood() throws Exception {
    good = install("good");
    Waiting.until(
        "the good model serves",
        () -> status("good").filter(s -> s.state() == ModelStatus.State.SERVING).isPresent());
  }

  @After
  public void stopGood() throws BundleException {
    good.uninstall();
  }

  private Bundle install(String name) throws BundleException {
    Bundle bundle =
        context.installBundle(
            Path.of(System.getProperty("shoji.models"), name + ".jar").toUri().toString());
    bundle.start();
    return bundle;
  }

  private Optional<ModelStatus> status(String model) {
    return inference.model(ModelRef.latest(model));
  }

  private void assertGoodAnswers() throws InferenceException {
    Tensor input = Tensor.ofFloats(Shape.of(1, 4), 1, 2, 3, 4);
    assertEquals(
        Shape.of(1, 2),
        inference
            .infer(ModelRef.latest("good"), List.of(input), InferenceService.deadlineIn(10_000))
            .outputs()
            .get(0)
            .shape());
  }

  @Test
  public void shouldSayWhyAModelFileCannotBeLoaded() throws Exception {
    assertNotLoaded("truncated", "INVALID_MODEL");
    assertNotLoaded("random", "INVALID_MODEL");
    assertNotLoaded("unknown-operator", "Frobnicate");
    assertNotLoaded("future-opset", "opset");
    assertNotLoaded("outside", "outside.bin");
  }

  private void assertNotLoaded(String name, String part) throws Exception {
    Bundle bundle = install(name);
    try {
      Waiting.until(
          name + " was looked at",
          () -> status(name).filter(s -> s.state() == ModelStatus.State.FAILED).isPresent());
      String reason = status(name).orElseThrow().reason();
      assertTrue(name + ": " + reason, reason.contains(part));
      assertGoodAnswers();
    } finally {
      bundle.uninstall();
    }
  }

  @Test
  public void shouldRefuseABrokenPackageWithItsReason() throws Exception {
    assertRefused("zero-length", "size");
    assertRefused("wrong-digest", "digest");
    assertRefused("wrong-size", "size");
    assertRefused("unknown-field", "colour");
    assertRefused("wrong-type", "size");
    assertRefused("escaping-path", "..");
    assertRefused("bad-filter", "filter");
  }

  private void assertRefused(String name, String part) throws Exception {
    Bundle bundle = install(name);
    try {
      Waiting.until(name + " was refused", () -> refusal(name).isPresent());
      String reasons = String.join("; ", refusal(name).orElseThrow().reasons());
      assertTrue(name + ": " + reasons, reasons.contains(part));
      assertTrue(status(name).isEmpty());
      assertGoodAnswers();
    } finally {
      bundle.uninstall();
    }
    Waiting.until(name + " is forgotten", () -> refusal(name).isEmpty());
  }

  private Optional<ModelCatalog.Refusal> refusal(String name) {
    return catalog.refusals().stream()
        .filter(r -> r.origin().contains("test.model." + name))
        .findFirst();
  }
}
