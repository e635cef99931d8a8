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

import io.shoji.dp.DeploymentPackage;
import io.shoji.dp.DeploymentPackageWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SignCommandTest {
  @TempDir private Path folder;
  private TestKeys keys;
  private Path driver;

  /** A driver's package: the driver, and the library that it brings. */
  @BeforeEach
  void driver() throws Exception {
    keys = TestKeys.get();
    driver = folder.resolve("driver.dp");
    new DeploymentPackageWriter("com.example.driver", "1.2.0")
        .header("DeploymentPackage-Name", "Example driver")
        .header("Shoji-Beside", "com.example")
        .bundle(bundle("com.example.library", "lib/libexample.so"))
        .bundle(bundle("com.example.driver", "com/example/Driver.class"))
        .write(driver);
  }

  private Path bundle(String name, String entry) throws Exception {
    Map<String, byte[]> jar = new LinkedHashMap<>();
    jar.put(
        "META-INF/MANIFEST.MF",
        ("Manifest-Version: 1.0\r\nBundle-ManifestVersion: 2\r\nBundle-SymbolicName: "
                + name
                + "\r\nBundle-Version: 1.2.0\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8));
    jar.put(entry, name.repeat(1_000).getBytes(StandardCharsets.UTF_8));
    return Files.write(folder.resolve(name + ".jar"), Rezip.zip(jar));
  }

  private Command.Result sign(String alias, Path to, Path... files) {
    Object[] all = new Object[files.length + 10];
    all[0] = "sign";
    System.arraycopy(files, 0, all, 1, files.length);
    Object[] options = {
      "--key",
      keys.store(),
      "--alias",
      alias,
      "--password-file",
      keys.passwordFile(),
      "-o",
      to,
      "--json"
    };
    System.arraycopy(options, 0, all, files.length + 1, options.length);
    return Command.run(all);
  }

  private Command.Result verify(Path file, Path trust) {
    return Command.run("verify", file, "--trust", trust, "--json");
  }

  @Test
  void shouldSignEveryBundleAndThePackageWhenADriverIsSigned() throws Exception {
    Path to = folder.resolve("signed");

    Command.Result result = sign("release", to, driver);

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.json().get("signer").getAsString()).contains("CN=Release");
    Path signed = to.resolve("driver.dp");
    DeploymentPackage before = DeploymentPackage.read(driver);
    DeploymentPackage after = DeploymentPackage.read(signed);
    assertThat(after.name()).isEqualTo(before.name());
    assertThat(after.version()).isEqualTo(before.version());
    assertThat(after.bundles()).isEqualTo(before.bundles());
    assertThat(after.headers()).containsAllEntriesOf(before.headers());
    Command.Result verified = verify(signed, keys.authority());
    assertThat(verified.exit()).as(verified.out()).isZero();
    assertThat(verified.findings(Finding.Result.OK))
        .anyMatch(m -> m.startsWith("signature: TRUSTED"))
        .anyMatch(m -> m.startsWith("signature of com.example.library: TRUSTED"))
        .anyMatch(m -> m.startsWith("signature of com.example.driver: TRUSTED"));
    assertThat(verify(signed, keys.other()).exit()).isEqualTo(1);
    assertThat(verify(driver, keys.authority()).findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature of com.example.driver: UNSIGNED"));
    assertThat(Files.list(to)).containsExactly(signed);
  }

  @Test
  void shouldFailVerificationWhenALibraryIsExchangedAfterSigning() throws Exception {
    Path to = folder.resolve("signed");
    assertThat(sign("release", to, driver).exit()).isZero();
    Map<String, byte[]> dp = Rezip.entries(Files.readAllBytes(to.resolve("driver.dp")));
    String library = "bundles/com.example.library-1.2.0.jar";
    Map<String, byte[]> jar = Rezip.entries(dp.get(library));
    jar.get("lib/libexample.so")[7] ^= 1;
    dp.put(library, Rezip.zip(jar));
    Path changed = Files.write(folder.resolve("changed.dp"), Rezip.zip(dp));

    Command.Result verified = verify(changed, keys.authority());

    assertThat(verified.exit()).isEqualTo(1);
    assertThat(verified.findings(Finding.Result.FAILED))
        .anyMatch(m -> m.startsWith("signature of com.example.library: INVALID"));
  }

  @Test
  void shouldSignABundleInItsPlaceWhenAskedFor() throws Exception {
    Path jar = folder.resolve("com.example.driver.jar");

    assertThat(sign("release", folder, jar).exit()).isZero();

    Command.Result verified = verify(jar, keys.authority());
    assertThat(verified.exit()).as(verified.out()).isZero();
    assertThat(verified.findings(Finding.Result.OK))
        .anyMatch(m -> m.startsWith("signature: TRUSTED"));
  }

  @Test
  void shouldWriteNothingWhenOneOfThemIsSignedAlready() throws Exception {
    Path to = folder.resolve("signed");
    assertThat(sign("release", to, driver).exit()).isZero();
    Path again = folder.resolve("again");

    Command.Result result =
        sign("other", again, folder.resolve("com.example.driver.jar"), to.resolve("driver.dp"));

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason()).isEqualTo("SIGNED");
    assertThat(Files.list(again)).isEmpty();
  }

  @Test
  void shouldRefuseWhenKeyHasExpiredOrFileIsNoBundle() throws Exception {
    Path to = folder.resolve("signed");
    Path text = Files.writeString(folder.resolve("a.txt"), "a");
    Path zip = Files.write(folder.resolve("a.zip"), Rezip.zip(Map.of("a", new byte[1])));

    assertThat(sign("expired", to, driver).reason()).isEqualTo("BAD_KEY");
    assertThat(sign("release", to, text).exit()).isEqualTo(1);
    assertThat(sign("release", to, zip).reason()).isEqualTo("NO_BUNDLE");
    assertThat(sign("release", to, folder.resolve("none.dp")).exit()).isEqualTo(2);
  }
}
