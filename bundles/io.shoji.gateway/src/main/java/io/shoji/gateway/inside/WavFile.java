/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A recording: RIFF WAVE with PCM of 8, 16, 24 or 32 bits, or IEEE floats of 32 bits (Multimedia
 * Programming Interface and Data Specifications 1.0, chapter 3; WAVEFORMATEXTENSIBLE too).
 *
 * @param sampleRateHz samples per second and channel
 * @param channels values by channel; PCM as -1 to 1
 */
record WavFile(int sampleRateHz, List<float[]> channels) {
  private static final int RIFF = 0x46464952;
  private static final int WAVE = 0x45564157;
  private static final int FORMAT = 0x20746d66;
  private static final int DATA = 0x61746164;
  private static final int PCM = 1;
  private static final int FLOAT = 3;
  private static final int EXTENSIBLE = 0xfffe;

  /**
   * Reads a recording.
   *
   * @throws IOException if it cannot be read, is no such file, or is cut off; names the file
   */
  static WavFile read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < 12 || bytes.getInt(0) != RIFF || bytes.getInt(8) != WAVE) {
      throw new IOException("no WAV recording: it does not begin with RIFF and WAVE file=" + file);
    }
    bytes.position(12);
    int coding = 0;
    int channels = 0;
    int rate = 0;
    int bits = 0;
    while (bytes.remaining() >= 8) {
      int chunk = bytes.getInt();
      long size = Integer.toUnsignedLong(bytes.getInt());
      if (size > bytes.remaining()) {
        throw new IOException(
            "the recording is cut off asked="
                + size
                + " found="
                + bytes.remaining()
                + " file="
                + file);
      }
      int start = bytes.position();
      if (chunk == FORMAT && size >= 16) {
        coding = Short.toUnsignedInt(bytes.getShort(start));
        channels = Short.toUnsignedInt(bytes.getShort(start + 2));
        rate = bytes.getInt(start + 4);
        bits = Short.toUnsignedInt(bytes.getShort(start + 14));
        if (coding == EXTENSIBLE && size >= 26) {
          coding = Short.toUnsignedInt(bytes.getShort(start + 24));
        }
      } else if (chunk == DATA) {
        boolean known =
            (coding == PCM && (bits == 8 || bits == 16 || bits == 24 || bits == 32))
                || (coding == FLOAT && bits == 32);
        if (!known || channels == 0 || rate <= 0) {
          throw new IOException(
              "a kind of WAV that is not read; write 16-bit PCM coding="
                  + coding
                  + " bits="
                  + bits
                  + " channels="
                  + channels
                  + " file="
                  + file);
        }
        return new WavFile(
            rate,
            values(bytes.slice(start, (int) size).order(bytes.order()), coding, channels, bits));
      }
      // Chunks begin at even places.
      bytes.position((int) Math.min(bytes.limit(), start + size + (size & 1)));
    }
    throw new IOException("the recording has no data file=" + file);
  }

  private static List<float[]> values(ByteBuffer data, int coding, int channels, int bits) {
    int length = data.remaining() / (channels * (bits / 8));
    float[][] values = new float[channels][length];
    for (int i = 0; i < length; i++) {
      for (int channel = 0; channel < channels; channel++) {
        values[channel][i] =
            switch (bits) {
              case 8 -> ((data.get() & 0xff) - 128) / 128f;
              case 16 -> data.getShort() / 32768f;
              case 24 -> {
                int low = data.getShort() & 0xffff;
                yield ((data.get() << 16) | low) / 8388608f;
              }
              default -> coding == FLOAT ? data.getFloat() : (float) (data.getInt() / 2147483648.0);
            };
      }
    }
    return List.of(values);
  }

  /** Values per channel. */
  int length() {
    return channels.get(0).length;
  }
}
