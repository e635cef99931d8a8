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
import java.util.List;

/**
 * Compiles the simulated runtime. Part of the build: {@code java CompileSimulator.java SOURCE FOLDER}
 * writes {@code FOLDER/native/linux-ARCH/libonnxruntime-simulated.so} for this machine, with gcc,
 * and for the other architecture where a cross compiler is installed.
 */
final class CompileSimulator {
  private static final String FILE = "libonnxruntime-simulated.so";

  private CompileSimulator() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("usage: CompileSimulator SOURCE FOLDER");
    }
    Path source = Path.of(arguments[0]);
    Path folder = Path.of(arguments[1]);
    String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    for (String architecture : List.of("x86_64", "aarch64")) {
      boolean own = architecture.equals(machine);
      String compiler = own ? "gcc" : architecture + "-linux-gnu-gcc";
      if (!own && !isInstalled(compiler)) {
        System.out.println(
            "the simulated runtime is not made for this architecture, its compiler is not installed"
                + " architecture="
                + architecture
                + " compiler="
                + compiler);
        continue;
      }
      compile(compiler, source, folder.resolve("native/linux-" + architecture).resolve(FILE));
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

  private static void compile(String compiler, Path source, Path library)
      throws IOException, InterruptedException {
    Files.createDirectories(library.getParent());
    List<String> command =
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
            "-Wl,-soname,libonnxruntime-simulated.so.1",
            "-Wl,--build-id=sha1",
            "-Wl,-z,defs,-z,relro,-z,now",
            "-ffile-prefix-map=" + source.getParent() + "=.",
            "-o",
            library.toString(),
            source.toString(),
            "-ldl",
            "-lpthread");
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("the compiler failed code=" + code + " command=" + command);
    }
  }
}
