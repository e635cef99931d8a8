/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.agent;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.worker.link.LinkSecret;
import io.shoji.worker.link.LinkServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker: a framework with one driver and what it needs, whose accelerators go over a link to the
 * gateway that started it. Its standard input tells it what to do ({@link ControlMessage}); when
 * that ends, the gateway is gone, and so is the worker at once.
 */
public final class WorkerMain {
  /** Launch setting, String: path of the socket that the worker listens on. */
  public static final String SOCKET = "socket";

  /** Launch setting, String: the link's secret, hexadecimal. */
  public static final String SECRET = "secret";

  /** Launch setting, String: folder of the framework's storage. */
  public static final String STORAGE = "storage";

  /** Launch setting, String[]: bundles of the platform, which start first. */
  public static final String PLATFORM = "platform";

  /** Launch setting, String[]: bundles of the driver, the driver's own last. */
  public static final String BUNDLES = "bundles";

  /** Launch setting, String: packages of the class path that bundles may import. */
  public static final String EXPORTS = "exports";

  /**
   * Launch setting, Integer: how many messages with configurations follow at once, for what starts
   * before the driver.
   */
  public static final String CONFIGURATIONS = "configurations";

  /** Exit code when the gateway has gone. */
  public static final int GATEWAY_GONE = 3;

  /** Exit code when the worker could not start. */
  public static final int NOT_STARTED = 4;

  private static final long STOP_MS = 10_000;
  private static final Logger LOG = LoggerFactory.getLogger(WorkerMain.class);

  private final Framework framework;
  private final LinkServer link;
  private final Bundle driver;
  private final ServiceTracker<Accelerator, Accelerator> accelerators;

