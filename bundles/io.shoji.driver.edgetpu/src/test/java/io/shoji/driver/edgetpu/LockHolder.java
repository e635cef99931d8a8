/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Another process that has an Edge TPU: holds the lock until its standard input ends. */
final class LockHolder {
  private LockHolder() {}

  /**
   * Holds it.
   *
   * @param arguments file of the lock
   */
  public static void main(String[] arguments) throws Exception {
    try (FileChannel channel =
            FileChannel.open(
                Path.of(arguments[0]), StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        FileLock lock = channel.lock()) {
      channel.write(ByteBuffer.wrap("pid=4711 driver=other".getBytes(StandardCharsets.US_ASCII)));
      System.out.println("held " + lock.isValid());
      System.out.flush();
      while (System.in.read() >= 0) {
        // Until it ends.
      }
    }
  }
}
