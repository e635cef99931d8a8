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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Hides what a shared library exports beside its API, as its linker would have with {@code
 * --version-script}. Part of the build: {@code java HideSymbols.java LIBRARY RESULT PREFIX} copies
 * the library and gives every symbol that it defines, and whose name does not start with the prefix,
 * the visibility STV_HIDDEN; unique ones become ordinary.
 *
 * <p>A library that exports unique symbols (STB_GNU_UNIQUE, which GCC makes of static data in
 * templates and inline functions) is never unloaded, and shares that data with every other version
 * of itself in the process. One that exports copies of the C++ library's symbols is bound to by a
 * {@code libstdc++.so} that was loaded for it, and is never unloaded either.
 */
final class HideSymbols {
  // Elf64_Ehdr, Elf64_Shdr and Elf64_Sym of the System V ABI, chapter 4.
  private static final int E_SHOFF = 0x28;
  private static final int E_SHENTSIZE = 0x3A;
  private static final int E_SHNUM = 0x3C;
  private static final int SH_TYPE = 4;
  private static final int SH_OFFSET = 24;
  private static final int SH_SIZE = 32;
  private static final int SH_LINK = 40;
  private static final int SHT_DYNSYM = 11;
  private static final int SYM_BYTES = 24;
  private static final int ST_INFO = 4;
  private static final int ST_OTHER = 5;
  private static final int ST_SHNDX = 6;
  private static final int STB_LOCAL = 0;
  private static final int STB_GLOBAL = 1;
  private static final int STB_GNU_UNIQUE = 10;
  private static final int STV_MASK = 3;
  private static final int STV_HIDDEN = 2;

  private HideSymbols() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 3) {
      throw new IllegalArgumentException("usage: HideSymbols LIBRARY RESULT PREFIX");
    }
    Path library = Path.of(arguments[0]);
    Path result = Path.of(arguments[1]);
    String prefix = arguments[2];
    byte[] content = Files.readAllBytes(library);
    ByteBuffer elf = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.getInt(0) != 0x464C457F || elf.get(4) != 2 || elf.get(5) != 1) {
      throw new IOException("not a 64-bit little-endian ELF file. file=" + library);
    }
    int kept = 0;
    int hidden = 0;
    for (int section = 0; section < elf.getShort(E_SHNUM); section++) {
      int header = header(elf, section);
      if (elf.getInt(header + SH_TYPE) != SHT_DYNSYM) {
        continue;
      }
      int names = offset(elf, header(elf, elf.getInt(header + SH_LINK)));
      int start = offset(elf, header);
      int end = start + Math.toIntExact(elf.getLong(header + SH_SIZE));
      for (int symbol = start; symbol < end; symbol += SYM_BYTES) {
        int info = elf.get(symbol + ST_INFO);
        int bind = (info >> 4) & 0xF;
        if (elf.getShort(symbol + ST_SHNDX) == 0 || bind == STB_LOCAL) {
          continue;
        }
        if (name(content, names + elf.getInt(symbol)).startsWith(prefix)) {
          kept++;
          continue;
        }
        hidden++;
        int other = elf.get(symbol + ST_OTHER);
        elf.put(symbol + ST_OTHER, (byte) ((other & ~STV_MASK) | STV_HIDDEN));
        if (bind == STB_GNU_UNIQUE) {
          elf.put(symbol + ST_INFO, (byte) ((STB_GLOBAL << 4) | (info & 0xF)));
        }
      }
    }
    if (kept == 0 || hidden == 0) {
      throw new IOException(
          "nothing to keep or nothing to hide. kept="
              + kept
              + " hidden="
              + hidden
              + " prefix="
              + prefix
              + " file="
              + library);
    }
    Files.createDirectories(result.toAbsolutePath().getParent());
    Files.write(result, content);
  }

  private static int header(ByteBuffer elf, int section) {
    return Math.toIntExact(elf.getLong(E_SHOFF)) + section * elf.getShort(E_SHENTSIZE);
  }

  private static int offset(ByteBuffer elf, int header) {
    return Math.toIntExact(elf.getLong(header + SH_OFFSET));
  }

  private static String name(byte[] content, int at) {
    int end = at;
    while (content[end] != 0) {
      end++;
    }
    return new String(content, at, end - at, StandardCharsets.ISO_8859_1);
  }
}
