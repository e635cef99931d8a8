/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.dp.DeploymentPackageWriter;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gateway that serves: packages come, change and go, and it starts and stops. */
class ServeIT {
  @TempDir private Path folder;
  private Path work;
  private Path packages;
  private Path made;

  @BeforeEach
  void folders() throws IOException {
    work = folder.resolve("work");
    packages = Files.createDirectories(folder.resolve("packages"));
    made = Files.createDirectories(folder.resolve("made"));
  }

  @Test
  void shouldServeAgainWithoutInstallingWhenRestarted() throws Exception {
    Path ready = folder.resolve("ready");
    try (GatewayProcess gateway = serve("--ready-file", ready)) {
      gateway.await("installed io.shoji.core");
      gateway.await("installed io.shoji.driver.cpu");
      gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
      gateway.await("watching");
      assertThat(ready).content().startsWith("ready in").contains("digits 1.0.0");
      assertThat(gateway.terminate()).isZero();
      assertThat(gateway.output()).doesNotContain("already installed");
    }
    try (GatewayProcess gateway = serve()) {
      gateway.await("already installed io.shoji.core");
      String line = gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
      System.out.println("second start: " + line);
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldRefuseWhenAnotherGatewayWorksInTheFolder() throws Exception {
    try (GatewayProcess first = serve("--bare")) {
      first.await("watching");
      try (GatewayProcess second = serve("--bare")) {
        second.await("another gateway works in this folder", "process=" + first.pid());
        assertThat(second.exitCode()).isEqualTo(3);
      }
      assertThat(first.terminate()).isZero();
    }
  }

  @Test
  void shouldServeWhenPackagesComeInAnyOrder() throws Exception {
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("ready in", "no models");
      gateway.await("watching");
      Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
      gateway.await("installed io.shoji.model.digits");
      Packages.put(Packages.driver(Packages.architecture()), packages, "driver.dp");
      gateway.await("installed io.shoji.driver.cpu");
      Packages.put(Packages.shipped("core"), packages, "core.dp");
      gateway.await("installed io.shoji.core");
      gateway.await("serving digits 1.0.0 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldServeATensorFlowLiteModelWhenItsDriverComes() throws Exception {
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("ready in", "no models");
      gateway.await("watching");
      Packages.put(Packages.perceptron(made), packages, "perceptron.dp");
      gateway.await("installed io.shoji.model.perceptron");
      Packages.put(Packages.shipped("core"), packages, "core.dp");
      gateway.await("installed io.shoji.core");
      Packages.put(
          Packages.shipped("driver-edgetpu-linux-" + Packages.architecture()),
          packages,
          "tflite.dp");
      gateway.await("installed io.shoji.driver.edgetpu");
      gateway.await("serving perceptron 1.0.0 on cpu:tflite0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldRunAVendorsDriverInAProcessOfItsOwnWhenItComes() throws Exception {
    try (GatewayProcess gateway = serve()) {
      gateway.await("installed io.shoji.worker");
      gateway.await("watching");
      Packages.put(Packages.perceptron(made), packages, "perceptron.dp");
      Packages.put(
          Packages.shipped("driver-edgetpu-linux-" + Packages.architecture()),
          packages,
          "tflite.dp");
      gateway.await("serving perceptron 1.0.0 on cpu:tflite0");

      ProcessHandle process = ProcessHandle.of(gateway.pid()).orElseThrow();
      assertThat(maps(process)).contains("libonnxruntime.so").doesNotContain("libtensorflowlite");
      assertThat(process.children().filter(each -> maps(each).contains("libtensorflowlite")))
          .hasSize(1);
      assertThat(gateway.terminate()).isZero();
    }
  }

  /** What a process has mapped; empty if it has ended. */
  private static String maps(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "maps"));
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void shouldUpdateWhenNewerPackageIsPutIntoFolder() throws Exception {
    Path newer =
        Packages.digits(
            made,
            "0.1.1",
            "1.0.1",
            new Packages.Edit().modelJson("\"version\": \"1.0.0\"", "\"version\": \"1.0.1\""));
    try (GatewayProcess gateway = serve()) {
      gateway.await("watching");
      Packages.put(newer, packages, "digits.dp");
      gateway.await("updated io.shoji.model.digits 0.1.1 (was 0.1.0)");
      gateway.await("serving digits 1.0.1 on cpu:cpu0");

      Packages.put(newer, packages, "digits.dp");
      gateway.await("already installed io.shoji.model.digits 0.1.1");
      assertThat(gateway.terminate()).isZero();
    }
    // What the application brings is older now, and stays away.
    try (GatewayProcess gateway = serve()) {
      gateway.await("ready in", "digits 1.0.1 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldUninstallOnlyWhenAskedTo() throws Exception {
    Path file = Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
    Packages.put(Packages.shipped("core"), packages, "core.dp");
    try (GatewayProcess gateway = serve("--bare", "--ready-timeout", 1)) {
      gateway.await("installed io.shoji.model.digits");
      gateway.await("watching");
      Files.delete(file);
      Packages.put(Packages.driver(Packages.architecture()), packages, "driver.dp");
      gateway.await("serving digits 1.0.0");
      assertThat(gateway.terminate()).isZero();
    }
    Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
    try (GatewayProcess gateway = serve("--bare", "--uninstall-removed")) {
      gateway.await("already installed io.shoji.model.digits");
      gateway.await("watching");
      Files.delete(file);
      gateway.await("uninstalled io.shoji.model.digits");
      assertThat(gateway.terminate()).isZero();
    }
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("ready in", "no models");
      assertThat(gateway.terminate()).isZero();
      // DeploymentAdmin still knew the others.
      assertThat(gateway.output()).doesNotContain("installed again");
    }
  }

  @Test
  void shouldKeepServingAndSayWhyWhenPackageIsBroken() throws Exception {
    Path digits = Packages.shipped("model-digits");
    byte[] random = new byte[100_000];
    new Random(7).nextBytes(random);
    Path driverBundle =
        Packages.bundles(Packages.driver(Packages.architecture()), made).get("io.shoji.driver.cpu");
    try (GatewayProcess gateway = serve()) {
      gateway.await("watching");

      Packages.put(Packages.cut(digits, made.resolve("x"), 0.5), packages, "cut.dp");
      gateway.await("not installed: the file is cut off or damaged: copy it again", "cut.dp");
      gateway.await("serving digits 1.0.0");

      Files.write(packages.resolve("empty.dp"), new byte[0]);
      gateway.await("not installed: the file is empty", "empty.dp");

      Files.write(packages.resolve("random.dp"), random);
      gateway.await("not installed: no deployment package", "random.dp");

      Packages.put(driverBundle, packages, "bundle.dp");
      gateway.await("not installed:", "a single bundle is installed inside of a package");

      Path thief = made.resolve("thief.dp");
      new DeploymentPackageWriter("io.shoji.thief", "1.0.0").bundle(driverBundle).write(thief);
      Packages.put(thief, packages, "thief.dp");
      gateway.await("not installed: a bundle of this package belongs to another package");

      Path same = Packages.digits(made, "0.1.0", "1.0.0", new Packages.Edit());
      Packages.put(same, packages, "same.dp");
      gateway.await("not installed: another file of this version is installed");

      gateway.await("serving digits 1.0.0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldSayWhyWhenModelPackageIsRefusedAndTakeRepairedOne() throws Exception {
    Path damaged =
        Packages.digits(
            made,
            "0.1.1",
            "1.0.1",
            new Packages.Edit()
                .modelJson("\"version\": \"1.0.0\"", "\"version\": \"1.0.1\"")
                .content(
                    "SHOJI-INF/models/digits.onnx",
                    bytes -> {
                      bytes[bytes.length / 2] ^= 1;
                      return bytes;
                    }));
    Path repaired =
        Packages.digits(
            made,
            "0.1.2",
            "1.0.2",
            new Packages.Edit().modelJson("\"version\": \"1.0.0\"", "\"version\": \"1.0.2\""));
    try (GatewayProcess gateway = serve()) {
      gateway.await("watching");
      Packages.put(damaged, packages, "digits.dp");
      gateway.await("refused io.shoji.model.digits 0.1.1", "has another digest than model.json");

      Packages.put(repaired, packages, "digits.dp");
      gateway.await("serving digits 1.0.2 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldNameBothArchitecturesWhenLibraryIsForAnother() throws Exception {
    String here = Packages.architecture();
    String other = here.equals("x86_64") ? "aarch64" : "x86_64";
    Map<String, Path> theirs =
        Packages.bundles(Packages.driver(other), Files.createDirectory(made.resolve("other")));
    Path wrong = made.resolve("wrong.jar");
    new Packages.Edit()
        .header("Bundle-SymbolicName", "io.shoji.onnxruntime.linux." + here)
        // Lower than the right one: an update leaves a bundle alone whose version stays.
        .header("Bundle-Version", "1.28.0")
        .header(
            "Provide-Capability",
            "io.shoji.native;io.shoji.native=onnxruntime;version:Version=\"1.29.0\";os=linux;arch="
                + here
                + ";path=\"native/linux-"
                + other
                + "/libonnxruntime.so\"")
        .write(theirs.get("io.shoji.onnxruntime.linux." + other), wrong);
    Path dp = made.resolve("wrong.dp");
    new DeploymentPackageWriter("io.shoji.driver.cpu", "0.0.1")
        .bundle(wrong)
        .bundle(theirs.get("io.shoji.driver.cpu"))
        .write(dp);
    Packages.put(Packages.shipped("core"), packages, "core.dp");
    Packages.put(dp, packages, "driver.dp");
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("watching");
      gateway.awaitAnywhere("WRONG_ARCHITECTURE", "asked=" + here, "found=" + other);

      Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
      Packages.put(Packages.driver(here), packages, "driver.dp");
      gateway.await("serving digits 1.0.0 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldComeBackWhenKilledWhileItInstalls() throws Exception {
    Random random = new Random(11);
    Packages.put(Packages.shipped("core"), packages, "core.dp");
    Packages.put(Packages.driver(Packages.architecture()), packages, "driver.dp");
    Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
    int interrupted = 0;
    for (int i = 0; i < 4; i++) {
      try (GatewayProcess gateway = serve("--bare")) {
        Path changing = work.resolve("installed/changing");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.exists(changing) && System.nanoTime() < deadline) {
          Thread.onSpinWait();
        }
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
        gateway.kill();
        interrupted += Files.exists(changing) ? 1 : 0;
      }
      // Installed again from the beginning, so that there is something to interrupt.
      if (i < 3 && !Files.exists(work.resolve("installed/changing"))) {
        delete(work);
      }
    }
    System.out.println("killed in the middle of a change: " + interrupted + " of 4");
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  /** Something that befalls the framework's storage while the gateway does not run. */
  private interface Damage {
    void to(Path storage) throws IOException;
  }

  @Test
  void shouldInstallAgainWhenStorageIsDamagedOrGone() throws Exception {
    Packages.put(Packages.shipped("core"), packages, "core.dp");
    Packages.put(Packages.driver(Packages.architecture()), packages, "driver.dp");
    Packages.put(Packages.shipped("model-digits"), packages, "digits.dp");
    try (GatewayProcess gateway = serve("--bare")) {
      gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
    Map<String, Damage> damages =
        Map.of(
            "gone",
            ServeIT::delete,
            "a file in its place",
            storage -> {
              delete(storage);
              Files.write(storage, new byte[] {1, 2, 3});
            },
            "every bundle cut",
            storage -> damage(storage, "bundle.jar", bytes -> Arrays.copyOf(bytes, 1000)),
            "every bundle zeroed",
            storage -> damage(storage, "bundle.jar", bytes -> new byte[bytes.length]),
            "every record random",
            storage -> damage(storage, "bundle.info", bytes -> random(bytes.length)),
            "every record empty",
            storage -> damage(storage, "bundle.info", bytes -> new byte[0]));
    for (Map.Entry<String, Damage> damage : damages.entrySet()) {
      damage.getValue().to(work.resolve("framework"));
      try (GatewayProcess gateway = serve("--bare")) {
        gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
        assertThat(gateway.terminate()).as(damage.getKey()).isZero();
        assertThat(gateway.output())
            .as(damage.getKey())
            .containsPattern("WARN.*(installed again|storage is damaged)");
      }
    }
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  /** Changes every file of a name. */
  private static void damage(Path folder, String name, UnaryOperator<byte[]> change)
      throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file :
          files.filter(found -> found.getFileName().toString().equals(name)).toList()) {
        Files.write(file, change.apply(Files.readAllBytes(file)));
      }
    }
  }

  @Test
  void shouldAskForPasswordWhenWebConsoleIsOpened() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    try (GatewayProcess gateway =
        GatewayProcess.start(
            "serve", "--work", work, "--packages", packages, "--bare", "--http-port", port)) {
      gateway.await("web console http://127.0.0.1:" + port, "for user admin, password in");
      Path password = work.resolve("web-console-password");
      assertThat(Files.getPosixFilePermissions(password))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      String url = "http://127.0.0.1:" + port + "/system/console/bundles";

      assertThat(status(url, "")).isEqualTo(401);
      assertThat(status(url, "wrong")).isEqualTo(401);
      assertThat(status(url, Files.readString(password).strip())).isEqualTo(200);
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldGoOnWithoutWebConsoleWhenPortIsTaken() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
        GatewayProcess gateway =
            GatewayProcess.start(
                "serve",
                "--work",
                work,
                "--packages",
                packages,
                "--bare",
                "--http-port",
                socket.getLocalPort())) {
      gateway.await("no web console: the port is taken", "port=" + socket.getLocalPort());
      gateway.await("watching");
      assertThat(gateway.terminate()).isZero();
    }
  }

  private GatewayProcess serve(Object... options) throws IOException {
    return GatewayProcess.start(
        Stream.concat(
                Stream.of("serve", "--work", work, "--packages", packages, "--http-port", 0),
                Stream.of(options))
            .toArray());
  }

  private static int status(String url, String password) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
    if (!password.isEmpty()) {
      String credentials = "admin:" + password;
      connection.setRequestProperty(
          "Authorization",
          "Basic "
              + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
    }
    return connection.getResponseCode();
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
