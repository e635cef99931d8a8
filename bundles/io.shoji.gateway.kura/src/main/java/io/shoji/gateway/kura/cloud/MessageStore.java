/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.eclipse.kura.KuraStoreCapacityReachedException;
import org.eclipse.kura.KuraStoreException;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.LongDataType;
import org.h2.mvstore.type.StringDataType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages that wait to be sent, on disk, bounded in number and in bytes. The lowest priority
 * number goes first, and the oldest of that.
 *
 * <p>A message of QoS 1 or 2 is on disk when {@link #add} returns; one of QoS 0 within {@value
 * #COMMIT_MILLIS} ms. When the store is full, a message of priority 2 and above is refused, as Kura
 * does; one of priority 0 or 1, which Kura keeps for itself, takes the place of the oldest message
 * of the lowest priority. Both are counted, and the counts are kept.
 *
 * <p>Thread safe.
 */
final class MessageStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MessageStore.class);

  /** All messages together, beside their number. */
  static final long MAX_BYTES = 256L * 1024 * 1024;

  /**
   * A message of this size is written at once: what waits to be written is in memory twice, with
   * all of it in one piece.
   */
  private static final int LARGE_BYTES = 1024 * 1024;

  /** A message of this priority and above is refused by a full store. */
  static final int FIRST_REFUSED_PRIORITY = 2;

  private static final int COMMIT_MILLIS = 200;
  private static final int RETENTION_MILLIS = 5_000;
  private static final int PRIORITY_SHIFT = 48;
  private static final int LAST_PRIORITY = 0x3fff;
  private static final int HEADER = 8;
  private static final String DROPPED = "dropped";
  private static final String REFUSED = "refused";

  private final MVStore store;
  private final MVMap<Long, byte[]> messages;
  private final MVMap<String, Long> counts;
  private long sequence;
  private long bytes;
  private boolean closed;

  /** A message that waits. */
  static final class Message {
    private final long key;
    private final String topic;
    private final byte[] payload;
    private final int qos;
    private final boolean retain;
    private final int priority;

    Message(long key, String topic, byte[] payload, int qos, boolean retain, int priority) {
      this.key = key;
      this.topic = topic;
      this.payload = payload;
      this.qos = qos;
      this.retain = retain;
      this.priority = priority;
    }

    /** Identifies it in its store. */
    long key() {
      return key;
    }

    String topic() {
      return topic;
    }

    /** Not copied. */
    byte[] payload() {
      return payload;
    }

    int qos() {
      return qos;
    }

    boolean retain() {
      return retain;
    }

    int priority() {
      return priority;
    }
  }

  private MessageStore(MVStore store) {
    this.store = store;
    this.messages =
        store.openMap(
            "messages",
            new MVMap.Builder<Long, byte[]>()
                .keyType(LongDataType.INSTANCE)
                .valueType(ByteArrayDataType.INSTANCE));
    this.counts =
        store.openMap(
            "counts",
            new MVMap.Builder<String, Long>()
                .keyType(StringDataType.INSTANCE)
                .valueType(LongDataType.INSTANCE));
    for (long key : messages.keySet()) {
      bytes += size(key);
      sequence = Math.max(sequence, key & ((1L << PRIORITY_SHIFT) - 1));
    }
  }

  /**
   * Opens or makes a store. A file that is damaged is put aside.
   *
   * @throws IOException if there can be no store there
   */
  static MessageStore open(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    try {
      return open(file.toString());
    } catch (MVStoreException e) {
      Path aside = file.resolveSibling(file.getFileName() + ".damaged");
      log.error("the messages that wait cannot be read, and are put aside file={}", aside, e);
      Files.deleteIfExists(aside);
      if (Files.exists(file)) {
        Files.move(file, aside);
      }
      try {
        return open(file.toString());
      } catch (MVStoreException again) {
        throw new IOException("no messages can be stored file=" + file, again);
      }
    }
  }

  private static MessageStore open(String file) {
    MVStore store =
        new MVStore.Builder().fileName(file).cacheSize(1).autoCommitBufferSize(1024).open();
    try {
      store.setAutoCommitDelay(COMMIT_MILLIS);
      store.setRetentionTime(RETENTION_MILLIS);
      return new MessageStore(store);
    } catch (MVStoreException e) {
      store.closeImmediately();
      throw e;
    }
  }

  /**
   * Stores a message.
   *
   * @param capacity messages that may wait
   * @return its key
   * @throws KuraStoreCapacityReachedException if the store is full
   * @throws KuraStoreException if the disk is
   */
  synchronized long add(
      String topic, byte[] payload, int qos, boolean retain, int priority, int capacity)
      throws KuraStoreException {
    checkOpen();
    byte[] encodedTopic = topic.getBytes(StandardCharsets.UTF_8);
    ByteBuffer value = ByteBuffer.allocate(HEADER + encodedTopic.length + payload.length);
    value.put((byte) qos).put((byte) (retain ? 1 : 0)).putShort((short) 0);
    value.putInt(encodedTopic.length).put(encodedTopic).put(payload);
    try {
      while (messages.sizeAsLong() >= capacity || bytes + value.capacity() > MAX_BYTES) {
        if (priority >= FIRST_REFUSED_PRIORITY || !dropOne()) {
          count(REFUSED);
          throw new KuraStoreCapacityReachedException(
              "the store is full messages="
                  + messages.sizeAsLong()
                  + " capacity="
                  + capacity
                  + " bytes="
                  + bytes);
        }
      }
      long key = ((long) Math.min(priority, LAST_PRIORITY) << PRIORITY_SHIFT) | ++sequence;
      messages.put(key, value.array());
      bytes += value.capacity();
      if (qos > 0 || value.capacity() >= LARGE_BYTES) {
        store.commit();
      }
      return key;
    } catch (MVStoreException e) {
      throw new KuraStoreException(e, "the message cannot be stored");
    }
  }

  /** Drops the oldest message of the lowest priority. */
  private boolean dropOne() {
    Long last = messages.lastKey();
    Long oldest =
        last == null ? null : messages.ceilingKey(last >> PRIORITY_SHIFT << PRIORITY_SHIFT);
    if (oldest == null) {
      return false;
    }
    removeOne(oldest);
    count(DROPPED);
    return true;
  }

  /** The first message that is not among those. */
  synchronized Optional<Message> next(Set<Long> except) {
    if (closed) {
      return Optional.empty();
    }
    Long key = messages.firstKey();
    while (key != null && except.contains(key)) {
      key = messages.higherKey(key);
    }
    return key == null ? Optional.empty() : read(key);
  }

  private Optional<Message> read(long key) {
    byte[] stored = messages.get(key);
    if (stored == null) {
      return Optional.empty();
    }
    ByteBuffer value = ByteBuffer.wrap(stored);
    int qos = value.get();
    boolean retain = value.get() != 0;
    value.getShort();
    byte[] topic = new byte[value.getInt()];
    value.get(topic);
    byte[] payload = new byte[value.remaining()];
    value.get(payload);
    return Optional.of(
        new Message(
            key,
            new String(topic, StandardCharsets.UTF_8),
            payload,
            qos,
            retain,
            (int) (key >> PRIORITY_SHIFT)));
  }

  /** Forgets a message, if it is still there. */
  synchronized void remove(long key) {
    if (!closed) {
      removeOne(key);
    }
  }

  /** Forgets a message that can never be sent, and counts it. */
  synchronized void drop(long key) {
    if (!closed && removeOne(key)) {
      count(DROPPED);
    }
  }

  private boolean removeOne(long key) {
    byte @Nullable [] removed = messages.remove(key);
    if (removed == null) {
      return false;
    }
    bytes -= removed.length;
    return true;
  }

  /** Messages that wait. */
  synchronized long size() {
    return closed ? 0 : messages.sizeAsLong();
  }

  /** Messages that were stored and then given up, ever. */
  synchronized long dropped() {
    return closed ? 0 : counts.getOrDefault(DROPPED, 0L);
  }

  /** Messages that were not stored because the store was full, ever. */
  synchronized long refused() {
    return closed ? 0 : counts.getOrDefault(REFUSED, 0L);
  }

  private void count(String what) {
    counts.put(what, counts.getOrDefault(what, 0L) + 1);
  }

  private int size(long key) {
    byte[] value = messages.get(key);
    return value == null ? 0 : value.length;
  }

  private void checkOpen() throws KuraStoreException {
    if (closed) {
      throw new KuraStoreException("the store is closed");
    }
  }

  /** Writes what is not written. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      store.close();
    }
  }
}
