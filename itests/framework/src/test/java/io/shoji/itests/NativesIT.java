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
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Map;
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
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleWiring;

/** A library out of a bundle, opened by the service, on each framework. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class NativesIT {
  private static final boolean INTEL = System.getProperty("os.arch").equals("amd64");

  @Inject private BundleContext context;
  @Inject private VendorLibraries libraries;

  @Configuration
  public Option[] configuration() {
    return Stack.options();
  }

  /** The bundle with ONNX Runtime for an architecture, and the path of the library in it. */
  private Map.Entry<Bundle, String> runtime(String arch) {
    for (Bundle bundle : context.getBundles()) {
      for (BundleCapability capability :
          bundle.adapt(BundleWiring.class).getCapabilities("io.shoji.native")) {
        if (arch.equals(capability.getAttributes().get("arch"))
            && "onnxruntime".equals(capability.getAttributes().get("io.shoji.native"))) {
          return Map.entry(bundle, (String) capability.getAttributes().get("path"));
        }
      }
    }
    throw new AssertionError("no bundle with ONNX Runtime for " + arch);
  }

  @Test
  public void shouldOpenTheLibraryOfThisMachine() throws Exception {
    Map.Entry<Bundle, String> runtime = runtime(INTEL ? "x86_64" : "aarch64");

    try (VendorLibrary library = libraries.open(runtime.getKey(), runtime.getValue())) {
      assertNotEquals(0, library.symbol("OrtGetApiBase"));
      assertEquals("libonnxruntime.so.1", library.facts().soname());
      assertEquals(sha256(runtime), library.sha256());
      assertEquals(library.sha256(), library.file().getParent().getFileName().toString());
      assertEquals(
          "rwx------",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(library.file().getParent())));
      assertTrue(
          libraries.mapped().toString(),
          libraries.mapped().stream()
              .anyMatch(mapped -> mapped.open() && mapped.file().equals(library.file())));
      assertTrue(Files.readString(Path.of("/proc/self/maps")).contains(library.file().toString()));
    }
    assertFalse(libraries.mapped().stream().anyMatch(mapped -> !mapped.open()));
  }

  private static String sha256(Map.Entry<Bundle, String> runtime) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (InputStream in = runtime.getKey().getEntry(runtime.getValue()).openStream()) {
      digest.update(in.readAllBytes());
    }
    return String.format("%064x", new BigInteger(1, digest.digest()));
  }

  @Test
  public void shouldSayBothSidesWhenTheLibraryIsForAnotherMachine() {
    Map.Entry<Bundle, String> runtime = runtime(INTEL ? "aarch64" : "x86_64");

    VendorLibraryException e =
        assertThrows(
            VendorLibraryException.class,
            () -> libraries.open(runtime.getKey(), runtime.getValue()).close());

    assertEquals(VendorLibraryException.Code.WRONG_ARCHITECTURE, e.code());
    assertTrue(e.getMessage(), e.getMessage().contains("asked=" + (INTEL ? "x86_64" : "aarch64")));
    assertTrue(e.getMessage(), e.getMessage().contains("found=" + (INTEL ? "aarch64" : "x86_64")));
  }
}
