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

import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.Writer;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collection;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Libraries taken out of bundles, on disk by the digest of their content, in a folder of our own.
 *
 * <pre>
 *   &lt;folder&gt;/&lt;sha256&gt;/libonnxruntime.so     the library, read-only, complete or absent
 *   &lt;folder&gt;/records/&lt;key&gt;.properties       which resource of which bundle has which digest
 *   &lt;folder&gt;/incoming-*.tmp, jna*.tmp        being written, or left by a power cut
 * </pre>
 *
 * <p>A library is written to a temporary file, forced to disk and renamed, so that a power cut
 * leaves it whole or not at all. A record spares a start from inflating the bundle's resource only
 * to learn its digest; it holds as long as the framework says that the bundle has not been
 * modified. The file itself is digested once in each process before it is used, whatever the record
 * says. Thread safe.
 */
final class ExtractionStore {
  private static final Logger LOG = LoggerFactory.getLogger(ExtractionStore.class);
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
  private static final String RECORDS = "records";
  private static final String INCOMING = "incoming-";

  /** JNA's native part is unpacked here and deleted at once, on the thread that also sweeps. */
  private static final String JNA = "jna";

  /** A library on disk. It stays there until {@link #release} is called with its digest. */
  record Extracted(Path file, String sha256) {}

  /** What tells that a file is still the one that was digested. */
  private record Stamp(@Nullable Object fileKey, long size, long modifiedNanos) {
    static Stamp of(Path file) throws IOException {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return new Stamp(
          attributes.fileKey(),
          attributes.size(),
          attributes.lastModifiedTime().to(java.util.concurrent.TimeUnit.NANOSECONDS));
    }
  }

  private final Path configured;
  private final Map<String, Integer> inUse = new HashMap<>();
  private final Map<Path, Stamp> verified = new HashMap<>();

  /**
   * A store that makes its folder when it is first needed.
   *
   * @param folder an absolute path, not shared with another process
   */
  ExtractionStore(Path folder) {
    this.configured = folder;
  }

  /**
   * The folder, made if need be, private to this user and allowed to hold executable code.
   *
   * @throws VendorLibraryException NOT_EXTRACTED, saying what is wrong with it
   */
  synchronized Path folder() throws VendorLibraryException {
    try {
      makePrivate(configured);
      Path folder = configured.toRealPath();
      Optional<Path> noexec = MountTable.now().noexec(folder);
      if (noexec.isPresent()) {
        throw new VendorLibraryException(
            Code.NOT_EXTRACTED,
            "libraries cannot run from the extraction folder, whose file system is mounted noexec:"
                + " set extractFolder of io.shoji.natives to a folder on another one, or remount it"
                + " with exec. folder="
                + folder
                + " mount="
                + noexec.get());
      }
      return folder;
    } catch (IOException | UnsupportedOperationException e) {
      throw notExtracted("the extraction folder cannot be used", configured, e);
    }
  }

