/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.Application.Content;
import io.shoji.gateway.GatewayException.Exit;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device that is not there: the driver's own package on a simulator of the vendor's library,
 * which lies in the work folder and is found by the driver's ordinary setting. That it is simulated
 * the driver learns from the library itself and nobody else.
 *
 * <p>Each has a file {@code simulations/NAME.properties} in the application:
 *
 * <ul>
 *   <li>{@code title}: the device's name for people, {@code architecture}: the chip, as tapes call
 *       it, {@code device}: the line of a tape that plugs it in
 *   <li>{@code accelerator}: kind of the accelerator, which models run on where they can
 *   <li>{@code pid}, {@code property}: the driver's setting that names its library; {@code
 *       setting.NAME}: another one of its settings, with {@code ${folder}} for the folder that the
 *       library lies in
 *   <li>{@code folder}, {@code library}: below {@code simulations}, what the device is made of:
 *       {@code FOLDER/native/linux-ARCH/LIBRARY} and {@code FOLDER/tapes}
 *   <li>{@code behind}, if there is one: a library that the simulator hands calls on to and looks
 *       for beside itself, as a package inside of the application, a bundle in it, both by the
 *       beginnings of their files' names, and the path in that bundle; {@code ${processor}} is this
 *       machine's
 *   <li>{@code packages}: what is installed besides, {@code instead}: what is not, by the
 *       beginnings of their files' names
 * </ul>
 */
final class Simulation implements AutoCloseable {
  private static final String FOLDER = "simulations";
  private static final String ENDING = ".properties";
  private static final String TAPE = ".tape";
  private static final String SETTING = "setting.";
  private static final String FOLDER_OF = "${folder}";
  private static final String PROCESSOR = "${processor}";

  /** Says, in a work folder, that it is a simulation's. */
  private static final String MARKER = "simulated-device";

  private final String name;
  private final Properties properties;
  private final TapePlayer player;

  private Simulation(String name, Properties properties, TapePlayer player) {
    this.name = name;
    this.properties = properties;
    this.player = player;
  }

  /** What can be simulated. */
  static List<String> names(Application application) {
    return application.list(FOLDER).stream()
        .filter(content -> content.path().equals(FOLDER + "/" + content.name()))
        .map(Content::name)
        .filter(file -> file.endsWith(ENDING))
        .map(file -> file.substring(0, file.length() - ENDING.length()))
        .toList();
  }

  /**
   * Checks a name before anything is made for it.
   *
   * @throws GatewayException USAGE if there is no such device to simulate
   */
  static void requireKnown(Application application, String asked) throws GatewayException {
    List<String> names = names(application);
    if (!names.contains(asked)) {
      throw new GatewayException(
          Exit.USAGE,
          "there is no such device to simulate; say one of " + names + " found=" + asked);
    }
  }

  /**
   * Checks that a work folder is used as before: with one simulated device, or with none. Answers
   * of a simulated device and of a real one never come from the same installation.
   *
   * @throws GatewayException NOT_STARTED otherwise
   */
  static void check(WorkFolder work, Optional<String> asked) throws GatewayException, IOException {
    Path marker = work.root().resolve(MARKER);
    String before = Files.exists(marker) ? Files.readString(marker).strip() : "";
    if (!before.isEmpty() && !before.equals(asked.orElse(""))) {
      throw new GatewayException(
          Exit.NOT_STARTED,
          "this folder belongs to a gateway with a simulated device: give --simulate "
              + before
              + ", or another folder with --work asked="
              + asked.orElse("no simulation")
              + " folder="
              + work.root());
    }
    if (before.isEmpty() && asked.isPresent() && Files.exists(work.installed())) {
      throw new GatewayException(
          Exit.NOT_STARTED,
          "this folder belongs to a gateway without a simulated device: give another one with"
              + " --work asked="
              + asked.get()
              + " folder="
              + work.root());
    }
  }