  private WorkerMain(Map<String, Object> launch, List<ControlMessage> configured)
      throws BundleException, IOException {
    Map<String, String> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, text(launch, STORAGE));
    configuration.put(
        Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, text(launch, EXPORTS));
    configuration.put("felix.shutdown.hook", "false");
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(configuration);
    framework.start();
    for (Bundle bundle : install(launch, PLATFORM)) {
      bundle.start();
    }
    for (ControlMessage message : configured) {
      configure(message);
    }
    List<Bundle> bundles = install(launch, BUNDLES);
    driver = bundles.remove(bundles.size() - 1);
    for (Bundle bundle : bundles) {
      bundle.start();
    }
    BundleContext context = framework.getBundleContext();
    link =
        LinkServer.listen(
            Path.of(text(launch, SOCKET)),
            LinkSecret.of(text(launch, SECRET)),
            () -> giveWay(context));
    accelerators = new Offered(framework.getBundleContext(), link);
    accelerators.open();
  }

  /** Lets a thread that loads give way to those that answer, as its caller in the gateway does. */
  private static void giveWay(BundleContext context) {
    ServiceReference<ThreadNiceness> reference = context.getServiceReference(ThreadNiceness.class);
    ThreadNiceness niceness = reference == null ? null : context.getService(reference);
    if (niceness != null && !niceness.lower(ThreadNiceness.IDLE)) {
      LOG.debug("the system does not let a thread give way");
    }
  }

  /** Runs until the gateway says otherwise, or is gone. */
  public static void main(String[] arguments) {
    InputStream in = new BufferedInputStream(System.in);
    try {
      ControlMessage launch = next(in);
      List<ControlMessage> configured = new ArrayList<>();
      int configurations = (Integer) required(launch.settings(), CONFIGURATIONS);
      for (int i = 0; i < configurations; i++) {
        configured.add(next(in));
      }
      Inbox inbox = new Inbox(in);
      Thread reader = new Thread(inbox, "shoji-worker-control");
      reader.setDaemon(true);
      reader.start();
      new WorkerMain(launch.settings(), configured).serve(inbox);
      System.exit(0);
    } catch (BundleException | IOException | RuntimeException | LinkageError e) {
      LOG.error("the worker cannot start", e);
      System.exit(NOT_STARTED);
    } catch (InterruptedException e) {
      LOG.error("the worker was interrupted, which nobody has reason to do", e);
      System.exit(NOT_STARTED);
    }
  }

  /** The next message; without one the process ends here, as the gateway is gone. */
  private static ControlMessage next(InputStream in) throws IOException {
    return ControlMessage.read(in).orElseGet(WorkerMain::gatewayGone);
  }

  private static ControlMessage gatewayGone() {
    // Nothing is tidied up: what holds a vendor's call would hold the process.
    Runtime.getRuntime().halt(GATEWAY_GONE);
    throw new IllegalStateException("halted");
  }

  /** Does what the gateway says, in its order, until it says stop. */
  private void serve(Inbox inbox) throws InterruptedException, BundleException, IOException {
    while (true) {
      ControlMessage message = inbox.take();
      switch (message.kind()) {
        case START -> driver.start();
        case CONFIGURE, FORGET -> configure(message);
        case STOP -> {
          stop();
          return;
        }
        case LAUNCH -> throw new IOException("a worker is launched once");
      }
    }
  }

  /** Stops the driver, which takes its accelerators back, then all else. */
  private void stop() throws BundleException, InterruptedException {
    Thread deadline =
        new Thread(
            () -> {
              try {
                Thread.sleep(STOP_MS);
                Runtime.getRuntime().halt(0);
              } catch (InterruptedException e) {
                LOG.warn("the deadline of the worker's end was interrupted", e);
              }
            },
            "shoji-worker-stop");
    deadline.setDaemon(true);
    deadline.start();
    driver.stop();
    link.close();
    framework.stop();
    framework.waitForStop(STOP_MS);
  }

  private List<Bundle> install(Map<String, Object> launch, String name) throws BundleException {
    List<Bundle> bundles = new ArrayList<>();
    for (String jar : (String[]) required(launch, name)) {
      bundles.add(framework.getBundleContext().installBundle("reference:" + Path.of(jar).toUri()));
    }
    return bundles;
  }

  // ConfigurationAdmin asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private void configure(ControlMessage message) throws IOException {
    BundleContext context = framework.getBundleContext();
    ServiceReference<ConfigurationAdmin> reference =
        context.getServiceReference(ConfigurationAdmin.class);
    ConfigurationAdmin admin = context.getService(reference);
    Configuration configuration =
        message.factory().isEmpty()
            ? admin.getConfiguration(message.pid(), "?")
            : admin.getFactoryConfiguration(message.factory(), name(message), "?");
    if (message.kind() == ControlMessage.Kind.FORGET) {
      configuration.delete();
    } else {
      configuration.update(new Hashtable<>(message.settings()));
    }
    context.ungetService(reference);
  }

  /** What follows the factory's PID, so that the same configuration is found again. */
  private static String name(ControlMessage message) {
    String pid = message.pid();
    int at = message.factory().length();
    return pid.startsWith(message.factory()) && pid.length() > at + 1 ? pid.substring(at + 1) : pid;
  }

  private static String text(Map<String, Object> launch, String name) {
    return (String) required(launch, name);
  }

  static Object required(Map<String, Object> launch, String name) {
    Object value = launch.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the worker was not told a setting name=" + name);
    }
    return value;
  }

  /** Reads what the gateway says, and ends the process when the gateway is gone. */
  private static final class Inbox implements Runnable {
    private final InputStream in;
    private final LinkedBlockingQueue<ControlMessage> messages = new LinkedBlockingQueue<>();

    Inbox(InputStream in) {
      this.in = in;
    }

    ControlMessage take() throws InterruptedException {
      return messages.take();
    }

    @Override
    public void run() {
      try {
        while (true) {
          messages.add(next(in));
        }
      } catch (IOException | RuntimeException e) {
        LOG.error("what the gateway says cannot be understood", e);
        Runtime.getRuntime().halt(GATEWAY_GONE);
      }
    }
  }

  /** Offers every accelerator that the driver registers. */
  private static final class Offered extends ServiceTracker<Accelerator, Accelerator> {
    private final LinkServer link;

    Offered(BundleContext context, LinkServer link) {
      super(context, Accelerator.class, null);
      this.link = link;
    }

    @Override
    public @Nullable Accelerator addingService(ServiceReference<Accelerator> reference) {
      Accelerator accelerator = context.getService(reference);
      if (accelerator != null) {
        Map<String, Object> properties = new HashMap<>();
        for (String key : reference.getPropertyKeys()) {
          if (!key.startsWith("service.") && !key.equals(Constants.OBJECTCLASS)) {
            properties.put(key, reference.getProperty(key));
          }
        }
        link.offer(accelerator, properties);
      }
      return accelerator;
    }

    @Override
    public void removedService(ServiceReference<Accelerator> reference, Accelerator accelerator) {
      link.withdraw(accelerator);
      context.ungetService(reference);
    }
  }
}
