/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.disk.Disk;
import io.shoji.model.ModelCatalog.StoreUse;
import io.shoji.model.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of model packages on disk, by their SHA-256.
 *
 * <pre>
 * shoji-store              says that this folder is a store, and its layout
 * lock                     locked while a process uses the store
 * objects/aa/aabb...       a file's bytes under their digest
 * views/cc/ccdd.../PATH    a variant's files under their own names: hard links to objects
 * packages/12.json         what bundle 12 was found to contain, see InstallRecord
 * packages/12-aabb...json  what it contained before, under the digest of that model.json
 * trust.json               what was accepted of signatures, and the floors, see TrustMemory
 * staging/                 what is being written; emptied when the store opens
 * </pre>
 *
 * <p>Whatever appears under {@code objects}, {@code views} and {@code packages} was written whole
 * in {@code staging}, synced, moved there by one rename, and the folder synced. A process that is
 * killed at any instant leaves leftovers in {@code staging} and objects that nobody asks for; the
 * first are swept when the store opens, the second are collected.
 *
 * <p>Thread safe. Copying and hashing happen outside the lock, so a large package that is being
 * stored holds up no lease.
 */
final class ContentStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ContentStore.class);

  private static final String MARKER = "shoji-store";
  private static final String NEW_MARKER = "shoji-store.new";
  private static final String LOCK = "lock";
  private static final String TRUST = "trust.json";
  private static final String LAYOUT = "layout=1\n";
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
  private static final int RECORD_BYTES = 4 << 20;
  private static final int BUFFER_BYTES = 64 << 10;

  private final Path root;
  private final Path objects;
  private final Path views;
  private final Path packages;
  private final Path staging;
  private final Disk files;
  private final FileChannel lock;
  private final AtomicLong stagingNames = new AtomicLong();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Digests of files that were read since they got their stamp. */
  private final Map<Stamp, String> verified = new ConcurrentHashMap<>();

  // Guarded by this.
  private final Map<String, Long> stored = new TreeMap<>();
  private final Map<String, Roots> roots = new HashMap<>();
  private final Map<String, InstallRecord> records = new HashMap<>();
  private final Map<String, Integer> heldObjects = new HashMap<>();
  private final Map<String, Integer> heldViews = new HashMap<>();
  private final Map<String, Integer> heldModels = new HashMap<>();

  private record Roots(Set<String> objects, Set<String> views) {}

  private ContentStore(Path root, Disk files, FileChannel lock) {
    this.root = root;
    this.objects = root.resolve("objects");
    this.views = root.resolve("views");
    this.packages = root.resolve("packages");
    this.staging = root.resolve("staging");
    this.files = files;
    this.lock = lock;
  }

  /**
   * Opens the store in a folder, creates it if the folder is empty or missing, and removes what an
   * earlier process was writing when it ended.
   *
   * @param folder absolute; the folder that it lies in exists
   * @throws StoreException if the folder holds something else, another process uses it, or it
   *     cannot be written
   */
  static ContentStore open(Path folder, Disk files) throws StoreException {
    if (!folder.isAbsolute()) {
      throw new StoreException(
          "the folder of the model store is not absolute; set storeFolder to an absolute path found="
              + folder,
          null);
    }
    FileChannel lock = null;
    ContentStore store = null;
    try {
      Path root = Files.exists(folder) ? folder.toRealPath() : folder;
      files.createFolder(root);
      checkOurs(root);
      lock = lock(root);
      mark(root, files);
      ContentStore prepared = new ContentStore(root, files, lock);
      prepared.prepare();
      store = prepared;
      return store;
    } catch (IOException e) {
      throw StoreException.of(
          "the folder of the model store cannot be used; check that the folder it lies in exists, is"
              + " mounted and writable folder="
              + folder,
          e);
    } finally {
      if (store == null && lock != null) {
        close(lock, folder);
      }
    }
  }

  private static void close(FileChannel lock, Path folder) {
    try {
      lock.close();
    } catch (IOException e) {
      log.warn("the lock of the model store cannot be closed folder={}", folder, e);
    }
  }

  /** Refuses a folder with files of somebody else, which would be taken for garbage. */
  private static void checkOurs(Path folder) throws IOException, StoreException {
    Set<String> names = names(folder);
    if (!names.contains(MARKER) && !Set.of(LOCK, NEW_MARKER).containsAll(names)) {
      throw new StoreException(
          "the folder holds something else than a model store; set storeFolder to an empty or new"
              + " folder folder="
              + folder,
          null);
    }
  }

  private static FileChannel lock(Path folder) throws IOException, StoreException {
    FileChannel channel =
        FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    OverlappingFileLockException overlapping = null;
    try {
      if (channel.tryLock() != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      overlapping = e;
    }
    channel.close();
    throw new StoreException(
        "another process or component uses this model store; give each its own storeFolder folder="
            + folder,
        overlapping);
  }

  private static void mark(Path folder, Disk files) throws IOException, StoreException {
    Path marker = folder.resolve(MARKER);
    if (Files.exists(marker, LinkOption.NOFOLLOW_LINKS)) {
      String found = new String(readBounded(marker, LAYOUT.length() * 8), StandardCharsets.UTF_8);
      if (!found.equals(LAYOUT)) {
        throw new StoreException(
            "the model store was written by another version of this bundle; update the bundle, or set"
                + " storeFolder to a new folder folder="
                + folder
                + " asked="
                + Reasons.quote(LAYOUT)
                + " found="
                + Reasons.quote(found),
            null);
      }
      return;
    }
    Path fresh = folder.resolve(NEW_MARKER);
    files.delete(fresh);
    write(fresh, LAYOUT.getBytes(StandardCharsets.UTF_8), files);
    files.move(fresh, marker);
    files.sync(folder);
    Path parent = folder.getParent();
    if (parent != null) {
      // Else the whole store could go with a power cut, and earlier versions are nowhere else.
      try {
        files.sync(parent);
      } catch (IOException e) {
        log.warn("the folder that the model store lies in cannot be synced folder={}", parent, e);
      }
    }
  }

  private void prepare() throws IOException {
    boolean complete = true;
    for (Path folder : List.of(objects, views, packages, staging)) {
      complete &= Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
      files.createFolder(folder);
    }
    if (!complete) {
      files.sync(root);
    }
    for (String leftover : names(staging)) {
      deleteTree(staging.resolve(leftover));
    }
    for (Path object : contents(objects)) {
      Stamp.of(object).ifPresent(s -> stored.put(name(object), s.size()));
    }
    readRecords();
  }

  private void readRecords() throws IOException {
    for (String name : names(packages)) {
      Path file = packages.resolve(name);
      Optional<InstallRecord> record = InstallRecord.read(readBounded(file, RECORD_BYTES));
      if (record.isPresent() && name.equals(recordName(record.get().owner()))) {
        records.put(record.get().owner(), record.get());
        root(record.get());
      } else {
        log.warn("a record is damaged, its package will be checked again file={}", file);
        files.delete(file);
      }
    }
  }

  /** What was remembered of trust; nothing if nothing was, or if it is damaged. */
  synchronized TrustMemory readTrust() throws StoreException {
    checkOpen();
    Path file = root.resolve(TRUST);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return TrustMemory.EMPTY;
    }
    try {
      Optional<TrustMemory> read = TrustMemory.read(readBounded(file, RECORD_BYTES));
      if (read.isEmpty()) {
        log.error(
            "what was remembered of signatures and floors is damaged, by a fault of the disk; it begins"
                + " anew, and older versions are no longer held off until the next one is committed"
                + " file={}",
            file);
      }
      return read.orElse(TrustMemory.EMPTY);
    } catch (IOException e) {
      throw StoreException.of("the memory of trust cannot be read file=" + file, e);
    }
  }

  /** Writes what is to be remembered of trust in place of what was. */
  synchronized void writeTrust(TrustMemory memory) throws StoreException {
    checkOpen();
    Path target = root.resolve(TRUST);
    Path fresh = stagingPath();
    try {
      write(fresh, memory.bytes(), files);
      files.move(fresh, target);
      files.sync(root);
    } catch (IOException e) {
      throw abandon(
          fresh, StoreException.of("the memory of trust cannot be written file=" + target, e));
    }
  }

  /** What was recorded of an owner, see {@link InstallRecord#owner}. */
  synchronized Optional<InstallRecord> record(String owner) {
    return Optional.ofNullable(records.get(owner));
  }

  /** Everything that was recorded. */
  synchronized List<InstallRecord> records() {
    return List.copyOf(records.values());
  }

  /**
   * Writes down whether what a {@code model.json} of this digest describes is to be gone back to.
   */
  synchronized void keep(String modelSha256, boolean good) throws StoreException {
    for (InstallRecord record : records()) {
      if (record.modelSha256().equals(modelSha256) && record.good() != good) {
        put(record.asGood(good));
      }
    }
  }

  /**
   * Writes a record in place of the one before, and says that its owner needs what it names. What
   * is to be gone back to stays so.
   */
  synchronized void write(InstallRecord record) throws StoreException {
    boolean good =
        records.values().stream()
            .anyMatch(r -> r.good() && r.modelSha256().equals(record.modelSha256()));
    put(record.asGood(record.good() || good));
  }

  private void put(InstallRecord record) throws StoreException {
    checkOpen();
    Path target = packages.resolve(recordName(record.owner()));
    Path fresh = stagingPath();
    try {
      write(fresh, record.bytes(), files);
      files.move(fresh, target);
      files.sync(packages);
      records.put(record.owner(), record);
      root(record);
    } catch (IOException e) {
      throw abandon(fresh, StoreException.of("a record cannot be written file=" + target, e));
    }
  }

  /** Says that an owner needs nothing any more, and forgets what was recorded of it. */
  synchronized void forget(String owner) throws StoreException {
    checkOpen();
    roots.remove(owner);
    if (records.remove(owner) == null) {
      return;
    }
    Path target = packages.resolve(recordName(owner));
    try {
      files.delete(target);
      files.sync(packages);
    } catch (IOException e) {
      throw StoreException.of("a record cannot be removed file=" + target, e);
    }
  }

  /** Says what an owner needs, in place of what it needed before: none of that is collected. */
  synchronized void root(String owner, Collection<String> digests, Collection<String> viewKeys) {
    roots.put(owner, new Roots(Set.copyOf(digests), Set.copyOf(viewKeys)));
  }

  private void root(InstallRecord record) {
    root(record.owner(), record.stamps().keySet(), record.views());
  }

  /**
   * Says that an owner needs something besides what it needs already, as the new contents of a
   * bundle besides those that are served until they are complete.
   */
  synchronized void alsoRoot(
      String owner, Collection<String> digests, Collection<String> viewKeys) {
    Roots before = roots.getOrDefault(owner, new Roots(Set.of(), Set.of()));
    Set<String> allObjects = new HashSet<>(before.objects());
    allObjects.addAll(digests);
    Set<String> allViews = new HashSet<>(before.views());
    allViews.addAll(viewKeys);
    root(owner, allObjects, allViews);
  }

  /** Says that an owner needs what was recorded of it and no more; nothing if nothing was. */
  synchronized void rootAsRecorded(String owner) {
    roots.remove(owner);
    record(owner).ifPresent(this::root);
  }

  /** Those who need something. */
  synchronized Set<String> owners() {
    return Set.copyOf(roots.keySet());
  }

  /** Whether somebody holds files on behalf of what this record names. */
  synchronized boolean isHeld(InstallRecord record) {
    return heldModels.containsKey(record.modelSha256());
  }

  /**
   * Holds files and a view until the hold is closed: none of that is collected meanwhile.
   *
   * @param modelSha256 digest of the {@code model.json} on whose behalf
   */
  synchronized Hold hold(String modelSha256, Collection<ModelFile> held, Optional<View> view) {
    Hold hold =
        new Hold(modelSha256, held.stream().map(ModelFile::sha256).toList(), view.map(View::key));
    heldModels.merge(modelSha256, 1, Integer::sum);
    hold.digests.forEach(d -> heldObjects.merge(d, 1, Integer::sum));
    hold.viewKey.ifPresent(k -> heldViews.merge(k, 1, Integer::sum));
    return hold;
  }

  /** A hold. Thread safe. */
  final class Hold implements AutoCloseable {
    private final String modelSha256;
    private final List<String> digests;
    private final Optional<String> viewKey;
    private boolean released;

    private Hold(String modelSha256, List<String> digests, Optional<String> viewKey) {
      this.modelSha256 = modelSha256;
      this.digests = digests;
      this.viewKey = viewKey;
    }

    /** Lets go. Idempotent. */
    @Override
    public void close() {
      synchronized (ContentStore.this) {
        if (!released) {
          released = true;
          heldModels.computeIfPresent(modelSha256, ContentStore::oneLess);
          digests.forEach(d -> heldObjects.computeIfPresent(d, ContentStore::oneLess));
          viewKey.ifPresent(k -> heldViews.computeIfPresent(k, ContentStore::oneLess));
        }
      }
    }
  }

  private static @Nullable Integer oneLess(String key, Integer count) {
    return count == 1 ? null : count - 1;
  }

  /** The folder of this store. */
  Path root() {
    return root;
  }

  /** Where a file's bytes lie, or would lie. */
  Path path(ModelFile file) {
    return objects.resolve(file.sha256().substring(0, 2)).resolve(file.sha256());
  }

  private Path path(View view) {
    return views.resolve(view.key().substring(0, 2)).resolve(view.key());
  }

  /** The stamp of a stored file that is intact. */
  Optional<Stamp> stamp(ModelFile file) throws StoreException {
    return isIntact(file) ? statOf(path(file)) : Optional.empty();
  }

  /** Takes an earlier process's word that it read a file of this stamp and found this digest. */
  void trust(Stamp stamp, String digest) {
    verified.put(stamp, digest);
  }

  /** Whether a file is stored and has its size and digest; read only if it changed. */
  boolean isIntact(ModelFile file) throws StoreException {
    checkOpen();
    return isIntact(path(file), file);
  }

  private boolean isIntact(Path path, ModelFile file) throws StoreException {
    Optional<Stamp> stamp = statOf(path);
    if (stamp.isEmpty()) {
      return false;
    }
    if (file.sha256().equals(verified.get(stamp.get()))) {
      return true;
    }
    String found = "";
    if (stamp.get().size() == file.size()) {
      try (InputStream in = Files.newInputStream(path)) {
        found = digest(in);
      } catch (IOException e) {
        log.warn("a stored file cannot be read and counts as damaged file={}", path, e);
      }
    }
    if (!found.equals(file.sha256())) {
      log.warn(
          "a stored file is damaged file={} asked={} askedBytes={} foundBytes={}",
          path,
          file.sha256(),
          file.size(),
          stamp.get().size());
      return false;
    }
    verified.put(stamp.get(), file.sha256());
    return true;
  }

  private static Optional<Stamp> statOf(Path path) throws StoreException {
    try {
      return Stamp.of(path);
    } catch (IOException e) {
      throw StoreException.of("a stored file cannot be looked at file=" + path, e);
    }
  }

  /**
   * Reads a file of a package to its end, checks its size and digest, and stores it unless it is
   * stored already.
   *
   * @param reasons gets what is wrong with the package's file; nothing is stored then
   * @param cancelled asked now and then
   * @throws StoreException if it cannot be stored; nothing of it is left
   * @throws CancellationException if {@code cancelled} says so; nothing of it is left
   */
  void store(ModelFile file, PackageSource source, Reasons reasons, BooleanSupplier cancelled)
      throws StoreException {
    checkOpen();
    if (isIntact(file)) {
      check(file, source, reasons, cancelled);
      return;
    }
    checkSpace(file);
    Path fresh = stagingPath();
    try (InputStream in = open(file, source, reasons)) {
      if (in == null) {
        return;
      }
      try {
        boolean good;
        try (Disk.Sink sink = files.create(fresh)) {
          good = copy(file, in, sink, reasons, cancelled);
          if (good) {
            sink.sync();
          }
        }
        if (good) {
          adopt(fresh, file);
        } else {
          files.delete(fresh);
        }
      } catch (IOException e) {
        throw abandon(
            fresh,
            StoreException.of(
                "a file cannot be stored; free or add space, check that the folder is writable folder="
                    + root
                    + " path="
                    + file.path()
                    + " bytes="
                    + file.size(),
                e));
      } catch (CancellationException e) {
        abandon(fresh, new StoreException("cancelled", e));
        throw e;
      }
    } catch (IOException e) {
      // Only the closing of the package's own file comes here.
      reasons.add(file.path(), "cannot be read from the bundle: " + Reasons.quote(e.toString()));
    }
  }

  /**
   * Reads a file of a package to its end, and checks its size and digest.
   *
   * @param reasons gets what is wrong with it
   * @throws CancellationException if {@code cancelled} says so
   */
  static void check(
      ModelFile file, PackageSource source, Reasons reasons, BooleanSupplier cancelled) {
    try (InputStream in = open(file, source, reasons)) {
      if (in != null) {
        copy(file, in, null, reasons, cancelled);
      }
    } catch (IOException e) {
      reasons.add(file.path(), "cannot be read from the bundle: " + Reasons.quote(e.toString()));
    }
  }

  private static @Nullable InputStream open(ModelFile file, PackageSource source, Reasons reasons) {
    try {
      Optional<InputStream> in = source.open(file.path());
      if (in.isPresent()) {
        return in.get();
      }
      reasons.add(
          file.path(), "the file is missing; put it into the bundle as SHOJI-INF/" + file.path());
    } catch (IOException e) {
      reasons.add(file.path(), "cannot be read from the bundle: " + Reasons.quote(e.toString()));
    }
    return null;
  }

  /** Copies and checks; false if the package's file is not what it should be. */
  private static boolean copy(
      ModelFile file,
      InputStream in,
      Disk.@Nullable Sink sink,
      Reasons reasons,
      BooleanSupplier cancelled)
      throws IOException {
    MessageDigest digest = Digests.sha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    long size = 0;
    Pauses pauses = new Pauses();
    while (true) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("stopped while a file was read path=" + file.path());
      }
      pauses.read(size);
      int count;
      try {
        count = in.read(buffer);
      } catch (IOException e) {
        reasons.add(
            file.path(),
            "cannot be read from the bundle at=" + size + " cause=" + Reasons.quote(e.toString()));
        return false;
      }
      if (count < 0) {
        break;
      }
      size += count;
      if (size > file.size()) {
        reasons.add(
            file.path(),
            "is larger than model.json says; correct size and sha256 there asked="
                + file.size()
                + " found=more");
        return false;
      }
      digest.update(buffer, 0, count);
      if (sink != null) {
        sink.write(ByteBuffer.wrap(buffer, 0, count));
      }
    }
    if (size < file.size()) {
      reasons.add(
          file.path(),
          "is smaller than model.json says; it was cut off, or correct size and sha256 there asked="
              + file.size()
              + " found="
              + size);
      return false;
    }
    String found = Digests.hex(digest.digest());
    if (!found.equals(file.sha256())) {
      reasons.add(
          file.path(),
          "has another digest than model.json says; it was changed or damaged asked="
              + file.sha256()
              + " found="
              + found);
      return false;
    }
    return true;
  }

  private void checkSpace(ModelFile file) throws StoreException {
    long usable;
    try {
      usable = files.usableBytes(root);
    } catch (IOException e) {
      throw StoreException.of("the free space cannot be found out folder=" + root, e);
    }
    if (usable < file.size()) {
      throw new StoreException(
          "not enough space for a file; free or add space, or set storeFolder to a larger file system"
              + " folder="
              + root
              + " path="
              + file.path()
              + " asked="
              + file.size()
              + " found="
              + usable,
          null);
    }
  }

  /** Moves a complete and synced file to its place. */
  private synchronized void adopt(Path fresh, ModelFile file) throws IOException {
    Stamp stamp =
        Stamp.of(fresh).orElseThrow(() -> new IOException("the file just written is gone"));
    Path target = path(file);
    Path folder = target.getParent();
    if (folder != null && !Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      files.createFolder(folder);
      files.sync(objects);
    }
    files.move(fresh, target);
    if (folder != null) {
      files.sync(folder);
    }
    verified.put(stamp, file.sha256());
    stored.put(file.sha256(), file.size());
  }

  /**
   * The folder of a view, made anew if it is missing or damaged. Its files are stored and intact.
   *
   * @throws StoreException if it cannot be made; nothing of it is left
   */
  synchronized Path view(View view) throws StoreException {
    checkOpen();
    Path target = path(view);
    if (isIntact(target, view)) {
      return target;
    }
    Path fresh = stagingPath();
    try {
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        discard(target);
      }
      files.createFolder(fresh);
      Set<Path> folders = new TreeSet<>(Comparator.reverseOrder());
      folders.add(fresh);
      for (ModelFile file : view.files()) {
        Path link = fresh.resolve(file.path());
        createFolders(fresh, link.getParent(), folders);
        link(link, file);
      }
      for (Path folder : folders) {
        files.sync(folder);
      }
      Path parent = target.getParent();
      if (parent != null && !Files.isDirectory(parent, LinkOption.NOFOLLOW_LINKS)) {
        files.createFolder(parent);
        files.sync(views);
      }
      files.move(fresh, target);
      if (parent != null) {
        files.sync(parent);
      }
      return target;
    } catch (IOException e) {
      throw abandon(
          fresh,
          StoreException.of(
              "a variant's files cannot be laid out; free or add space, check that the folder is"
                  + " writable folder="
                  + root,
              e));
    }
  }

  private boolean isIntact(Path target, View view) throws StoreException {
    for (ModelFile file : view.files()) {
      if (!isIntact(target.resolve(file.path()), file)) {
        return false;
      }
    }
    return true;
  }

  private void createFolders(Path top, @Nullable Path folder, Set<Path> made) throws IOException {
    if (folder != null && !folder.equals(top) && !made.contains(folder)) {
      createFolders(top, folder.getParent(), made);
      files.createFolder(folder);
      made.add(folder);
    }
  }

  /** A second name for an object, or a copy where the file system knows no second names. */
  private void link(Path link, ModelFile file) throws IOException {
    try {
      files.link(link, path(file));
    } catch (UnsupportedOperationException | FileSystemException e) {
      if (e instanceof NoSuchFileException missing) {
        throw missing;
      }
      log.debug("no hard links here, the file is copied file={}", link, e);
      Reasons reasons = new Reasons();
      try (InputStream in = Files.newInputStream(path(file));
          Disk.Sink sink = files.create(link)) {
        if (!copy(file, in, sink, reasons, () -> false)) {
          throw new IOException("the stored file is damaged " + reasons.list());
        }
        sink.sync();
      }
    }
  }

  /**
   * Removes the views and objects that no owner needs and nobody holds.
   *
   * @return the objects that were removed
   * @throws StoreException if something could not be removed; the rest was
   */
  synchronized StoreUse collect() throws StoreException {
    checkOpen();
    Set<String> neededObjects = new HashSet<>(heldObjects.keySet());
    Set<String> neededViews = new HashSet<>(heldViews.keySet());
    for (Roots owner : roots.values()) {
      neededObjects.addAll(owner.objects());
      neededViews.addAll(owner.views());
    }
    int count = 0;
    long bytes = 0;
    try {
      for (Path view : contents(views)) {
        if (!neededViews.contains(name(view))) {
          discard(view);
        }
      }
      for (Path object : contents(objects)) {
        if (!neededObjects.contains(name(object))) {
          Optional<Stamp> stamp = Stamp.of(object);
          files.delete(object);
          stamp.ifPresent(verified::remove);
          Long size = stored.remove(name(object));
          count++;
          bytes += size == null ? 0 : size;
        }
      }
    } catch (IOException e) {
      throw StoreException.of("garbage cannot be removed from the model store folder=" + root, e);
    }
    return new StoreUse(count, bytes);
  }

  /** What is stored now. */
  synchronized StoreUse use() {
    return new StoreUse(stored.size(), stored.values().stream().mapToLong(Long::longValue).sum());
  }

  /** Takes a view out of the way at once, then removes it. */
  private void discard(Path view) throws IOException {
    Path away = stagingPath();
    files.move(view, away);
    Path parent = view.getParent();
    if (parent != null) {
      // Before the first file of it goes, so that no crash leaves it in its place with files
      // missing.
      files.sync(parent);
    }
    deleteTree(away);
  }

  private void deleteTree(Path path) throws IOException {
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      for (String name : names(path)) {
        deleteTree(path.resolve(name));
      }
    }
    files.delete(path);
  }

  /** Removes what a failed write left; the failure itself is what counts. */
  private StoreException abandon(Path fresh, StoreException failure) {
    try {
      deleteTree(fresh);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  private Path stagingPath() {
    return staging.resolve(Long.toString(stagingNames.incrementAndGet()));
  }

  /** The objects or views in their two levels of folders. */
  private static List<Path> contents(Path folder) throws IOException {
    List<Path> contents = new ArrayList<>();
    for (String two : names(folder)) {
      for (String name : names(folder.resolve(two))) {
        if (DIGEST.matcher(name).matches() && name.startsWith(two)) {
          contents.add(folder.resolve(two).resolve(name));
        }
      }
    }
    return contents;
  }

  private static Set<String> names(Path folder) throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      entries.forEach(entry -> names.add(name(entry)));
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static String recordName(String owner) {
    return owner + ".json";
  }

  private static void write(Path file, byte[] bytes, Disk files) throws IOException {
    try (Disk.Sink sink = files.create(file)) {
      sink.write(ByteBuffer.wrap(bytes));
      sink.sync();
    }
  }

  private static byte[] readBounded(Path file, int limit) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(limit);
    }
  }

  private static String digest(InputStream in) throws IOException {
    MessageDigest digest = Digests.sha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      digest.update(buffer, 0, count);
    }
    return Digests.hex(digest.digest());
  }

  private void checkOpen() throws StoreException {
    if (closed.get()) {
      throw new StoreException(
          "the model store is closed; its bundle stopped folder=" + root, null);
    }
  }

  /** Lets another process open the store. Holds stay without effect. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      close(lock, root);
    }
  }
}
