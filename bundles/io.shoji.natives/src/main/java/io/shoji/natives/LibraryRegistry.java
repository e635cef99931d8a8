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

import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import io.shoji.natives.MappedFiles.FileId;
import io.shoji.natives.MappedFiles.MappedFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens vendor libraries and keeps account of them: which file, how often, and whether it went when
 * it was closed. Thread safe; openings and closings happen one at a time.
 */
final class LibraryRegistry implements VendorLibraries {
  private static final Logger LOG = LoggerFactory.getLogger(LibraryRegistry.class);
  private static final int NAMES_IN_MESSAGE = 8;

  /** How long a closing waits for thread-local destructors. */
  private static final long SETTLE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final ExtractionStore store;
  private final Supplier<Collection<Bundle>> installed;
  private final ThreadPoolExecutor worker;
  private final Object lock = new Object();
  private final Map<FileId, Account> accounts = new LinkedHashMap<>();
  private final Map<FileId, Optional<ElfFile>> mappedElves = new HashMap<>();
  private @Nullable DynamicLoader loader;
  private ElfFile.@Nullable Target target;
  private boolean stopped;

  /** What is known of a file that was opened here. */
  private static final class Account {
    private final Path file;
    private final ElfFile elf;
    private final boolean privateFolder;

    /** Whether someone else had it mapped before; then it need not go with us. */
    private final boolean foreign;

    private int openings;

    Account(Path file, ElfFile elf, boolean privateFolder, boolean foreign) {
      this.file = file;
      this.elf = elf;
      this.privateFolder = privateFolder;
      this.foreign = foreign;
    }
  }

