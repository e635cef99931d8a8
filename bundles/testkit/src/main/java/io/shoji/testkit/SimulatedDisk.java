/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.disk.Disk;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Does everything on the real disk and takes note of each change, and knows for the moment after
 * each of them what a disk would hold if the power went then: of a file what was synced and perhaps
 * some of what was written later, of a folder the names of its last sync and any of the changes
 * after it, in any combination. Thread safe.
 */
public final class SimulatedDisk implements Disk {
  // What becomes of a change of names: it is lost or there. What becomes of bytes that were not
  // synced: they are lost, there, cut off somewhere, or others from somewhere on.
  private static final int LOST = 0;
  private static final int WHOLE = 1;
  private static final int TORN = 2;
  private static final int DATA_FATES = 4;

  /** What is to be true of what a disk holds after a power cut. */
  @FunctionalInterface
  public interface Check {
    /**
     * Recovers, and looks.
     *
     * @param disk what was the folder before; to be changed at will
     * @param what for messages
     */
    void check(Path disk, String what) throws Exception;
  }

  private static final class Node {
    final boolean file;
    // Of a folder.
    final Map<String, Node> names = new TreeMap<>();
    final Map<String, Node> syncedNames = new TreeMap<>();
    final List<Change> changes = new ArrayList<>();
    // Of a file, which only grows.
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int syncedBytes;

    Node(boolean file) {
      this.file = file;
    }
  }

  /** A name that now stands for something, or for nothing. */
  private record Change(String name, Node node) {}

  private static final Node NOTHING = new Node(true);

  /** What is on the disk and in memory after some of the changes. */
  private final class World {
    final Node top = new Node(false);
    final Map<Integer, Node> opened = new HashMap<>();
    int done;

    World() {
      Map<Object, Node> files = new HashMap<>();
      for (Initial entry : initial) {
        Node node =
            entry.bytes() == null
                ? new Node(false)
                : files.computeIfAbsent(entry.key(), key -> new Node(true));
        if (entry.bytes() != null && node.bytes.size() == 0) {
          node.bytes.writeBytes(entry.bytes().array());
          node.syncedBytes = node.bytes.size();
        }
        Node folder = folder(entry.path());
        folder.names.put(entry.path().getFileName().toString(), node);
        folder.syncedNames.put(entry.path().getFileName().toString(), node);
      }
    }

    Node node(Path path) {
      Node at = top;
      for (Path name : parent.relativize(path)) {
        if (!name.toString().isEmpty()) {
          at = at.names.get(name.toString());
          if (at == null) {
            throw new IllegalStateException("never made: " + path);
          }
        }
      }
      return at;
    }

    private Node folder(Path path) {
      return node(Objects.requireNonNull(path.getParent()));
    }

    void name(Path path, Node node) {
      Node folder = folder(path);
      String name = path.getFileName().toString();
      if (node == NOTHING) {
        folder.names.remove(name);
      } else {
        folder.names.put(name, node);
      }
      folder.changes.add(new Change(name, node));
    }

    Node opened(int handle) {
      return Objects.requireNonNull(opened.get(handle));
    }

    /** Everything that may or may not be on the disk: how many fates each has. */
    List<Integer> uncertain() {
      List<Integer> fates = new ArrayList<>();
      uncertain(top, fates, Collections.newSetFromMap(new IdentityHashMap<>()));
      return fates;
    }

    private void uncertain(Node node, List<Integer> fates, Set<Node> seen) {
      if (!seen.add(node) || node == NOTHING) {
        return;
      }
      if (node.file) {
        if (node.bytes.size() > node.syncedBytes) {
          fates.add(DATA_FATES);
        }
        return;
      }
      node.changes.forEach(change -> fates.add(2));
      node.syncedNames.values().forEach(child -> uncertain(child, fates, seen));
      node.changes.forEach(change -> uncertain(change.node(), fates, seen));
    }
  }

  /** One change, to be done again in a world. */
  private record Step(String what, Consumer<World> done) {}

  /** What was there before; bytes of a file only, and what is the same for all its names. */
  private record Initial(Path path, @Nullable ByteBuffer bytes, Object key) {}

  private final Disk disk = new UnsyncedDisk();
  private final Path parent;
  private final List<Initial> initial = new ArrayList<>();
  private final boolean hardLinks;
  private final List<Step> steps = new ArrayList<>();
  private World world;
  private int handles;

  /** A disk with hard links. */
  public SimulatedDisk(Path parent) throws IOException {
    this(parent, true);
  }

