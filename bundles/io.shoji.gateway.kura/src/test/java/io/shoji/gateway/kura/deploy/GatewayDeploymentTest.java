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

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import io.shoji.gateway.kura.cloud.TestBroker;
import io.shoji.gateway.kura.cloud.TestCloud;
import io.shoji.gateway.kura.cloud.TestGateway;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.Attributes;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.eclipse.kura.system.SystemService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.deploymentadmin.BundleInfo;
import org.osgi.service.deploymentadmin.DeploymentAdmin;
import org.osgi.service.deploymentadmin.DeploymentException;
import org.osgi.service.deploymentadmin.DeploymentPackage;

@Timeout(60)
final class GatewayDeploymentTest {
  private static final String FILE = "/local.proof.dp";

  @TempDir private Path folder;
  private final Map<String, String> installed = new TreeMap<>();
  private final List<String> stopped = new CopyOnWriteArrayList<>();
  private final AtomicInteger installations = new AtomicInteger();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private byte[] content = new byte[0];
  private volatile CountDownLatch serverGoesOn = new CountDownLatch(0);
  private final List<String> ranges = new CopyOnWriteArrayList<>();
  private HttpServer server;
  private TestBroker broker;
  private TestCloud cloud;
  private TestGateway gateway;
  private GatewayDeployment deployment;

  @BeforeEach
  void start() throws Exception {
    content = dp("local.proof", "1.0.1", 300_000);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext(FILE, this::serve);
    server.createContext(
        "/moved", exchange -> redirect(exchange, "http://127.0.0.1:" + port() + FILE));
    server.createContext("/loop", exchange -> redirect(exchange, "/loop"));
    server.createContext("/secret", exchange -> redirect(exchange, "file:///etc/passwd"));
    server.start();
    broker = new TestBroker();
    cloud = new TestCloud(broker);
    gateway = new TestGateway(broker.url(), folder);
    deployment = deployment(Map.of("downloads.maximum.size", 2_000_000L));
    deployment.addRegistry(gateway.registry());
    gateway.connected();
    cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
  }

  @AfterEach
  void stop() throws Exception {
    serverGoesOn.countDown();
    deployment.close();
    gateway.close();
    cloud.close();
    broker.close();
    server.stop(0);
    threads.shutdownNow();
  }

  private int port() {
    return server.getAddress().getPort();
  }

  private String uri(String path) {
    return "http://127.0.0.1:" + port() + path;
  }

