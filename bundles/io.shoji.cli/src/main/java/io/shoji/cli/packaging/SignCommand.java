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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.dp.DeploymentPackage;
import io.shoji.dp.DeploymentPackageWriter;
import io.shoji.dp.InvalidPackageException;
import io.shoji.models.SignedArchive;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji sign}. */
@Command(
    name = "sign",
    description = {
      "Sign packages that somebody else made: drivers with the libraries that they bring, models, any deployment"
          + " package or bundle. In a deployment package every bundle is signed, and the package around them: gateways"
          + " judge bundles, a driver's and those of its library alike.",
      "",
      "What is inside stays as it is, as do names and versions. A gateway that has a bundle in this version unsigned"
          + " keeps that one: uninstall the package first, or sign the next version."
    },
    exitCodeList = {
      "0:signed, and written",
      "1:a file is damaged, no package or signed already, or the key does not sign; nothing was written",
      "2:wrong command line, or a file that it names cannot be used",
      "130:interrupted"
    },
    footer = {
      "  shoji sign io.shoji.driver.cpu-0.1.0.dp --key keys.p12 --alias release --password-file keys.txt -o signed",
      "  shoji verify signed/io.shoji.driver.cpu-0.1.0.dp --trust release.pem"
    })
public final class SignCommand implements Callable<Integer> {
  /** Headers that the writer of packages sets itself, or that belong to no package. */
  private static final List<String> WRITERS =
      List.of("Manifest-Version", "DeploymentPackage-SymbolicName", "DeploymentPackage-Version");

  @Parameters(
      arity = "1..*",
      paramLabel = "PACKAGE",
      description = "Deployment packages (.dp) or bundles (.jar), not signed.")
  private List<Path> packages = new ArrayList<>();

  @Option(
      names = "--key",
      required = true,
      paramLabel = "KEYSTORE.p12",
      order = 1,
      description =
          "Who signs. There is no timestamp: that takes an authority on the network; sign with a certificate that is"
              + " valid for as long as the package is to be installed.")
  private Path keyStore = Path.of("");

  @Option(names = "--alias", order = 2, description = "Which key signs. Default: the only one.")
  private @Nullable String alias;

