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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.pipeline.Picture.Color;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class PictureDecoderTest {
  private static final long MAX = 1_000_000;

  private static Picture decoded(byte[] file) throws InferenceException {
    Picture picture = new Picture();
    PictureDecoder.decode(file, MAX, true, picture);
    return picture;
  }

  private static float[] pixels(Picture picture, Color color, OptionalDouble background) {
    int length = picture.width() * color.channels();
    float[] all = new float[length * picture.height()];
    float[] row = new float[length];
    for (int y = 0; y < picture.height(); y++) {
      picture.row(y, color, background, row);
      System.arraycopy(row, 0, all, y * length, length);
    }
    return all;
  }

  private static float[] pixels(byte[] file, Color color) throws InferenceException {
    return pixels(decoded(file), color, OptionalDouble.empty());
  }

  private static float[] pixelsOver(byte[] file, Color color, double background)
      throws InferenceException {
    return pixels(decoded(file), color, OptionalDouble.of(background));
  }

  private static BufferedImage noise(int width, int height, int type, long seed) {
    Random random = new Random(seed);
    BufferedImage image = new BufferedImage(width, height, type);
    for (int b = 0; b < image.getRaster().getNumBands(); b++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          image.getRaster().setSample(x, y, b, random.nextInt(256));
        }
      }
    }
    return image;
  }

  private static byte[] written(BufferedImage image, String format, boolean progressive)
      throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageWriteParam param = writer.getDefaultWriteParam();
    if (progressive) {
      param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
    }
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), param);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  /** The stored samples of a picture, as gray or as red, green, blue. */
  private static float[] samples(BufferedImage image) {
    int bands = Math.min(3, image.getRaster().getNumBands());
    float[] all = new float[image.getWidth() * image.getHeight() * bands];
    int i = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        for (int b = 0; b < bands; b++) {
          all[i++] = image.getRaster().getSample(x, y, b);
        }
      }
    }
    return all;
  }

  private static void assertRefused(byte[] file, String... messages) {
    assertThatThrownBy(() -> decoded(file))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
        .hasMessageContainingAll(messages);
  }

  // PNG.

  @Test
  void shouldSpreadToTheFullRangeWhenAGrayPngHasAnyDepth() throws Exception {
    Random random = new Random(1);
    for (int bits : new int[] {1, 2, 4, 8, 16}) {
      for (int width : new int[] {1, 7, 8, 9, 31}) {
        int max = (1 << bits) - 1;
        int[] samples = random.ints(width * 3L, 0, max + 1).toArray();
        samples[0] = max;
        float[] gray = pixels(TestPng.file(width, 3, bits, TestPng.GRAY, samples), Color.GRAY);
        for (int i = 0; i < gray.length; i++) {
          assertThat(gray[i]).isEqualTo((float) (samples[i] * 255.0 / max));
        }
      }
    }
  }

  @Test
  void shouldKeepStoredSamplesWhenAColourPngHasAnyDepth() throws Exception {
    Random random = new Random(2);
    for (int bits : new int[] {8, 16}) {
      int max = (1 << bits) - 1;
      int[] samples = random.ints(5 * 4 * 3, 0, max + 1).toArray();
      byte[] file = TestPng.file(5, 4, bits, TestPng.RGB, samples);
      float[] rgb = pixels(file, Color.RGB);
      float[] bgr = pixels(file, Color.BGR);
      float[] gray = pixels(file, Color.GRAY);
      for (int i = 0; i < samples.length; i++) {
        assertThat(rgb[i]).isEqualTo((float) (samples[i] * 255.0 / max));
        assertThat(bgr[i / 3 * 3 + 2 - i % 3]).isEqualTo(rgb[i]);
      }
      for (int i = 0; i < gray.length; i++) {
        double expected = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
        assertThat(gray[i]).isCloseTo((float) expected, within(1e-4f));
      }
    }
  }

  @Test
  void shouldShowThePalettesColoursWhenIndexed() throws Exception {
    byte[] palette = {(byte) 255, 0, 0, 0, (byte) 255, 0, 0, 0, (byte) 255, 9, 8, 7};
    int[] indices = {0, 1, 2, 3, 3};
    for (int bits : new int[] {2, 4, 8}) {
      byte[] file =
          new TestPng(5, 1, bits, TestPng.INDEXED)
              .chunk("PLTE", palette)
              .data(5, 1, bits, TestPng.INDEXED, indices)
              .end();
      assertThat(pixels(file, Color.RGB))
          .containsExactly(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7, 9, 8, 7);
    }
    byte[] two =
        new TestPng(3, 1, 1, TestPng.INDEXED)
            .chunk("PLTE", Arrays.copyOf(palette, 6))
            .data(3, 1, 1, TestPng.INDEXED, 1, 0, 1)
            .end();
    assertThat(pixels(two, Color.RGB)).containsExactly(0, 255, 0, 255, 0, 0, 0, 255, 0);
  }

  @Test
  void shouldCompositeOnlyWhenABackgroundIsAsked() throws Exception {
    byte[] rgba = TestPng.file(2, 1, 8, TestPng.RGBA, 200, 100, 0, 51, 10, 20, 30, 255);
    assertThat(pixels(rgba, Color.RGB)).containsExactly(200, 100, 0, 10, 20, 30);
    // 51 / 255 = 0.2.
    float[] over = pixelsOver(rgba, Color.RGB, 50);
    float[] expected = {80, 60, 40, 10, 20, 30};
    for (int i = 0; i < expected.length; i++) {
      assertThat(over[i]).isCloseTo(expected[i], within(1e-4f));
    }
    byte[] grayAlpha = TestPng.file(3, 1, 8, TestPng.GRAY_ALPHA, 100, 0, 100, 255, 100, 51);
    assertThat(pixels(grayAlpha, Color.GRAY)).containsExactly(100, 100, 100);
    float[] grayOver = pixelsOver(grayAlpha, Color.GRAY, 200);
    assertThat(grayOver[0]).isEqualTo(200);
    assertThat(grayOver[1]).isEqualTo(100);
    assertThat(grayOver[2]).isCloseTo(180, within(1e-4f));
    byte[] deep = TestPng.file(1, 1, 16, TestPng.GRAY_ALPHA, 25_700, 0);
    assertThat(pixels(deep, Color.GRAY)).containsExactly(100);
    assertThat(pixelsOver(deep, Color.GRAY, 7)).containsExactly(7);
  }

  @Test
  void shouldCompositeWhenOneColourOrPaletteEntryIsTransparent() throws Exception {
    byte[] indexed =
        new TestPng(3, 1, 8, TestPng.INDEXED)
            .chunk("PLTE", new byte[] {10, 10, 10, 20, 20, 20, 30, 30, 30})
            .chunk("tRNS", new byte[] {0, (byte) 255})
            .data(3, 1, 8, TestPng.INDEXED, 0, 1, 2)
            .end();
    assertThat(pixels(indexed, Color.GRAY)[0]).isCloseTo(10, within(1e-4f));
    float[] over = pixelsOver(indexed, Color.RGB, 99);
    assertThat(over).containsExactly(99, 99, 99, 20, 20, 20, 30, 30, 30);
    byte[] gray =
        new TestPng(3, 1, 4, TestPng.GRAY)
            .chunk("tRNS", new byte[] {0, 3})
            .data(3, 1, 4, TestPng.GRAY, 2, 3, 4)
            .end();
    assertThat(pixels(gray, Color.GRAY)).containsExactly(34, 51, 68);
    assertThat(pixelsOver(gray, Color.GRAY, 0)).containsExactly(34, 0, 68);
    byte[] deep =
        new TestPng(2, 1, 16, TestPng.RGB)
            .chunk("tRNS", new byte[] {1, 2, 3, 4, 5, 6})
            .data(2, 1, 16, TestPng.RGB, 0x0102, 0x0304, 0x0506, 0x0102, 0x0304, 0x0507)
            .end();
    float[] deepOver = pixelsOver(deep, Color.RGB, 1);
    assertThat(Arrays.copyOf(deepOver, 3)).containsExactly(1, 1, 1);
    assertThat(deepOver[5]).isEqualTo(0x0507 / 257f);
  }

  @Test
  void shouldReadTheSameWhenAPngIsFilteredOrInterlaced() throws Exception {
    int[] types = {
      BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_3BYTE_BGR, BufferedImage.TYPE_4BYTE_ABGR
    };
    for (int type : types) {
      for (int size : new int[] {1, 5, 33}) {
        BufferedImage image = noise(size, size + 2, type, size);
        Color color = type == BufferedImage.TYPE_BYTE_GRAY ? Color.GRAY : Color.RGB;
        assertThat(pixels(written(image, "png", false), color)).isEqualTo(samples(image));
        assertThat(pixels(written(image, "png", true), color)).isEqualTo(samples(image));
      }
    }
  }

  @Test
  void shouldIgnoreWhatDoesNotChangeSamplesWhenAPngCarriesMore() throws Exception {
    byte[] file =
        new TestPng(2, 1, 8, TestPng.GRAY)
            .chunk("gAMA", new byte[] {0, 0, 0, 1})
            .chunk("iCCP", new byte[] {1, 2, 3})
            .chunk("zTXt", new byte[] {9, 9, 9, 9})
            .chunk("tEXt", new byte[0])
            .data(2, 1, 8, TestPng.GRAY, 50, 150)
            .chunk("eXIf", new byte[] {0})
            .end();
    assertThat(pixels(file, Color.RGB)).containsExactly(50, 50, 50, 150, 150, 150);
  }

  @Test
  void shouldRefuseWhenAPngIsCutOffAnywhere() throws Exception {
    byte[] file = written(noise(9, 9, BufferedImage.TYPE_3BYTE_BGR, 1), "png", false);
    for (int length = 0; length < file.length; length++) {
      assertRefused(Arrays.copyOf(file, length), "cannot decode the picture");
    }
  }

  @Test
  void shouldRefuseWhenAnyByteOfAPngIsWrong() throws Exception {
    byte[] file = written(noise(9, 9, BufferedImage.TYPE_BYTE_GRAY, 1), "png", false);
    for (int i = 0; i < file.length; i++) {
      byte[] wrong = file.clone();
      wrong[i] ^= 0x10;
      assertRefused(wrong, "cannot decode the picture");
    }
  }

  @Test
  void shouldRefuseWhenAPngsPartsContradict() {
    byte[] row = TestPng.deflated(new byte[] {0, 1, 2, 3, 4});
    assertRefused(new TestPng(4, 1, 8, TestPng.GRAY).end(), "no header or no data");
    assertRefused(new TestPng(4, 1, 3, TestPng.GRAY).chunk("IDAT", row).end(), "bitDepth=3");
    assertRefused(new TestPng(4, 1, 8, 5).chunk("IDAT", row).end(), "colourType=5");
    assertRefused(new TestPng(4, 1, 8, TestPng.INDEXED).chunk("IDAT", row).end(), "no palette");
    assertRefused(
        new TestPng(4, 1, 8, TestPng.INDEXED).chunk("PLTE", row[0]).chunk("IDAT", row).end(),
        "chunk=PLTE bytes=1");
    assertRefused(
        new TestPng(4, 1, 8, TestPng.INDEXED)
            .chunk("PLTE", new byte[] {1, 2, 3})
            .chunk("IDAT", row)
            .end(),
        "index=1 colours=1");
    assertRefused(
        new TestPng(4, 1, 8, TestPng.RGB).chunk("tRNS", row[0]).chunk("IDAT", row).end(),
        "chunk=tRNS bytes=1");
    assertRefused(new TestPng(0, 1, 8, TestPng.GRAY).chunk("IDAT", row).end(), "width=0");
    assertRefused(new TestPng(4, -1, 8, TestPng.GRAY).chunk("IDAT", row).end(), "height=-1");
    assertRefused(
        new TestPng(4, 1, 8, TestPng.GRAY).chunk("NEWS").chunk("IDAT", row).end(), "chunk=NEWS");
    assertRefused(new TestPng(4, 1, 8, TestPng.GRAY).chunk("IHDR").end(), "chunk=IHDR");
    assertRefused(new TestPng(4, 2, 8, TestPng.GRAY).chunk("IDAT", row).end(), "damaged PNG");
    assertRefused(new TestPng(4, 1, 8, TestPng.GRAY).chunk("IDAT").end(), "damaged PNG");
  }

  // Both.

  @Test
  void shouldRefuseBeforeDecodingWhenAPictureIsTooLarge() throws Exception {
    // Neither holds any data to decode.
    byte[] png = new TestPng(100_000, 100_000, 8, TestPng.GRAY).chunk("IDAT").end();
    assertRefused(png, "the picture is too large", "width=100000 height=100000");
    byte[] jpeg = written(noise(8, 8, BufferedImage.TYPE_BYTE_GRAY, 1), "jpeg", false);
    int frame = find(jpeg, 0xc0);
    Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xff);
    assertRefused(jpeg, "the picture is too large", "width=65535 height=65535");
    byte[] small = TestPng.file(4, 1, 8, TestPng.GRAY, 1, 2, 3, 4);
    assertThatThrownBy(() -> PictureDecoder.decode(small, 3, true, new Picture()))
        .hasMessageContaining("maxPixels=3");
    PictureDecoder.decode(small, 4, true, new Picture());
  }

  @Test
  void shouldRefuseWhenAFileIsNoPictureAtAll() {
    Random random = new Random(9);
    for (int length : new int[] {0, 1, 2, 3, 8, 100, 10_000}) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      assertRefused(bytes, "neither PNG nor JPEG bytes=" + length);
    }
    assertRefused("GIF89a".getBytes(StandardCharsets.US_ASCII), "neither PNG");
  }

  @Test
  void shouldAnswerOrRefuseWhenBytesAreFlippedAtRandom() throws Exception {
    BufferedImage image = noise(24, 24, BufferedImage.TYPE_3BYTE_BGR, 4);
    byte[][] files = {
      written(image, "png", true), written(image, "jpeg", false), written(image, "jpeg", true)
    };
    Random random = new Random(10);
    int answered = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] file = files[round % files.length].clone();
      int flips = 1 + random.nextInt(4);
      for (int i = 0; i < flips; i++) {
        file[random.nextInt(file.length)] = (byte) random.nextInt();
      }
      try {
        Picture picture = decoded(file);
        assertThat(pixels(picture, Color.RGB, OptionalDouble.of(3)))
            .hasSize(3 * picture.width() * picture.height());
        answered++;
      } catch (InferenceException e) {
        assertThat(e.code()).isEqualTo(Code.INVALID_INPUT);
      } catch (RuntimeException e) {
        fail("round " + round, e);
      }
    }
    assertThat(answered).isBetween(1, 2999);
  }

  // JPEG.

  /** Index of the length of the first segment with a marker. */
  private static int find(byte[] jpeg, int marker) {
    int at = 2;
    while ((jpeg[at + 1] & 0xff) != marker) {
      at += 2 + ByteBuffer.wrap(jpeg).getShort(at + 2);
    }
    return at;
  }

  private static byte[] without(byte[] jpeg, int marker) {
    int at = find(jpeg, marker);
    int end = at + 2 + ByteBuffer.wrap(jpeg).getShort(at + 2);
    byte[] shorter = Arrays.copyOf(jpeg, jpeg.length - (end - at));
    System.arraycopy(jpeg, end, shorter, at, jpeg.length - end);
    return shorter;
  }

  private static byte[] with(byte[] jpeg, int marker, byte[] body) {
    return ByteBuffer.allocate(jpeg.length + 4 + body.length)
        .put(jpeg, 0, 2)
        .put((byte) 0xff)
        .put((byte) marker)
        .putShort((short) (body.length + 2))
        .put(body)
        .put(jpeg, 2, jpeg.length - 2)
        .array();
  }

  private static byte[] exif(int orientation, ByteOrder order) {
    return ByteBuffer.allocate(6 + 8 + 2 + 24 + 4)
        .put(new byte[] {'E', 'x', 'i', 'f', 0, 0})
        .put(order == ByteOrder.BIG_ENDIAN ? new byte[] {'M', 'M'} : new byte[] {'I', 'I'})
        .order(order)
        .putShort((short) 42)
        .putInt(8)
        .putShort((short) 2)
        .putShort((short) 0x0100)
        .putShort((short) 3)
        .putInt(1)
        .putInt(0)
        .putShort((short) 0x0112)
        .putShort((short) 3)
        .putInt(1)
        .putShort((short) orientation)
        .putShort((short) 0)
        .putInt(0)
        .array();
  }

  private static BufferedImage gradient(int width, int height, int type) {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int bands = image.getRaster().getNumBands();
        for (int b = 0; b < bands; b++) {
          int value = b == 0 ? 255 * x / width : b == 1 ? 255 * y / height : 128;
          image.getRaster().setSample(x, y, b, value);
        }
      }
    }
    return image;
  }

  private static byte[] written444(BufferedImage image) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      IIOMetadata metadata = writer.getDefaultImageMetadata(new ImageTypeSpecifier(image), null);
      String format = "javax_imageio_jpeg_image_1.0";
      Element root = (Element) metadata.getAsTree(format);
      NodeList components = root.getElementsByTagName("componentSpec");
      for (int i = 0; i < components.getLength(); i++) {
        ((Element) components.item(i)).setAttribute("HsamplingFactor", "1");
        ((Element) components.item(i)).setAttribute("VsamplingFactor", "1");
      }
      metadata.setFromTree(format, root);
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, metadata), null);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  private static void assertClose(float[] found, float[] expected, float most) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).as("sample %d", i).isCloseTo(expected[i], within(most));
    }
  }

  @Test
  void shouldKeepBrightnessWhenAJpegIsGray() throws Exception {
    BufferedImage image = gradient(40, 24, BufferedImage.TYPE_BYTE_GRAY);
    for (boolean progressive : new boolean[] {false, true}) {
      byte[] file = written(image, "jpeg", progressive);
      assertClose(pixels(file, Color.GRAY), samples(image), 4);
      float[] rgb = pixels(file, Color.RGB);
      float[] gray = pixels(file, Color.GRAY);
      for (int i = 0; i < rgb.length; i++) {
        assertThat(rgb[i]).isEqualTo(gray[i / 3]);
      }
    }
  }

  @Test
  void shouldKeepColoursWhenAJpegIsColoured() throws Exception {
    BufferedImage image = gradient(40, 24, BufferedImage.TYPE_INT_RGB);
    assertClose(pixels(written(image, "jpeg", false), Color.RGB), samples(image), 14);
    assertClose(pixels(written(image, "jpeg", true), Color.RGB), samples(image), 14);
    assertClose(pixels(written444(image), Color.RGB), samples(image), 8);
  }

  @Test
  void shouldTakeThreeComponentsAsYCbCrWhenNothingNamesTheirColours() throws Exception {
    BufferedImage image = gradient(40, 24, BufferedImage.TYPE_INT_RGB);
    byte[] plain = without(written444(image), 0xe0);
    assertClose(pixels(plain, Color.RGB), samples(image), 8);
    assertClose(
        pixels(with(plain, 0xe1, exif(1, ByteOrder.BIG_ENDIAN)), Color.RGB), samples(image), 8);
  }

  @Test
  void shouldTakeComponentsAsTheyAreWhenTheyAreNamedRedGreenBlue() throws Exception {
    BufferedImage image = gradient(40, 24, BufferedImage.TYPE_INT_RGB);
    byte[] file = without(written444(image), 0xe0);
    int frame = find(file, 0xc0);
    int scan = find(file, 0xda);
    for (int i = 0; i < 3; i++) {
      file[frame + 10 + 3 * i] = (byte) "RGB".charAt(i);
      file[scan + 5 + 2 * i] = (byte) "RGB".charAt(i);
    }
    // The stored components are YCbCr, now read as if they were red, green and blue.
    float[] rgb = samples(image);
    float[] ycc = new float[rgb.length];
    for (int i = 0; i < rgb.length; i += 3) {
      ycc[i] = 0.299f * rgb[i] + 0.587f * rgb[i + 1] + 0.114f * rgb[i + 2];
      ycc[i + 1] = 128 + 0.564f * (rgb[i + 2] - ycc[i]);
      ycc[i + 2] = 128 + 0.713f * (rgb[i] - ycc[i]);
    }
    assertClose(pixels(file, Color.RGB), ycc, 8);
  }

  @Test
  void shouldReadStoredSamplesWhenAJpegCarriesAProfileOrRubbish() throws Exception {
    BufferedImage image = gradient(16, 16, BufferedImage.TYPE_INT_RGB);
    byte[] file = written(image, "jpeg", false);
    float[] expected = pixels(file, Color.RGB);
    byte[] profile = ICC_Profile.getInstance(ColorSpace.CS_LINEAR_RGB).getData();
    byte[] chunk =
        ByteBuffer.allocate(14 + profile.length)
            .put("ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII))
            .put((byte) 1)
            .put((byte) 1)
            .put(profile)
            .array();
    assertThat(pixels(with(file, 0xe2, chunk), Color.RGB)).isEqualTo(expected);
    assertThat(pixels(with(file, 0xe2, Arrays.copyOf(chunk, 20)), Color.RGB)).isEqualTo(expected);
    assertThat(pixels(with(file, 0xfe, new byte[50]), Color.RGB)).isEqualTo(expected);
    assertThat(pixels(with(file, 0xe1, new byte[] {'E', 'x', 'i', 'f', 0, 0, 1}), Color.RGB))
        .isEqualTo(expected);
    byte[] longer = Arrays.copyOf(file, file.length + 100);
    assertThat(pixels(longer, Color.RGB)).isEqualTo(expected);
  }

  @Test
  void shouldReadAJpegWhenItsHuffmanTablesAreTheStandardOnesAndLeftOut() throws Exception {
    byte[] file = written(gradient(16, 16, BufferedImage.TYPE_INT_RGB), "jpeg", false);
    byte[] bare = file;
    for (int i = 0; i < 4 && hasTable(bare); i++) {
      bare = without(bare, 0xc4);
    }
    assertThat(bare).hasSizeLessThan(file.length - 400);
    assertThat(pixels(bare, Color.RGB)).isEqualTo(pixels(file, Color.RGB));
  }

  private static boolean hasTable(byte[] jpeg) {
    int at = 2;
    while ((jpeg[at + 1] & 0xff) != 0xda) {
      if ((jpeg[at + 1] & 0xff) == 0xc4) {
        return true;
      }
      at += 2 + ByteBuffer.wrap(jpeg).getShort(at + 2);
    }
    return false;
  }

  @Test
  void shouldStandUprightWhenAJpegNamesItsOrientation() throws Exception {
    int w = 24;
    int h = 16;
    byte[] file = written(gradient(w, h, BufferedImage.TYPE_BYTE_GRAY), "jpeg", false);
    float[] stored = pixels(file, Color.GRAY);
    for (int orientation = 0; orientation <= 9; orientation++) {
      ByteOrder order = orientation % 2 == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
      byte[] turned = with(file, 0xe1, exif(orientation, order));
      Picture picture = decoded(turned);
      boolean lying = orientation >= 5 && orientation <= 8;
      assertThat(picture.width()).isEqualTo(lying ? h : w);
      assertThat(picture.height()).isEqualTo(lying ? w : h);
      float[] upright = pixels(picture, Color.GRAY, OptionalDouble.empty());
      for (int y = 0; y < picture.height(); y++) {
        for (int x = 0; x < picture.width(); x++) {
          // EXIF 2.32, 4.6.4: which stored edge is the upper one and which the left one.
          int column =
              switch (orientation) {
                case 2, 3 -> w - 1 - x;
                case 5, 6 -> y;
                case 7, 8 -> w - 1 - y;
                default -> x;
              };
          int row =
              switch (orientation) {
                case 3, 4 -> h - 1 - y;
                case 5, 8 -> x;
                case 6, 7 -> h - 1 - x;
                default -> y;
              };
          assertThat(upright[y * picture.width() + x]).isEqualTo(stored[row * w + column]);
        }
      }
      Picture lyingPicture = new Picture();
      PictureDecoder.decode(turned, MAX, false, lyingPicture);
      assertThat(pixels(lyingPicture, Color.GRAY, OptionalDouble.empty())).isEqualTo(stored);
    }
  }

  @Test
  void shouldRefuseWhenAJpegIsCutOffAnywhere() throws Exception {
    for (boolean progressive : new boolean[] {false, true}) {
      byte[] file = written(noise(16, 16, BufferedImage.TYPE_3BYTE_BGR, 2), "jpeg", progressive);
      for (int length = 0; length < file.length; length++) {
        assertRefused(Arrays.copyOf(file, length), "cannot decode the picture");
      }
    }
  }

  @Test
  void shouldRefuseWhenAJpegEndsInTheMiddleButWithItsEndMarker() throws Exception {
    byte[] file = written(noise(64, 64, BufferedImage.TYPE_3BYTE_BGR, 2), "jpeg", false);
    byte[] half = Arrays.copyOf(file, file.length / 2);
    half[half.length - 2] = (byte) 0xff;
    half[half.length - 1] = (byte) 0xd9;
    assertRefused(half, "damaged JPEG", "premature end");
  }

  @Test
  void shouldReadAJpegWhenACameraWritesBytesBeforeItsEnd() throws Exception {
    byte[] file = written(gradient(16, 16, BufferedImage.TYPE_INT_RGB), "jpeg", false);
    byte[] more = Arrays.copyOf(file, file.length + 4);
    Arrays.fill(more, file.length - 2, file.length + 2, (byte) 0x11);
    more[file.length + 2] = (byte) 0xff;
    more[file.length + 3] = (byte) 0xd9;
    assertThat(pixels(more, Color.RGB)).isEqualTo(pixels(file, Color.RGB));
  }

  @Test
  void shouldRefuseWhenAJpegIsOfAKindThatIsNotRead() throws Exception {
    byte[] file = written(gradient(16, 16, BufferedImage.TYPE_BYTE_GRAY), "jpeg", false);
    int frame = find(file, 0xc0);
    byte[] fourColours = file.clone();
    fourColours[frame + 9] = 4;
    assertRefused(fourColours, "CMYK", "components=4");
    byte[] deep = file.clone();
    deep[frame + 4] = 12;
    assertRefused(deep, "bits=12");
    byte[] arithmetic = file.clone();
    arithmetic[frame + 1] = (byte) 0xc9;
    assertRefused(arithmetic, "marker=c9");
    byte[] lossless = file.clone();
    lossless[frame + 1] = (byte) 0xc3;
    assertRefused(lossless, "marker=c3");
    byte[] flat = file.clone();
    flat[frame + 5] = 0;
    flat[frame + 6] = 0;
    assertRefused(flat, "height=0");
    byte[] noFrame = without(file, 0xc0);
    assertRefused(noFrame, "damaged JPEG");
    assertRefused(with(file, 0xc0, Arrays.copyOfRange(file, frame + 4, frame + 13)), "two frames");
  }

  @Test
  void shouldRefuseWhenAJpegHasManyScans() throws Exception {
    byte[] file = written(gradient(16, 16, BufferedImage.TYPE_BYTE_GRAY), "jpeg", true);
    int scan = find(file, 0xda);
    byte[] body = Arrays.copyOfRange(file, scan, file.length - 2);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file, 0, scan);
    for (int i = 0; i < 101; i++) {
      out.writeBytes(body);
    }
    out.write(file, file.length - 2, 2);
    assertRefused(out.toByteArray(), "too many scans asked=100");
  }
}
