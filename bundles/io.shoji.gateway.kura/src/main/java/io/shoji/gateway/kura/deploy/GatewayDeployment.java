/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.deploy;

import io.shoji.cloud.DeployV2;
import io.shoji.gateway.kura.Home;
import io.shoji.gateway.kura.cloud.KuraMessages;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerMessageConstants;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.message.KuraResponsePayload;
import org.eclipse.kura.ssl.SslManagerService;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.deploymentadmin.DeploymentAdmin;
import org.osgi.service.deploymentadmin.DeploymentException;
import org.osgi.service.deploymentadmin.DeploymentPackage;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kura's application {@code DEPLOY-V2}: downloads, installs and uninstalls deployment packages as
 * the cloud asks, and tells how far it is. One thing at a time. Thread safe.
 */
@Designate(ocd = GatewayDeployment.Form.class)
@Component(
    name = GatewayDeployment.PID,
    immediate = true,
    service = ConfigurableComponent.class,
    configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class GatewayDeployment implements ConfigurableComponent, RequestHandler {
  static final String PID = "org.eclipse.kura.core.deployment.CloudDeploymentHandlerV2";

  private static final Logger log = LoggerFactory.getLogger(GatewayDeployment.class);

  /**
   * Framework property: the launcher records packages, by a DeploymentAdmin that outranks others.
   */
  private static final String RECORDS = "io.shoji.gateway.records";

  private static final int WAITING = 100;
  private static final int CLOSE_SECONDS = 5;
  private static final int ADMIN_SECONDS = 60;
  private static final int DONE_PERCENT = 100;

  /** The form; attributes as on Kura, and one for the size. */
  @ObjectClassDefinition(
      id = PID,
      name = "DeploymentService",
      description = "Installs packages as the cloud asks.")
  public @interface Form {
    /** Folder. */
    @AttributeDefinition(
        name = "downloads.directory",
        required = false,
        description =
            "Folder for packages that are downloaded; left empty, one that only this gateway can enter.")
    String downloads_directory() default "";

    /** Largest package. */
    @AttributeDefinition(
        name = "downloads.maximum.size",
        min = "1",
        description = "Most bytes of a package; a larger one is given up.")
    long downloads_maximum_size() default 1_073_741_824L;

    /** Certificates. */
    @AttributeDefinition(
        name = "SslManagerService Target Filter",
        description = "Which SslManagerService has the certificates for https.")
    String SslManagerService_target() default
        "(kura.service.pid=org.eclipse.kura.ssl.SslManagerService)";
  }

  private final BundleContext context;
  private final Path folder;
  private final long maxBytes;
  private final ThreadPoolExecutor thread;
  private volatile @Nullable ServiceReference<DeploymentAdmin> admin;
  private volatile @Nullable SslManagerService ssl;

  // Guarded by this.
  private @Nullable PackageDownload download;
  private @Nullable DeployRequest downloading;
  private @Nullable DeployRequest installing;

  /**
   * Makes the folder.
   *
   * @throws IOException if it cannot be made
   */
  @Activate
  public GatewayDeployment(
      BundleContext context, Map<String, Object> properties, @Reference SystemService system)
      throws IOException {
    this.context = context;
    String configured =
        properties.get("downloads.directory") instanceof String text ? text.trim() : "";
    this.folder =
        configured.isEmpty()
            ? Home.folder(Path.of(system.getKuraDataDirectory(), "downloads"))
            : Files.createDirectories(Path.of(configured));
    long most =
        properties.get("downloads.maximum.size") instanceof Long size ? size : 1_073_741_824L;
    if (most < 1) {
      log.error(
          "out of range, the default counts pid={} downloads.maximum.size={} least=1", PID, most);
      most = 1_073_741_824L;
    }
    this.maxBytes = most;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            task -> {
              Thread deploying = new Thread(task, "deploy");
              deploying.setDaemon(true);
              return deploying;
            });
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addRegistry(RequestHandlerRegistry registry) {
    try {
      registry.registerRequestHandler(DeployV2.APPLICATION, this);
    } catch (KuraException e) {
      log.error("a cloud connection does not take the application {}", DeployV2.APPLICATION, e);
    }
  }

  void removeRegistry(RequestHandlerRegistry registry) {
    try {
      registry.unregister(DeployV2.APPLICATION);
    } catch (KuraException e) {
      log.error("a cloud connection keeps the application {}", DeployV2.APPLICATION, e);
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void setAdmin(ServiceReference<DeploymentAdmin> reference) {
    admin = reference;
    notifyAll();
  }

  synchronized void unsetAdmin(ServiceReference<DeploymentAdmin> reference) {
    if (reference.equals(admin)) {
      admin = null;
    }
  }

  @Reference(
      name = "SslManagerService",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC)
  void setSslManager(SslManagerService service) {
    ssl = service;
  }

  void unsetSslManager(SslManagerService service) {
    if (ssl == service) {
      ssl = null;
    }
  }

  /** Ends a download; an installation is finished first, for a while. */
  @Deactivate
  public void close() throws InterruptedException {
    synchronized (this) {
      if (download != null) {
        download.cancel();
      }
    }
    thread.shutdown();
    if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
      log.warn("an installation does not end in time seconds={}", CLOSE_SECONDS);
      thread.shutdownNow();
    }
  }

  @Override
  public KuraMessage doGet(RequestHandlerContext request, KuraMessage message)
      throws KuraException {
    List<String> resources = resources(message);
    return switch (resources.get(0)) {
      case DeployV2.RESOURCE_PACKAGES -> text(Inventory.packages(admin().listDeploymentPackages()));
      case DeployV2.RESOURCE_BUNDLES -> text(Inventory.bundles(context.getBundles()));
      case DeployV2.RESOURCE_DOWNLOAD -> new KuraMessage(downloadState());
      case DeployV2.RESOURCE_INSTALL -> new KuraMessage(installState());
      default -> throw unknown(resources);
    };
  }

  @Override
  public KuraMessage doExec(RequestHandlerContext request, KuraMessage message)
      throws KuraException {
    List<String> resources = resources(message);
    KuraPayload payload = message.getPayload();
    return switch (resources.get(0)) {
      case DeployV2.RESOURCE_DOWNLOAD -> execDownload(request, payload);
      case DeployV2.RESOURCE_INSTALL -> execInstall(request, payload);
      case DeployV2.RESOURCE_UNINSTALL -> execUninstall(request, payload);
      case DeployV2.RESOURCE_START -> startOrStop(resources, true);
      case DeployV2.RESOURCE_STOP -> startOrStop(resources, false);
      default -> throw unknown(resources);
    };
  }

  @Override
  public KuraMessage doDel(RequestHandlerContext request, KuraMessage message)
      throws KuraException {
    List<String> resources = resources(message);
    if (!resources.get(0).equals(DeployV2.RESOURCE_DOWNLOAD)) {
      throw unknown(resources);
    }
    synchronized (this) {
      if (download != null) {
        download.cancel();
      }
    }
    return done();
  }

  private static List<String> resources(KuraMessage message) throws KuraException {
    Object resources = message.getProperties().get(RequestHandlerMessageConstants.ARGS_KEY.value());
    if (!(resources instanceof List<?> list) || list.isEmpty()) {
      throw new KuraException(KuraErrorCode.BAD_REQUEST, null, "no resource is named");
    }
    return list.stream().map(String::valueOf).toList();
  }

  private static KuraException unknown(List<String> resources) {
    return new KuraException(
        KuraErrorCode.NOT_FOUND, null, "no such resource: " + String.join("/", resources));
  }

  private static KuraMessage done() {
    return new KuraMessage(new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK));
  }

  private static KuraMessage text(String body) {
    KuraResponsePayload answer = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK);
    answer.setBody(body.getBytes(StandardCharsets.UTF_8));
    return new KuraMessage(answer);
  }

  /** What knows the packages that are installed. */
  private DeploymentAdmin admin() throws KuraException {
    ServiceReference<DeploymentAdmin> reference = admin;
    DeploymentAdmin service = reference == null ? null : context.getService(reference);
    if (service == null) {
      throw new KuraException(
          KuraErrorCode.SERVICE_UNAVAILABLE, null, "there is no DeploymentAdmin");
    }
    return service;
  }

  /**
   * Where packages are installed. In a gateway in a box that is the launcher's, which records them;
   * it comes a moment after the framework's own, which must not be used before.
   */
  private DeploymentAdmin recordingAdmin() throws KuraException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ADMIN_SECONDS);
    synchronized (this) {
      while (context.getProperty(RECORDS) != null
          && (admin == null || admin.getProperty(Constants.SERVICE_RANKING) == null)) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          throw new KuraException(
              KuraErrorCode.SERVICE_UNAVAILABLE, null, "the launcher does not record packages");
        }
        try {
          TimeUnit.NANOSECONDS.timedWait(this, left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new KuraException(KuraErrorCode.SERVICE_UNAVAILABLE, e, "the gateway stops");
        }
      }
    }
    return admin();
  }

  private KuraMessage execDownload(RequestHandlerContext request, KuraPayload payload)
      throws KuraException {
    DeployRequest asked = DeployRequest.of(request, payload, true);
    DeployRequest.Download what = DeployRequest.download(payload);
    Optional<SSLSocketFactory> tls = tls(what);
    Path target = folder.resolve(asked.fileName());
    synchronized (this) {
      if (download != null) {
        KuraResponsePayload busy = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_ERROR);
        busy.addMetric("download.status", DeployV2.Status.IN_PROGRESS.text());
        busy.setBody("Another resource is already in download".getBytes(StandardCharsets.UTF_8));
        return new KuraMessage(busy);
      }
      PackageDownload fresh =
          new PackageDownload(
              what,
              target,
              maxBytes,
              tls,
              (bytes, total) -> tellDownload(asked, DeployV2.Status.IN_PROGRESS, null));
      begin(() -> download(asked, what, fresh, target));
      download = fresh;
      downloading = asked;
    }
    log.info("downloading {} uri={}", asked, what.uri().getPath());
    return done();
  }

  private Optional<SSLSocketFactory> tls(DeployRequest.Download what) throws KuraException {
    SslManagerService service = ssl;
    if (service == null || !"https".equalsIgnoreCase(what.uri().getScheme())) {
      return Optional.empty();
    }
    try {
      return Optional.of(service.getSSLSocketFactory());
    } catch (GeneralSecurityException | IOException e) {
      throw new KuraException(
          KuraErrorCode.SECURITY_EXCEPTION, e, "there are no certificates that can be used");
    }
  }

  private void begin(Runnable task) throws KuraException {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      throw new KuraException(
          KuraErrorCode.SERVICE_UNAVAILABLE, e, "too many packages wait waiting=" + WAITING);
    }
  }

  private void download(
      DeployRequest asked, DeployRequest.Download what, PackageDownload running, Path target) {
    boolean there = false;
    try {
      if (what.forced() || !Files.exists(target)) {
        running.run();
      }
      there = true;
    } catch (DownloadFailedException e) {
      log.warn("not downloaded {} cause={}", asked, e.getMessage());
      tellDownload(
          asked,
          running.isCancelled() ? DeployV2.Status.CANCELLED : DeployV2.Status.FAILED,
          running.isCancelled() ? "Download cancelled" : e.getMessage());
    } finally {
      if (there) {
        tellDownload(asked, DeployV2.Status.COMPLETED, null);
      }
      synchronized (this) {
        download = null;
        downloading = null;
      }
    }
    if (there && what.installed()) {
      synchronized (this) {
        installing = asked;
      }
      if (install(asked, target) && "file".equalsIgnoreCase(what.uri().getScheme())) {
        remove(Path.of(what.uri().getPath()));
      }
    }
  }

  private void tellDownload(DeployRequest asked, DeployV2.Status status, @Nullable String error) {
    KuraPayload told = new KuraPayload();
    int size;
    int percent;
    synchronized (this) {
      size = download == null ? 0 : size(download);
      percent =
          status == DeployV2.Status.COMPLETED || download == null
              ? DONE_PERCENT
              : download.percent();
    }
    told.addMetric(DeployV2.DOWNLOAD_SIZE, size);
    told.addMetric(DeployV2.DOWNLOAD_PROGRESS, percent);
    told.addMetric(DeployV2.DOWNLOAD_STATUS, status.text());
    told.addMetric(DeployV2.DOWNLOAD_INDEX, 0);
    if (error != null) {
      told.addMetric(DeployV2.DOWNLOAD_ERROR, error);
    }
    tell(asked, DeployV2.RESOURCE_DOWNLOAD, told);
  }

  /** As a metric has it; 0 while it is unknown. */
  private static int size(PackageDownload running) {
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, running.total()));
  }

  private KuraMessage execInstall(RequestHandlerContext request, KuraPayload payload)
      throws KuraException {
    DeployRequest asked = DeployRequest.of(request, payload, true);
    Path file = folder.resolve(asked.fileName());
    synchronized (this) {
      if (installing != null) {
        throw new KuraException(
            KuraErrorCode.BAD_REQUEST, null, "another package is being installed: " + installing);
      }
      if (!Files.isRegularFile(file)) {
        throw new KuraException(
            KuraErrorCode.BAD_REQUEST, null, "the package is not downloaded: " + asked);
      }
      begin(() -> install(asked, file));
      installing = asked;
    }
    return done();
  }

  /** Installs a file, which is gone afterwards, and tells what has come of it. */
  private boolean install(DeployRequest asked, Path file) {
    try {
      Optional<String> present = alreadyInstalled(file);
      if (present.isPresent()) {
        log.info("already installed {} asked={}", present.get(), asked);
        tellInstall(asked, DeployV2.Status.ALREADY_DONE, DONE_PERCENT, null);
        return true;
      }
      try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
        DeploymentPackage installed = recordingAdmin().installDeploymentPackage(in);
        log.info("installed {} {} asked={}", installed.getName(), installed.getVersion(), asked);
      }
      tellInstall(asked, DeployV2.Status.COMPLETED, DONE_PERCENT, null);
      return true;
    } catch (DeploymentException | KuraException | IOException | RuntimeException e) {
      log.error("not installed {}", asked, e);
      tellInstall(asked, DeployV2.Status.FAILED, 0, String.valueOf(e.getMessage()));
      return false;
    } finally {
      remove(file);
      synchronized (this) {
        installing = null;
      }
    }
  }

  /** The package, if this very version of it is installed: Kura leaves it alone. */
  private Optional<String> alreadyInstalled(Path file) throws IOException, KuraException {
    try (JarInputStream jar =
        new JarInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      Manifest manifest = jar.getManifest();
      if (manifest == null) {
        return Optional.empty();
      }
      Attributes main = manifest.getMainAttributes();
      String name = main.getValue("DeploymentPackage-SymbolicName");
      String version = main.getValue("DeploymentPackage-Version");
      if (name == null || version == null) {
        return Optional.empty();
      }
      DeploymentPackage present = recordingAdmin().getDeploymentPackage(name);
      return present != null && present.getVersion().equals(Version.parseVersion(version))
          ? Optional.of(name + " " + version)
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      throw new IOException("the manifest is damaged file=" + file.getFileName(), e);
    }
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("a file is left behind file={}", file, e);
    }
  }

  private void tellInstall(
      DeployRequest asked, DeployV2.Status status, int percent, @Nullable String error) {
    KuraPayload told = new KuraPayload();
    told.addMetric(DeployV2.NAME, asked.fileName());
    told.addMetric(DeployV2.INSTALL_PROGRESS, percent);
    told.addMetric(DeployV2.INSTALL_STATUS, status.text());
    if (error != null) {
      told.addMetric(DeployV2.INSTALL_ERROR, error);
    }
    tell(asked, DeployV2.RESOURCE_INSTALL, told);
  }

  private KuraMessage execUninstall(RequestHandlerContext request, KuraPayload payload)
      throws KuraException {
    DeployRequest asked = DeployRequest.of(request, payload, false);
    begin(() -> uninstall(asked));
    return done();
  }

  /** Uninstalls a package; one that is not there is done, as on Kura. */
  private void uninstall(DeployRequest asked) {
    KuraPayload told = new KuraPayload();
    told.addMetric(DeployV2.NAME, asked.name());
    try {
      DeploymentPackage present = recordingAdmin().getDeploymentPackage(asked.name());
      if (present != null) {
        present.uninstall();
        log.info("uninstalled {}", asked);
      }
      told.addMetric(DeployV2.UNINSTALL_PROGRESS, DONE_PERCENT);
      told.addMetric(DeployV2.UNINSTALL_STATUS, DeployV2.Status.COMPLETED.text());
    } catch (DeploymentException | KuraException | RuntimeException e) {
      log.error("not uninstalled {}", asked, e);
      told.addMetric(DeployV2.UNINSTALL_PROGRESS, 0);
      told.addMetric(DeployV2.UNINSTALL_STATUS, DeployV2.Status.FAILED.text());
      told.addMetric(DeployV2.UNINSTALL_ERROR, String.valueOf(e.getMessage()));
    }
    tell(asked, DeployV2.RESOURCE_UNINSTALL, told);
  }

  private void tell(DeployRequest asked, String resource, KuraPayload told) {
    KuraMessages.stamp(told);
    told.addMetric(DeployV2.JOB_ID, asked.jobId());
    told.addMetric(DeployV2.CLIENT_ID, asked.clientId());
    try {
      asked
          .notifications()
          .publish(
              new KuraMessage(
                  told,
                  Map.of(
                      "appId",
                      DeployV2.APPLICATION,
                      "messageType",
                      resource,
                      "requestorClientId",
                      asked.requester())));
    } catch (KuraException | RuntimeException e) {
      log.error("the requester is not told {} resource={}", asked, resource, e);
    }
  }

  private KuraMessage startOrStop(List<String> resources, boolean start) throws KuraException {
    String id = resources.size() > 1 ? resources.get(1) : "";
    try {
      Bundle bundle = context.getBundle(Long.parseLong(id));
      if (bundle == null) {
        throw DeployRequest.refused("bundle", id, "is not installed");
      }
      if (start) {
        bundle.start();
      } else {
        bundle.stop();
      }
      log.info("{} bundle={}", start ? "started" : "stopped", bundle.getSymbolicName());
      return done();
    } catch (NumberFormatException e) {
      throw DeployRequest.refused("bundle", id, "is no number");
    } catch (BundleException e) {
      throw new KuraException(
          KuraErrorCode.BAD_REQUEST, e, "bundle=" + id + " cause=" + e.getMessage());
    }
  }

  private synchronized KuraPayload downloadState() {
    KuraResponsePayload state = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK);
    DeployRequest current = downloading;
    PackageDownload running = download;
    if (current != null && running != null) {
      state.addMetric(DeployV2.DOWNLOAD_SIZE, size(running));
      state.addMetric(DeployV2.DOWNLOAD_PROGRESS, running.percent());
      state.addMetric(DeployV2.DOWNLOAD_STATUS, DeployV2.Status.IN_PROGRESS.text());
      state.addMetric(DeployV2.JOB_ID, current.jobId());
    } else {
      state.addMetric(DeployV2.DOWNLOAD_SIZE, 0);
      state.addMetric(DeployV2.DOWNLOAD_PROGRESS, DONE_PERCENT);
      state.addMetric(DeployV2.DOWNLOAD_STATUS, DeployV2.Status.ALREADY_DONE.text());
    }
    return state;
  }

  private synchronized KuraPayload installState() {
    KuraResponsePayload state = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK);
    DeployRequest current = installing;
    if (current == null) {
      state.addMetric(DeployV2.INSTALL_STATUS, DeployV2.Status.IDLE.text());
    } else {
      state.addMetric(DeployV2.INSTALL_STATUS, DeployV2.Status.IN_PROGRESS.text());
      state.addMetric(DeployV2.NAME, current.name());
      state.addMetric(DeployV2.VERSION, current.version());
    }
    return state;
  }
}
