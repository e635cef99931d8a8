/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.model.ModelCatalog;
import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.EngineEventListener;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.felix.cm.impl.ConfigurationManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.Version;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** The component in a running framework, with the framework's own services around it. */
class EngineInFrameworkTest {
  @TempDir Path temp;

  private Framework framework;
  private BundleContext context;
  private EngineComponent component;

  @BeforeEach
  void start() throws Exception {
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .iterator()
            .next()
            .newFramework(
                Map.of(
                    Constants.FRAMEWORK_STORAGE,
                    temp.resolve("cache").toString(),
                    Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
                    "org.osgi.service.cm;version=1.6.1,org.osgi.service.coordinator",
                    "felix.shutdown.hook",
                    "false"));
    framework.start();
    context = framework.getBundleContext();
    component = component();
  }

  private EngineComponent component() {
    EngineComponent made =
        new EngineComponent(context, EngineComponentTest.configuration(Map.of()));
    made.addAccelerator(FakeAccelerator.of("cpu", 2), Map.of());
    made.addModelPackage(FakePackage.of("digits", "1.0.0"));
    made.addModelPackage(FakePackage.of("digits", "2.0.0"));
    return made;
  }

  @AfterEach
  void stop() throws Exception {
    component.deactivate();
    framework.stop();
    framework.waitForStop(10_000);
  }

  private Operations operations() {
    ServiceReference<Operations> reference = context.getServiceReference(Operations.class);
    assertThat(reference).isNotNull();
    return context.getService(reference);
  }

  private void awaitAnswering(String version) {
    EngineFixture.await(
        "answered by " + version,
        () ->
            operations()
                .models()
                .get(0)
                .answering()
                .equals(Optional.of(Version.parseVersion(version))));
  }

  @Test
  void shouldHoldPinWhenComponentStartsAgain() throws Exception {
    awaitAnswering("2.0.0");
    operations().pin("digits", new Version("1.0.0"));
    awaitAnswering("1.0.0");

    component.deactivate();
    assertThat(context.getServiceReference(Operations.class)).isNull();
    component = component();

    awaitAnswering("1.0.0");
    assertThat(operations().models().get(0).pin()).contains(new Version("1.0.0"));
  }

  @Test
  void shouldTellListenerThatNeedsTheServiceItself() throws Exception {
    List<EngineEvent> told = new CopyOnWriteArrayList<>();
    awaitAnswering("2.0.0");
    ServiceRegistration<EngineEventListener> registration =
        context.registerService(
            EngineEventListener.class,
            new ServiceFactory<>() {
              @Override
              public EngineEventListener getService(
                  Bundle bundle, ServiceRegistration<EngineEventListener> of) {
                Operations needed = operations();
                return event -> {
                  assertThat(needed.events(event.sequence() - 1)).contains(event);
                  told.add(event);
                };
              }

              @Override
              public void ungetService(
                  Bundle bundle,
                  ServiceRegistration<EngineEventListener> of,
                  EngineEventListener listener) {}
            },
            null);

    ModelCatalog.Refusal refusal =
        new ModelCatalog.Refusal(
            "bad 3.0.0",
            "digits",
            Optional.of(new Version("3.0.0")),
            List.of("one reason", "another"),
            Instant.EPOCH);
    component.refused(refusal);
    component.refused(refusal);

    EngineFixture.await("told", () -> told.size() == 1);
    assertThat(told.get(0).type()).isEqualTo(EngineEvent.Type.MODEL_REFUSED);
    assertThat(told.get(0).details())
        .containsEntry("reason.1", "one reason")
        .containsEntry("reason.2", "another")
        .containsEntry("origin", "bad 3.0.0");
    registration.unregister();
    operations().pin("digits", new Version("1.0.0"));
    awaitAnswering("1.0.0");
    assertThat(told).hasSize(1);
  }

  @Test
  void shouldHandSettingsToDriversAndTakeThemBack() throws Exception {
    String location =
        ConfigurationManager.class.getProtectionDomain().getCodeSource().getLocation().toString();
    context.installBundle(location).start();
    ConfigurationAdmin admin =
        context.getService(context.getServiceReference(ConfigurationAdmin.class));
    @SuppressWarnings("JdkObsolete") // ConfigurationAdmin asks for it.
    Dictionary<String, Object> own = new Hashtable<>(Map.of("logSeverity", "info", "old", 1));
    admin.getConfiguration("io.shoji.driver.cpu", "?").update(own);

    operations()
        .configure(
            policy(Map.of("cpu", Map.of("intraOpThreads", 2, "old", 5), "npu", Map.of("x", "y"))));
    EngineFixture.await(
        "handed over",
        () ->
            settings(admin, "cpu")
                    .equals(Map.of("logSeverity", "info", "old", "5", "intraOpThreads", "2"))
                && settings(admin, "npu").equals(Map.of("x", "y")));

    operations().configure(policy(Map.of("cpu", Map.of("interOpThreads", 3))));
    EngineFixture.await(
        "changed",
        () ->
            settings(admin, "cpu").equals(Map.of("logSeverity", "info", "interOpThreads", "3"))
                && settings(admin, "npu").isEmpty());

    operations().configure(OperationsPolicy.empty());
    EngineFixture.await(
        "taken back", () -> settings(admin, "cpu").equals(Map.of("logSeverity", "info")));
  }

