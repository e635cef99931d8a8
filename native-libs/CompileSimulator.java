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
import java.util.ArrayList;
import java.util.List;

/**
 * Compiles a simulator of a vendor's library. Part of the build: {@code java CompileSimulator.java
 * FOLDER FILE SONAME SOURCE... [-D...]} writes {@code FOLDER/native/linux-ARCH/FILE} for this
 * machine, with gcc, and for the other architecture where a cross compiler is installed. The sources
 * of {@code native-libs/simulator} are compiled into each.
 */
final class CompileSimulator {
  private CompileSimulator() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 4) {
      throw new IllegalArgumentException(
          "usage: CompileSimulator FOLDER FILE SONAME SOURCE... [-D...]");
    }
    Path folder = Path.of(arguments[0]);
    String file = arguments[1];
    List<String> own = List.of(arguments).subList(3, arguments.length);
    String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    for (String architecture : List.of("x86_64", "aarch64")) {
      boolean isOwn = architecture.equals(machine);
      String compiler = isOwn ? "gcc" : architecture + "-linux-gnu-gcc";
      if (!isOwn && !isInstalled(compiler)) {
        System.out.println(
            "the simulator is not made for this architecture, its compiler is not installed"
                + " architecture="
                + architecture
                + " compiler="
                + compiler
                + " file="
                + file);
        continue;
      }
      compile(
          compiler, own, arguments[2], folder.resolve("native/linux-" + architecture).resolve(file));
    }
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
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("the compiler failed code=" + code + " command=" + command);
    }
  }
}
