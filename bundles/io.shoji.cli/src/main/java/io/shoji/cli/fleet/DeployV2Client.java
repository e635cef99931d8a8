/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.w3c.dom.Element;

/** The application {@code DEPLOY-V2} of a gateway. */
final class DeployV2Client {
  /** The request for what is installed. */
  static final Ask PACKAGES = Ask.get(DeployV2.APPLICATION, DeployV2.RESOURCE_PACKAGES);

  private static final long POLL_SECONDS = 5;
  private static final int SERVER_SILENCE_MS = 30_000;
  private static final long VERIFY_SECONDS = 30;
  private static final long VERIFY_PAUSE_SECONDS = 2;

  private DeployV2Client() {}

  /** A package that is installed, and its bundles as {@code name version}. */
  record Installed(String name, String version, List<String> bundles) {}

  /** What is installed on a gateway. */
  static List<Installed> packages(Fleet fleet, String gateway)
      throws GatewayException, InterruptedException {
    Element root = Xml.parse(fleet.ask(gateway, PACKAGES).text(), "packages");
    List<Installed> installed = new ArrayList<>();
    for (Element element : Xml.children(root, "package")) {
      List<String> bundles = new ArrayList<>();
      Xml.child(element, "bundles")
          .ifPresent(
              all ->
                  Xml.children(all, "bundle")
                      .forEach(bundle -> bundles.add(nameOf(bundle) + " " + versionOf(bundle))));
      installed.add(new Installed(nameOf(element), versionOf(element), List.copyOf(bundles)));
    }
    return installed;
  }

  private static String nameOf(Element element) {
    return Xml.text(element, "name").orElse("");
  }

  private static String versionOf(Element element) {
    return Xml.text(element, "version").orElse("");
  }

  /** The package of that name, if it is there. */
  static Optional<Installed> find(List<Installed> installed, String name) {
    return installed.stream().filter(found -> found.name().equals(name)).findFirst();
  }

  /**
   * Has a gateway fetch and install a package, and sees whether it is there then.
   *
   * @param limitSeconds after which it is not waited for any more
   * @throws GatewayException DOWNLOAD_FAILED, INSTALL_FAILED, NOT_VERIFIED, TIMEOUT, or what the
   *     gateway says
   */
  static void install(
      Fleet fleet, String gateway, PackageFile file, long limitSeconds, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    long job = newJob();
    Map<String, Object> metrics = new HashMap<>();
    metrics.put(DeployV2.URI, file.uri());
    metrics.put(DeployV2.NAME, file.name());
    metrics.put(DeployV2.VERSION, file.version());
    metrics.put(DeployV2.PROTOCOL, "HTTP");
    metrics.put(DeployV2.JOB_ID, job);
    metrics.put(DeployV2.INSTALL, true);
    metrics.put(DeployV2.REBOOT, false);
    metrics.put(DeployV2.SYSTEM_UPDATE, false);
    // A file that an earlier download left behind is not to be taken for this one.
    metrics.put(DeployV2.FORCE, true);
    metrics.put(DeployV2.TIMEOUT, SERVER_SILENCE_MS);
    file.sha256().ifPresent(digest -> metrics.put(DeployV2.HASH, "SHA-256:" + digest));
    Ask ask =
        new Ask(
            DeployV2.APPLICATION,
            Topic.Verb.EXEC,
            DeployV2.RESOURCE_DOWNLOAD,
            metrics,
            Optional.empty(),
            false);
    try (Following following = new Following(fleet, gateway, job)) {
      following.begin(ask);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
      boolean installed = false;
      while (!installed) {
        Optional<Payload> told = following.next(deadline, limitSeconds);
        if (told.isEmpty()) {
          // It may have told it while nobody listened.
          installed = following.isThere(file.name(), file.version());
        } else {
          installed = took(told.get(), watcher);
        }
      }
    }
    verify(fleet, gateway, file, watcher);
  }

  /** Reads a notification of a download or of an installation; true at the end of the latter. */
  private static boolean took(Payload told, ShojiV1.Watcher watcher) throws GatewayException {
    Map<String, Object> metrics = told.metrics();
    Optional<DeployV2.Status> download = status(metrics, DeployV2.DOWNLOAD_STATUS);
    if (download.isPresent()) {
      switch (download.get()) {
        case FAILED, CANCELLED ->
            throw new GatewayException(
                GatewayException.DOWNLOAD_FAILED,
                error(metrics, DeployV2.DOWNLOAD_ERROR) + " status=" + download.get().text());
        case COMPLETED, ALREADY_DONE -> watcher.at(0.5, "installs");
        default ->
            watcher.at(
                percent(metrics, DeployV2.DOWNLOAD_PROGRESS) / 200,
                "downloads " + (int) percent(metrics, DeployV2.DOWNLOAD_PROGRESS) + " %");
      }
    }
    Optional<DeployV2.Status> install = status(metrics, DeployV2.INSTALL_STATUS);
    if (install.isPresent()) {
      switch (install.get()) {
        case FAILED, CANCELLED ->
            throw new GatewayException(
                GatewayException.INSTALL_FAILED, error(metrics, DeployV2.INSTALL_ERROR));
        case COMPLETED, ALREADY_DONE -> {
          return true;
        }
        default -> watcher.at(0.5, "installs");
      }
    }
    return false;
  }

