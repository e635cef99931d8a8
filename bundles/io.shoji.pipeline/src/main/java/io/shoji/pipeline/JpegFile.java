/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The structure of a JPEG file (ITU-T T.81, annex B), checked before anything is decoded: every
 * segment lies within the file, one frame of a kind that is read, the end is there. {@link
 * #essential} leaves out what does not change the picture's samples (EXIF, colour profiles,
 * thumbnails, comments) and says plainly that three components are YCbCr unless an Adobe segment or
 * the components' names say otherwise, as libjpeg decides it.
 */
final class JpegFile {
  /**
   * More scans than any encoder makes; each costs a pass over the whole picture, so that a small
   * file could keep a decoder busy for minutes.
   */
  private static final int MAX_SCANS = 100;

  private static final byte[] JFIF = {
    (byte) 0xff, (byte) 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
  };
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.ISO_8859_1);
  private static final byte[] ADOBE = "Adobe".getBytes(StandardCharsets.ISO_8859_1);

  private final byte[] file;
  private final ByteArrayOutputStream kept;
  private int at;
  private int width;
  private int height;
  private int components;
  private int orientation = 1;
  private int scans;
  private boolean adobe;
  private boolean named;

  private JpegFile(byte[] file) {
    this.file = file;
    this.kept = new ByteArrayOutputStream(file.length);
  }

  /** Whether the file begins as a JPEG. */
  static boolean is(byte[] file) {
    return file.length >= 3
        && file[0] == (byte) 0xff
        && file[1] == (byte) 0xd8
        && file[2] == (byte) 0xff;
  }

  /**
   * Reads the structure.
   *
   * @throws InferenceException INVALID_INPUT if it is cut off, damaged or of a kind that is not
   *     read
   */
  static JpegFile parse(byte[] file) throws InferenceException {
    JpegFile jpeg = new JpegFile(file);
    jpeg.at = 2;
    boolean more = true;
    while (more) {
      more = jpeg.segment();
    }
    if (jpeg.components == 0 || jpeg.scans == 0) {
      throw damaged("it has no picture");
    }
    return jpeg;
  }

  /** Reads one segment; false after the end of the picture. */
  private boolean segment() throws InferenceException {
    int marker = marker();
    if (marker == 0xd9) {
      keep(new byte[] {(byte) 0xff, (byte) 0xd9}, 0, 2);
      return false;
    }
    if (marker == 0xd8 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      throw damaged("marker out of place marker=" + Integer.toHexString(marker) + " at=" + at);
    }
    int start = at - 2;
    int length = file.length - at < 2 ? 0 : unsigned(at, 2);
    if (length < 2 || length > file.length - at) {
      throw damaged("cut off within a segment marker=" + Integer.toHexString(marker));
    }
    int body = at + 2;
    int end = at + length;
    at = end;
    boolean keep = true;
    if ((marker >= 0xe0 && marker <= 0xef) || marker == 0xfe) {
      if (marker == 0xe1 && startsWith(body, end, EXIF)) {
        orientation = orientation(Arrays.copyOfRange(file, body + EXIF.length, end));
      }
      keep = marker == 0xee && startsWith(body, end, ADOBE);
      adobe |= keep;
    } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8) {
      // 0xcc defines arithmetic coding, which only frames of the kinds refused here use.
      frame(marker, body, end);
    } else if (marker == 0xda) {
      scans++;
      if (scans > MAX_SCANS) {
        throw damaged("too many scans asked=" + MAX_SCANS);
      }
      skipEntropyCoded();
      end = at;
    } else if (marker == 0xdc || marker == 0xdf) {
      throw unsupported("hierarchical, or of a height that follows later");
    }
    if (keep) {
      keep(file, start, end - start);
    }
    return true;
  }

  private int marker() throws InferenceException {
    if (at >= file.length) {
      throw damaged("cut off before its end bytes=" + file.length);
    }
    if (file[at] != (byte) 0xff) {
      throw damaged("no marker where one must be at=" + at);
    }
    while (at < file.length && file[at] == (byte) 0xff) {
      at++;
    }
    if (at >= file.length) {
      throw damaged("cut off before its end bytes=" + file.length);
    }
    // Fill bytes before the marker are passed over (B.1.1.2).
    return file[at++] & 0xff;
  }

  private void frame(int marker, int body, int end) throws InferenceException {
    if (marker > 0xc2) {
      throw unsupported(
          "neither baseline nor progressive Huffman coding marker=" + Integer.toHexString(marker));
    }
    if (components != 0) {
      throw damaged("two frames");
    }
    if (end - body < 6) {
      throw damaged("cut off within its frame");
    }
    int precision = unsigned(body, 1);
    height = unsigned(body + 1, 2);
    width = unsigned(body + 3, 2);
    components = unsigned(body + 5, 1);
    if (precision != 8) {
      throw unsupported("other than 8 bits a sample bits=" + precision);
    }
    if (width == 0 || height == 0) {
      throw damaged("it has no pixels width=" + width + " height=" + height);
    }
    if (components != 1 && components != 3) {
      throw unsupported(
          "neither gray nor of three colours; CMYK must be converted before components="
              + components);
    }
    if (end - body != 6 + 3 * components) {
      throw damaged("its frame is of wrong size");
    }
    named =
        components == 3 && file[body + 6] == 'R' && file[body + 9] == 'G' && file[body + 12] == 'B';
  }

  /** Moves to the next marker that is neither stuffing nor a restart (B.1.1.5). */
  private void skipEntropyCoded() throws InferenceException {
    for (; at < file.length - 1; at++) {
      if (file[at] == (byte) 0xff) {
        int next = file[at + 1] & 0xff;
        boolean data = next == 0 || next == 0xff || (next >= 0xd0 && next <= 0xd7);
        if (!data) {
          return;
        }
      }
    }
    throw damaged("cut off before its end bytes=" + file.length);
  }

  /** The tag 0x0112 of the first directory (EXIF 2.32, 4.6.2), or 1 if it is not there. */
  private static int orientation(byte[] exif) {
    if (exif.length < 8) {
      return 1;
    }
    ByteBuffer tiff = ByteBuffer.wrap(exif);
    if (exif[0] == 'I' && exif[1] == 'I') {
      tiff.order(ByteOrder.LITTLE_ENDIAN);
    }
    int directory = tiff.getInt(4);
    if (directory < 0 || directory > exif.length - 2) {
      return 1;
    }
    int entries = tiff.getShort(directory) & 0xffff;
    for (int i = 0; i < entries; i++) {
      int entry = directory + 2 + 12 * i;
      if (entry > exif.length - 12) {
        return 1;
      }
      if (tiff.getShort(entry) == 0x0112) {
        int value = tiff.getShort(entry + 8);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
    return 1;
  }

  private boolean startsWith(int body, int end, byte[] text) {
    return end - body >= text.length
        && Arrays.equals(file, body, body + text.length, text, 0, text.length);
  }

  private int unsigned(int index, int bytes) {
    int value = file[index] & 0xff;
    return bytes == 1 ? value : (value << 8) | (file[index + 1] & 0xff);
  }

  private void keep(byte[] from, int start, int length) {
    kept.write(from, start, length);
  }

  private static InferenceException damaged(String reason) {
    return Samples.undecodable("damaged JPEG, " + reason);
  }

  private static InferenceException unsupported(String reason) {
    return Samples.undecodable("a JPEG that is not read, " + reason);
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /** The EXIF orientation, 1 to 8; 1 if the file names none. */
  int orientation() {
    return orientation;
  }

  /** The same picture without what does not change its samples. */
  byte[] essential() {
    ByteArrayOutputStream all = new ByteArrayOutputStream(kept.size() + JFIF.length + 2);
    all.write(0xff);
    all.write(0xd8);
    if (!adobe && !named) {
      all.writeBytes(JFIF);
    }
    all.writeBytes(kept.toByteArray());
    return all.toByteArray();
  }
}
