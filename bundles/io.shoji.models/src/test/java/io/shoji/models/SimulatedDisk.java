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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Does everything on the real disk, stops the world at the n-th change, and knows what a disk would
 * hold if the power went at that moment: of a file only what was synced, of a folder's names those
 * of its last sync and any of the changes after it.
 */
final class SimulatedDisk implements StoreFiles {
  /** The world ends here: no code of the store may catch it, nothing it does afterwards counts. */
  static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** What becomes of changes that were not synced. */
  enum Fate {
    /** Every change of names is lost. */
    LOST,
    /** Every change of names is there, the bytes of files are not. */
    NAMES_ONLY,
    /** Some of each. */
    ANY
  }

  private static final class Node {
    // Of a folder.
    final Map<String, Node> names = new TreeMap<>();
    final Map<String, Node> syncedNames = new TreeMap<>();
    final List<Change> changes = new ArrayList<>();
    // Of a file.
    final boolean file;
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] syncedBytes = new byte[0];
    boolean syncedOnce;

    Node(boolean file) {
      this.file = file;
    }
  }

  /** A name that now stands for something, or for nothing. */
  private record Change(String name, Node node) {}

  private static final Node NOTHING = new Node(true);

  private final StoreFiles disk = new UnsyncedDisk();
  private final Path parent;
  private final Node top = new Node(false);
  private final boolean hardLinks;
  private int left;
  private int done;

  /**
   * A disk.
   *
   * @param parent existing folder that everything happens in, taken to be on the disk
   * @param changes how many changes are let through
   * @param hardLinks false for a file system without
   */
  SimulatedDisk(Path parent, int changes, boolean hardLinks) {
    this.parent = parent;
    this.left = changes;
    this.hardLinks = hardLinks;
  }

  /** Changes that were let through. */
  int done() {
    return done;
  }

  private void step() {
    if (left == 0) {
      throw new Stopped();
    }
    left--;
    done++;
  }

  private Node node(Path path) {
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

  private void name(Path path, Node node) {
    Node folder = node(path.getParent());
    String name = path.getFileName().toString();
    if (node == NOTHING) {
      folder.names.remove(name);
    } else {
      folder.names.put(name, node);
    }
    folder.changes.add(new Change(name, node));
  }

  @Override
  public void createFolder(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      step();
      disk.createFolder(folder);
      name(folder, new Node(false));
    }
  }

  @Override
  public Sink create(Path file) throws IOException {
    step();
    Sink sink = disk.create(file);
    Node node = new Node(true);
    name(file, node);
    return new Sink() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        step();
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        sink.write(bytes);
        node.bytes.write(copy);
      }

      @Override
      public void sync() {
        // The disk under the test is not needed to be slow.
        step();
        node.syncedBytes = node.bytes.toByteArray();
        node.syncedOnce = true;
      }

      @Override
      public void close() throws IOException {
        sink.close();
      }
    };
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    step();
    Node node = node(from);
    disk.move(from, to);
    name(to, node);
    name(from, NOTHING);
  }

  @Override
  public void link(Path link, Path file) throws IOException {
    if (!hardLinks) {
      throw new FileSystemException(link.toString(), file.toString(), "Operation not permitted");
    }
    step();
    disk.link(link, file);
    name(link, node(file));
  }

  @Override
  public void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      step();
      disk.delete(path);
      name(path, NOTHING);
    }
  }

  @Override
  public void sync(Path folder) {
    step();
    Node node = node(folder);
    node.syncedNames.clear();
    node.syncedNames.putAll(node.names);
    node.changes.clear();
  }

  @Override
  public long usableBytes(Path folder) throws IOException {
    return disk.usableBytes(folder);
  }

  /** Writes what the disk would hold after a power cut now into an empty folder. */
  void afterPowerCut(Path into, Fate fate, Random random) throws IOException {
    write(top, into, fate, random, new IdentityHashMap<>());
  }

  private static void write(
      Node folder, Path into, Fate fate, Random random, Map<Node, Path> written)
      throws IOException {
    Map<String, Node> names = new TreeMap<>(folder.syncedNames);
    for (Change change : folder.changes) {
      if (fate == Fate.NAMES_ONLY || (fate == Fate.ANY && random.nextBoolean())) {
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
        write(node, path, fate, random, written);
      } else if (written.containsKey(node)) {
        Files.createLink(path, written.get(node));
      } else {
        Files.write(path, bytes(node, fate, random));
        written.put(node, path);
      }
    }
  }

  private static byte[] bytes(Node node, Fate fate, Random random) {
    byte[] all = node.bytes.toByteArray();
    if (node.syncedOnce || fate != Fate.ANY) {
      return node.syncedBytes;
    }
    byte[] some = Arrays.copyOf(all, random.nextInt(all.length + 1));
    if (some.length > 0) {
      some[random.nextInt(some.length)] ^= 0x55;
    }
    return some;
  }
}
