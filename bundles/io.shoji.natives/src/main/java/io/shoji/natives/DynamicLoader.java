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

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The system's dynamic loader: {@code dlopen(3)} and its family, called as they are.
 *
 * <p>JNA's own {@code NativeLibrary.getInstance} is not used for vendor libraries. When {@code
 * dlopen} fails it goes on to try other files (version variants in the same folder, the class path)
 * under the same name, and it caches by name; both are wrong where two versions of one library are
 * to be told apart.
 *
 * <p>Thread safe: {@code dlerror} is kept per thread by the C library.
 */
final class DynamicLoader {
  private static final int RTLD_LAZY = 1;
  private static final int RTLD_NOW = 2;
  private static final int RTLD_NOLOAD = 4;
  private static final int RTLD_DI_LINKMAP = 2;

  /** {@code sys/resource.h}: with number 0 the calling thread alone, see setpriority(2), NPTL. */
  private static final int PRIO_PROCESS = 0;

  /** {@code linux/sched.h}. */
  private static final int SCHED_IDLE = 5;

  private static final String JNA_TEMP = "jna.tmpdir";

  /** More than JNA's native part has on any architecture. */
  private static final long JNA_BYTES = 512 * 1024;

  private final NativeLibrary process;
  private final Function dlopen;
  private final Function dlsym;
  private final Function dlclose;
  private final Function dlerror;
  private final Function dlinfo;
  private final @Nullable Function mallocTrim;
  private final @Nullable Function setpriority;
  private final @Nullable Function setscheduler;
  private final String glibc;

  /** The loader's refusal, in its own words. */
  static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  private DynamicLoader(NativeLibrary process) {
    this.process = process;
    // glibc before 2.34 has these in a library of their own, which any Java has loaded.
    NativeLibrary home = has(process, "dlopen") ? process : NativeLibrary.getInstance("libdl.so.2");
    String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
    this.dlopen = home.getFunction("dlopen", Function.C_CONVENTION, encoding);
    this.dlsym = home.getFunction("dlsym", Function.C_CONVENTION, encoding);
    this.dlclose = home.getFunction("dlclose");
    this.dlerror = home.getFunction("dlerror");
    this.dlinfo = home.getFunction("dlinfo");
    this.mallocTrim = has(process, "malloc_trim") ? process.getFunction("malloc_trim") : null;
    this.setpriority = has(process, "setpriority") ? process.getFunction("setpriority") : null;
    this.setscheduler =
        has(process, "sched_setscheduler") ? process.getFunction("sched_setscheduler") : null;
    this.glibc =
        has(process, "gnu_get_libc_version")
            ? process.getFunction("gnu_get_libc_version").invokeString(new Object[0], false)
            : "";
  }

