/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import io.shoji.accelerator.VendorLibraries.LibraryFacts;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What an ELF file says of itself in its program headers and its dynamic section: the part that the
 * dynamic loader reads. Every offset and length is checked against the file before it is used, so
 * that a file that is cut off, damaged or hostile ends in {@code NOT_A_LIBRARY} and in nothing
 * else. Layouts are those of the System V ABI, generic part, chapters 4 and 5, and of the LSB for
 * symbol versions. Immutable.
 */
final class ElfFile {
  /** Longest name that is believed; the longest of the C++ ABI in practice is far below. */
  private static final int MAX_NAME_BYTES = 64 * 1024;

  /** Largest table that is read in one piece. */
  private static final int MAX_TABLE_BYTES = 64 * 1024 * 1024;

  private static final int MAX_VERSION_RECORDS = 100_000;

  private static final int ET_DYN = 3;
  private static final int PT_LOAD = 1;
  private static final int PT_DYNAMIC = 2;
  private static final int PT_NOTE = 4;
  private static final int PT_GNU_STACK = 0x6474_e551;
  private static final int PF_X = 1;

  private static final int DT_NEEDED = 1;
  private static final int DT_HASH = 4;
  private static final int DT_STRTAB = 5;
  private static final int DT_SYMTAB = 6;
  private static final int DT_STRSZ = 10;
  private static final int DT_SONAME = 14;
  private static final int DT_RPATH = 15;
  private static final int DT_RUNPATH = 29;
  private static final int DT_GNU_HASH = 0x6fff_fef5;
  private static final int DT_FLAGS_1 = 0x6fff_fffb;
  private static final int DT_VERDEF = 0x6fff_fffc;
  private static final int DT_VERDEFNUM = 0x6fff_fffd;
  private static final int DT_VERNEED = 0x6fff_fffe;
  private static final int DT_VERNEEDNUM = 0x6fff_ffff;

  private static final int DF_1_NODELETE = 0x8;
  private static final int DF_1_NODEFLIB = 0x800;
  private static final int DF_1_PIE = 0x0800_0000;

  private static final int NT_GNU_BUILD_ID = 3;
  private static final int VER_FLG_WEAK = 2;
  private static final int STB_GNU_UNIQUE = 10;

  /** Bytes that can be read at any place. */
  interface Content {
    long size() throws IOException;

    /**
     * Reads some bytes, as {@code InputStream.read} does.
     *
     * @return how many, or -1 at the end
     */
    int read(long at, byte[] into, int from, int length) throws IOException;
  }

  /** For whom a file was made. */
  record Target(int bits, boolean bigEndian, int machine) {
    /** The kernel's name of it, as {@code uname -m} prints it. */
    String machineName() {
      if (!bigEndian && bits == 64 && machine == 62) {
        return "x86_64";
      }
      if (!bigEndian && bits == 64 && machine == 183) {
        return "aarch64";
      }
      if (!bigEndian && bits == 64 && machine == 243) {
        return "riscv64";
      }
      if (!bigEndian && bits == 32 && machine == 3) {
        return "i686";
      }
      if (!bigEndian && bits == 32 && machine == 40) {
        return "armv7l";
      }
      return "e_machine=" + machine;
    }

    @Override
    public String toString() {
      return machineName() + " (" + bits + "-bit, " + (bigEndian ? "big" : "little") + "-endian)";
    }
  }

  /** One symbol version that a file needs from another. */
  record VersionNeed(String file, String version) {}

  private final Target target;
  private final boolean sharedLibrary;
  private final String soname;
  private final List<String> needed;
  private final List<String> rpath;
  private final List<String> runpath;
  private final long flags1;
  private final boolean executableStack;
  private final String buildId;
  private final List<VersionNeed> versionNeeds;
  private final Set<String> versionsDefined;
  private final int uniqueSymbols;
  private final boolean threadLocalDestructors;

