/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.cli.Json;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VerifyCommandTest {
  private static final String DP = "io.shoji.model.digits-1.1.0.dp";
  private static final String JAR = "io.shoji.model.digits-1.1.0.jar";

  private static Optional<Path> signed = Optional.empty();

  @TempDir private Path folder;
  private SampleVariants samples;
  private TestKeys keys;

  @BeforeEach
  void samples() throws Exception {
    samples = SampleVariants.get();
    keys = TestKeys.get();
  }

  /** A package with INT8 variants, signed by Release: made once. */
  private synchronized Path signed() throws Exception {
    if (signed.isEmpty()) {
      Path made = Files.createTempDirectory(Path.of("target"), "signed");
      Command.Result result =
          Command.run(
              "package",
              "--base",
              samples.base(),
              "--model-version",
              "1.1.0",
              "--variant",
              samples.int8(),
              "--variant",
              samples.tflite(),
              "--sign",
              keys.store(),
              "--alias",
              "release",
              "--password-file",
              keys.passwordFile(),
              "-o",
              made,
              "--json");
      assertThat(result.exit()).as(result.out()).isZero();
      assertThat(result.json().get("signer").getAsString()).contains("CN=Release");
      signed = Optional.of(made);
    }
    return signed.get();
  }

  private Command.Result verify(Object... arguments) {
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = "--json";
    all[arguments.length + 1] = "--quiet";
    Object[] whole = new Object[all.length + 1];
    whole[0] = "verify";
    System.arraycopy(all, 0, whole, 1, all.length);
    return Command.run(whole);
  }

  private Path write(String name, byte[] bytes) throws Exception {
    return Files.write(folder.resolve(name), bytes);
  }

  /** A package whose document was changed, with nothing else wrong. */
  private Path withDocument(Consumer<JsonObject> change) throws Exception {
    Map<String, byte[]> dp = Rezip.entries(Files.readAllBytes(samples.base()));
    String path = Rezip.bundle(dp);
    Map<String, byte[]> jar = Rezip.entries(dp.get(path));
    JsonObject document =
        JsonParser.parseString(new String(jar.get("SHOJI-INF/model.json"), StandardCharsets.UTF_8))
            .getAsJsonObject();
    change.accept(document);
    jar.put("SHOJI-INF/model.json", Json.pretty(document).getBytes(StandardCharsets.UTF_8));
    dp.put(path, Rezip.zip(jar));
    return write("changed.dp", Rezip.zip(dp));
  }

  @Test
  void shouldFindNothingWhenPackageIsGood() throws Exception {
    Command.Result result = verify(samples.base(), signed().resolve(JAR), signed().resolve(DP));

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.findings(Finding.Result.FAILED)).isEmpty();
    assertThat(result.findings(Finding.Result.NOTE))
        .anyMatch(m -> m.startsWith("signature: UNSIGNED"))
        .anyMatch(m -> m.startsWith("signature: UNKNOWN_SIGNER"));
    Command.Result text = Command.run("verify", samples.base());
    assertThat(text.exit()).isZero();
    assertThat(text.out()).contains(": OK").contains("digits 1.0.0, as gateways check it");
  }

  @Test
  void shouldMeasureTheSameFiguresWhenRunAnew() throws Exception {
    Command.Result result = verify(signed().resolve(DP), "--re-run");

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.findings(Finding.Result.OK))
        .filteredOn(
            m -> m.contains("run anew on the very samples of the evidence: the same figure"))
        .hasSize(3)
        .anyMatch(m -> m.startsWith("tflite-int8") && m.contains("runtime=tensorflowlite"));
  }

  @Test
  void shouldFailWhenTheFigureIsNotWhatIsMeasured() throws Exception {
    Path boasting =
        withDocument(
            d ->
                d.getAsJsonArray("variants")
                    .get(0)
                    .getAsJsonObject()
                    .getAsJsonObject("evidence")
                    .addProperty("value", 0.998));

    assertThat(verify(boasting).exit()).isZero();
    Command.Result result = verify(boasting, "--re-run");
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.findings(Finding.Result.FAILED))
        .singleElement()
        .asString()
        .contains("another one than in the evidence evidence=0.998")
        .contains("found=0.994");
  }

  @Test
  void shouldTellWhatIsWrongWhenTheDocumentIsNotAboutTheFiles() throws Exception {
    Path other =
        withDocument(
            d ->
                d.getAsJsonArray("variants")
                    .get(0)
                    .getAsJsonObject()
                    .getAsJsonArray("files")
                    .get(0)
                    .getAsJsonObject()
                    .addProperty("sha256", "ab".repeat(32)));
    assertThat(verify(other).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("has another digest"));

    Path int8 =
        withDocument(
            d -> {
              JsonObject variant = d.getAsJsonArray("variants").get(0).getAsJsonObject();
              variant.addProperty("precision", "INT8");
              variant.addProperty("filter", "(&(shoji.format=onnx)(shoji.precision=INT8))");
            });
    assertThat(verify(int8).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("asked=onnx INT8 found=onnx FP32"));

    Path filter =
        withDocument(
            d ->
                d.getAsJsonArray("variants")
                    .get(0)
                    .getAsJsonObject()
                    .addProperty("filter", "(shoji.format=tflite)"));
    assertThat(verify(filter).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("the filter asks for accelerators that cannot run the file"));

    Path none = withDocument(d -> d.remove("acceptance"));
    assertThat(verify(none).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("declares a minimum"));
  }

  @Test
  void shouldBelieveWhomItIsToldTo() throws Exception {
    Path dp = signed().resolve(DP);

    Command.Result trusted = verify(dp, "--trust", keys.authority());
    assertThat(trusted.exit()).as(trusted.out()).isZero();
    assertThat(trusted.findings(Finding.Result.OK))
        .anyMatch(m -> m.startsWith("signature: TRUSTED: signed subject=\"CN=Release"))
        .anyMatch(m -> m.startsWith("bundle's signature: TRUSTED"));
    Command.Result store =
        verify(dp, "--trust", keys.store(), "--trust-password-file", keys.passwordFile());
    assertThat(store.exit()).isZero();

    Command.Result unknown = verify(dp, "--trust", keys.other());
    assertThat(unknown.exit()).isEqualTo(1);
    assertThat(unknown.findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature: UNKNOWN_SIGNER"));
    Command.Result unsigned = verify(samples.base(), "--trust", keys.authority());
    assertThat(unsigned.exit()).isEqualTo(1);
    assertThat(unsigned.findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature: UNSIGNED"));
  }

  @Test
  void shouldTellHowLongPackageIsInstalledAndWhatIsNotGoneBackTo() throws Exception {
    Command.Result made =
        Command.run(
            "package",
            "--base",
            samples.base(),
            "--model-version",
            "1.1.0",
            "--expires",
            "2999-01-01",
            "--floor",
            "1.1.0",
            "--sign",
            keys.store(),
            "--alias",
            "release",
            "--password-file",
            keys.passwordFile(),
            "-o",
            folder);
    assertThat(made.exit()).as(made.err()).isZero();

    Command.Result result = verify(folder.resolve(DP), "--trust", keys.authority());

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.findings(Finding.Result.NOTE))
        .anyMatch(m -> m.endsWith("expires=2999-01-01T00:00:00Z"))
        .anyMatch(m -> m.endsWith("minimumVersion=1.1.0"));
    assertThat(result.findings(Finding.Result.OK))
        .anyMatch(m -> m.contains("chain=[CN=Release,O=Works, CN=Test CA]"));
    Path expired = withDocument(d -> d.addProperty("expires", "2020-01-01T00:00:00Z"));
    assertThat(verify(expired).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("it has expired") && m.endsWith("expires=2020-01-01T00:00:00Z"));
  }

  @Test
  void shouldTellExpiredFromUnknown() throws Exception {
    Date then = Date.from(Instant.now().minus(5, ChronoUnit.DAYS));
    SigningKey old = SigningKey.of(keys.store(), Optional.of("expired"), keys.passwordFile(), then);
    Path dp = folder.resolve("old.dp");
    JarSigning.sign(samples.base(), dp, old, true, folder.resolve("part"));

    Command.Result expired = verify(dp, "--trust", keys.expired());
    assertThat(expired.exit()).isEqualTo(1);
    assertThat(expired.findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature: EXPIRED") && m.contains("notAfter="));
    assertThat(verify(dp, "--trust", keys.other()).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature: UNKNOWN_SIGNER"));
    // Nobody signs with it any more.
    Command.Result refused =
        Command.run(
            "package",
            "--base",
            samples.base(),
            "--model-version",
            "1.1.0",
            "--sign",
            keys.store(),
            "--alias",
            "expired",
            "--password-file",
            keys.passwordFile(),
            "-o",
            folder,
            "--json");
    assertThat(refused.reason()).isEqualTo("BAD_KEY");
    assertThat(refused.message()).contains("has expired");
  }

  @Test
  void shouldNotBelieveACertificateForSomethingElse() throws Exception {
    SigningKey web =
        SigningKey.of(
            keys.store(), Optional.of("web"), keys.passwordFile(), Date.from(Instant.now()));
    Path dp = folder.resolve("web.dp");
    JarSigning.sign(samples.base(), dp, web, true, folder.resolve("part"));

    assertThat(
            verify(dp, "--trust", keys.folder.resolve("web.pem")).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("UNKNOWN_SIGNER") && m.contains("not one for signing code"));
  }

  @Test
  void shouldFailWhenTheSignatureWasTakenAway() throws Exception {
    Map<String, byte[]> entries = Rezip.entries(Files.readAllBytes(signed().resolve(DP)));
    entries.keySet().removeIf(n -> n.matches("META-INF/.*\\.(SF|EC)"));

    Command.Result result = verify(write("stripped.dp", Rezip.zip(entries)));

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature: INVALID: the signature was taken away"));
  }

  @Test
  void shouldFailWhenAnEntryWasAddedOrRemovedAfterSigning() throws Exception {
    Map<String, byte[]> added = Rezip.entries(Files.readAllBytes(signed().resolve(JAR)));
    added.put("SHOJI-INF/models/more.onnx", new byte[10]);
    assertThat(verify(write("added.jar", Rezip.zip(added))).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("an entry was added that nobody signed"));

    Map<String, byte[]> removed = Rezip.entries(Files.readAllBytes(signed().resolve(JAR)));
    removed.remove("SHOJI-INF/golden/samples.safetensors");
    assertThat(verify(write("removed.jar", Rezip.zip(removed))).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.contains("that was signed is missing"));
  }

  @Test
  void shouldFailWhenOneBitOfAnyEntryWasChanged() throws Exception {
    Map<String, byte[]> dp = Rezip.entries(Files.readAllBytes(signed().resolve(DP)));
    for (String name : dp.keySet()) {
      Map<String, byte[]> changed = new LinkedHashMap<>(dp);
      changed.put(name, Rezip.flipped(dp.get(name)));
      Command.Result result =
          verify(write("flipped.dp", Rezip.zip(changed)), "--trust", keys.authority());
      assertThat(result.exit()).as(name).isEqualTo(1);
    }
    String path = Rezip.bundle(dp);
    Map<String, byte[]> jar = Rezip.entries(dp.get(path));
    assertThat(jar).hasSizeGreaterThan(6);
    for (String name : jar.keySet()) {
      Map<String, byte[]> changed = new LinkedHashMap<>(jar);
      changed.put(name, Rezip.flipped(jar.get(name)));
      Command.Result result =
          verify(write("flipped.jar", Rezip.zip(changed)), "--trust", keys.authority());
      assertThat(result.exit()).as(name).isEqualTo(1);
    }
  }

  @Test
  void shouldFailWhenOneBitOfTheFileWasChanged() throws Exception {
    byte[] whole = Files.readAllBytes(samples.base());
    // Within the compressed bytes of the bundle, and in the directory at the end.
    for (int at : new int[] {5_000, whole.length / 2, whole.length - 40}) {
      byte[] changed = whole.clone();
      changed[at] ^= 1;
      Command.Result result = verify(write("bit.dp", changed));
      assertThat(result.exit()).as("at=%d", at).isEqualTo(1);
    }
  }

  @Test
  void shouldFailWhenTheFileIsCutOff() throws Exception {
    byte[] whole = Files.readAllBytes(samples.base());
    for (int left : new int[] {0, 1, 100, whole.length / 2, whole.length - 1}) {
      Command.Result result = verify(write("cut.dp", Arrays.copyOf(whole, left)));
      assertThat(result.exit()).as("left=%d", left).isEqualTo(1);
      assertThat(result.findings(Finding.Result.FAILED))
          .singleElement()
          .asString()
          .contains("DAMAGED");
    }
  }

  @Test
  void shouldFailWhenNamesLeadOutOfTheArchive() throws Exception {
    for (String name : new String[] {"../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil"}) {
      Map<String, byte[]> entries = Rezip.entries(Files.readAllBytes(samples.base()));
      entries.put(name, new byte[] {1});
      Command.Result result = verify(write("slip.dp", Rezip.zip(entries)));
      assertThat(result.exit()).as(name).isEqualTo(1);
      assertThat(result.findings(Finding.Result.FAILED))
          .singleElement()
          .asString()
          .contains("UNSAFE");
    }
  }

  @Test
  void shouldFailWhenANameIsThereTwice() throws Exception {
    Map<String, byte[]> entries = Rezip.entries(Files.readAllBytes(samples.base()));
    entries.put("META-INF/one", new byte[] {1});
    entries.put("META-INF/two", new byte[] {2});
    String text = new String(Rezip.zip(entries), StandardCharsets.ISO_8859_1);
    byte[] twice =
        text.replace("META-INF/two", "META-INF/one").getBytes(StandardCharsets.ISO_8859_1);

    assertThat(verify(write("twice.dp", twice)).findings(Finding.Result.FAILED))
        .singleElement()
        .asString()
        .contains("UNSAFE")
        .contains("twice");
  }

  @Test
  void shouldFailWhenStreamAndDirectoryDiffer() throws Exception {
    Map<String, byte[]> other = Rezip.entries(Files.readAllBytes(samples.base()));
    other.put("META-INF/only-here", new byte[] {1});
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(Rezip.zip(other));
    both.writeBytes(Files.readAllBytes(samples.base()));
    Path file = write("both.dp", both.toByteArray());
    try (ZipFile zip = new ZipFile(file.toFile())) {
      // Java's tools see the second archive only.
      assertThat(zip.stream().map(ZipEntry::getName)).doesNotContain("META-INF/only-here");
    }

    assertThat(verify(file).findings(Finding.Result.FAILED))
        .singleElement()
        .asString()
        .contains("UNSAFE")
        .contains("reads differently");
  }

  @Test
  void shouldExplainTheCommandLineWhenItIsWrong() throws Exception {
    assertThat(verify("no-such.dp").exit()).isEqualTo(2);
    assertThat(verify(samples.base(), "--accelerator", "cpu").exit()).isEqualTo(2);
    assertThat(verify(samples.base(), "--trust", keys.passwordFile()).exit()).isEqualTo(2);
    assertThat(verify(samples.base(), "--trust", keys.store()).message())
        .contains("--trust-password-file");
    Path wrong = Files.writeString(folder.resolve("wrong.txt"), "no horse");
    assertThat(
            verify(samples.base(), "--trust", keys.store(), "--trust-password-file", wrong)
                .message())
        .contains("another password");
  }
}
