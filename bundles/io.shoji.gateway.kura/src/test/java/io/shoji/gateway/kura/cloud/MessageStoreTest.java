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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.eclipse.kura.KuraStoreCapacityReachedException;
import org.eclipse.kura.KuraStoreException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MessageStoreTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("messages.mv");
  }

  private static long add(MessageStore store, String topic, int qos, int priority, int capacity)
      throws Exception {
    return store.add(topic, topic.getBytes(), qos, false, priority, capacity);
  }

  private static List<String> all(MessageStore store) {
    List<String> topics = new ArrayList<>();
    Optional<MessageStore.Message> next = store.next(Set.of());
    while (next.isPresent()) {
      topics.add(next.get().topic());
      store.remove(next.get().key());
      next = store.next(Set.of());
    }
    return topics;
  }

  @Test
  void shouldGiveThePriorityThenTheOldestFirst() throws Exception {
    try (MessageStore store = MessageStore.open(file)) {
      add(store, "late", 0, 7, 10);
      add(store, "later", 0, 7, 10);
      add(store, "first", 0, 0, 10);
      add(store, "last", 0, Integer.MAX_VALUE, 10);
      add(store, "second", 0, 1, 10);
      assertThat(all(store)).containsExactly("first", "second", "late", "later", "last");
      assertThat(store.size()).isZero();
    }
  }

  @Test
  void shouldHaveEverythingWhenItIsOpenedAgain() throws Exception {
    byte[] payload = {0, 1, -1};
    try (MessageStore store = MessageStore.open(file)) {
      store.add("Ünïcode/topic", payload, 1, true, 5, 10);
      assertThatThrownBy(() -> add(store, "x", 0, 7, 1))
          .isInstanceOf(KuraStoreCapacityReachedException.class);
      add(store, "y", 0, 0, 1);
    }
    try (MessageStore store = MessageStore.open(file)) {
      assertThat(store.refused()).isEqualTo(1);
      assertThat(store.dropped()).isEqualTo(1);
      store.add("Ünïcode/topic", payload, 1, true, 5, 10);
      MessageStore.Message message = store.next(Set.of()).orElseThrow();
      assertThat(message.topic()).isEqualTo("y");
      message = store.next(Set.of(message.key())).orElseThrow();
      assertThat(message.topic()).isEqualTo("Ünïcode/topic");
      assertThat(message.payload()).isEqualTo(payload);
      assertThat(message.qos()).isEqualTo(1);
      assertThat(message.retain()).isTrue();
      assertThat(message.priority()).isEqualTo(5);
    }
  }

  @Test
  void shouldBeOnDiskWhenQosAsksForItAndTheProcessIsKilled() throws Exception {
    try (MessageStore store = MessageStore.open(file)) {
      for (int i = 0; i < 50; i++) {
        add(store, "m" + i, 1, 7, 100);
        Path killed = Files.copy(file, folder.resolve("killed" + i));
        try (MessageStore found = MessageStore.open(killed)) {
          assertThat(found.size()).isEqualTo(i + 1L);
        }
      }
    }
  }

  @Test
  void shouldStartAnewAndKeepTheFileWhenItIsDamaged() throws Exception {
    Files.write(file, new byte[20_000]);
    try (MessageStore store = MessageStore.open(file)) {
      add(store, "a", 1, 7, 10);
      assertThat(all(store)).containsExactly("a");
    }
    assertThat(folder.resolve("messages.mv.damaged")).hasSize(20_000);
  }

  @Test
  void shouldStaySmallWhenMessagesComeAndGo() throws Exception {
    try (MessageStore store = MessageStore.open(file)) {
      byte[] payload = new byte[10_000];
      for (int i = 0; i < 2_000; i++) {
        store.remove(store.add("t", payload, i % 2, false, 7, 10));
      }
      assertThat(store.size()).isZero();
    }
    assertThat(Files.size(file)).isLessThan(40_000_000);
  }

  @Test
  void shouldRefuseWhenItHoldsTooManyBytesOrIsClosed() throws Exception {
    MessageStore store = MessageStore.open(file);
    byte[] payload = new byte[32 * 1024 * 1024];
    for (int i = 0; i < 7; i++) {
      store.add("t", payload, 0, false, 7, 100);
    }
    assertThatThrownBy(() -> store.add("t", payload, 0, false, 7, 100))
        .isInstanceOf(KuraStoreCapacityReachedException.class)
        .hasMessageContaining("bytes=");
    store.close();
    store.close();
    assertThatThrownBy(() -> store.add("t", payload, 0, false, 7, 100))
        .isInstanceOf(KuraStoreException.class);
    assertThat(store.next(Set.of())).isEmpty();
  }
}