  private ElfFile(Reader reader, Dynamic dynamic, Symbols symbols) {
    this.target = reader.target;
    this.sharedLibrary = reader.type == ET_DYN && (dynamic.flags1 & DF_1_PIE) == 0;
    this.soname = dynamic.soname;
    this.needed = List.copyOf(dynamic.needed);
    this.rpath = List.copyOf(dynamic.rpath);
    this.runpath = List.copyOf(dynamic.runpath);
    this.flags1 = dynamic.flags1;
    this.executableStack = reader.executableStack;
    this.buildId = reader.buildId;
    this.versionNeeds = List.copyOf(dynamic.versionNeeds);
    this.versionsDefined = Set.copyOf(dynamic.versionsDefined);
    this.uniqueSymbols = symbols.unique;
    this.threadLocalDestructors = symbols.threadLocalDestructors;
  }

  /**
   * Reads a shared library.
   *
   * @throws VendorLibraryException NOT_FOUND, or NOT_A_LIBRARY with what it is instead
   */
  static ElfFile readLibrary(Path file) throws VendorLibraryException {
    ElfFile elf = read(file, true);
    elf.requireLibrary(file);
    return elf;
  }

  /**
   * Reads any dynamically linked file, without a look at its symbols.
   *
   * @throws VendorLibraryException NOT_FOUND, NOT_A_LIBRARY
   */
  static ElfFile readHeaders(Path file) throws VendorLibraryException {
    return read(file, false);
  }

