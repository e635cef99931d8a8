/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.Tensors;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;

/** What remains of a driver when the next version of its bundle follows: nothing. */
@Timeout(120)
class HailoUpdateTest {
  private static final int UPDATES = 4;

  @TempDir Path folder;

  @Test
  void shouldLeaveNothingBehindWhenItIsUpdated() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      for (int update = 0; update < UPDATES; update++) {
        SimulatedHailoRt simulated =
            SimulatedHailoRt.in(folder.resolve("runtime-" + update), "4.23.0");
        simulated.tape("strict", "overcurrent 3.25");
        WeakReference<ClassLoader> loader = useInALoaderOfItsOwn(gateway, simulated);
        assertThat(gateway.reference()).isNull();
        assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
        assertThat(simulated.record().open()).isEmpty();
        assertThat(simulated.misuse()).isEmpty();
        Eventually.assertThat(() -> isCollected(loader));
      }
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-hailo-").isEmpty());
    }
  }

  private static boolean isCollected(WeakReference<?> reference) {
    System.gc();
    return reference.get() == null;
  }

  /** Runs a driver whose classes nobody else loaded, as a bundle that is updated. */
  private WeakReference<ClassLoader> useInALoaderOfItsOwn(
      Gateway gateway, SimulatedHailoRt simulated) throws Exception {
    URL classes = HailoDriver.class.getProtectionDomain().getCodeSource().getLocation();
    try (URLClassLoader loader = new OwnClasses(classes)) {
      Class<?> driverClass = loader.loadClass(HailoDriver.class.getName());
      assertThat(driverClass).isNotSameAs(HailoDriver.class);
      Class<?> configClass = loader.loadClass(HailoDriver.Config.class.getName());
      Map<String, Object> settings =
          Map.of("libraryPath", simulated.library().toString(), "pollMs", 20);
      InvocationHandler values =
          (proxy, method, arguments) ->
              settings.containsKey(method.getName())
                  ? settings.get(method.getName())
                  : method.getDefaultValue();
      Object config = Proxy.newProxyInstance(loader, new Class<?>[] {configClass}, values);
      Object driver =
          driverClass
              .getConstructor(BundleContext.class, VendorLibraries.class, configClass)
              .newInstance(gateway.context(), gateway.libraries(), config);
      Accelerator accelerator = gateway.accelerator();
      // HailoRT has called back, by a function that outlives the driver.
      Eventually.assertThat(() -> isOverCurrent(accelerator));
      LoadedModel model =
          accelerator.load(
              new HefArtifacts(folder)
                  .of("model", SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8)),
              LoadOptions.defaults());
      assertThat(
              model.run(Tensors.random(model.inputs(), 1, 1), System.nanoTime() + 30_000_000_000L))
          .hasSize(1);
      // Whoever forgets to close a model does not keep the driver.
      driverClass.getMethod("stop").invoke(driver);
      return new WeakReference<>(loader);
    }
  }

  private static boolean isOverCurrent(Accelerator accelerator) {
    try {
      AcceleratorHealth health = accelerator.health();
      return health.state() == AcceleratorHealth.State.THROTTLED
          && health.reason().contains("current");
    } catch (AcceleratorException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Loads the driver's classes itself, and all others as the test does. */
  private static final class OwnClasses extends URLClassLoader {
    OwnClasses(URL classes) {
      super(new URL[] {classes}, HailoUpdateTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("io.shoji.driver.hailo.")) {
        synchronized (getClassLoadingLock(name)) {
          Class<?> loaded = findLoadedClass(name);
          return loaded == null ? findClass(name) : loaded;
        }
      }
      return super.loadClass(name, resolve);
    }
  }
}