  @Option(
      names = "--password-file",
      required = true,
      paramLabel = "FILE",
      order = 3,
      description = "Its first line is the password of the key store.")
  private Path passwordFile = Path.of("");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FOLDER",
      order = 60,
      description =
          "Where the signed files go, under the names that they have. In the folder that they lie in they take the"
              + " place of the unsigned ones.")
  private Path output = Path.of("");

  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  private final Environment environment;

  SignCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    SigningKey key =
        SigningKey.of(keyStore, Optional.ofNullable(alias), passwordFile, Date.from(Instant.now()));
    Path folder = output.toAbsolutePath().normalize();
    for (Path file : packages) {
      if (!Files.isRegularFile(file)) {
        throw Refusal.usage("there is no such file file=" + file);
      }
    }
    try (WorkFolder work = WorkFolder.in(folder)) {
      Map<Path, Path> moves = new LinkedHashMap<>();
      JsonArray results = new JsonArray();
      for (Path file : packages) {
        Path target = folder.resolve(file.getFileName());
        if (moves.containsValue(target)) {
          throw Refusal.usage("two of the files have the same name name=" + file.getFileName());
        }
        List<String> bundles = new ArrayList<>();
        Path signed = sign(file, key, work, "signed-" + moves.size(), bundles);
        moves.put(signed, target);
        results.add(result(signed, target, bundles));
      }
      WorkFolder.publish(moves);
      print(key, results);
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw Refusal.io("the signed files cannot be put in their places", folder, e);
    }
  }

  /**
   * Signs a file.
   *
   * @param name begins the names of what is made
   * @param bundles gets what was signed in it
   */
  private static Path sign(
      Path file, SigningKey key, WorkFolder work, String name, List<String> bundles)
      throws CommandException, InterruptedException {
    ZipCheck.check(file, file.toString());
    if (!ModelBundle.isDeploymentPackage(file)) {
      try (ModelBundle bundle = ModelBundle.open(file, file.toString())) {
        bundles.add(bundle.symbolicName() + " " + bundle.version());
        if (bundle.symbolicName().isEmpty()) {
          throw Refusal.of(
              "NO_BUNDLE",
              "this is neither a deployment package nor a bundle: its manifest has no"
                  + " Bundle-SymbolicName file="
                  + file);
        }
      }
      return bundle(file, file.toString(), key, work, name);
    }
    DeploymentPackage contents = ModelBundle.read(file);
    Path whole = work.file(name + ".unsigned.dp");
    try (ZipFile zip = new ZipFile(file.toFile())) {
      checkSimple(zip, contents, file);
      DeploymentPackageWriter writer =
          new DeploymentPackageWriter(contents.name(), contents.version());
      for (Map.Entry<String, String> header : contents.headers().entrySet()) {
        if (!WRITERS.contains(header.getKey())) {
          writer.header(header.getKey(), header.getValue());
        }
      }
      for (String path : contents.bundles().keySet()) {
        String its = name + "-" + bundles.size();
        Path unsigned = work.file(its + ".unsigned.jar");
        try (InputStream in = zip.getInputStream(zip.getEntry(path))) {
          Files.copy(in, unsigned);
        }
        writer.bundle(bundle(unsigned, file + "!" + path, key, work, its));
        bundles.add(String.valueOf(contents.bundles().get(path)));
      }
      writer.write(whole);
    } catch (InvalidPackageException e) {
      throw Refusal.of("BAD_PACKAGE", String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw Refusal.io("the package cannot be written", file, e);
    }
    Path signed = work.file(name + ".dp");
    JarSigning.sign(whole, signed, key, true, work.file(name + ".dp.part"));
    ModelBundle.read(signed);
    return signed;
  }

  /** A package that is written anew keeps bundles and headers, and nothing else. */
  private static void checkSimple(ZipFile zip, DeploymentPackage contents, Path file)
      throws CommandException {
    List<String> others =
        zip.stream()
            .map(ZipEntry::getName)
            .filter(n -> !n.equals("META-INF/") && !n.equals("META-INF/MANIFEST.MF"))
            .filter(n -> !contents.bundles().containsKey(n))
            .toList();
    if (others.stream().anyMatch(SignedArchive::isFile)) {
      throw signedAlready(file.toString());
    }
    if (!others.isEmpty() || contents.headers().containsKey("DeploymentPackage-FixPack")) {
      throw Refusal.of(
          "BAD_PACKAGE",
          "a package with other files than bundles, or a fix package, is not signed here; sign its"
              + " bundles before it is put together found="
              + others
              + " file="
              + file);
    }
  }

  private static Path bundle(Path jar, String where, SigningKey key, WorkFolder work, String name)
      throws CommandException {
    try (ModelBundle bundle = ModelBundle.open(jar, where)) {
      if (bundle.entries().stream().anyMatch(SignedArchive::isFile)) {
        throw signedAlready(where);
      }
    }
    Path signed = work.file(name + ".jar");
    JarSigning.sign(jar, signed, key, false, work.file(name + ".jar.part"));
    return signed;
  }

  private static CommandException signedAlready(String where) {
    return Refusal.of(
        "SIGNED",
        "it is signed already; sign it as it was built, or use it as it is (shoji verify says whose"
            + " signature it is) file="
            + where);
  }

  private static JsonObject result(Path signed, Path target, List<String> bundles)
      throws IOException {
    Digest digest = Digest.of(signed);
    JsonObject result = new JsonObject();
    result.addProperty("file", target.toString());
    result.addProperty("size", digest.size());
    result.addProperty("sha256", digest.sha256());
    JsonArray names = new JsonArray();
    bundles.forEach(names::add);
    result.add("bundles", names);
    return result;
  }

  private void print(SigningKey key, JsonArray results) {
    if (json) {
      JsonObject document = new JsonObject();
      document.addProperty("exit", ExitCode.OK.code());
      document.addProperty("signer", key.subject());
      document.add("files", results);
      environment.out().println(Json.pretty(document));
      return;
    }
    for (JsonElement result : results) {
      environment
          .out()
          .println(
              Text.printable(
                  Json.text(result, "file").orElse("")
                      + "  "
                      + Text.bytes(Json.number(result, "size").orElse(0.0))
                      + "  sha256 "
                      + Json.text(result, "sha256").orElse("")));
      for (JsonElement bundle : Json.elements(result, "bundles")) {
        environment.out().println("  signed " + Text.printable(bundle.getAsString()));
      }
    }
    environment.out().println("signed by " + Text.printable(key.subject()));
  }
}