  private static void verify(Fleet fleet, String gateway, PackageFile file, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    watcher.at(0.9, "is verified");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(VERIFY_SECONDS);
    while (true) {
      Optional<Installed> found = find(packages(fleet, gateway), file.name());
      if (found.isPresent() && PackageFile.sameVersion(found.get().version(), file.version())) {
        return;
      }
      if (System.nanoTime() > deadline) {
        throw new GatewayException(
            GatewayException.NOT_VERIFIED,
            "the gateway said that it is installed, and lists it not"
                + found.map(other -> " but version " + other.version()).orElse("")
                + " package="
                + file.name()
                + " version="
                + file.version());
      }
      TimeUnit.SECONDS.sleep(VERIFY_PAUSE_SECONDS);
    }
  }

  /**
   * Has a gateway remove a package, and sees whether it is gone then.
   *
   * @throws GatewayException UNINSTALL_FAILED, NOT_VERIFIED, TIMEOUT, or what the gateway says
   */
  static void uninstall(
      Fleet fleet, String gateway, Installed installed, long limitSeconds, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    long job = newJob();
    Ask ask =
        new Ask(
            DeployV2.APPLICATION,
            Topic.Verb.EXEC,
            DeployV2.RESOURCE_UNINSTALL,
            Map.of(
                DeployV2.NAME,
                installed.name(),
                DeployV2.VERSION,
                installed.version(),
                DeployV2.JOB_ID,
                job,
                DeployV2.REBOOT,
                false),
            Optional.empty(),
            false);
    try (Following following = new Following(fleet, gateway, job)) {
      following.begin(ask);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
      boolean gone = false;
      while (!gone) {
        Optional<Payload> told = following.next(deadline, limitSeconds);
        Optional<DeployV2.Status> status =
            told.flatMap(payload -> status(payload.metrics(), DeployV2.UNINSTALL_STATUS));
        if (told.isEmpty()) {
          gone = find(packages(fleet, gateway), installed.name()).isEmpty();
        } else if (status.isPresent()) {
          if (status.get() == DeployV2.Status.FAILED || status.get() == DeployV2.Status.CANCELLED) {
            throw new GatewayException(
                GatewayException.UNINSTALL_FAILED,
                error(told.get().metrics(), DeployV2.UNINSTALL_ERROR));
          }
          gone = status.get().isFinal();
          watcher.at(gone ? 0.9 : 0.5, "uninstalls");
        }
      }
    }
    if (find(packages(fleet, gateway), installed.name()).isPresent()) {
      throw new GatewayException(
          GatewayException.NOT_VERIFIED,
          "the gateway said that it is gone, and lists it package=" + installed.name());
    }
  }

  private static long newJob() {
    return ThreadLocalRandom.current().nextLong(1, 1L << 53);
  }

  private static Optional<DeployV2.Status> status(Map<String, Object> metrics, String name) {
    return metrics.get(name) instanceof String text ? DeployV2.Status.of(text) : Optional.empty();
  }

  private static double percent(Map<String, Object> metrics, String name) {
    return metrics.get(name) instanceof Integer percent ? Math.min(100, Math.max(0, percent)) : 0;
  }

  private static String error(Map<String, Object> metrics, String name) {
    return metrics.get(name) instanceof String text && !text.isBlank()
        ? text
        : "the gateway gives no reason; its log has it";
  }

  /** What a gateway tells of one job of ours. */
  private static final class Following implements AutoCloseable {
    private final Fleet fleet;
    private final String gateway;
    private final BlockingQueue<Payload> told = new LinkedBlockingQueue<>();
    private final Fleet.Listening listening;

    Following(Fleet fleet, String gateway, long job) {
      this.fleet = fleet;
      this.gateway = gateway;
      this.listening =
          fleet.listen(
              message -> {
                if (message.topic() instanceof Topic.Notification notification
                    && notification.application().equals(DeployV2.APPLICATION)
                    && notification.client().equals(gateway)
                    && message.payload() != null
                    && Long.valueOf(job).equals(message.payload().metrics().get(DeployV2.JOB_ID))) {
                  told.add(message.payload());
                }
              });
    }

    /** Sends the request once: Kura would do it again if it came again. */
    void begin(Ask ask) throws GatewayException, InterruptedException {
      try {
        fleet.ask(gateway, ask);
      } catch (GatewayException e) {
        // The reply may be lost, and the job go on all the same.
        if (!e.reason().equals(GatewayException.TIMEOUT) || told.isEmpty()) {
          throw e;
        }
      }
    }

    /** What is told next; empty if nothing was for a while. */
    Optional<Payload> next(long deadline, long limitSeconds)
        throws GatewayException, InterruptedException {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new GatewayException(
            GatewayException.TIMEOUT, "the gateway has not ended it within " + limitSeconds + " s");
      }
      return Optional.ofNullable(
          told.poll(Math.min(left, TimeUnit.SECONDS.toNanos(POLL_SECONDS)), TimeUnit.NANOSECONDS));
    }

    boolean isThere(String name, String version) throws InterruptedException {
      try {
        return find(packages(fleet, gateway), name)
            .filter(found -> PackageFile.sameVersion(found.version(), version))
            .isPresent();
      } catch (GatewayException e) {
        // It may be away for a while; the limit is for that.
        return false;
      }
    }

    @Override
    public void close() {
      listening.close();
    }
  }
}