  /**
   * A disk.
   *
   * @param parent existing folder that everything happens in; what it holds is on the disk
   * @param hardLinks false for a file system without
   */
  public SimulatedDisk(Path parent, boolean hardLinks) throws IOException {
    this.parent = parent;
    this.hardLinks = hardLinks;
    try (Stream<Path> entries = Files.walk(parent)) {
      for (Path entry : entries.filter(e -> !e.equals(parent)).sorted().toList()) {
        boolean file = Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS);
        Object key = Files.readAttributes(entry, BasicFileAttributes.class).fileKey();
        initial.add(
            new Initial(entry, file ? ByteBuffer.wrap(Files.readAllBytes(entry)) : null, key));
      }
    }
    this.world = new World();
  }

  /** Changes so far. */
  public synchronized int done() {
    return steps.size();
  }

  private void step(String what, Path path, Consumer<World> done) {
    steps.add(new Step(what + " " + parent.relativize(path), done));
  }

  @Override
  public synchronized void createFolder(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      disk.createFolder(folder);
      step("folder", folder, w -> w.name(folder, new Node(false)));
    }
  }

  @Override
  public synchronized Sink create(Path file) throws IOException {
    Sink sink = disk.create(file);
    return sink(file, sink, false);
  }

  @Override
  public synchronized Sink append(Path file) throws IOException {
    boolean there = Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    return sink(file, disk.append(file), there);
  }

  private Sink sink(Path file, Sink sink, boolean there) {
    int handle = handles++;
    if (there) {
      // No change, but whoever writes needs the file.
      step("open", file, w -> w.opened.put(handle, w.node(file)));
    } else {
      step(
          "create",
          file,
          w -> {
            Node node = new Node(true);
            w.opened.put(handle, node);
            w.name(file, node);
          });
    }
    return new Sink() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        synchronized (SimulatedDisk.this) {
          byte[] copy = new byte[bytes.remaining()];
          bytes.duplicate().get(copy);
          sink.write(bytes);
          step("write", file, w -> w.opened(handle).bytes.writeBytes(copy));
        }
      }

      @Override
      public void sync() {
        // The disk under the test is not needed to be slow.
        synchronized (SimulatedDisk.this) {
          step(
              "sync",
              file,
              w -> {
                Node node = w.opened(handle);
                node.syncedBytes = node.bytes.size();
              });
        }
      }

      @Override
      public void close() throws IOException {
        sink.close();
      }
    };
  }

  @Override
  public synchronized void move(Path from, Path to) throws IOException {
    disk.move(from, to);
    step(
        "move to " + parent.relativize(to) + " from",
        from,
        w -> {
          Node node = w.node(from);
          w.name(to, node);
          w.name(from, NOTHING);
        });
  }

  @Override
  public synchronized void link(Path link, Path file) throws IOException {
    if (!hardLinks) {
      throw new FileSystemException(link.toString(), file.toString(), "Operation not permitted");
    }
    disk.link(link, file);
    step("link", link, w -> w.name(link, w.node(file)));
  }

  @Override
  public synchronized void delete(Path path) throws IOException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      disk.delete(path);
      step("delete", path, w -> w.name(path, NOTHING));
    }
  }

  @Override
  public synchronized void sync(Path folder) {
    step(
        "sync",
        folder,
        w -> {
          Node node = w.node(folder);
          node.syncedNames.clear();
          node.syncedNames.putAll(node.names);
          node.changes.clear();
        });
  }

  @Override
  public long usableBytes(Path folder) throws IOException {
    return disk.usableBytes(folder);
  }

  private World after(int changes) {
    if (world.done > changes) {
      world = new World();
    }
    while (world.done < changes) {
      steps.get(world.done).done().accept(world);
      world.done++;
    }
    return world;
  }

  /**
   * Plays the death of the process after so many changes: everything it did is there.
   *
   * @param work empty folder
   */
  public synchronized void death(int changes, Path work, Check check) throws Exception {
    World now = after(changes);
    int[] fates = new int[now.uncertain().size()];
    Arrays.fill(fates, WHOLE);
    play(now, work, fates, new Random(0), "death after change " + what(changes), check);
  }

  /**
   * Plays power cuts after so many changes: every combination of what may and may not be on the
   * disk then, or if these are too many, nothing of it, all of it, all the names without the bytes,
   * and random ones; only random ones if there are to be less than three.
   *
   * @param work empty folder
   * @param most how many combinations at most
   * @return how many were played
   */
  public synchronized int powerCuts(int changes, int most, Path work, Random random, Check check)
      throws Exception {
    World now = after(changes);
    List<Integer> uncertain = now.uncertain();
    long all = 1;
    for (int fates : uncertain) {
      all = Math.min(all * fates, most + 1L);
    }
    String what = "power cut after change " + what(changes) + " fates ";
    if (all <= most) {
      int[] fates = new int[uncertain.size()];
      for (long i = 0; i < all; i++) {
        play(now, work, fates, random, what + Arrays.toString(fates), check);
        for (int j = 0; j < fates.length && ++fates[j] == uncertain.get(j); j++) {
          fates[j] = 0;
        }
      }
      return (int) all;
    }
    for (int i = 0; i < most; i++) {
      int[] fates = new int[uncertain.size()];
      for (int j = 0; j < fates.length; j++) {
        fates[j] =
            switch (most < 3 ? 3 : i) {
              case 0 -> LOST;
              case 1 -> WHOLE;
              case 2 -> uncertain.get(j) == DATA_FATES ? LOST : WHOLE;
              default -> random.nextInt(uncertain.get(j));
            };
      }
      play(now, work, fates, random, what + Arrays.toString(fates), check);
    }
    return most;
  }

  private String what(int changes) {
    return changes + (changes == 0 ? "" : " (" + steps.get(changes - 1).what() + ")");
  }

  private static void play(
      World world, Path work, int[] fates, Random random, String what, Check check)
      throws Exception {
    Path image = Files.createDirectory(work.resolve("image"));
    IdentityHashMap<Node, Integer> first = new IdentityHashMap<>();
    number(world.top, first, new int[1], Collections.newSetFromMap(new IdentityHashMap<>()));
    write(world.top, image, fates, first, random, new IdentityHashMap<>());
    check.check(image, what);
    deleteTree(image);
  }

  /**
   * Which of the fates is the first of a file or folder, in the order of {@link World#uncertain}.
   */
  private static void number(
      Node node, IdentityHashMap<Node, Integer> first, int[] next, Set<Node> seen) {
    if (!seen.add(node) || node == NOTHING) {
      return;
    }
    first.put(node, next[0]);
    if (node.file) {
      next[0] += node.bytes.size() > node.syncedBytes ? 1 : 0;
      return;
    }
    next[0] += node.changes.size();
    node.syncedNames.values().forEach(child -> number(child, first, next, seen));
    node.changes.forEach(change -> number(change.node(), first, next, seen));
  }

  private static void write(
      Node folder,
      Path into,
      int[] fates,
      IdentityHashMap<Node, Integer> first,
      Random random,
      IdentityHashMap<Node, Path> written)
      throws IOException {
    Map<String, Node> names = new TreeMap<>(folder.syncedNames);
    int fate = Objects.requireNonNull(first.get(folder));
    for (Change change : folder.changes) {
      if (fates[fate++] == WHOLE) {
        if (change.node() == NOTHING) {
          names.remove(change.name());
        } else {
          names.put(change.name(), change.node());
        }
      }
    }
    for (Map.Entry<String, Node> entry : names.entrySet()) {
      Path path = into.resolve(entry.getKey());
      Node node = entry.getValue();
      if (!node.file) {
        Files.createDirectory(path);
        write(node, path, fates, first, random, written);
      } else if (written.containsKey(node)) {
        Files.createLink(path, written.get(node));
      } else {
        boolean certain = node.bytes.size() == node.syncedBytes;
        Files.write(
            path,
            bytes(node, certain ? WHOLE : fates[Objects.requireNonNull(first.get(node))], random));
        written.put(node, path);
      }
    }
  }

  private static byte[] bytes(Node node, int fate, Random random) {
    byte[] all = node.bytes.toByteArray();
    int more = all.length - node.syncedBytes;
    switch (fate) {
      case LOST -> {
        return Arrays.copyOf(all, node.syncedBytes);
      }
      case WHOLE -> {
        return all;
      }
      case TORN -> {
        return Arrays.copyOf(all, node.syncedBytes + random.nextInt(more));
      }
      default -> {
        // Blocks that were given to the file but not written, from some byte on, or one bad byte.
        int at = node.syncedBytes + random.nextInt(more);
        if (random.nextBoolean()) {
          Arrays.fill(all, at, all.length, (byte) 0);
        } else {
          all[at] ^= 0x55;
        }
        return all;
      }
    }
  }

  /** Removes a folder and everything in it. */
  public static void deleteTree(Path path) throws IOException {
    try (Stream<Path> entries = Files.walk(path)) {
      for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    }
  }
}