  private static ElfFile read(Path file, boolean withSymbols) throws VendorLibraryException {
    if (Files.isDirectory(file)) {
      throw new VendorLibraryException(
          Code.NOT_FOUND, "this is a folder: name the library file in it. file=" + file);
    }
    if (!Files.exists(file)) {
      throw new VendorLibraryException(
          Code.NOT_FOUND, "there is no such file: install it or correct the path. file=" + file);
    }
    try (FileContent content = new FileContent(file)) {
      return parse(content, file.toString(), withSymbols);
    } catch (IOException e) {
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          "the file cannot be read: check its permissions and its disk. file="
              + file
              + " reason="
              + e,
          e);
    }
  }

  /**
   * Parses an ELF image.
   *
   * @param name what it is called in messages
   * @throws VendorLibraryException NOT_A_LIBRARY
   * @throws IOException if reading fails
   */
  static ElfFile parse(Content content, String name, boolean withSymbols)
      throws IOException, VendorLibraryException {
    Reader reader = new Reader(content, name);
    reader.readHeader();
    reader.readSegments();
    Dynamic dynamic = new Dynamic(reader);
    dynamic.read();
    Symbols symbols = new Symbols();
    if (withSymbols) {
      symbols.read(reader, dynamic);
    }
    return new ElfFile(reader, dynamic, symbols);
  }

  private void requireLibrary(Path file) throws VendorLibraryException {
    if (!sharedLibrary) {
      throw new VendorLibraryException(
          Code.NOT_A_LIBRARY,
          "this is an executable, not a shared library: name the vendor's .so file. file=" + file);
    }
  }

  /**
   * Checks that it is a shared library that a process of this kind can load.
   *
   * @throws VendorLibraryException NOT_A_LIBRARY, WRONG_ARCHITECTURE
   */
  void requireLibraryFor(Target process, Path file) throws VendorLibraryException {
    requireLibrary(file);
    if (!target.equals(process)) {
      throw new VendorLibraryException(
          Code.WRONG_ARCHITECTURE,
          "the library was made for another processor: install the package for this one. asked="
              + process
              + " found="
              + target
              + " file="
              + file);
    }
  }

  Target target() {
    return target;
  }

  /** DT_SONAME, or empty. */
  String soname() {
    return soname;
  }

  List<String> needed() {
    return needed;
  }

  /** DT_RPATH; the loader ignores it where there is a {@link #runpath()}. */
  List<String> rpath() {
    return rpath;
  }

  List<String> runpath() {
    return runpath;
  }

  /** GNU build-id, lower-case hex, or empty. */
  String buildId() {
    return buildId;
  }

  /** Versions it needs and cannot do without (weak needs are left out), in the file's order. */
  List<VersionNeed> versionNeeds() {
    return versionNeeds;
  }

  Set<String> versionsDefined() {
    return versionsDefined;
  }

  /** Whether the loader never unloads it (DF_1_NODELETE). */
  boolean nodelete() {
    return (flags1 & DF_1_NODELETE) != 0;
  }

  /** Whether the loader must not look in its cache and default folders (DF_1_NODEFLIB). */
  boolean nodeflib() {
    return (flags1 & DF_1_NODEFLIB) != 0;
  }

  /** Whether it asks for executable stacks, in so many words (PT_GNU_STACK with PF_X). */
  boolean executableStack() {
    return executableStack;
  }

  /** How many symbols it defines as STB_GNU_UNIQUE: once bound, the loader never unloads it. */
  int uniqueSymbols() {
    return uniqueSymbols;
  }

  /** Whether it registers destructors of thread-local objects, which keep it until threads end. */
  boolean threadLocalDestructors() {
    return threadLocalDestructors;
  }

  /** Newest GLIBC_x.y that it needs, as {@code 2.28}, or empty. */
  String requiredGlibc() {
    String newest = "";
    for (VersionNeed need : versionNeeds) {
      String version = glibcVersion(need.version());
      if (!version.isEmpty() && compareVersions(version, newest) > 0) {
        newest = version;
      }
    }
    return newest;
  }

  LibraryFacts facts() {
    return new LibraryFacts(soname, needed, buildId, target.machineName(), requiredGlibc());
  }

  /** {@code 2.28} of {@code GLIBC_2.28}, empty for what names no release. */
  private static String glibcVersion(String name) {
    if (name.equals("GLIBC_ABI_DT_RELR")) {
      return "2.36";
    }
    if (!name.startsWith("GLIBC_") || name.length() < 7 || !isDigit(name.charAt(6))) {
      return "";
    }
    return name.substring(6);
  }

  /** Compares dotted numbers; an empty one is the oldest, what is no number counts as 0. */
  static int compareVersions(String left, String right) {
    String[] a = left.split("\\.", -1);
    String[] b = right.split("\\.", -1);
    for (int i = 0; i < Math.max(a.length, b.length); i++) {
      int order = Long.compare(number(a, i), number(b, i));
      if (order != 0) {
        return order;
      }
    }
    return 0;
  }

  private static long number(String[] parts, int index) {
    if (index >= parts.length || parts[index].isEmpty() || parts[index].length() > 9) {
      return -1;
    }
    for (int i = 0; i < parts[index].length(); i++) {
      if (!isDigit(parts[index].charAt(i))) {
        return 0;
      }
    }
    return Long.parseLong(parts[index]);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** The file, with checked reads. */
  private static final class Reader {
    private final Content content;
    private final String name;
    private final long size;
    private Target target = new Target(0, false, 0);
    private ByteOrder order = ByteOrder.LITTLE_ENDIAN;
    private boolean wide;
    private int type;
    private long programHeaders;
    private int programHeaderSize;
    private int programHeaderCount;
    private final List<long[]> loads = new ArrayList<>(); // {vaddr, file bytes, offset}
    private long dynamicOffset;
    private long dynamicBytes;
    private boolean executableStack;
    private String buildId = "";

    Reader(Content content, String name) throws IOException {
      this.content = content;
      this.name = name;
      this.size = content.size();
    }

    VendorLibraryException refusal(String what) {
      return new VendorLibraryException(
          Code.NOT_A_LIBRARY, what + " file=" + name + " bytes=" + size);
    }

    VendorLibraryException cutOff(String what, long end) {
      return refusal(
          "the file is cut off: its "
              + what
              + " would end at byte "
              + Long.toUnsignedString(end)
              + "; copy it again.");
    }

    /** Exactly {@code length} bytes at {@code offset}; both are unsigned. */
    ByteBuffer at(long offset, long length, String what)
        throws IOException, VendorLibraryException {
      if (offset < 0 || length < 0 || offset > size || length > size - offset) {
        throw cutOff(what, offset + length);
      }
      if (length > MAX_TABLE_BYTES) {
        throw refusal("its " + what + " has an unbelievable size of " + length + " bytes.");
      }
      byte[] bytes = new byte[(int) length];
      int done = 0;
      while (done < bytes.length) {
        int n = content.read(offset + done, bytes, done, bytes.length - done);
        if (n < 0) {
          throw cutOff(what, offset + length);
        }
        done += n;
      }
      return ByteBuffer.wrap(bytes).order(order);
    }

    /** File offset of a virtual address. */
    long offset(long address, String what) throws VendorLibraryException {
      for (long[] load : loads) {
        if (Long.compareUnsigned(address, load[0]) >= 0
            && Long.compareUnsigned(address - load[0], load[1]) < 0) {
          return load[2] + (address - load[0]);
        }
      }
      throw refusal(
          "its "
              + what
              + " lies outside of what is loaded: the file is damaged, or only debug information.");
    }

    /** An address, or a size, of the file's word size. */
    long word(ByteBuffer buffer, int at) {
      return wide ? buffer.getLong(at) : Integer.toUnsignedLong(buffer.getInt(at));
    }

    void readHeader() throws IOException, VendorLibraryException {
      if (size == 0) {
        throw refusal("the file is empty: copy it again.");
      }
      ByteBuffer ident = at(0, Math.min(size, 16), "header");
      if (ident.remaining() < 4 || ident.getInt(0) != 0x464c_457f) {
        throw refusal("this is no ELF shared library but " + kind(ident) + ".");
      }
      if (size < 52) {
        throw cutOff("header", 52);
      }
      int fileClass = ident.get(4);
      int data = ident.get(5);
      if (fileClass < 1 || fileClass > 2 || data < 1 || data > 2 || ident.get(6) != 1) {
        throw refusal("its ELF header is damaged: class=" + fileClass + " data=" + data + ".");
      }
      wide = fileClass == 2;
      order = data == 2 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
      ByteBuffer header = at(0, wide ? 64 : 52, "header");
      type = Short.toUnsignedInt(header.getShort(16));
      target = new Target(wide ? 64 : 32, data == 2, Short.toUnsignedInt(header.getShort(18)));
      programHeaders = word(header, wide ? 32 : 28);
      long sectionHeaders = word(header, wide ? 40 : 32);
      int tail = wide ? 54 : 42;
      programHeaderSize = Short.toUnsignedInt(header.getShort(tail));
      programHeaderCount = Short.toUnsignedInt(header.getShort(tail + 2));
      long sectionBytes =
          (long) Short.toUnsignedInt(header.getShort(tail + 4))
              * Short.toUnsignedInt(header.getShort(tail + 6));
      if (programHeaderCount == 0) {
        throw refusal("it has no program headers: an object file (.o) is no shared library.");
      }
      if (programHeaderSize < (wide ? 56 : 32)) {
        throw refusal("its ELF header is damaged: e_phentsize=" + programHeaderSize + ".");
      }
      // The loader needs no section headers, but they come last: without them the copy was cut off.
      if (sectionBytes > 0
          && (sectionHeaders < 0
              || sectionHeaders > size
              || sectionBytes > size - sectionHeaders)) {
        throw cutOff("section headers", sectionHeaders + sectionBytes);
      }
    }

    private static String kind(ByteBuffer head) {
      byte[] bytes = new byte[head.remaining()];
      head.get(0, bytes);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      if (text.startsWith("MZ")) {
        return "a Windows library";
      }
      if (text.startsWith("!<arch>")) {
        return "a static archive (.a)";
      }
      if (text.startsWith("PK")) {
        return "a zip or jar archive: unpack it first";
      }
      if (text.startsWith("\u001f\u008b")) {
        return "a gzip archive: unpack it first";
      }
      if (text.startsWith("\u00cf\u00fa\u00ed\u00fe")
          || text.startsWith("\u00ca\u00fe\u00ba\u00be")) {
        return "a macOS library";
      }
      if (text.startsWith("/* GNU ld") || text.startsWith("INPUT") || text.startsWith("GROUP")) {
        return "a linker script of a development package: name the library that it points to";
      }
      if (text.startsWith("version https:/")) {
        return "a Git LFS pointer: fetch the real file";
      }
      StringBuilder hex = new StringBuilder("something that starts with the bytes");
      for (int i = 0; i < Math.min(4, bytes.length); i++) {
        hex.append(String.format(Locale.ROOT, " %02x", bytes[i]));
      }
      return hex.toString();
    }

    void readSegments() throws IOException, VendorLibraryException {
      ByteBuffer table =
          at(programHeaders, (long) programHeaderCount * programHeaderSize, "program header table");
      List<long[]> notes = new ArrayList<>();
      for (int i = 0; i < programHeaderCount; i++) {
        int base = i * programHeaderSize;
        int segment = table.getInt(base);
        int flags = table.getInt(base + (wide ? 4 : 24));
        long offset = word(table, base + (wide ? 8 : 4));
        long address = word(table, base + (wide ? 16 : 8));
        long fileBytes = word(table, base + (wide ? 32 : 16));
        long align = word(table, base + (wide ? 48 : 28));
        switch (segment) {
          case PT_LOAD -> {
            // Touching a page that is mapped beyond the end of its file kills the process (SIGBUS).
            if (offset < 0 || fileBytes < 0 || offset > size || fileBytes > size - offset) {
              throw cutOff("loadable segment " + i, offset + fileBytes);
            }
            loads.add(new long[] {address, fileBytes, offset});
          }
          case PT_DYNAMIC -> {
            dynamicOffset = offset;
            dynamicBytes = fileBytes;
          }
          case PT_NOTE -> notes.add(new long[] {offset, fileBytes, align});
          case PT_GNU_STACK -> executableStack = (flags & PF_X) != 0;
          default -> {}
        }
      }
      for (long[] note : notes) {
        readNotes(at(note[0], note[1], "notes"), note[2] == 8 ? 8 : 4);
      }
    }

    private void readNotes(ByteBuffer notes, int align) {
      long at = 0;
      while (at + 12 <= notes.limit()) {
        long nameBytes = Integer.toUnsignedLong(notes.getInt((int) at));
        long valueBytes = Integer.toUnsignedLong(notes.getInt((int) at + 4));
        int noteType = notes.getInt((int) at + 8);
        long value = at + aligned(12 + nameBytes, align);
        if (value + valueBytes > notes.limit()) {
          return;
        }
        if (noteType == NT_GNU_BUILD_ID
            && nameBytes == 4
            && notes.get((int) at + 12) == 'G'
            && notes.get((int) at + 13) == 'N'
            && notes.get((int) at + 14) == 'U'
            && valueBytes <= 64) {
          StringBuilder hex = new StringBuilder();
          for (int i = 0; i < valueBytes; i++) {
            hex.append(String.format(Locale.ROOT, "%02x", notes.get((int) value + i)));
          }
          buildId = hex.toString();
          return;
        }
        at = value + aligned(valueBytes, align);
      }
    }

    private static long aligned(long value, int align) {
      return (value + align - 1) & -align;
    }
  }

  /** The dynamic section. */
  private static final class Dynamic {
    private final Reader reader;
    private final Map<Integer, Long> tags = new HashMap<>();
    private ByteBuffer strings = ByteBuffer.allocate(0);
    private String soname = "";
    private final List<String> needed = new ArrayList<>();
    private List<String> rpath = List.of();
    private List<String> runpath = List.of();
    private long flags1;
    private final List<VersionNeed> versionNeeds = new ArrayList<>();
    private final Set<String> versionsDefined = new LinkedHashSet<>();

    Dynamic(Reader reader) {
      this.reader = reader;
    }

    void read() throws IOException, VendorLibraryException {
      if (reader.dynamicBytes == 0) {
        throw reader.refusal("it has no dynamic section: a static program or debug information.");
      }
      ByteBuffer entries = reader.at(reader.dynamicOffset, reader.dynamicBytes, "dynamic section");
      int word = reader.wide ? 8 : 4;
      List<Long> neededNames = new ArrayList<>();
      for (int at = 0; at + 2 * word <= entries.limit(); at += 2 * word) {
        long tag = reader.word(entries, at);
        long value = reader.word(entries, at + word);
        if (tag == 0) {
          break;
        }
        if (tag == DT_NEEDED) {
          neededNames.add(value);
        } else if (tag > 0 && tag <= Integer.MAX_VALUE) {
          tags.put((int) tag, value);
        }
      }
      flags1 = tags.getOrDefault(DT_FLAGS_1, 0L);
      Long table = tags.get(DT_STRTAB);
      Long tableBytes = tags.get(DT_STRSZ);
      if (table == null || tableBytes == null) {
        throw reader.refusal("its dynamic section has no string table: the file is damaged.");
      }
      strings = reader.at(reader.offset(table, "string table"), tableBytes, "string table");
      for (long name : neededNames) {
        needed.add(string(name));
      }
      soname = stringOf(DT_SONAME);
      rpath = paths(stringOf(DT_RPATH));
      runpath = paths(stringOf(DT_RUNPATH));
      readVersionNeeds();
      readVersionDefinitions();
    }

    private String stringOf(int tag) throws VendorLibraryException {
      Long value = tags.get(tag);
      return value == null ? "" : string(value);
    }

    private static List<String> paths(String joined) {
      return joined.isEmpty() ? List.of() : List.of(joined.split(":"));
    }

    String string(long at) throws VendorLibraryException {
      if (at < 0 || at >= strings.limit()) {
        throw reader.refusal("a name lies outside of its string table: the file is damaged.");
      }
      int end = (int) at;
      int limit = (int) Math.min(strings.limit(), at + MAX_NAME_BYTES);
      while (end < limit && strings.get(end) != 0) {
        end++;
      }
      if (end == limit) {
        throw reader.refusal("a name in its string table has no end: the file is damaged.");
      }
      byte[] bytes = new byte[end - (int) at];
      strings.get((int) at, bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }

    private void readVersionNeeds() throws IOException, VendorLibraryException {
      Long address = tags.get(DT_VERNEED);
      long count = tags.getOrDefault(DT_VERNEEDNUM, 0L);
      if (address == null || count <= 0) {
        return;
      }
      long file = reader.offset(address, "version needs");
      int records = 0;
      for (long i = 0; i < count; i++) {
        ByteBuffer need = reader.at(file, 16, "version needs");
        int auxiliaries = Short.toUnsignedInt(need.getShort(2));
        String from = string(Integer.toUnsignedLong(need.getInt(4)));
        long auxiliary = file + Integer.toUnsignedLong(need.getInt(8));
        for (int j = 0; j < auxiliaries; j++) {
          if (++records > MAX_VERSION_RECORDS) {
            throw reader.refusal("it needs an unbelievable number of symbol versions.");
          }
          ByteBuffer version = reader.at(auxiliary, 16, "version needs");
          if ((Short.toUnsignedInt(version.getShort(4)) & VER_FLG_WEAK) == 0) {
            String name = string(Integer.toUnsignedLong(version.getInt(8)));
            versionNeeds.add(new VersionNeed(from, name));
          }
          long next = Integer.toUnsignedLong(version.getInt(12));
          if (next == 0) {
            break;
          }
          auxiliary += next;
        }
        long next = Integer.toUnsignedLong(need.getInt(12));
        if (next == 0 || ++records > MAX_VERSION_RECORDS) {
          return;
        }
        file += next;
      }
    }

    private void readVersionDefinitions() throws IOException, VendorLibraryException {
      Long address = tags.get(DT_VERDEF);
      long count = tags.getOrDefault(DT_VERDEFNUM, 0L);
      if (address == null || count <= 0) {
        return;
      }
      long at = reader.offset(address, "version definitions");
      for (long i = 0; i < count && i < MAX_VERSION_RECORDS; i++) {
        ByteBuffer definition = reader.at(at, 20, "version definitions");
        long auxiliary = at + Integer.toUnsignedLong(definition.getInt(12));
        ByteBuffer name = reader.at(auxiliary, 8, "version definitions");
        versionsDefined.add(string(Integer.toUnsignedLong(name.getInt(0))));
        long next = Integer.toUnsignedLong(definition.getInt(16));
        if (next == 0) {
          return;
        }
        at += next;
      }
    }
  }

  /** What of the dynamic symbols decides whether the library can be unloaded. */
  private static final class Symbols {
    private int unique;
    private boolean threadLocalDestructors;

    void read(Reader reader, Dynamic dynamic) throws IOException, VendorLibraryException {
      Long table = dynamic.tags.get(DT_SYMTAB);
      if (table == null) {
        return;
      }
      int size = reader.wide ? 24 : 16;
      long count = count(reader, dynamic);
      ByteBuffer symbols =
          reader.at(reader.offset(table, "symbol table"), count * size, "symbol table");
      for (int i = 1; i < count; i++) {
        int base = i * size;
        int bind = Byte.toUnsignedInt(symbols.get(base + (reader.wide ? 4 : 12))) >>> 4;
        boolean undefined = symbols.getShort(base + (reader.wide ? 6 : 14)) == 0;
        if (bind == STB_GNU_UNIQUE && !undefined) {
          unique++;
        }
        if (undefined) {
          String name = dynamic.string(Integer.toUnsignedLong(symbols.getInt(base)));
          threadLocalDestructors |= name.startsWith("__cxa_thread_atexit");
        }
      }
    }

    /** Number of dynamic symbols, which the format says only by way of its hash tables. */
    private static long count(Reader reader, Dynamic dynamic)
        throws IOException, VendorLibraryException {
      Long hash = dynamic.tags.get(DT_HASH);
      if (hash != null) {
        ByteBuffer head = reader.at(reader.offset(hash, "hash table"), 8, "hash table");
        return Integer.toUnsignedLong(head.getInt(4));
      }
      Long gnuHash = dynamic.tags.get(DT_GNU_HASH);
      if (gnuHash == null) {
        return 0;
      }
      long at = reader.offset(gnuHash, "hash table");
      ByteBuffer head = reader.at(at, 16, "hash table");
      long buckets = Integer.toUnsignedLong(head.getInt(0));
      long first = Integer.toUnsignedLong(head.getInt(4));
      long bloomWords = Integer.toUnsignedLong(head.getInt(8));
      long bucketsAt = at + 16 + bloomWords * (reader.wide ? 8 : 4);
      ByteBuffer bucket = reader.at(bucketsAt, buckets * 4, "hash table");
      long last = 0;
      for (int i = 0; i < buckets; i++) {
        last = Math.max(last, Integer.toUnsignedLong(bucket.getInt(i * 4)));
      }
      if (last < first) {
        return first;
      }
      long chains = bucketsAt + buckets * 4;
      while (true) {
        // The last symbol of a chain has the lowest bit set.
        ByteBuffer chain = reader.at(chains + (last - first) * 4, 4, "hash table");
        last++;
        if ((chain.getInt(0) & 1) != 0) {
          return last;
        }
        if (last > MAX_TABLE_BYTES / 24) {
          throw reader.refusal("its hash table has a chain without an end: the file is damaged.");
        }
      }
    }
  }

  /** Needed versions by the file that must have them, in the file's order. */
  Map<String, List<String>> versionNeedsByFile() {
    Map<String, List<String>> byFile = new LinkedHashMap<>();
    for (VersionNeed need : versionNeeds) {
      byFile.computeIfAbsent(need.file(), file -> new ArrayList<>()).add(need.version());
    }
    return byFile;
  }

  @Override
  public String toString() {
    return facts().toString();
  }
}
