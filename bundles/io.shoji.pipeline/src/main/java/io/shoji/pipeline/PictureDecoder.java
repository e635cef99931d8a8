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
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.DataBufferUShort;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes PNG and JPEG with the JDK's own readers, from memory, without temporary files. Samples
 * are taken from the raster as they are stored: no colour profile, no gamma.
 */
final class PictureDecoder {
  private PictureDecoder() {}

  /**
   * Decodes.
   *
   * @param file a PNG or JPEG file
   * @param maxPixels a larger picture is refused before any of it is decoded
   * @param upright whether to turn a JPEG by its EXIF orientation
   * @param picture receives the result; unchanged or cleared if this throws
   * @throws InferenceException INVALID_INPUT
   */
  static void decode(byte[] file, long maxPixels, boolean upright, Picture picture)
      throws InferenceException {
    if (PngFile.is(file)) {
      decodePng(PngFile.parse(file), maxPixels, picture);
    } else if (JpegFile.is(file)) {
      JpegFile jpeg = JpegFile.parse(file);
      checkSize(jpeg.width(), jpeg.height(), maxPixels);
      Raster raster = read("JPEG", jpeg.essential(), jpeg.width(), jpeg.height());
      take(raster, picture);
      picture.orient(upright ? jpeg.orientation() : 1);
    } else {
      throw Samples.undecodable("neither PNG nor JPEG bytes=" + file.length);
    }
  }

  private static void decodePng(PngFile png, long maxPixels, Picture picture)
      throws InferenceException {
    checkSize(png.width(), png.height(), maxPixels);
    Raster raster = read("PNG", png.essential(), png.width(), png.height());
    if (png.isIndexed()) {
      takeIndexed(raster, png.palette(), picture);
    } else if (png.bits() < 8) {
      takePacked(raster, 255 / ((1 << png.bits()) - 1), picture);
    } else {
      take(raster, picture);
    }
    int[] clear = png.transparentColour();
    if (clear != null) {
      int spread = png.bits() < 8 ? 255 / ((1 << png.bits()) - 1) : 1;
      picture.setTransparent(clear[0] * spread, clear[1] * spread, clear[2] * spread);
    }
  }

  private static void checkSize(int width, int height, long maxPixels) throws InferenceException {
    // Four samples a pixel must be countable by an int.
    long most = Math.min(maxPixels, Integer.MAX_VALUE / 4);
    if ((long) width * height > most) {
      throw Samples.invalid(
          "the picture is too large: send a smaller one, or raise maxPixels of decode-image width="
              + width
              + " height="
              + height
              + " maxPixels="
              + most,
          null);
    }
  }

  private static Raster read(String format, byte[] file, int width, int height)
      throws InferenceException {
    ImageReader reader = reader(format);
    Warnings warnings = new Warnings();
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      reader.addIIOReadWarningListener(warnings);
      reader.setInput(in, true, true);
      BufferedImage image = reader.read(0);
      if (!warnings.serious.isEmpty()) {
        throw Samples.undecodable("damaged " + format + ", " + warnings.serious.get(0));
      }
      if (image.getWidth() != width || image.getHeight() != height) {
        throw Samples.undecodable(
            "damaged " + format + ", its size is not the one that its header names");
      }
      return image.getRaster();
    } catch (IOException e) {
      Throwable cause = e.getCause();
      throw Samples.undecodable(
          "damaged " + format + ", " + e.getMessage() + (cause == null ? "" : " " + cause), e);
    } catch (RuntimeException e) {
      // The JDK's readers answer some damaged files with unchecked exceptions of many kinds.
      throw Samples.undecodable("damaged " + format + ", " + e, e);
    } finally {
      reader.dispose();
    }
  }

  private static ImageReader reader(String format) throws InferenceException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      // Other readers may be on the class path; only the JDK's are known to keep stored samples.
      if ("java.desktop".equals(reader.getClass().getModule().getName())) {
        return reader;
      }
      reader.dispose();
    }
    throw new InferenceException(
        InferenceException.Code.FAILED,
        "this Java runtime cannot read the format; it lacks the reader of the module java.desktop"
            + " format="
            + format);
  }

  /** Takes samples of 8 or 16 bits, as the JDK's readers leave them: channels interleaved. */
  private static void take(Raster raster, Picture picture) throws InferenceException {
    int width = raster.getWidth();
    int height = raster.getHeight();
    if (raster.getSampleModel() instanceof PixelInterleavedSampleModel model) {
      Picture.Samples samples =
          samples(
              raster.getNumBands(),
              model.getPixelStride(),
              model.getScanlineStride(),
              model.getBandOffsets());
      if (raster.getDataBuffer() instanceof DataBufferByte data) {
        picture.set(data.getData(), width, height, samples);
        return;
      }
      if (raster.getDataBuffer() instanceof DataBufferUShort data) {
        picture.set(data.getData(), width, height, samples);
        return;
      }
    }
    throw new InferenceException(
        InferenceException.Code.FAILED,
        "this Java runtime decodes pictures into a memory layout that is not known found="
            + raster.getSampleModel().getClass().getName());
  }

  private static Picture.Samples samples(int bands, int pixelStride, int rowStride, int[] offsets)
      throws InferenceException {
    return switch (bands) {
      case 1 -> new Picture.Samples(pixelStride, rowStride, offsets[0], offsets[0], offsets[0], -1);
      case 2 ->
          new Picture.Samples(
              pixelStride, rowStride, offsets[0], offsets[0], offsets[0], offsets[1]);
      case 3 -> new Picture.Samples(pixelStride, rowStride, offsets[0], offsets[1], offsets[2], -1);
      case 4 ->
          new Picture.Samples(
              pixelStride, rowStride, offsets[0], offsets[1], offsets[2], offsets[3]);
      default -> throw Samples.undecodable("of another number of channels channels=" + bands);
    };
  }

  /** Takes gray samples of 1, 2 or 4 bits. */
  private static void takePacked(Raster raster, int factor, Picture picture) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] bytes = new byte[width * height];
    int[] row = new int[width];
    for (int y = 0; y < height; y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int x = 0; x < width; x++) {
        bytes[y * width + x] = (byte) (row[x] * factor);
      }
    }
    picture.set(bytes, width, height, new Picture.Samples(1, width, 0, 0, 0, -1));
  }

  /** Takes indices of a palette. */
  private static void takeIndexed(Raster raster, byte[] palette, Picture picture)
      throws InferenceException {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] bytes = new byte[4 * width * height];
    int[] row = new int[width];
    for (int y = 0; y < height; y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int x = 0; x < width; x++) {
        int from = 4 * row[x];
        if (from >= palette.length) {
          throw Samples.undecodable(
              "damaged PNG, a pixel outside of its palette index="
                  + row[x]
                  + " colours="
                  + palette.length / 4);
        }
        System.arraycopy(palette, from, bytes, 4 * (y * width + x), 4);
      }
    }
    picture.set(bytes, width, height, new Picture.Samples(4, 4 * width, 0, 1, 2, 3));
  }

  /** Warnings that say that part of a picture was made up. */
  private static final class Warnings implements IIOReadWarningListener {
    private final List<String> serious = new ArrayList<>();

    @Override
    public void warningOccurred(ImageReader source, String warning) {
      // Bytes between two segments harm nothing, and common cameras write them.
      if (!warning.contains("extraneous bytes")) {
        serious.add(warning);
      }
    }
  }
}
