/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import io.shoji.gateway.kura.wires.ReplayReader.Records;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.jspecify.annotations.Nullable;

/**
 * Records of one channel of a recording: windows as little-endian floats in a BYTE_ARRAY, or each
 * value as a FLOAT. PCM of 8, 16, 24 or 32 bits becomes -1 to 1, IEEE floats of 32 bits stay
 * (Multimedia Programming Interface and Data Specifications 1.0, chapter 3; WAVEFORMATEXTENSIBLE
 * too). What is left behind the last whole window is left out.
 */
final class WavRecords implements Records {
  private static final int RIFF = 0x46464952;
  private static final int WAVE = 0x45564157;
  private static final int FORMAT = 0x20746d66;
  private static final int DATA = 0x61746164;
  private static final int PCM = 1;
  private static final int FLOAT = 3;
  private static final int EXTENSIBLE = 0xfffe;
  private static final long MOST_BYTES = 256L << 20;

  private final ReplayPlan plan;
  private final String label;
  private final float[] values;
  private final int rate;
  private int next;

  WavRecords(Path file, ReplayPlan plan, String label) throws IOException {
    this.plan = plan;
    this.label = label;
    if (Files.size(file) > MOST_BYTES) {
      throw new IOException("the recording is too long bytes=" + Files.size(file));
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < 12 || bytes.getInt(0) != RIFF || bytes.getInt(8) != WAVE) {
      throw new IOException("no WAV recording: it does not begin with RIFF and WAVE");
    }
    int format = -1;
    int position = 12;
    while (bytes.limit() - position >= 8) {
      int chunk = bytes.getInt(position);
      long size = Integer.toUnsignedLong(bytes.getInt(position + 4));
      position += 8;
      if (size > bytes.limit() - position) {
        throw new IOException(
            "the recording is cut off asked=" + size + " found=" + (bytes.limit() - position));
      }
      if (chunk == FORMAT && size >= 16) {
        format = position;
      } else if (chunk == DATA && format >= 0) {
        rate = bytes.getInt(format + 4);
        values = values(bytes, format, position, (int) size, plan.channel());
        return;
      }
      // Chunks begin at even places.
      position = (int) Math.min(bytes.limit(), position + size + (size & 1));
    }
    throw new IOException("the recording has no format and data");
  }

  private static float[] values(ByteBuffer bytes, int format, int start, int size, int channel)
      throws IOException {
    int coding = Short.toUnsignedInt(bytes.getShort(format));
    int channels = Short.toUnsignedInt(bytes.getShort(format + 2));
    int bits = Short.toUnsignedInt(bytes.getShort(format + 14));
    if (coding == EXTENSIBLE && start - format >= 26) {
      coding = Short.toUnsignedInt(bytes.getShort(format + 24));
    }
    boolean known =
        (coding == PCM && (bits == 8 || bits == 16 || bits == 24 || bits == 32))
            || (coding == FLOAT && bits == 32);
    if (!known || channel >= channels) {
      throw new IOException(
          "a kind of WAV that is not read, or no such channel coding="
              + coding
              + " bits="
              + bits
              + " channels="
              + channels
              + " channel="
              + channel);
    }
    int frame = channels * (bits / 8);
    float[] values = new float[size / frame];
    for (int i = 0; i < values.length; i++) {
      int at = start + i * frame + channel * (bits / 8);
      values[i] =
          switch (bits) {
            case 8 -> ((bytes.get(at) & 0xff) - 128) / 128f;
            case 16 -> bytes.getShort(at) / 32768f;
            case 24 -> ((bytes.get(at + 2) << 16) | (bytes.getShort(at) & 0xffff)) / 8388608f;
            default ->
                coding == FLOAT ? bytes.getFloat(at) : (float) (bytes.getInt(at) / 2147483648.0);
          };
    }
    return values;
  }

  @Override
  public @Nullable Map<String, TypedValue<?>> next() {
    int size = plan.windows() ? (plan.window() == 0 ? values.length : plan.window()) : 1;
    if (size == 0 || next > values.length - size) {
      return null;
    }
    Map<String, TypedValue<?>> properties = new HashMap<>();
    if (plan.windows()) {
      ByteBuffer window = ByteBuffer.allocate(size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      window.asFloatBuffer().put(values, next, size);
      properties.put(plan.property(), TypedValues.newByteArrayValue(window.array()));
      next += plan.hop() == 0 ? size : plan.hop();
    } else {
      properties.put(plan.property(), TypedValues.newFloatValue(values[next]));
      next++;
    }
    properties.put("sampleRate", TypedValues.newIntegerValue(rate));
    if (!label.isEmpty()) {
      properties.put(plan.labelProperty(), TypedValues.newStringValue(label));
    }
    return properties;
  }

  @Override
  public void close() {
    next = values.length + 1;
  }
}
