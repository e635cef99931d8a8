/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.kura.KuraStoreException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.message.KuraPayload;

/** Kura's store as a publisher: takes messages, or is full. */
final class Store implements CloudPublisher {
  private final List<KuraMessage> messages = new CopyOnWriteArrayList<>();
  volatile boolean full;

  /** Whether it keeps a message and throws all the same. */
  volatile boolean throwsAfterwards;

  @Override
  public String publish(KuraMessage message) throws KuraStoreException {
    if (full) {
      throw new KuraStoreException("Store capacity exceeded");
    }
    messages.add(message);
    if (throwsAfterwards) {
      throw new KuraStoreException("nobody knows");
    }
    return "1";
  }

  List<KuraMessage> messages() {
    return messages;
  }

  List<KuraPayload> payloads() {
    return messages.stream().map(KuraMessage::getPayload).toList();
  }

  void clear() {
    messages.clear();
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {}

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {}

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {}

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {}
}
