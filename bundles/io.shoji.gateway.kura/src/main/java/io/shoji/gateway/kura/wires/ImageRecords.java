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
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.jspecify.annotations.Nullable;

/**
 * One record of one picture: the bytes of its file, or its pixels as bytes 0 to 255, row by row,
 * one (gray) or three (red, green, blue) for each, with {@code width}, {@code height} and {@code
 * channels} as INTEGER. Gray of a colour picture is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601),
 * rounded; transparency is ignored.
 */
final class ImageRecords implements Records {
  private static final long MOST_BYTES = 64L << 20;
  private static final long MOST_PIXELS = 25_000_000;

  private final Path file;
  private final ReplayPlan plan;
  private final String label;
  private boolean given;

  ImageRecords(Path file, ReplayPlan plan, String label) {
    this.file = file;
    this.plan = plan;
    this.label = label;
  }

  @Override
  public @Nullable Map<String, TypedValue<?>> next() throws IOException {
    if (given) {
      return null;
    }
    given = true;
    Map<String, TypedValue<?>> properties = new HashMap<>();
    if (plan.pixels()) {
      BufferedImage picture = decode();
      int channels = plan.gray() ? 1 : 3;
      properties.put(plan.property(), TypedValues.newByteArrayValue(pixels(picture, plan.gray())));
      properties.put("width", TypedValues.newIntegerValue(picture.getWidth()));
      properties.put("height", TypedValues.newIntegerValue(picture.getHeight()));
      properties.put("channels", TypedValues.newIntegerValue(channels));
    } else {
      if (Files.size(file) > MOST_BYTES) {
        throw new IOException("the picture's file is too long bytes=" + Files.size(file));
      }
      properties.put(plan.property(), TypedValues.newByteArrayValue(Files.readAllBytes(file)));
    }
    if (!label.isEmpty()) {
      properties.put(plan.labelProperty(), TypedValues.newStringValue(label));
    }
    return properties;
  }

  private BufferedImage decode() throws IOException {
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IOException("no picture that can be read");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
        if (pixels > MOST_PIXELS) {
          throw new IOException("the picture is too large pixels=" + pixels);
        }
        return reader.read(0);
      } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
        throw new IOException("the picture is damaged", e);
      } finally {
        reader.dispose();
      }
    }
  }

  private static byte[] pixels(BufferedImage picture, boolean gray) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    byte[] bytes = new byte[width * height * (gray ? 1 : 3)];
    // Of gray pictures the values as they are stored: Java's conversion changes them.
    boolean stored =
        picture.getRaster().getNumBands() <= 2
            && !(picture.getColorModel() instanceof IndexColorModel);
    int shift = Math.max(0, picture.getSampleModel().getSampleSize(0) - 8);
    int i = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int red;
        int green;
        int blue;
        if (stored) {
          red = picture.getRaster().getSample(x, y, 0) >> shift;
          green = red;
          blue = red;
        } else {
          int rgb = picture.getRGB(x, y);
          red = (rgb >> 16) & 0xff;
          green = (rgb >> 8) & 0xff;
          blue = rgb & 0xff;
        }
        if (gray) {
          bytes[i++] = (byte) Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
        } else {
          bytes[i++] = (byte) red;
          bytes[i++] = (byte) green;
          bytes[i++] = (byte) blue;
        }
      }
    }
    return bytes;
  }

  @Override
  public void close() {
    given = true;
  }
}
