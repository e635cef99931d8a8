/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.keystore;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The few of ASN.1's distinguished encoding rules (ITU-T X.690) that certificates need. */
final class Der {
  private static final int INTEGER = 0x02;
  private static final int BIT_STRING = 0x03;
  private static final int NULL = 0x05;
  private static final int OBJECT_IDENTIFIER = 0x06;
  private static final int GENERALIZED_TIME = 0x18;
  private static final int UTC_TIME = 0x17;
  private static final int SEQUENCE = 0x30;

  private Der() {}

  static byte[] sequence(byte[]... parts) {
    return value(SEQUENCE, joined(parts));
  }

  /** An empty set of attributes, tagged {@code [0]}. */
  static byte[] noAttributes() {
    return value(0xA0, new byte[0]);
  }

  static byte[] integer(BigInteger number) {
    return value(INTEGER, number.toByteArray());
  }

  static byte[] nothing() {
    return value(NULL, new byte[0]);
  }

  /** All bits of these bytes. */
  static byte[] bits(byte[] bytes) {
    return value(BIT_STRING, joined(new byte[] {0}, bytes));
  }

  /** An object identifier from its numbers with dots between. */
  static byte[] identifier(String dotted) {
    String[] numbers = dotted.split("\\.", -1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    base128(out, Long.parseLong(numbers[0]) * 40 + Long.parseLong(numbers[1]));
    for (int i = 2; i < numbers.length; i++) {
      base128(out, Long.parseLong(numbers[i]));
    }
    return value(OBJECT_IDENTIFIER, out.toByteArray());
  }

  private static void base128(ByteArrayOutputStream out, long number) {
    int shift = 0;
    while (number >> (shift + 7) != 0) {
      shift += 7;
    }
    for (; shift > 0; shift -= 7) {
      out.write((int) (0x80 | ((number >> shift) & 0x7F)));
    }
    out.write((int) (number & 0x7F));
  }

  /** A time, in the form that RFC 5280 asks for: two digits of the year until 2049. */
  static byte[] time(Instant instant) {
    boolean until2049 = instant.atOffset(ZoneOffset.UTC).getYear() < 2050;
    String pattern = until2049 ? "yyMMddHHmmss'Z'" : "yyyyMMddHHmmss'Z'";
    String text =
        DateTimeFormatter.ofPattern(pattern, Locale.ROOT).withZone(ZoneOffset.UTC).format(instant);
    return value(until2049 ? UTC_TIME : GENERALIZED_TIME, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] value(int tag, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(content.length + 6);
    out.write(tag);
    if (content.length < 0x80) {
      out.write(content.length);
    } else {
      byte[] length = BigInteger.valueOf(content.length).toByteArray();
      int from = length[0] == 0 ? 1 : 0;
      out.write(0x80 | (length.length - from));
      out.write(length, from, length.length - from);
    }
    out.write(content, 0, content.length);
    return out.toByteArray();
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.write(part, 0, part.length);
    }
    return out.toByteArray();
  }
}