  /**
   * A registry, with a thread of its own on which JNA starts.
   *
   * @param installed the bundles whose libraries are kept on disk
   */
  LibraryRegistry(ExtractionStore store, Supplier<Collection<Bundle>> installed) {
    this.store = store;
    this.installed = installed;
    this.worker =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "shoji-natives");
              thread.setDaemon(true);
              thread.setContextClassLoader(LibraryRegistry.class.getClassLoader());
              return thread;
            });
    // A thread keeps what was on its creator's stack (its inherited access control context). This
    // one exists before any driver calls, and JNA's cleaner thread is created by it.
    worker.prestartCoreThread();
  }

  /** Starts JNA in the background, so that the first driver does not wait for it. */
  void warmUp() {
    worker.execute(
        () -> {
          try {
            start();
          } catch (VendorLibraryException e) {
            LOG.error("No vendor library can be opened: {}", e.getMessage(), e);
          }
        });
  }

  /** Removes, in the background, extracted libraries that no installed bundle has any more. */
  void sweepSoon() {
    try {
      worker.execute(() -> store.sweep(installed.get()));
    } catch (RejectedExecutionException e) {
      LOG.debug("Stopped: the next start sweeps. reason={}", e.getMessage());
    }
  }

  /** Ends the thread; what is open stays open until its owner closes it. */
  void stop() {
    List<Path> open = new ArrayList<>();
    synchronized (lock) {
      stopped = true;
      for (Account account : accounts.values()) {
        if (account.openings > 0) {
          open.add(account.file);
        }
      }
    }
    worker.shutdown();
    try {
      if (!worker.awaitTermination(5, TimeUnit.SECONDS)) {
        worker.shutdownNow();
        LOG.warn("The thread is busy and ends later. thread=shoji-natives");
      }
    } catch (InterruptedException e) {
      worker.shutdownNow();
      Thread.currentThread().interrupt();
    }
    if (!open.isEmpty()) {
      LOG.warn(
          "Stopped while drivers hold libraries open; they still can close them. open={}", open);
    }
  }

  private DynamicLoader start() throws VendorLibraryException {
    DynamicLoader started = DynamicLoader.start(store.folder());
    synchronized (lock) {
      if (loader == null) {
        loader = started;
      }
      return loader;
    }
  }

  private DynamicLoader loader() throws VendorLibraryException {
    synchronized (lock) {
      if (stopped) {
        throw new IllegalStateException("io.shoji.natives has stopped");
      }
      if (loader != null) {
        return loader;
      }
    }
    Future<DynamicLoader> starting =
        worker.submit(
            () -> {
              synchronized (lock) {
                if (loader != null) {
                  return loader;
                }
              }
              return start();
            });
    try {
      return starting.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new VendorLibraryException(
          Code.NOT_LOADABLE, "interrupted while JNA was starting: try again.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof VendorLibraryException) {
        throw (VendorLibraryException) e.getCause();
      }
      throw new VendorLibraryException(
          Code.NOT_LOADABLE, "JNA does not start. reason=" + e.getCause(), e);
    }
  }

  /** Lowers the calling thread's priority for good; whether that was done. */
  boolean lower(int nice) {
    try {
      return loader().lower(nice);
    } catch (VendorLibraryException e) {
      LOG.debug("A thread keeps its priority, since JNA does not start. nice={}", nice, e);
      return false;
    }
  }

  /** Lowers the priority of threads by their name; how many. */
  int lower(String thread, int nice) {
    try {
      int lowered = 0;
      for (int id : ThreadNames.find(thread)) {
        lowered += loader().lower(id, nice) ? 1 : 0;
      }
      return lowered;
    } catch (VendorLibraryException e) {
      LOG.debug("Threads keep their priority, since JNA does not start. nice={}", nice, e);
      return 0;
    }
  }

  private ElfFile.Target target() throws VendorLibraryException {
    synchronized (lock) {
      if (target == null) {
        target = ElfFile.readHeaders(Path.of("/proc/self/exe")).target();
      }
      return target;
    }
  }

  @Override
  public VendorLibrary open(Bundle bundle, String resource) throws VendorLibraryException {
    ExtractionStore.Extracted extracted = store.extract(bundle, resource);
    boolean opened = false;
    try {
      VendorLibrary library = openFile(extracted.file(), extracted.sha256());
      opened = true;
      return library;
    } finally {
      if (!opened) {
        store.release(extracted.sha256());
      }
    }
  }

  @Override
  public VendorLibrary open(Path file) throws VendorLibraryException {
    return openFile(file, null);
  }

  @Override
  public VendorLibrary openSystem(String fileName) throws VendorLibraryException {
    if (fileName.isEmpty() || fileName.indexOf('/') >= 0) {
      throw new VendorLibraryException(
          Code.NOT_FOUND, "a file name without folders is asked for. fileName=" + fileName);
    }
    LoaderSearch search = LoaderSearch.ofThisProcess(target());
    LoaderSearch.Result found = search.find(fileName, null);
    if (found.files().isEmpty()) {
      List<Path> uncached = search.findUncached(fileName);
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          (uncached.isEmpty()
                  ? "this system has no such library for its architecture: install the vendor's"
                      + " package, or configure the file's path."
                  : "the library is there, but not in the loader's cache yet: run ldconfig as root."
                      + " file="
                      + uncached)
              + " fileName="
              + fileName
              + " arch="
              + target().machineName()
              + " searched="
              + found.searched());
    }
    return openFile(found.files().get(found.files().size() - 1), null);
  }

  @Override
  public LibraryFacts inspect(Path file) throws VendorLibraryException {
    return ElfFile.readLibrary(file).facts();
  }

  private static Path real(Path file) throws VendorLibraryException {
    if (!file.isAbsolute()) {
      throw new VendorLibraryException(Code.NOT_FOUND, "configure an absolute path. file=" + file);
    }
    try {
      return file.toRealPath();
    } catch (NoSuchFileException e) {
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          "there is no such file: install it or correct the path. file="
              + file
              + " beside="
              + librariesBeside(file),
          e);
    } catch (IOException e) {
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          "the file cannot be reached: check the permissions of its folders. file="
              + file
              + " reason="
              + e,
          e);
    }
  }

  private static Set<String> librariesBeside(Path file) {
    Set<String> names = new TreeSet<>();
    Path folder = file.getParent();
    if (folder == null) {
      return names;
    }
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, "*.so*")) {
      Iterator<Path> all = stream.iterator();
      while (all.hasNext() && names.size() < NAMES_IN_MESSAGE) {
        names.add(all.next().getFileName().toString());
      }
    } catch (IOException e) {
      names.add("(no folder that can be read: " + folder + ")");
    }
    return names;
  }

  private VendorLibrary openFile(Path file, @Nullable String sha256) throws VendorLibraryException {
    DynamicLoader dynamicLoader = loader();
    Path real = real(file);
    ElfFile.Target own = target();
    FileContent content = null;
    boolean opened = false;
    try {
      content = new FileContent(real);
      ElfFile elf = ElfFile.parse(content, real.toString(), true);
      elf.requireLibraryFor(own, real);
      Optional<Path> noexec = MountTable.now().noexec(real);
      if (noexec.isPresent()) {
        throw new VendorLibraryException(
            Code.NOT_LOADABLE,
            "its file system is mounted noexec: move the library, or remount with exec. file="
                + real
                + " mount="
                + noexec.get());
      }
      if (elf.executableStack()) {
        LOG.warn(
            "A library asks for executable stacks, which takes from Java's threads the guard that"
                + " turns a stack overflow into an error: ask its vendor for one that does not, or"
                + " clear the flag (patchelf --clear-execstack). file={}",
            real);
      }
      OpenLibrary library = openChecked(dynamicLoader, real, elf, content, sha256);
      opened = true;
      return library;
    } catch (IOException e) {
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          "the file cannot be read: check its permissions and its disk. file="
              + real
              + " reason="
              + e,
          e);
    } finally {
      if (!opened && content != null) {
        closeQuietly(content, real);
      }
    }
  }

  private static void closeQuietly(FileContent content, Path file) {
    try {
      content.close();
    } catch (IOException e) {
      LOG.warn("A file that was only read could not be closed. file={}", file, e);
    }
  }

  private OpenLibrary openChecked(
      DynamicLoader dynamicLoader,
      Path real,
      ElfFile elf,
      FileContent content,
      @Nullable String sha256)
      throws VendorLibraryException {
    synchronized (lock) {
      if (stopped) {
        throw new IllegalStateException("io.shoji.natives has stopped");
      }
      LoaderSearch search = LoaderSearch.ofThisProcess(elf.target());
      Preflight preflight = new Preflight(search, this::elfOfMapped, dynamicLoader.glibc());
      MappedFiles before = MappedFiles.now();
      accounts
          .entrySet()
          .removeIf(
              entry -> entry.getValue().openings == 0 && before.file(entry.getKey()).isEmpty());
      Preflight.Report report = preflight.examine(real, elf, before);
      if (!report.conflicts().isEmpty()) {
        throw refusal(report.conflicts(), real, "");
      }
      long handle;
      try {
        handle = dynamicLoader.open(real);
      } catch (DynamicLoader.RefusedException e) {
        throw explained(report, real, elf, e);
      }
      MappedFile mapped;
      try {
        mapped = mappedAs(dynamicLoader, handle, real);
      } catch (VendorLibraryException e) {
        dynamicLoader.close(handle);
        throw e;
      }
      Path folder = real.getParent();
      boolean privateFolder = folder != null && !search.isSystemFolder(folder);
      Account account =
          accounts.computeIfAbsent(
              mapped.id(),
              id -> new Account(real, elf, privateFolder, before.file(id).isPresent()));
      account.openings++;
      LOG.debug("Opened. file={} {}", real, elf);
      return new OpenLibrary(this, dynamicLoader, mapped.id(), real, elf, content, handle, sha256);
    }
  }

  /** What the loader mapped for a handle, which must be the file that was asked for. */
  private static MappedFile mappedAs(DynamicLoader dynamicLoader, long handle, Path real)
      throws VendorLibraryException {
    OptionalLong address = dynamicLoader.addressIn(handle);
    Optional<MappedFile> mapped =
        address.isPresent() ? MappedFiles.now().at(address.getAsLong()) : Optional.empty();
    if (mapped.isEmpty()) {
      throw new VendorLibraryException(
          Code.NOT_LOADABLE, "the loader opened it, yet it is not mapped. file=" + real);
    }
    if (mapped.get().deleted()) {
      throw new VendorLibraryException(
          Code.SONAME_CONFLICT,
          "the file was replaced on disk while the former one of that path is open, and the loader"
              + " gives the former one again: close it first. file="
              + real
              + " mappedInode="
              + mapped.get().id().inode());
    }
    return mapped.get();
  }

  private VendorLibraryException explained(
      Preflight.Report report, Path real, ElfFile elf, DynamicLoader.RefusedException e) {
    String said = String.valueOf(e.getMessage());
    if (!report.causes().isEmpty()) {
      return refusal(report.causes(), real, said);
    }
    return new VendorLibraryException(
        Code.NOT_LOADABLE,
        "the dynamic loader refuses it: its own words follow. file="
            + real
            + " "
            + elf
            + " loader="
            + said,
        e);
  }

  private static VendorLibraryException refusal(
      List<Preflight.Finding> findings, Path real, String loader) {
    StringBuilder message = new StringBuilder();
    for (Preflight.Finding finding : findings) {
      message.append(message.length() == 0 ? "" : "; also: ").append(finding.message());
    }
    message.append(" file=").append(real);
    if (!loader.isEmpty()) {
      message.append(" loader=").append(loader);
    }
    return new VendorLibraryException(findings.get(0).code(), message.toString());
  }

  /** Reads a mapped file once; one that has been deleted can only be known from before. */
  private Optional<ElfFile> elfOfMapped(MappedFile file) {
    Account account = accounts.get(file.id());
    if (account != null) {
      return Optional.of(account.elf);
    }
    Optional<ElfFile> known = mappedElves.get(file.id());
    if (known != null) {
      return known;
    }
    Optional<ElfFile> elf = Optional.empty();
    if (!file.deleted()) {
      try {
        elf = Optional.of(ElfFile.readHeaders(file.path()));
      } catch (VendorLibraryException e) {
        LOG.debug("Mapped, but no library that can be read. file={}", file.path(), e);
      }
    }
    mappedElves.put(file.id(), elf);
    return elf;
  }

  /** Called once by each {@link OpenLibrary}. */
  void close(OpenLibrary library, DynamicLoader dynamicLoader, long handle) {
    FileId id = library.id();
    synchronized (lock) {
      Account account = accounts.get(id);
      if (account == null || account.openings == 0) {
        throw new IllegalStateException("closed twice. file=" + library.file());
      }
      dynamicLoader
          .close(handle)
          .ifPresent(
              reason ->
                  LOG.warn(
                      "The loader does not close a library. file={} reason={}",
                      library.file(),
                      reason));
      account.openings--;
      if (account.openings == 0) {
        MappedFiles now = account.foreign ? MappedFiles.now() : settled(account, id, dynamicLoader);
        mappedElves.keySet().removeIf(known -> now.file(known).isEmpty());
        if (account.foreign) {
          accounts.remove(id);
          LOG.debug("Closed; it was mapped before it was opened here. file={}", account.file);
        } else if (now.file(id).isPresent()) {
          LOG.warn(
              "A closed library is still mapped, and its memory with it. file={} why={}",
              account.file,
              whyMapped(account, now));
        } else {
          accounts.remove(id);
          LOG.debug("Closed and unmapped. file={}", account.file);
        }
      }
    }
    closeQuietly(library.content(), library.file());
    library
        .extractedAs()
        .ifPresent(
            sha256 -> {
              store.release(sha256);
              sweepSoon();
            });
  }

  /**
   * What is mapped once threads that have just ended have run their thread-local destructors, which
   * they do after Java has said that they have ended; until then the loader keeps the library.
   */
  private static MappedFiles settled(Account account, FileId id, DynamicLoader dynamicLoader) {
    MappedFiles now = MappedFiles.now();
    long deadline = System.nanoTime() + SETTLE_NANOS;
    while (now.file(id).isPresent()
        && account.elf.threadLocalDestructors()
        && System.nanoTime() < deadline) {
      LockSupport.parkNanos(SETTLE_NANOS / 40);
      dynamicLoader.sweep(account.file);
      now = MappedFiles.now();
    }
    return now;
  }

  private String whyMapped(Account account, MappedFiles now) {
    List<String> reasons = new ArrayList<>();
    if (account.elf.nodelete()) {
      reasons.add("it is marked NODELETE, so no loader ever unloads it");
    }
    if (account.elf.uniqueSymbols() > 0) {
      reasons.add(
          "it defines "
              + account.elf.uniqueSymbols()
              + " unique symbols (STB_GNU_UNIQUE), which keep it for good once they are bound");
    }
    for (MappedFile file : now.all()) {
      Optional<ElfFile> elf = file.executable() ? elfOfMapped(file) : Optional.empty();
      if (!account.elf.soname().isEmpty()
          && elf.isPresent()
          && elf.get().needed().contains(account.elf.soname())) {
        reasons.add("needed by " + file.path());
      }
    }
    if (account.elf.threadLocalDestructors()) {
      reasons.add(
          "it has thread-local objects with destructors: it goes when the threads that used it have"
              + " ended");
    }
    if (reasons.isEmpty()) {
      reasons.add("someone else holds it open, or it opened itself");
    }
    return String.join("; ", reasons);
  }

  @Override
  public List<MappedLibrary> mapped() {
    synchronized (lock) {
      MappedFiles now = MappedFiles.now();
      if (loader != null) {
        for (Account account : accounts.values()) {
          if (account.openings == 0) {
            loader.sweep(account.file);
          }
        }
        now = MappedFiles.now();
      }
      Map<Path, Boolean> folders = new HashMap<>();
      Iterator<Map.Entry<FileId, Account>> all = accounts.entrySet().iterator();
      while (all.hasNext()) {
        Map.Entry<FileId, Account> entry = all.next();
        Account account = entry.getValue();
        if (account.openings == 0 && now.file(entry.getKey()).isEmpty()) {
          all.remove();
          continue;
        }
        Path folder = account.file.getParent();
        if (account.privateFolder && folder != null) {
          folders.merge(folder, account.openings > 0, Boolean::logicalOr);
        }
      }
      List<MappedLibrary> mapped = new ArrayList<>();
      for (MappedFile file : now.all()) {
        Account account = accounts.get(file.id());
        Boolean inOpenFolder = folders.get(file.path().getParent());
        if (account != null) {
          boolean open = account.openings > 0;
          mapped.add(
              new MappedLibrary(
                  file.path(), file.bytes(), open, open ? "" : whyMapped(account, now)));
        } else if (inOpenFolder != null && file.executable()) {
          // Brought in by a library of the same folder: a dependency, or a plug-in of its own.
          mapped.add(
              new MappedLibrary(
                  file.path(),
                  file.bytes(),
                  inOpenFolder,
                  inOpenFolder
                      ? ""
                      : "a library of the same folder that was closed brought it in"));
        }
      }
      return mapped;
    }
  }
}
