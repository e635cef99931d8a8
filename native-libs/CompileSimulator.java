/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Compiles a simulator of a vendor's library. Part of the build: {@code java CompileSimulator.java
 * FOLDER FILE SONAME SOURCE... [-D...]} writes {@code FOLDER/native/linux-ARCH/FILE} for this
 * machine, with gcc, and for the other architecture where a cross compiler is installed. The sources
 * of {@code native-libs/simulator} are compiled into each. {@code --and FILE SONAME SOURCE...
 * [-D...]} says of one more; they are compiled side by side, and what is newer than all that it is
 * made of is left as it is.
 */
final class CompileSimulator {
  private CompileSimulator() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    List<List<String>> libraries = new ArrayList<>();
    libraries.add(new ArrayList<>());
    for (String argument : List.of(arguments).subList(1, arguments.length)) {
      if (argument.equals("--and")) {
        libraries.add(new ArrayList<>());
      } else {
        libraries.get(libraries.size() - 1).add(argument);
      }
    }
    if (libraries.stream().anyMatch(library -> library.size() < 3)) {
      throw new IllegalArgumentException(
          "usage: CompileSimulator FOLDER FILE SONAME SOURCE... [-D...] [--and FILE SONAME ...]");
    }
    ExecutorService side =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      List<Future<?>> all = new ArrayList<>();
      for (String architecture : architectures()) {
        for (List<String> library : libraries) {
          all.add(
              side.submit(
                  () -> {
                    compile(
                        compiler(architecture),
                        library.subList(2, library.size()),
                        library.get(1),
                        folder.resolve("native/linux-" + architecture).resolve(library.get(0)));
                    return null;
                  }));
        }
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      side.shutdownNow();
    }
  }

  private static String own() {
    return System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  }

  private static String compiler(String architecture) {
    return architecture.equals(own()) ? "gcc" : architecture + "-linux-gnu-gcc";
  }

  /** Those that there is a compiler for. */
  private static List<String> architectures() throws InterruptedException {
    List<String> found = new ArrayList<>();
    for (String architecture : List.of("x86_64", "aarch64")) {
      if (architecture.equals(own()) || isInstalled(compiler(architecture))) {
        found.add(architecture);
      } else {
        System.out.println(
            "simulators are not made for this architecture, its compiler is not installed"
                + " architecture="
                + architecture
                + " compiler="
                + compiler(architecture));
      }
    }
    return found;
  }

  private static boolean isInstalled(String compiler) throws InterruptedException {
    try {
      return new ProcessBuilder(compiler, "--version")
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void compile(String compiler, List<String> own, String soname, Path library)
      throws IOException, InterruptedException {
    Files.createDirectories(library.getParent());
    // Beside the folder of the module that is built.
    Path shared = Path.of(own.get(0)).toAbsolutePath().getParent();
    while (!Files.exists(shared.resolve("simulator/tape.c"))) {
      shared = shared.getParent();
    }
    shared = shared.resolve("simulator");
    List<String> command =
        new ArrayList<>(
            List.of(
                compiler,
                "-std=c11",
                "-O2",
                "-fPIC",
                "-shared",
                "-fvisibility=hidden",
                "-Wall",
                "-Wextra",
                "-Wconversion",
                "-Werror",
                "-Wl,-soname," + soname,
                "-Wl,--build-id=sha1",
                "-Wl,-z,defs,-z,relro,-z,now",
                "-ffile-prefix-map=" + shared.getParent() + "=.",
                "-I" + shared,
                "-o",
                library.toString(),
                shared.resolve("tape.c").toString()));
    command.addAll(own);
    command.addAll(List.of("-ldl", "-lm", "-lpthread"));
    // Told from the command by which it was made, and from the age of its sources.
    Path architecture = library.getParent();
    Path made =
        Files.createDirectories(architecture.getParent().getParent().resolveSibling("simulators"))
            .resolve(architecture.getFileName() + "-" + library.getFileName() + ".command");
    if (isUpToDate(library, made, command, shared)) {
      return;
    }
    Files.deleteIfExists(made);
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("the compiler failed code=" + code + " command=" + command);
    }
    Files.write(made, command);
  }

  private static boolean isUpToDate(Path library, Path made, List<String> command, Path shared)
      throws IOException {
    if (!Files.exists(library) || !Files.exists(made) || !Files.readAllLines(made).equals(command)) {
      return false;
    }
    FileTime since = Files.getLastModifiedTime(library);
    List<Path> sources = new ArrayList<>(files(shared));
    for (String argument : command) {
      if (argument.endsWith(".c")) {
        sources.addAll(files(Path.of(argument).toAbsolutePath().getParent()));
      }
    }
    for (Path source : sources) {
      if (Files.getLastModifiedTime(source).compareTo(since) >= 0) {
        return false;
      }
    }
    return true;
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    }
  }
}
