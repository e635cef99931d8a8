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

import java.util.List;
import java.util.TreeSet;
import javax.inject.Inject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWiring;

@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class BundlesIT {
  @Inject private BundleContext context;

  @Configuration
  public Option[] configuration() {
    return Stack.options();
  }

  @Test
  public void shouldStartEveryBundle() {
    TreeSet<String> idle = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getSymbolicName().startsWith("io.shoji.") && bundle.getState() != Bundle.ACTIVE) {
        idle.add(bundle.getSymbolicName() + " state=" + bundle.getState());
      }
    }
    assertEquals(new TreeSet<>(), idle);
  }

  @Test
  public void shouldExportPackagesFromTheApiOnly() {
    TreeSet<String> exporters = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (!bundle.getSymbolicName().startsWith("io.shoji.")) {
        continue;
      }
      for (var capability :
          bundle.adapt(BundleWiring.class).getCapabilities("osgi.wiring.package")) {
        exporters.add(
            bundle.getSymbolicName() + " " + capability.getAttributes().get("osgi.wiring.package"));
      }
    }
    assertEquals(
        new TreeSet<>(
            List.of(
                "io.shoji.api io.shoji.accelerator",
                "io.shoji.api io.shoji.inference",
                "io.shoji.api io.shoji.model",
                "io.shoji.api io.shoji.tensor",
                // Repackaged, not ours: JNA under its own package names.
                "io.shoji.jna com.sun.jna",
                "io.shoji.jna com.sun.jna.ptr",
                "io.shoji.jna com.sun.jna.win32")),
        exporters);
  }

  @Test
  public void shouldRunOnTheFrameworkThatIsAskedFor() {
    String name = context.getBundle(0).getSymbolicName();
    String expected =
        "equinox".equals(System.getProperty("shoji.stack"))
            ? "org.eclipse.osgi"
            : "org.apache.felix.framework";
    assertEquals(expected, name);
    assertTrue(context.getBundle(0).getVersion().getMajor() >= 3);
  }
}