  private static OperationsPolicy policy(Map<String, Map<String, Object>> settings) {
    Map<String, AcceleratorPolicy> accelerators = new TreeMap<>();
    settings.forEach(
        (kind, each) ->
            accelerators.put(kind, new AcceleratorPolicy(true, OptionalLong.empty(), each)));
    return new OperationsPolicy(Map.of(), accelerators);
  }

  private static Map<String, String> settings(ConfigurationAdmin admin, String kind) {
    Map<String, String> settings = new TreeMap<>();
    try {
      Configuration[] found =
          admin.listConfigurations("(service.pid=io.shoji.driver." + kind + ")");
      if (found != null) {
        Dictionary<String, Object> all = found[0].getProperties();
        Collections.list(all.keys()).forEach(key -> settings.put(key, all.get(key).toString()));
      }
    } catch (IllegalStateException e) {
      return Map.of(); // Deleted between the listing and the look at it: as good as never there.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
    settings.keySet().removeIf(k -> k.startsWith("service.") || k.startsWith("shoji."));
    return settings;
  }

  @Test
  void shouldDoInTheShellWhatTheServiceDoes() throws Exception {
    awaitAnswering("2.0.0");
    OperatorCommands commands = new OperatorCommands(operations());

    assertThat(commands.pin("digits", "1.0.0")).isEqualTo("pinned model=digits version=1.0.0");
    awaitAnswering("1.0.0");
    assertThat(commands.versions().lines())
        .anySatisfy(line -> assertThat(line).matches("\\* +digits +1.0.0 +INSTALLED +1.0.0 +PIN"));
    assertThat(commands.unpin("digits")).isEqualTo("not pinned model=digits");
    awaitAnswering("2.0.0");
    assertThat(commands.rollback("digits")).isEqualTo("pinned model=digits version=1.0.0");
    awaitAnswering("1.0.0");
    assertThat(commands.reload("digits")).isEqualTo("reloaded model=digits");
    assertThat(commands.verify("digits"))
        .startsWith("FAILED")
        .contains("a stored file cannot be read");
    assertThat(commands.bench("digits", 50, 2)).startsWith("runs=50 threads=2 perSecond=");
    assertThat(commands.pin("digits", "one")).contains("not a version");
    assertThat(commands.events()).contains("MODEL_ROLLED_BACK").contains("MODEL_SWAPPED");
    assertThat(commands.events(Long.MAX_VALUE)).isNotEmpty();
    operations().configure(policy(Map.of("cpu", Map.of("intraOpThreads", 2))));
    assertThat(commands.policy()).contains("intraOpThreads=2");
  }

  @Test
  void shouldUseAcceleratorOnlyWhileItsDriverIsTrusted() throws Exception {
    awaitAnswering("2.0.0");
    FakeAccelerator second = FakeAccelerator.of("npu", 2);
    component.addAccelerator(second, Map.of(Constants.SERVICE_BUNDLEID, 0L));
    List<Long> asked = new CopyOnWriteArrayList<>();

    component.judges(
        driver -> {
          asked.add(driver.getBundleId());
          return Optional.of("it is not signed");
        });

    assertThat(asked).containsExactly(0L);
    assertThat(component.accelerators()).isEmpty();
    EngineFixture.await("told", () -> told(EngineEvent.Type.DRIVER_REFUSED).size() == 2);
    assertThat(told(EngineEvent.Type.DRIVER_REFUSED))
        .anySatisfy(
            event -> {
              assertThat(event.accelerator()).startsWith("npu:");
              assertThat(event.message()).endsWith("it is not signed");
            });

    component.judgesAnew(driver -> Optional.empty());

    assertThat(component.accelerators()).hasSize(1);
    assertThat(component.accelerators().get(0).info().kind()).isEqualTo("npu");
    component.judgesNoMore(driver -> Optional.empty());
    assertThat(component.accelerators()).hasSize(2);
    component.removeAccelerator(second);
    assertThat(component.accelerators()).hasSize(1);
  }

  @Test
  void shouldTellWhatSpeaksAgainstPackageThatServes() {
    component.warned(
        new ModelCatalog.Warning(
            "bundle 1.0.0",
            "digits",
            new Version("1.0.0"),
            List.of("/expires: the package has expired", "signature: old"),
            Instant.now()));

    EngineFixture.await("told", () -> told(EngineEvent.Type.MODEL_WARNING).size() == 1);
    assertThat(told(EngineEvent.Type.MODEL_WARNING).get(0).details())
        .containsEntry("origin", "bundle 1.0.0")
        .containsEntry("reason.1", "/expires: the package has expired")
        .containsEntry("reason.2", "signature: old");
  }

  private List<EngineEvent> told(EngineEvent.Type type) {
    return operations().events(0).stream().filter(e -> e.type() == type).toList();
  }
}