  /**
   * Puts the simulated device into a work folder, before the framework starts.
   *
   * @return empty if none is asked for
   * @throws GatewayException USAGE if there is no such device or tape, NOT_STARTED if there is no
   *     simulator for this machine or the folder has been used otherwise
   */
  static Optional<Simulation> prepare(Application application, WorkFolder work, Options options)
      throws GatewayException, IOException {
    check(work, options.simulate());
    if (options.simulate().isEmpty()) {
      return Optional.empty();
    }
    String asked = options.simulate().get();
    requireKnown(application, asked);
    Logger log = LoggerFactory.getLogger(Simulation.class);
    Properties properties = new Properties();
    try (InputStream in = application.read(FOLDER + "/" + asked + ENDING)) {
      properties.load(in);
    }
    Tape played = tape(application, properties, options.tape());
    Path folder = Files.createDirectories(work.root().resolve("simulated"));
    Path library = folder.resolve(value(properties, "library"));
    unpack(application, properties, library);
    String behind = properties.getProperty("behind");
    if (behind != null) {
      unpackBehind(application, behind, folder);
    }
    TapePlayer player =
        new TapePlayer(played, library.resolveSibling(library.getFileName() + TAPE));
    Path marker = work.root().resolve(MARKER);
    if (!Files.exists(marker)) {
      // The operator may decide otherwise later.
      configure(
          work,
          "io.shoji.kura.Models",
          Map.of("accelerators", "*=" + value(properties, "accelerator") + ", cpu"));
    }
    Path setting = configurationFile(work, value(properties, "pid"));
    if (!Files.exists(setting) || !Files.readString(setting).contains(quoted(library.toString()))) {
      if (Files.exists(setting)) {
        log.warn("the driver's settings are replaced: they name another library file={}", setting);
      }
      configure(work, value(properties, "pid"), settings(properties, library));
    }
    Files.writeString(marker, asked + "\n");
    String override = System.getenv("SHOJI_SIMULATED_TAPE");
    if (override != null) {
      log.warn(
          "the environment names another tape, which is played in place of this one; unset"
              + " SHOJI_SIMULATED_TAPE for this one SHOJI_SIMULATED_TAPE={} tape={}",
          override,
          played.name());
    }
    log.info("SIMULATED: device={} library={} tape={}", asked, library, player);
    return Optional.of(new Simulation(asked, properties, player));
  }