  private static boolean has(NativeLibrary library, String symbol) {
    try {
      return Pointer.nativeValue(library.getGlobalVariableAddress(symbol)) != 0;
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
  }

  /**
   * Starts JNA, whose native part is unpacked into {@code folder} for a moment unless the operator
   * said where ({@code jna.tmpdir}, {@code jna.boot.library.path}): JNA's own default is the home
   * folder or {@code java.io.tmpdir}, which hardened systems mount noexec.
   *
   * <p>Call it on a thread that has no driver's class on its stack: the first use starts JNA's
   * cleaner thread, which keeps for as long as it lives what its creator could see.
   *
   * @throws VendorLibraryException NOT_EXTRACTED if JNA's native part cannot be put on disk, or
   *     NOT_LOADABLE
   */
  static DynamicLoader start(Path folder) throws VendorLibraryException {
    boolean ours =
        System.getProperty(JNA_TEMP) == null && System.getProperty("jna.boot.library.path") == null;
    if (ours) {
      requireSpace(folder);
    }
    try {
      if (ours) {
        System.setProperty(JNA_TEMP, folder.toString());
      }
      // The first touch of JNA unpacks and loads its native part.
      if (Native.POINTER_SIZE != 4 && Native.POINTER_SIZE != 8) {
        throw new VendorLibraryException(
            Code.NOT_LOADABLE, "unknown word size. pointerBytes=" + Native.POINTER_SIZE);
      }
      return new DynamicLoader(NativeLibrary.getProcess());
    } catch (LinkageError e) {
      throw new VendorLibraryException(
          Files.isWritable(folder) ? Code.NOT_LOADABLE : Code.NOT_EXTRACTED,
          "JNA's native part (libjnidispatch.so) cannot be loaded, so no vendor library can:"
              + " correct the reason below, then restart the gateway, since a class that failed to"
              + " initialize stays so. folder="
              + (ours ? folder : System.getProperty(JNA_TEMP, "jna.boot.library.path"))
              + " arch="
              + System.getProperty("os.arch")
              + " reason="
              + e,
          e);
    } finally {
      if (ours) {
        System.clearProperty(JNA_TEMP);
      }
    }
  }

  /** A JNA that failed to start once never starts again in this process, so failing is avoided. */
  private static void requireSpace(Path folder) throws VendorLibraryException {
    try {
      long usable = Files.getFileStore(folder).getUsableSpace();
      if (usable < JNA_BYTES) {
        throw new VendorLibraryException(
            Code.NOT_EXTRACTED,
            "there is no room for JNA's native part: free some space, or set extractFolder of"
                + " io.shoji.natives to another folder. folder="
                + folder
                + " usableBytes="
                + usable
                + " neededBytes="
                + JNA_BYTES);
      }
    } catch (IOException e) {
      throw new VendorLibraryException(
          Code.NOT_EXTRACTED,
          "the extraction folder's file system does not answer. folder=" + folder + " reason=" + e,
          e);
    }
  }

  /** Version of the C library, as {@code 2.36}; empty if it is not glibc. */
  String glibc() {
    return glibc;
  }

  /**
   * Opens a library: all symbols bound at once, none of them offered to libraries opened later.
   *
   * @param file an absolute path: a bare name would match what is already loaded under it
   * @return the loader's handle
   */
  long open(Path file) throws RefusedException {
    if (!file.isAbsolute()) {
      throw new IllegalArgumentException("not an absolute path. file=" + file);
    }
    dlerror.invokePointer(new Object[0]);
    Pointer handle = dlopen.invokePointer(new Object[] {file.toString(), RTLD_NOW});
    if (handle == null) {
      throw new RefusedException(lastError());
    }
    return Pointer.nativeValue(handle);
  }

  /** Address of a symbol in the library or in what it needs, if there is one. */
  OptionalLong symbol(long handle, String name) {
    Pointer address = dlsym.invokePointer(new Object[] {new Pointer(handle), name});
    return address == null ? OptionalLong.empty() : OptionalLong.of(Pointer.nativeValue(address));
  }

  /**
   * Gives a handle back; the loader unmaps the library with the last one. What the library had
   * allocated and freed goes back to the system as well: glibc keeps it in its arenas, one for each
   * thread that ever allocated up to eight per core, and so the process would grow with every
   * library until all of them are filled ({@code malloc_trim(3)}, which since glibc 2.8 takes the
   * free pages of all arenas).
   */
  Optional<String> close(long handle) {
    int status = dlclose.invokeInt(new Object[] {new Pointer(handle)});
    if (status != 0) {
      return Optional.of(lastError());
    }
    if (mallocTrim != null) {
      // A size_t of 0: the word as a pointer has it.
      mallocTrim.invokeInt(new Object[] {Pointer.NULL});
    }
    return Optional.empty();
  }

  /** Lowers the calling thread's priority for good; whether that was done. */
  boolean lower(int nice) {
    return lower(0, nice);
  }

  /** The same for a thread by its number; 0 is the calling one. */
  boolean lower(int thread, int nice) {
    if (nice < ThreadNiceness.IDLE) {
      return setpriority != null
          && setpriority.invokeInt(new Object[] {PRIO_PROCESS, thread, nice}) == 0;
    }
    if (setscheduler == null) {
      return false;
    }
    // struct sched_param has one int, the priority, which is 0 for this policy.
    try (Memory parameters = new Memory(Integer.BYTES)) {
      parameters.setInt(0, 0);
      return setscheduler.invokeInt(new Object[] {thread, SCHED_IDLE, parameters}) == 0;
    }
  }

  /** An address inside the library's own mapping: that of its dynamic section. */
  OptionalLong addressIn(long handle) {
    try (Memory result = new Memory(Native.POINTER_SIZE)) {
      result.clear();
      int status = dlinfo.invokeInt(new Object[] {new Pointer(handle), RTLD_DI_LINKMAP, result});
      Pointer linkMap = status == 0 ? result.getPointer(0) : null;
      // struct link_map of link.h: l_addr, l_name, l_ld.
      Pointer dynamic = linkMap == null ? null : linkMap.getPointer(2L * Native.POINTER_SIZE);
      return dynamic == null ? OptionalLong.empty() : OptionalLong.of(Pointer.nativeValue(dynamic));
    }
  }

  /**
   * Lets the loader look again at a library that stayed although nobody holds it, as one does whose
   * thread-local destructors were still to be run: it only sweeps when something is closed.
   */
  void sweep(Path file) {
    Pointer handle = dlopen.invokePointer(new Object[] {file.toString(), RTLD_LAZY | RTLD_NOLOAD});
    if (handle != null) {
      dlclose.invokeInt(new Object[] {handle});
    }
  }

  private String lastError() {
    @Nullable Pointer text = dlerror.invokePointer(new Object[0]);
    return text == null ? "unknown" : text.getString(0);
  }

  @Override
  public String toString() {
    return "DynamicLoader glibc=" + glibc + " process=" + process.getName();
  }
}