  private static void makePrivate(Path folder) throws IOException {
    Path parent = folder.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
      Object owner = Files.getAttribute(folder, "unix:uid");
      Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      if (!owner.equals(self)) {
        throw new IOException(
            "it belongs to another user, who could change what is in it. ownerUid="
                + owner
                + " processUid="
                + self);
      }
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    }
  }

  private static VendorLibraryException notExtracted(String what, Path where, Exception e) {
    String space = "unknown";
    try {
      Path existing = where;
      while (existing.getParent() != null && !Files.exists(existing)) {
        existing = existing.getParent();
      }
      space = Long.toString(Files.getFileStore(existing).getUsableSpace());
    } catch (IOException notReadable) {
      e.addSuppressed(notReadable);
    }
    return new VendorLibraryException(
        Code.NOT_EXTRACTED,
        what
            + ": correct the reason, or set extractFolder of io.shoji.natives to another folder."
            + " folder="
            + where
            + " usableBytes="
            + space
            + " reason="
            + e,
        e);
  }

  /**
   * Puts a bundle's library on disk, or finds it there, and keeps it until it is released.
   *
   * @throws VendorLibraryException NOT_FOUND if the bundle has no such resource, NOT_EXTRACTED
   */
  synchronized Extracted extract(Bundle bundle, String resource) throws VendorLibraryException {
    URL url = entry(bundle, resource);
    Path folder = folder();
    String name = resource.substring(resource.lastIndexOf('/') + 1);
    try {
      URLConnection connection = url.openConnection();
      connection.setUseCaches(false);
      long bytes = connection.getContentLengthLong();
      Path record = recordFile(folder, bundle, resource);
      Optional<String> known = digestOf(record, bundle, resource, bytes);
      if (known.isPresent()) {
        Path file = folder.resolve(known.get()).resolve(name);
        if (holds(file, known.get())) {
          return kept(file, known.get());
        }
        // Whatever is there is not that library.
        Files.deleteIfExists(file);
      }
      Path temporary = Files.createTempFile(folder, INCOMING, ".tmp");
      try {
        String digest;
        try (InputStream in = connection.getInputStream()) {
          digest = write(in, temporary);
        }
        Path file = folder.resolve(digest).resolve(name);
        if (!holds(file, digest)) {
          place(temporary, file);
          LOG.info(
              "Extracted {} of {} {}. file={}",
              resource,
              bundle.getSymbolicName(),
              bundle.getVersion(),
              file);
        }
        writeRecord(record, bundle, resource, bytes, digest);
        return kept(file, digest);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw notExtracted(
          "the library cannot be extracted from its bundle. bundle="
              + bundle.getSymbolicName()
              + " resource="
              + resource,
          folder,
          e);
    }
  }

  private Extracted kept(Path file, String digest) throws IOException {
    verified.put(file, Stamp.of(file));
    inUse.merge(digest, 1, Integer::sum);
    return new Extracted(file, digest);
  }

  private static URL entry(Bundle bundle, String resource) throws VendorLibraryException {
    URL url = null;
    Set<String> others = new TreeSet<>();
    String reason = "";
    try {
      url = resource.isEmpty() || resource.endsWith("/") ? null : bundle.getEntry(resource);
      if (url == null) {
        Enumeration<URL> libraries = bundle.findEntries("/", "*.so*", true);
        while (libraries != null && libraries.hasMoreElements()) {
          others.add(libraries.nextElement().getPath());
        }
      }
    } catch (IllegalStateException e) {
      reason = " reason=" + e.getMessage();
    }
    if (url == null) {
      throw new VendorLibraryException(
          Code.NOT_FOUND,
          "the bundle has no such library: install the one that fits this driver. resource="
              + resource
              + " bundle="
              + bundle.getSymbolicName()
              + " version="
              + bundle.getVersion()
              + " libraries="
              + others
              + reason);
    }
    return url;
  }

  /** Whether a file is there and has that content. */
  private boolean holds(Path file, String digest) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    Stamp stamp = Stamp.of(file);
    if (stamp.equals(verified.get(file))) {
      return true;
    }
    String actual = Digests.sha256(file);
    if (actual.equals(digest)) {
      verified.put(file, stamp);
      return true;
    }
    LOG.warn(
        "An extracted library has changed on disk and is extracted again. file={} expected={}"
            + " actual={}",
        file,
        digest,
        actual);
    return false;
  }

  private static String write(InputStream in, Path temporary) throws IOException {
    Digests digest = new Digests();
    try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
      byte[] buffer = new byte[Digests.CHUNK_BYTES];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, n);
        out.write(buffer, 0, n);
      }
      out.getFD().sync();
    }
    Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("r-x------"));
    return digest.hex();
  }

  private static void place(Path temporary, Path file) throws IOException {
    Path home = file.getParent();
    if (home == null) {
      throw new IOException("no folder for " + file);
    }
    makePrivate(home);
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    force(home);
    force(home.getParent());
  }

  private static void force(@Nullable Path folder) throws IOException {
    if (folder != null) {
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  private static Path recordFile(Path folder, Bundle bundle, String resource) {
    String key = Digests.sha256((bundle.getLocation() + "\n" + resource));
    return folder.resolve(RECORDS).resolve(key.substring(0, 32) + ".properties");
  }

  private static Optional<String> digestOf(
      Path record, Bundle bundle, String resource, long bytes) {
    Properties known = readRecord(record);
    String digest = known.getProperty("sha256", "");
    boolean same =
        isCurrent(known, bundle)
            && resource.equals(known.getProperty("resource"))
            && Long.toString(bytes).equals(known.getProperty("resourceBytes"))
            && DIGEST.matcher(digest).matches();
    return same ? Optional.of(digest) : Optional.empty();
  }

  private static boolean isCurrent(Properties record, Bundle bundle) {
    return Long.toString(bundle.getBundleId()).equals(record.getProperty("bundleId"))
        && Long.toString(bundle.getLastModified()).equals(record.getProperty("lastModified"))
        && bundle.getLocation().equals(record.getProperty("location"));
  }

  /** A record; one that is absent or damaged is empty, and the bundle is asked again. */
  private static Properties readRecord(Path file) {
    Properties record = new Properties();
    try (Reader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      record.load(in);
    } catch (IOException | IllegalArgumentException e) {
      record.clear();
    }
    return record;
  }

  private static void writeRecord(
      Path file, Bundle bundle, String resource, long bytes, String digest) throws IOException {
    Properties record = new Properties();
    record.setProperty("bundleId", Long.toString(bundle.getBundleId()));
    record.setProperty("lastModified", Long.toString(bundle.getLastModified()));
    record.setProperty("location", bundle.getLocation());
    record.setProperty("resource", resource);
    record.setProperty("resourceBytes", Long.toString(bytes));
    record.setProperty("sha256", digest);
    Path records = file.getParent();
    if (records == null) {
      throw new IOException("no folder for " + file);
    }
    makePrivate(records);
    Path temporary = Files.createTempFile(records, INCOMING, ".tmp");
    try {
      try (Writer out = Files.newBufferedWriter(temporary, StandardCharsets.UTF_8)) {
        record.store(out, null);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** Says that one opening of a digest is over. */
  synchronized void release(String sha256) {
    inUse.computeIfPresent(sha256, (digest, count) -> count > 1 ? count - 1 : null);
  }

  /**
   * Removes what belongs to no installed bundle and is not in use, and what a power cut left.
   *
   * @return how many libraries were removed
   */
  synchronized int sweep(Collection<Bundle> installed) {
    if (!Files.isDirectory(configured)) {
      return 0;
    }
    try {
      Path folder = configured.toRealPath();
      Set<String> keep = new HashSet<>(inUse.keySet());
      keep.addAll(sweepRecords(folder.resolve(RECORDS), installed));
      int removed = 0;
      for (Path path : children(folder)) {
        String name = path.getFileName().toString();
        if (name.startsWith(INCOMING) || name.startsWith(JNA)) {
          Files.deleteIfExists(path);
        } else if (DIGEST.matcher(name).matches() && !keep.contains(name)) {
          for (Path file : children(path)) {
            verified.remove(file);
            Files.deleteIfExists(file);
          }
          Files.deleteIfExists(path);
          LOG.info("Removed a library that belongs to no installed bundle. folder={}", path);
          removed++;
        }
      }
      return removed;
    } catch (IOException e) {
      LOG.warn("The extraction folder cannot be swept. folder={} reason={}", configured, e, e);
      return 0;
    }
  }

  private static Set<String> sweepRecords(Path records, Collection<Bundle> installed)
      throws IOException {
    Set<String> digests = new HashSet<>();
    if (!Files.isDirectory(records)) {
      return digests;
    }
    for (Path file : children(records)) {
      Properties record = readRecord(file);
      boolean current = false;
      for (Bundle bundle : installed) {
        current |= isCurrent(record, bundle);
      }
      if (current) {
        digests.add(record.getProperty("sha256", ""));
      } else {
        Files.deleteIfExists(file);
      }
    }
    return digests;
  }

  private static List<Path> children(Path folder) throws IOException {
    List<Path> children = new java.util.ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      stream.forEach(children::add);
    }
    return children;
  }
}
