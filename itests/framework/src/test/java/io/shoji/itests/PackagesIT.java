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
import static org.junit.Assert.assertThrows;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import javax.inject.Inject;
import org.junit.After;
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
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.deploymentadmin.DeploymentAdmin;
import org.osgi.service.deploymentadmin.DeploymentException;
import org.osgi.service.deploymentadmin.DeploymentPackage;

/**
 * The deployment packages through DeploymentAdmin, in one order and another, whole and broken.
 *
 * <p>Sees our services by reflection only: a bundle that imports our API is stopped when
 * DeploymentAdmin replaces the API's bundle, and this test's is one.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class PackagesIT {
  @Inject private BundleContext context;
  @Inject private DeploymentAdmin admin;

  @Configuration
  public Option[] configuration() {
    Path folder = Path.of(System.getProperty("shoji.platform")).resolveSibling("made");
    PackageFiles.write(Path.of(System.getProperty("shoji.packages")), folder);
    Option[] options =
        Arrays.copyOf(Stack.withDeploymentAdmin(), Stack.withDeploymentAdmin().length + 1);
    options[options.length - 1] = systemProperty("shoji.made").value(folder.toString());
    return options;
  }

  @After
  public void uninstallAll() throws DeploymentException {
    for (DeploymentPackage installed : admin.listDeploymentPackages()) {
      installed.uninstall();
    }
  }

  @Test
  public void shouldServeInWhateverOrderPackagesComeAndGo() throws Exception {
    for (List<String> order :
        List.of(
            List.of("core", "driver", "digits"),
            List.of("digits", "driver", "core"),
            List.of("driver", "core", "digits"))) {
      for (String name : order) {
        install(name);
      }
      startWaiting();
      awaitServing(order.toString());
      for (String name : order) {
        uninstall(name);
      }
      assertEquals(order.toString(), new TreeSet<>(), ours());
    }
  }

  @Test
  public void shouldServeAgainWhenCoreIsUpdated() throws Exception {
    installAll();

    install("core-9");

    assertEquals("9.0.0", admin.getDeploymentPackage("io.shoji.core").getVersion().toString());
    awaitServing("after the update");
  }

  @Test
  public void shouldServeAgainWhenUpdateOfCoreIsCutOff() throws Exception {
    installAll();

    assertThrows(DeploymentException.class, () -> install("core-cut"));

    assertEquals("0.1.0", admin.getDeploymentPackage("io.shoji.core").getVersion().toString());
    awaitServing("after the update that failed");
  }

  @Test
  public void shouldRefuseWhenBundleBelongsToAnotherPackage() throws Exception {
    installAll();

    DeploymentException refusal = assertThrows(DeploymentException.class, () -> install("thief"));

    assertEquals(DeploymentException.CODE_BUNDLE_SHARING_VIOLATION, refusal.getCode());
    awaitServing("after the refusal");
  }

  @Test
  public void shouldTakeDriversOfVendorsBesideTheOthersAndLetThemGo() throws Exception {
    installAll();
    TreeSet<String> before = ours();
    for (String name : List.of("hailo", "openvino", "tensorrt")) {
      String driver = "io.shoji.driver." + name;

      install(name);

      assertEquals(name, Bundle.ACTIVE, bundle(driver).getState());
      assertEquals("0.1.0", admin.getDeploymentPackage(driver).getVersion().toString());
      // Without the vendor's library it waits for it, and nobody else does.
      Waiting.until(driver + " is active", () -> isActive(driver));
      awaitServing("beside " + driver);
      uninstall(name);
      assertEquals(name, before, ours());
    }
    awaitServing("after they went");
  }

  /** Whether declarative services have activated the component of that name. */
  private boolean isActive(String component) {
    try {
      ServiceReference<?> reference =
          context
              .getAllServiceReferences(
                  "org.osgi.service.component.runtime.ServiceComponentRuntime", null)[0];
      Object runtime = context.getService(reference);
      Class<?> type = runtime.getClass();
      Method describe = type.getMethod("getComponentDescriptionDTO", Bundle.class, String.class);
      describe.setAccessible(true);
      Object description = describe.invoke(runtime, bundle(component), component);
      Method configured = type.getMethod("getComponentConfigurationDTOs", description.getClass());
      configured.setAccessible(true);
      Collection<?> configurations = (Collection<?>) configured.invoke(runtime, description);
      context.ungetService(reference);
      for (Object configuration : configurations) {
        // ComponentConfigurationDTO.ACTIVE
        if (configuration.getClass().getField("state").getInt(configuration) == 8) {
          return true;
        }
      }
      return false;
    } catch (ReflectiveOperationException | InvalidSyntaxException e) {
      throw new AssertionError("declarative services cannot be asked", e);
    }
  }

  private Bundle bundle(String name) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> bundle.getSymbolicName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private void installAll() throws Exception {
    install("core");
    install("driver");
    install("digits");
    awaitServing("at first");
  }

  private void install(String name) throws IOException, DeploymentException {
    Path file = Path.of(System.getProperty("shoji.made"), name + ".dp");
    try (InputStream in = Files.newInputStream(file)) {
      admin.installDeploymentPackage(in);
    }
  }

  private void uninstall(String name) throws DeploymentException {
    String symbolicName =
        switch (name) {
          case "core" -> "io.shoji.core";
          case "driver" -> "io.shoji.driver.cpu";
          case "hailo", "openvino", "tensorrt" -> "io.shoji.driver." + name;
          default -> "io.shoji.model." + name;
        };
    admin.getDeploymentPackage(symbolicName).uninstall();
  }

  /** As the gateway does, and any framework at its next start. */
  private void startWaiting() throws BundleException {
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getSymbolicName().startsWith("io.shoji.") && bundle.getState() != Bundle.ACTIVE) {
        bundle.start();
      }
    }
  }

  private TreeSet<String> ours() {
    TreeSet<String> names = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getSymbolicName().startsWith("io.shoji.")) {
        names.add(bundle.getSymbolicName());
      }
    }
    return names;
  }

  private void awaitServing(String when) throws InterruptedException {
    Waiting.until(
        "digits serves " + when + ", but: " + models(), () -> models().contains("state=SERVING"));
  }

  private String models() {
    try {
      ServiceReference<?>[] references =
          context.getAllServiceReferences("io.shoji.inference.InferenceService", null);
      if (references == null) {
        return "no inference service";
      }
      Object engine = context.getService(references[0]);
      return engine == null
          ? "no inference service"
          : engine
              .getClass()
              .getClassLoader()
              .loadClass("io.shoji.inference.InferenceService")
              .getMethod("models")
              .invoke(engine)
              .toString();
    } catch (Exception e) {
      throw new AssertionError("the inference service cannot be asked", e);
    }
  }
}