  private static Tape tape(Application application, Properties properties, Optional<String> asked)
      throws GatewayException, IOException {
    String device = value(properties, "device");
    if (asked.isEmpty()) {
      return Tape.none(device);
    }
    String folder = FOLDER + "/" + value(properties, "folder") + "/tapes";
    Path file = Path.of(asked.get());
    List<String> lines;
    String own = folder + "/" + asked.get() + TAPE;
    if (application.list(folder).stream().anyMatch(content -> content.path().equals(own))) {
      try (InputStream in = application.read(own)) {
        lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      }
    } else if (Files.isRegularFile(file)) {
      lines = Files.readAllLines(file);
    } else {
      throw new GatewayException(
          Exit.USAGE,
          "there is no such tape; give a file, or one of "
              + application.list(folder).stream()
                  .map(Content::name)
                  .map(each -> each.substring(0, each.length() - TAPE.length()))
                  .toList()
              + " found="
              + asked.get());
    }
    try {
      return Tape.read(asked.get(), lines, value(properties, "architecture"), device);
    } catch (IllegalArgumentException e) {
      throw new GatewayException(Exit.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  private static void unpack(Application application, Properties properties, Path library)
      throws GatewayException, IOException {
    String folder = FOLDER + "/" + value(properties, "folder") + "/native/";
    String path = folder + "linux-" + Application.architecture() + "/" + library.getFileName();
    if (application.list(folder + "linux-" + Application.architecture()).isEmpty()) {
      throw new GatewayException(
          Exit.NOT_STARTED,
          "this application was built without a simulator for this processor: build it where its"
              + " compiler is installed asked="
              + path);
    }
    try (InputStream in = application.read(path)) {
      write(in, library);
    }
  }

  private static void unpackBehind(Application application, String behind, Path folder)
      throws IOException {
    String[] names = behind.replace(PROCESSOR, Application.architecture()).split(" ", -1);
    Content found =
        application.list("packages").stream()
            .filter(content -> content.name().startsWith(names[0] + "-"))
            .findFirst()
            .orElseThrow(() -> new IOException("the application has no such package " + behind));
    try (InputStream in = application.read(found);
        ZipInputStream bundles = new ZipInputStream(in)) {
      find(bundles, name -> fileName(name).startsWith(names[1] + "-"), behind);
      ZipInputStream bundle = new ZipInputStream(bundles);
      find(bundle, names[2]::equals, behind);
      write(bundle, folder.resolve(fileName(names[2])));
    }
  }

  private static String fileName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Goes on to the entry of a name. */
  private static void find(ZipInputStream in, Predicate<String> wanted, String behind)
      throws IOException {
    for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
      if (wanted.test(entry.getName())) {
        return;
      }
    }
    throw new IOException("the application has no such library " + behind);
  }

  private static void write(InputStream in, Path file) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The driver's, by which it finds its library and whatever else its device needs. */
  private static Map<String, String> settings(Properties properties, Path library) {
    Map<String, String> settings = new TreeMap<>();
    settings.put(value(properties, "property"), library.toString());
    String folder = String.valueOf(library.getParent());
    for (String key : properties.stringPropertyNames()) {
      if (key.startsWith(SETTING)) {
        settings.put(
            key.substring(SETTING.length()), value(properties, key).replace(FOLDER_OF, folder));
      }
    }
    return settings;
  }

  /** Writes a configuration as Felix ConfigurationAdmin keeps it in its folder. */
  private static void configure(WorkFolder work, String pid, Map<String, String> values)
      throws IOException {
    StringBuilder text = new StringBuilder();
    values.forEach((key, value) -> text.append(key).append('=').append(quoted(value)).append('\n'));
    text.append("service.pid=").append(quoted(pid)).append('\n');
    Path file = configurationFile(work, pid);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static Path configurationFile(WorkFolder work, String pid) {
    return work.configuration().resolve(pid.replace('.', '/') + ".config");
  }

  /** Text between quotes; as Felix writes it, blanks and equals signs are escaped too. */
  private static String quoted(String text) {
    return '"' + text.replaceAll("([\\\\\" =])", "\\\\$1") + '"';
  }

  private static String value(Properties properties, String key) {
    String value = properties.getProperty(key);
    if (value == null) {
      throw new IllegalStateException("the application's simulation lacks a key key=" + key);
    }
    return value;
  }

  /** What is installed besides. */
  boolean brings(Content content) {
    return matches(content, "packages");
  }

  /** What is not installed. */
  boolean replaces(Content content) {
    return matches(content, "instead");
  }

  private boolean matches(Content content, String key) {
    for (String beginning : value(properties, key).split(" ", -1)) {
      if (content.name().startsWith(beginning + "-")) {
        return true;
      }
    }
    return false;
  }

  /** What the gateway is called on screens. */
  String title() {
    return "Shoji gateway, " + value(properties, "title") + " SIMULATED";
  }

  /** Said before anything else. */
  String banner() {
    return "SIMULATED: no "
        + value(properties, "title")
        + " is there, a simulator at the vendor's C interface answers in its place; its speed,"
        + " power and temperatures are made up";
  }

  /** Framework properties by which it is said to the cloud. */
  Map<String, String> settings() {
    return Map.of("kura.device.name", title(), "kura.model.name", title());
  }

  /** Lets the tape go on. */
  void play(Consumer<String> tell) {
    player.play(tell);
  }

  /** What is simulated and played. */
  @Override
  public String toString() {
    return name + " is simulated, tape: " + player;
  }

  @Override
  public void close() {
    player.close();
  }
}
