/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibraryException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** Which library the driver asks for, in a framework that wires bundles as it really does. */
class RuntimeLibraryTest {
  private static final String CAPABILITY =
      "io.shoji.native;io.shoji.native=onnxruntime;version:Version=\"%s\";os=%s;arch=%s;"
          + "path=\"native/%s-%s/libonnxruntime.so\"";

  /** As in the driver's own bnd.bnd. */
  private static final String REQUIREMENT =
      "io.shoji.native;filter:=\"(io.shoji.native=onnxruntime)\";resolution:=optional;"
          + "cardinality:=multiple";

  @TempDir Path folder;
  private Gateway gateway;
  private final List<String> asked = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    gateway.close();
  }

  /** Notes what is asked for, and opens nothing. */
  private VendorLibraries noting() {
    return (VendorLibraries)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {VendorLibraries.class},
            (proxy, method, arguments) -> {
              asked.add(
                  arguments[0] instanceof Bundle bundle
                      ? bundle.getSymbolicName() + "!" + arguments[1]
                      : arguments[0].toString());
              throw new VendorLibraryException(
                  VendorLibraryException.Code.NOT_FOUND, "nothing is opened here");
            });
  }

  private Bundle install(String name, Map<String, String> headers) throws Exception {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
    manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
    manifest.getMainAttributes().putValue("Bundle-SymbolicName", name);
    headers.forEach(manifest.getMainAttributes()::putValue);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new JarOutputStream(bytes, manifest).close();
    try (InputStream in = new ByteArrayInputStream(bytes.toByteArray())) {
      return gateway.context().installBundle("test:" + name, in);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void installLibrary(String name, String version, String os, String arch)
      throws Exception {
    install(
        name, Map.of("Provide-Capability", String.format(CAPABILITY, version, os, arch, os, arch)));
  }

  private void open(String configuredPath, String architecture) throws Exception {
    Bundle driver = install("driver", Map.of("Require-Capability", REQUIREMENT));
    driver.start();
    assertThatThrownBy(
            () ->
                CpuDriver.LIBRARY.open(
                    noting(), driver.getBundleContext(), configuredPath, architecture))
        .isInstanceOf(VendorLibraryException.class);
  }

  @Test
  void shouldTakeTheNewestOfThisMachineWhenSeveralBundlesBringOne() throws Exception {
    installLibrary("older", "1.9.0", "linux", "aarch64");
    installLibrary("newer", "1.29.0", "linux", "aarch64");
    installLibrary("between", "1.28.0", "linux", "aarch64");
    installLibrary("otherMachine", "1.30.0", "linux", "x86_64");
    installLibrary("otherSystem", "2.0.0", "macos", "aarch64");
    open("", "aarch64");
    assertThat(asked).containsExactly("newer!native/linux-aarch64/libonnxruntime.so");
  }

  @Test
  void shouldTakeTheConfiguredPathBeforeAnyBundle() throws Exception {
    installLibrary("packaged", "1.29.0", "linux", "x86_64");
    open(" /opt/ort/libonnxruntime.so ", "x86_64");
    assertThat(asked).containsExactly("/opt/ort/libonnxruntime.so");
  }

  @Test
  void shouldTakeTheSystemsWhenNoBundleBringsOneForThisMachine() throws Exception {
    installLibrary("otherMachine", "1.30.0", "linux", "x86_64");
    open("", "aarch64");
    assertThat(asked).containsExactly("libonnxruntime.so.1");
  }

  @Test
  void shouldTakeTheSystemsWhenNoBundleBringsOneAtAll() throws Exception {
    open("", "x86_64");
    assertThat(asked).containsExactly("libonnxruntime.so.1");
  }
}
