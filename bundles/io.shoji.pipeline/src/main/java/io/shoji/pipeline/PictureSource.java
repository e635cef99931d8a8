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
import io.shoji.inference.Sample;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Pictures, through the steps, into the model's input: one input each. */
final class PictureSource implements Source {
  /**
   * What decode-image was asked.
   *
   * @param color channels to make
   * @param background gray under transparent pixels, 0 to 255; empty to ignore transparency
   * @param upright whether to turn a JPEG by its EXIF orientation
   * @param maxPixels larger encoded pictures are refused
   */
  record Decoding(
      Picture.Color color, OptionalDouble background, boolean upright, long maxPixels) {}

  private final Decoding decoding;
  private final @Nullable Resize resize;
  private final @Nullable Normalize normalize;
  private final Layout layout;
  private final TensorSpec spec;
  private final TensorWriter writer;
  private final Picture picture = new Picture();
  private final Geometry geometry = new Geometry();
  private byte[] raw = new byte[0];
  private float[] pixels = new float[0];
  private float[] staged = new float[0];
  private Shape shape = Shape.scalar();
  private boolean offered;

  /**
   * @param layout NCHW, NHWC or NC
   * @param spec of the model's input
   */
  PictureSource(
      Decoding decoding,
      @Nullable Resize resize,
      @Nullable Normalize normalize,
      Layout layout,
      TensorSpec spec) {
    this.decoding = decoding;
    this.resize = resize;
    this.normalize = normalize;
    this.layout = layout;
    this.spec = spec;
    this.writer = new TensorWriter(spec);
  }

  /**
   * The shape of the model's input for a picture.
   *
   * @param width pixels, or {@link Shape#DYNAMIC}
   * @param height pixels, or {@link Shape#DYNAMIC}
   */
  static Shape shape(Layout layout, long width, long height, int channels) {
    boolean known = width != Shape.DYNAMIC && height != Shape.DYNAMIC;
    return switch (layout) {
      case NCHW -> Shape.of(1, channels, height, width);
      case NHWC -> Shape.of(1, height, width, channels);
      default -> Shape.of(1, known ? width * height * channels : Shape.DYNAMIC);
    };
  }

  @Override
  public void offer(Sample sample, int from) throws InferenceException {
    if (sample instanceof Sample.EncodedImage encoded) {
      ByteBuffer bytes = encoded.bytes();
      byte[] file = new byte[bytes.remaining()];
      bytes.get(bytes.position(), file);
      PictureDecoder.decode(file, decoding.maxPixels(), decoding.upright(), picture);
    } else if (sample instanceof Sample.RawImage image) {
      takeRaw(image);
    } else {
      throw Samples.wrongKind("EncodedImage|RawImage", sample);
    }
    offered = true;
  }

  private void takeRaw(Sample.RawImage image) throws InferenceException {
    int channels = image.order() == Sample.PixelOrder.GRAY ? 1 : 3;
    int width = image.width();
    int height = image.height();
    ByteBuffer bytes = image.bytes();
    boolean sized = width > 0 && height > 0 && (long) width * height <= Integer.MAX_VALUE / 4;
    if (!sized || width * height * channels != bytes.remaining()) {
      throw Samples.refused(
          "its bytes are not width * height * channels, all above 0 width="
              + width
              + " height="
              + height
              + " channels="
              + channels
              + " bytes="
              + bytes.remaining());
    }
    if (raw.length < bytes.remaining()) {
      raw = new byte[bytes.remaining()];
    }
    bytes.get(bytes.position(), raw, 0, bytes.remaining());
    int red = image.order() == Sample.PixelOrder.BGR ? 2 : 0;
    int green = channels == 1 ? 0 : 1;
    int blue = channels == 1 ? 0 : 2 - red;
    picture.set(
        raw, width, height, new Picture.Samples(channels, channels * width, red, green, blue, -1));
  }

  @Override
  public boolean next(ModelCall call) throws InferenceException {
    if (!offered) {
      return false;
    }
    int channels = decoding.color().channels();
    Resize resizer = resize;
    int width = resizer == null ? picture.width() : resizer.width();
    int height = resizer == null ? picture.height() : resizer.height();
    int count = prepare(width, height, channels);
    if (resizer == null) {
      copy(width, height, channels);
    } else {
      resizer.apply(picture, decoding.color(), decoding.background(), pixels, geometry);
    }
    if (normalize != null) {
      normalize.apply(pixels, count / channels);
    }
    writer.write(arranged(count, channels), call.input(shape));
    offered = false;
    return true;
  }

  /** Makes shape and memory for a picture of that size. */
  private int prepare(int width, int height, int channels) throws InferenceException {
    long count = (long) width * height * channels;
    Shape fitting = shape(layout, width, height, channels);
    if (!spec.shape().accepts(fitting) || count > Integer.MAX_VALUE / 4) {
      throw Samples.refused(
          "the picture has not the size of the model's input; add a resize step asked="
              + spec.shape()
              + " found="
              + fitting
              + " layout="
              + layout);
    }
    if (!shape.equals(fitting)) {
      shape = fitting;
    }
    if (pixels.length != count) {
      pixels = new float[(int) count];
      staged = new float[layout == Layout.NCHW && channels > 1 ? (int) count : 0];
    }
    return (int) count;
  }

  private void copy(int width, int height, int channels) {
    float[] row = new float[width * channels];
    for (int y = 0; y < height; y++) {
      picture.row(y, decoding.color(), decoding.background(), row);
      System.arraycopy(row, 0, pixels, y * row.length, row.length);
    }
    geometry.setIdentity(width, height);
  }

  /** The pixels in the order of the input: planes for NCHW, else as they are. */
  private float[] arranged(int count, int channels) {
    if (staged.length == 0) {
      return pixels;
    }
    int plane = count / channels;
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < plane; i++) {
        staged[c * plane + i] = pixels[i * channels + c];
      }
    }
    return staged;
  }

  @Override
  public boolean hasNext() {
    return offered;
  }

  @Override
  public int position() {
    return 0;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void finish() {
    offered = false;
    picture.clear();
  }

  @Override
  public void reset() {
    offered = false;
  }
}
