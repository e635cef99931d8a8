/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A recording: RIFF WAVE with PCM of 8, 16, 24 or 32 bits, or IEEE floats of 32 bits (Multimedia
 * Programming Interface and Data Specifications 1.0, chapter 3; WAVEFORMATEXTENSIBLE too). The
 * headers are read at once, values when they are asked for.
 *
 * @param channels values per moment
 * @param length moments
 */
record WavFile(Path file, int rateHz, int channels, long length, int coding, int bits, long data) {
  private static final int RIFF = 0x46464952;
  private static final int WAVE = 0x45564157;
  private static final int FORMAT = 0x20746d66;
  private static final int DATA = 0x61746164;
  private static final int PCM = 1;
  private static final int FLOAT = 3;
  private static final int EXTENSIBLE = 0xfffe;
  private static final int FORMAT_SIZE = 16;

  /**
   * Reads the headers.
   *
   * @throws QuantizerException UNREADABLE, or BAD_SAMPLES if it is no such file or cut off
   */
  static WavFile open(Path file) throws QuantizerException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer begin = read(channel, file, 0, 12);
      if (begin.getInt(0) != RIFF || begin.getInt(8) != WAVE) {
        throw bad("no WAV recording: it does not begin with RIFF and WAVE", file);
      }
      int coding = 0;
      int channels = 0;
      int rate = 0;
      int bits = 0;
      for (long at = 12; at + 8 <= channel.size(); ) {
        ByteBuffer head = read(channel, file, at, 8);
        long size = Integer.toUnsignedLong(head.getInt(4));
        long start = at + 8;
        if (size > channel.size() - start) {
          throw bad(
              "the recording is cut off asked=" + size + " found=" + (channel.size() - start),
              file);
        }
        if (head.getInt(0) == FORMAT && size >= FORMAT_SIZE) {
          ByteBuffer format = read(channel, file, start, (int) Math.min(size, 26));
          coding = Short.toUnsignedInt(format.getShort(0));
          channels = Short.toUnsignedInt(format.getShort(2));
          rate = format.getInt(4);
          bits = Short.toUnsignedInt(format.getShort(14));
          if (coding == EXTENSIBLE && size >= 26) {
            coding = Short.toUnsignedInt(format.getShort(24));
          }
        } else if (head.getInt(0) == DATA) {
          boolean known =
              (coding == PCM && (bits == 8 || bits == 16 || bits == 24 || bits == 32))
                  || (coding == FLOAT && bits == 32);
          if (!known || channels == 0 || rate <= 0) {
            throw bad(
                "a kind of WAV that is not read; write 16-bit PCM coding="
                    + coding
                    + " bits="
                    + bits
                    + " channels="
                    + channels,
                file);
          }
          return new WavFile(
              file, rate, channels, size / ((long) channels * (bits / 8)), coding, bits, start);
        }
        // Chunks begin at even places.
        at = start + size + (size & 1);
      }
      throw bad("the recording has no data", file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static QuantizerException bad(String what, Path file) {
    return new QuantizerException(Code.BAD_SAMPLES, what + " file=" + file);
  }

  private static QuantizerException unreadable(Path file, IOException e) {
    return new QuantizerException(
        Code.UNREADABLE, "the file cannot be read file=" + file + " cause=" + e, e);
  }

  private static ByteBuffer read(FileChannel channel, Path file, long from, int count)
      throws IOException, QuantizerException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw bad("the recording is cut off", file);
      }
    }
    return bytes.flip();
  }

  /**
   * Values of all channels, PCM as -1 to 1.
   *
   * @param from first moment
   * @param count moments
   */
  List<float[]> values(long from, int count) throws QuantizerException {
    int moment = channels * (bits / 8);
    ByteBuffer bytes;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      bytes = read(channel, file, data + from * moment, Math.multiplyExact(count, moment));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    float[][] values = new float[channels][count];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < channels; c++) {
        values[c][i] =
            switch (bits) {
              case 8 -> ((bytes.get() & 0xff) - 128) / 128f;
              case 16 -> bytes.getShort() / 32768f;
              case 24 -> {
                int low = bytes.getShort() & 0xffff;
                yield ((bytes.get() << 16) | low) / 8388608f;
              }
              default ->
                  coding == FLOAT ? bytes.getFloat() : (float) (bytes.getInt() / 2147483648.0);
            };
      }
    }
    return List.of(values);
  }
}