  private GatewayDeployment deployment(Map<String, Object> properties) throws IOException {
    SystemService system =
        (SystemService)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {SystemService.class},
                (proxy, method, arguments) -> folder.toString());
    GatewayDeployment made = new GatewayDeployment(context(), properties, system);
    made.setAdmin(reference());
    return made;
  }

  @SuppressWarnings("unchecked")
  private ServiceReference<DeploymentAdmin> reference() {
    return (ServiceReference<DeploymentAdmin>)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ServiceReference.class},
            (proxy, method, arguments) -> null);
  }

  private BundleContext context() {
    return (BundleContext)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {BundleContext.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getService" -> new Admin();
                  case "getBundles" -> new Bundle[] {bundle()};
                  case "getBundle" -> arguments[0].equals(7L) ? bundle() : null;
                  default -> null;
                });
  }

  private Bundle bundle() {
    return (Bundle)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Bundle.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getSymbolicName" -> "some.bundle";
                  case "getVersion" -> new Version(1, 2, 3);
                  case "getBundleId" -> 7L;
                  case "getState" -> Bundle.ACTIVE;
                  case "stop", "start" -> {
                    stopped.add(method.getName());
                    yield null;
                  }
                  default -> null;
                });
  }

  private void serve(HttpExchange exchange) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    byte[] all = content;
    ranges.add(String.valueOf(range));
    int from = 0;
    exchange.getResponseHeaders().set("ETag", "\"" + Arrays.hashCode(all) + "\"");
    boolean same =
        ("\"" + Arrays.hashCode(all) + "\"")
            .equals(exchange.getRequestHeaders().getFirst("If-Range"));
    if (range != null && same) {
      from = Integer.parseInt(range.replaceAll("\\D", ""));
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + from + "-" + (all.length - 1) + "/" + all.length);
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, all.length - from);
    try (var out = exchange.getResponseBody()) {
      int half = (all.length - from) / 2;
      out.write(all, from, half);
      out.flush();
      try {
        serverGoesOn.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      out.write(all, from + half, all.length - from - half);
    }
  }

  private static void redirect(HttpExchange exchange, String to) throws IOException {
    exchange.getResponseHeaders().set("Location", to);
    exchange.sendResponseHeaders(302, -1);
    exchange.close();
  }

  private static byte[] dp(String name, String version, int padding) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().putValue("DeploymentPackage-SymbolicName", name);
    manifest.getMainAttributes().putValue("DeploymentPackage-Version", version);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(out, manifest)) {
      jar.setLevel(0);
      jar.putNextEntry(new ZipEntry("padding"));
      jar.write(new byte[padding]);
      jar.closeEntry();
    }
    return out.toByteArray();
  }

  /** Refuses a package that is named "bad". */
  private final class Admin implements DeploymentAdmin {
    @Override
    public DeploymentPackage installDeploymentPackage(InputStream in) throws DeploymentException {
      try (JarInputStream jar = new JarInputStream(in)) {
        Attributes main = jar.getManifest().getMainAttributes();
        String name = main.getValue("DeploymentPackage-SymbolicName");
        if (name.equals("bad")) {
          throw new DeploymentException(DeploymentException.CODE_OTHER_ERROR, "refused");
        }
        installed.put(name, main.getValue("DeploymentPackage-Version"));
        installations.incrementAndGet();
        return deployed(name);
      } catch (IOException | NullPointerException e) {
        throw new DeploymentException(DeploymentException.CODE_NOT_A_JAR, "no package", e);
      }
    }

    private DeploymentPackage deployed(String name) {
      return (DeploymentPackage)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {DeploymentPackage.class},
              (proxy, method, arguments) ->
                  switch (method.getName()) {
                    case "getName" -> name;
                    case "getVersion" -> Version.parseVersion(installed.get(name));
                    case "getBundleInfos" -> new BundleInfo[] {new Info(name, "1.0.0")};
                    case "uninstall" -> installed.remove(name);
                    default -> null;
                  });
    }

    @Override
    public DeploymentPackage[] listDeploymentPackages() {
      return installed.keySet().stream().map(this::deployed).toArray(DeploymentPackage[]::new);
    }

    @Override
    public DeploymentPackage getDeploymentPackage(String name) {
      return installed.containsKey(name) ? deployed(name) : null;
    }

    @Override
    public DeploymentPackage getDeploymentPackage(Bundle bundle) {
      return null;
    }

    @Override
    public boolean cancel() {
      return false;
    }
  }

  private record Info(String getSymbolicName, String version) implements BundleInfo {
    @Override
    public Version getVersion() {
      return Version.parseVersion(version);
    }
  }

  private static Payload.Builder download(String uri) {
    return Payload.builder()
        .metric(DeployV2.URI, uri)
        .metric(DeployV2.NAME, "local.proof")
        .metric(DeployV2.VERSION, "1.0.1")
        .metric(DeployV2.PROTOCOL, "HTTP")
        .metric(DeployV2.JOB_ID, 7L)
        .metric(DeployV2.SYSTEM_UPDATE, false);
  }

  private int exec(String resource, Payload.Builder payload) throws Exception {
    return cloud
        .call(DeployV2.APPLICATION, Topic.Verb.EXEC, resource, payload)
        .required(Metrics.RESPONSE_CODE, Integer.class);
  }

  /** Notifications about a resource up to the last one. */
  private List<Payload> told(String resource, String statusMetric) throws Exception {
    List<Payload> told = new ArrayList<>();
    while (told.isEmpty()
        || !DeployV2.Status.of(told.get(told.size() - 1).required(statusMetric, String.class))
            .orElseThrow()
            .isFinal()) {
      told.add(
          cloud
              .await(
                  h -> h.topic() instanceof Topic.Notification n && n.resource().equals(resource),
                  10)
              .payload());
    }
    assertThat(told)
        .allSatisfy(
            payload -> {
              assertThat(payload.required(DeployV2.JOB_ID, Long.class)).isEqualTo(7L);
              assertThat(payload.required(DeployV2.CLIENT_ID, String.class)).isEqualTo("gw1");
            });
    return told;
  }

  private String last(String resource, String statusMetric) throws Exception {
    List<Payload> told = told(resource, statusMetric);
    return told.get(told.size() - 1).required(statusMetric, String.class);
  }

  private List<String> downloads() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("downloads"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void shouldInstallAndTellWhenItIsDownloaded() throws Exception {
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    assertThat(
            exec(
                "download",
                download(uri(FILE))
                    .metric(DeployV2.INSTALL, true)
                    .metric(DeployV2.BLOCK_SIZE, 65_536)
                    .metric(DeployV2.NOTIFY_BLOCK_SIZE, 100_000)
                    .metric(DeployV2.HASH, "SHA-256:" + hash)))
        .isEqualTo(200);
    List<Payload> told = told("download", DeployV2.DOWNLOAD_STATUS);
    assertThat(told).hasSizeBetween(3, 6);
    assertThat(told.get(0).required(DeployV2.DOWNLOAD_SIZE, Integer.class))
        .isEqualTo(content.length);
    assertThat(told.get(told.size() - 1).required(DeployV2.DOWNLOAD_PROGRESS, Integer.class))
        .isEqualTo(100);
    Payload end = told("install", DeployV2.INSTALL_STATUS).get(0);
    assertThat(end.required(DeployV2.INSTALL_STATUS, String.class)).isEqualTo("COMPLETED");
    assertThat(end.required(DeployV2.NAME, String.class)).isEqualTo("local.proof_1.0.1.dp");
    assertThat(installed).containsExactly(Map.entry("local.proof", "1.0.1"));
    assertThat(downloads()).isEmpty();

    Payload packages =
        cloud.call(DeployV2.APPLICATION, Topic.Verb.GET, "packages", Payload.builder());
    assertThat(new String(packages.body().orElseThrow()))
        .isEqualTo(
            """
            <?xml version="1.0" encoding="UTF-8"?><packages>
                <package>
                    <name>local.proof</name>
                    <version>1.0.1</version>
                    <bundles>
                        <bundle>
                            <name>local.proof</name>
                            <version>1.0.0</version>
                        </bundle>
                    </bundles>
                </package>
            </packages>
            """);

    exec("download", download(uri(FILE)));
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("ALREADY DONE");
    assertThat(installations).hasValue(1);

    assertThat(
            exec(
                "uninstall",
                Payload.builder().metric(DeployV2.NAME, "local.proof").metric(DeployV2.JOB_ID, 7L)))
        .isEqualTo(200);
    assertThat(last("uninstall", DeployV2.UNINSTALL_STATUS)).isEqualTo("COMPLETED");
    assertThat(installed).isEmpty();
  }

  @Test
  void shouldInstallLaterWhenItIsAskedLater() throws Exception {
    Payload.Builder install =
        Payload.builder()
            .metric(DeployV2.NAME, "local.proof")
            .metric(DeployV2.VERSION, "1.0.1")
            .metric(DeployV2.JOB_ID, 7L)
            .metric(DeployV2.SYSTEM_UPDATE, false);
    assertThat(exec("install", install)).isEqualTo(400);
    exec("download", download(uri("/moved")).metric(DeployV2.INSTALL, false));
    assertThat(last("download", DeployV2.DOWNLOAD_STATUS)).isEqualTo("COMPLETED");
    assertThat(downloads()).containsExactly("local.proof_1.0.1.dp");
    assertThat(installed).isEmpty();
    assertThat(exec("install", install)).isEqualTo(200);
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("COMPLETED");
    assertThat(installed).hasSize(1);
  }

  @Test
  void shouldCompleteWhatIsThereWhenADownloadWasCancelled() throws Exception {
    serverGoesOn = new CountDownLatch(1);
    exec("download", download(uri(FILE)).metric(DeployV2.TIMEOUT, 30_000));
    cloud.await(h -> h.topic() instanceof Topic.Notification, 10);
    Payload state = cloud.call(DeployV2.APPLICATION, Topic.Verb.GET, "download", Payload.builder());
    assertThat(state.required(DeployV2.DOWNLOAD_STATUS, String.class)).isEqualTo("IN_PROGRESS");
    assertThat(state.required(DeployV2.JOB_ID, Long.class)).isEqualTo(7L);
    assertThat(exec("download", download(uri(FILE)))).isEqualTo(500);
    assertThat(
            cloud
                .call(DeployV2.APPLICATION, Topic.Verb.DEL, "download", Payload.builder())
                .required(Metrics.RESPONSE_CODE, Integer.class))
        .isEqualTo(200);
    serverGoesOn.countDown();
    assertThat(last("download", DeployV2.DOWNLOAD_STATUS)).isEqualTo("CANCELLED");
    assertThat(downloads())
        .containsExactly("local.proof_1.0.1.dp.part", "local.proof_1.0.1.dp.tag");

    exec("download", download(uri(FILE)).metric(DeployV2.RESUME, true));
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("COMPLETED");
    assertThat(ranges).hasSize(2);
    assertThat(ranges.get(1)).matches("bytes=[1-9]\\d*-");
    assertThat(installed).hasSize(1);
  }

  @Test
  void shouldStartAgainWhenTheFileHasChangedMeanwhile() throws Exception {
    serverGoesOn = new CountDownLatch(1);
    exec("download", download(uri(FILE)).metric(DeployV2.TIMEOUT, 200));
    assertThat(last("download", DeployV2.DOWNLOAD_STATUS)).isEqualTo("FAILED");
    serverGoesOn.countDown();
    content = dp("local.proof", "1.0.2", 400_000);
    exec("download", download(uri(FILE)).metric(DeployV2.RESUME, true));
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("COMPLETED");
    assertThat(installed).containsExactly(Map.entry("local.proof", "1.0.2"));
  }

  @Test
  void shouldSayWhyAndLeaveNothingWhenADownloadFails() throws Exception {
    assertFails(download(uri("/nothing")), "status=404");
    assertFails(download(uri("/loop")), "too many redirections");
    assertFails(download(uri("/secret")), "a place that is not safe");
    assertFails(download("http://127.0.0.1:1/x"), "refused");
    assertFails(download(uri(FILE)).metric(DeployV2.HASH, "MD5:00"), "another hash");
    assertFails(download(uri(FILE)).metric(DeployV2.HASH, "XX:00"), "no such algorithm");
    content = new byte[2_000_001];
    assertFails(download(uri(FILE)), "larger than is allowed");
    assertThat(downloads()).isEmpty();
    assertThat(installed).isEmpty();
  }

  private void assertFails(Payload.Builder payload, String why) throws Exception {
    assertThat(exec("download", payload)).isEqualTo(200);
    List<Payload> told = told("download", DeployV2.DOWNLOAD_STATUS);
    Payload end = told.get(told.size() - 1);
    assertThat(end.required(DeployV2.DOWNLOAD_STATUS, String.class)).isEqualTo("FAILED");
    assertThat(end.required(DeployV2.DOWNLOAD_ERROR, String.class)).contains(why);
  }

  @Test
  void shouldSayWhyWhenAPackageIsNoneOrIsRefused() throws Exception {
    content = new byte[5_000];
    exec("download", download(uri(FILE)));
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("FAILED");
    content = dp("bad", "1.0.0", 10);
    exec("download", download(uri(FILE)));
    Payload end = told("install", DeployV2.INSTALL_STATUS).get(0);
    assertThat(end.required(DeployV2.INSTALL_STATUS, String.class)).isEqualTo("FAILED");
    assertThat(end.required(DeployV2.INSTALL_ERROR, String.class)).contains("refused");
    assertThat(downloads()).isEmpty();
  }

  @Test
  void shouldMoveAFileAwayWhenItIsInstalledFromThere() throws Exception {
    Path source = Files.write(folder.resolve("source.dp"), content);
    exec("download", download(source.toUri().toString()));
    assertThat(last("install", DeployV2.INSTALL_STATUS)).isEqualTo("COMPLETED");
    TestGateway.await("moved", () -> !Files.exists(source));
    assertThat(installed).hasSize(1);
  }

  @Test
  void shouldRefuseWhenARequestMakesNoSense() throws Exception {
    assertThat(exec("download", Payload.builder())).isEqualTo(400);
    assertThat(exec("download", download("ftp://x/y"))).isEqualTo(400);
    assertThat(exec("download", download("no uri"))).isEqualTo(400);
    assertThat(exec("download", download(uri(FILE)).metric(DeployV2.JOB_ID, "7"))).isEqualTo(400);
    assertThat(exec("download", download(uri(FILE)).metric(DeployV2.NAME, "../../x")))
        .isEqualTo(400);
    assertThat(exec("download", download(uri(FILE)).metric(DeployV2.SYSTEM_UPDATE, true)))
        .isEqualTo(400);
    assertThat(exec("download", download(uri(FILE)).metric(DeployV2.BLOCK_SIZE, -1)))
        .isEqualTo(400);
    assertThat(exec("download", download(uri(FILE)).metric(DeployV2.HASH, "hash"))).isEqualTo(400);
    assertThat(exec("burn", Payload.builder())).isEqualTo(404);
    assertThat(exec("", Payload.builder())).isEqualTo(400);
    assertThat(exec("start/x", Payload.builder())).isEqualTo(400);
    assertThat(exec("start/99", Payload.builder())).isEqualTo(400);
    assertThat(exec("stop/7", Payload.builder())).isEqualTo(200);
    assertThat(exec("start/7", Payload.builder())).isEqualTo(200);
    assertThat(stopped).containsExactly("stop", "start");
    Payload bundles =
        cloud.call(DeployV2.APPLICATION, Topic.Verb.GET, "bundles", Payload.builder());
    assertThat(new String(bundles.body().orElseThrow()))
        .contains("<name>some.bundle</name>", "<id>7</id>", "<state>ACTIVE</state>");
  }
}
