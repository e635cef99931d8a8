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
import static org.assertj.core.api.Assertions.fail;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packages that {@code shoji package} makes and signs, installed in a gateway in a box. */
class PackageIT {
  private static final long SECONDS = 180;
  private static final String PASSWORD = "correct horse";

  @TempDir private Path folder;

  private record Ended(int code, String out) {}

  @Test
  void shouldServeWhatTheCommandMadeAndSigned() throws Exception {
    Path packages = Files.createDirectories(folder.resolve("packages"));
    Path made = Files.createDirectories(folder.resolve("made"));
    Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    Path keys = keys();
    JsonObject description = unpack(made);
    Files.writeString(made.resolve("lab.json"), description.toString());

    done(
        shoji(
            "package",
            "--name",
            "lab",
            "--model-version",
            "1.0.0",
            "--description",
            made.resolve("lab.json"),
            "--variant",
            made.resolve("lab.onnx"),
            "--golden",
            made.resolve("golden.safetensors"),
            "--metric",
            "top1",
            "--minimum",
            "0.97",
            "-o",
            made));
    done(
        shoji(
            "package",
            "--base",
            made.resolve("io.shoji.model.lab-1.0.0.dp"),
            "--model-version",
            "1.1.0",
            "--minimum",
            "0.98",
            "--sign",
            keys,
            "--password-file",
            password,
            "-o",
            made));
    Path signed = made.resolve("io.shoji.model.lab-1.1.0.dp");
    Ended verified =
        shoji(
            "verify",
            signed,
            "--trust",
            keys.toString(),
            "--trust-password-file",
            password,
            "--re-run");
    done(verified);
    assertThat(verified.out())
        .contains("TRUSTED: signed subject=\"CN=Lab\"")
        .contains("the same figure");

    try (GatewayProcess gateway =
        GatewayProcess.start(
            "serve",
            "--bare",
            "--work",
            folder.resolve("work"),
            "--packages",
            packages,
            "--http-port",
            0)) {
      gateway.await("watching");
      Packages.put(Packages.shipped("core"), packages, "core.dp");
      Packages.put(Packages.driver(Packages.architecture()), packages, "driver.dp");
      Packages.put(made.resolve("io.shoji.model.lab-1.0.0.dp"), packages, "lab.dp");
      gateway.await("installed io.shoji.model.lab 1.0.0");
      gateway.await("serving lab 1.0.0 on cpu:cpu0");

      Packages.put(signed, packages, "lab.dp");
      gateway.await("updated io.shoji.model.lab 1.1.0 (was 1.0.0)");
      gateway.await("serving lab 1.1.0 on cpu:cpu0");
      assertThat(gateway.terminate()).isZero();
    }
  }

  @Test
  void shouldMeasureWhatTheShippedPackagesClaim() throws Exception {
    Ended verified =
        shoji(
            "verify",
            Packages.shipped("model-digits"),
            Packages.shipped("model-bearing"),
            "--re-run",
            "--json",
            "--quiet");

    done(verified);
    // INT8 for ONNX Runtime and TensorFlow Lite, and FP16, of each.
    assertThat(verified.out().split("the same figure", -1)).hasSize(1 + 6);
  }

  /** The shipped digits model as files, and a description of it as another one. */
  private static JsonObject unpack(Path made) throws Exception {
    Path bundle =
        Packages.bundles(Packages.shipped("model-digits"), made).get("io.shoji.model.digits");
    try (ZipFile zip = new ZipFile(bundle.toFile())) {
      copy(zip, "SHOJI-INF/models/digits.onnx", made.resolve("lab.onnx"));
      copy(zip, "SHOJI-INF/golden/samples.safetensors", made.resolve("golden.safetensors"));
      try (InputStream in = zip.getInputStream(zip.getEntry(Packages.MODEL_JSON))) {
        JsonObject document =
            JsonParser.parseString(new String(in.readAllBytes(), StandardCharsets.UTF_8))
                .getAsJsonObject();
        for (String member :
            List.of("name", "version", "variants", "golden", "evidence", "drift", "acceptance")) {
          document.remove(member);
        }
        return document;
      }
    }
  }

  private static void copy(ZipFile zip, String entry, Path target) throws Exception {
    try (InputStream in = zip.getInputStream(zip.getEntry(entry))) {
      Files.copy(in, target);
    }
  }

  private Path keys() throws Exception {
    Path keys = folder.resolve("keys.p12");
    done(
        run(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "lab",
                "-dname",
                "CN=Lab",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-keystore",
                keys.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD)));
    return keys;
  }

  private static void done(Ended ended) {
    assertThat(ended.code()).as(ended.out()).isZero();
  }

  private Ended shoji(Object... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("-jar");
    command.add(Path.of(System.getProperty("shoji.jar")).toRealPath().toString());
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    return run(command);
  }

  private Ended run(List<String> command) throws Exception {
    Path out = Files.createTempFile(folder, "run", ".out");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return fail("the command does not end: %s%n%s", command, Files.readString(out));
    }
    return new Ended(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8));
  }
}
