/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** GZIP (RFC 1952) of whole messages. */
public final class Gzip {
  private Gzip() {}

  /** Whether bytes begin as a GZIP member does. No payload begins so. */
  public static boolean is(byte[] bytes) {
    return bytes.length >= 3
        && (bytes[0] & 0xff) == 0x1f
        && (bytes[1] & 0xff) == 0x8b
        && bytes[2] == 8;
  }

  /** Deflates. */
  public static byte[] deflate(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 2 + 32);
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return out.toByteArray();
  }

  /**
   * Inflates, and holds no more than {@code maxBytes} while it does.
   *
   * @param maxBytes at least 0
   * @throws PayloadException MALFORMED if it is cut off or damaged, TOO_LARGE if it inflates to
   *     more
   */
  public static byte[] inflate(byte[] bytes, int maxBytes) throws PayloadException {
    try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(bytes), 4096)) {
      byte[] inflated = gzip.readNBytes(maxBytes);
      if (inflated.length == maxBytes && gzip.read() >= 0) {
        throw new PayloadException(
            PayloadException.Code.TOO_LARGE,
            "the message inflates to more than is allowed maxBytes="
                + maxBytes
                + " deflatedBytes="
                + bytes.length);
      }
      return inflated;
    } catch (IOException e) {
      throw new PayloadException(
          PayloadException.Code.MALFORMED,
          "the message is cut off or damaged deflatedBytes=" + bytes.length,
          e);
    }
  }
}
