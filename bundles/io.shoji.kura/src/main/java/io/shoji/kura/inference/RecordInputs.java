/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.eclipse.kura.type.DataType;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireRecord;

/**
 * Finds the inputs in a record: by the declared mapping; else by name, then by name in any case,
 * and, where the model has only one input, the only property that can be it. What Kura's assets and
 * timers add to a record ({@code assetName}, {@code assetTimestamp}, {@code *_timestamp}, {@code
 * *_error}, {@code *_unit}, {@code TIMER}) and what only goes through is not taken for an input by
 * the last rule. One record, one thread.
 */
final class RecordInputs {
  private final WireSettings settings;
  private final Map<String, TypedValue<?>> properties;

  RecordInputs(WireSettings settings, WireRecord record) {
    this.settings = settings;
    this.properties = record.getProperties();
  }

  /**
   * The values of an input.
   *
   * @param only whether the model has no other
   * @param kinds which properties can be it where nothing names one
   * @return at least one
   * @throws InferenceException INVALID_INPUT if a property is not there
   */
  List<TypedValue<?>> values(String input, boolean only, Kinds kinds) throws InferenceException {
    Optional<List<String>> declared = settings.inputs().of(input);
    if (declared.isEmpty() && only) {
      declared = settings.inputs().single();
    }
    if (declared.isPresent()) {
      List<TypedValue<?>> values = new ArrayList<>(declared.get().size());
      for (String property : declared.get()) {
        TypedValue<?> value = properties.get(property);
        if (value == null) {
          throw missing(input, property);
        }
        values.add(value);
      }
      return values;
    }
    TypedValue<?> exact = properties.get(input);
    if (exact != null) {
      return List.of(exact);
    }
    List<TypedValue<?>> found = new ArrayList<>();
    properties.forEach(
        (name, value) -> {
          if (name.equalsIgnoreCase(input)) {
            found.add(value);
          }
        });
    if (found.isEmpty() && only) {
      properties.forEach(
          (name, value) -> {
            if (kinds.fits(value.getType()) && !isAside(name)) {
              found.add(value);
            }
          });
    }
    if (found.size() != 1) {
      throw missing(input, input);
    }
    return found;
  }

  /** Which properties can be an input that nothing names. */
  enum Kinds {
    /** Byte arrays. */
    BYTES,
    /** Numbers, booleans and byte arrays. */
    ALL;

    boolean fits(DataType type) {
      return type == DataType.BYTE_ARRAY || (this == ALL && type != DataType.STRING);
    }
  }

  private boolean isAside(String name) {
    return name.equals("assetName")
        || name.equals("assetTimestamp")
        || name.equals("TIMER")
        || name.endsWith("_timestamp")
        || name.endsWith("_error")
        || name.endsWith("_unit")
        || settings.passThrough().takes(name);
  }

  private InferenceException missing(String input, String property) {
    TypedValue<?> assetError = properties.get(property + "_error");
    String because =
        assetError == null || assetError.getValue().toString().isEmpty()
            ? ""
            : " (the asset says: " + assetError.getValue() + ")";
    return invalid(
        "the record has no property for an input; name it so, or say which it is in the box's inputs"
            + because
            + " input="
            + input
            + " asked="
            + property
            + " found="
            + new TreeSet<>(properties.keySet()));
  }

  static InferenceException invalid(String message) {
    return new InferenceException(InferenceException.Code.INVALID_INPUT, message);
  }

  /**
   * A number; true is 1, false is 0.
   *
   * @throws InferenceException INVALID_INPUT if it is text or bytes
   */
  static double number(String input, TypedValue<?> value) throws InferenceException {
    Object content = value.getValue();
    if (content instanceof Number number) {
      return number.doubleValue();
    }
    if (content instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    throw invalid(
        "a property is no number input=" + input + " asked=a number found=" + value.getType());
  }

  /**
   * The picture for a pipeline.
   *
   * @throws InferenceException INVALID_INPUT if there is none
   */
  Sample picture() throws InferenceException {
    List<TypedValue<?>> values = values("image", true, Kinds.BYTES);
    ByteBuffer bytes;
    if (values.size() == 1 && values.get(0).getValue() instanceof byte[] content) {
      bytes = ByteBuffer.wrap(content);
    } else {
      bytes = pixels(values);
    }
    WireSettings.Pictures pictures = settings.pictures();
    if (pictures == WireSettings.Pictures.ENCODED) {
      return new Sample.EncodedImage(bytes);
    }
    int expected = settings.pictureWidth() * settings.pictureHeight() * pictures.channels;
    if (bytes.remaining() != expected) {
      throw invalid(
          "a raw picture has another number of bytes asked="
              + expected
              + " ("
              + settings.pictureWidth()
              + "x"
              + settings.pictureHeight()
              + " "
              + pictures
              + ") found="
              + bytes.remaining());
    }
    return new Sample.RawImage(
        settings.pictureWidth(),
        settings.pictureHeight(),
        switch (pictures) {
          case RGB -> Sample.PixelOrder.RGB;
          case BGR -> Sample.PixelOrder.BGR;
          default -> Sample.PixelOrder.GRAY;
        },
        bytes);
  }

  /** Pixels that come as one number each, 0 to 255. */
  private ByteBuffer pixels(List<TypedValue<?>> values) throws InferenceException {
    if (settings.pictures() == WireSettings.Pictures.ENCODED) {
      throw invalid(
          "a picture is a byte array with a PNG or JPEG file; say in the box's pictures if it is raw"
              + " found="
              + values.get(0).getType());
    }
    ByteBuffer bytes = ByteBuffer.allocate(values.size());
    for (TypedValue<?> value : values) {
      double pixel = number("image", value);
      if (!(pixel >= 0 && pixel <= 255)) {
        throw invalid("a pixel is out of its range asked=[0, 255] found=" + pixel);
      }
      bytes.put((byte) Math.rint(pixel));
    }
    return bytes.flip();
  }

  /**
   * The next samples of each channel of a signal.
   *
   * @throws InferenceException INVALID_INPUT if a channel is not there
   */
  Sample signal(List<String> channels) throws InferenceException {
    List<FloatBuffer> samples = new ArrayList<>(channels.size());
    for (String channel : channels) {
      List<TypedValue<?>> values = values(channel, channels.size() == 1, Kinds.ALL);
      if (values.size() == 1 && values.get(0).getValue() instanceof byte[] block) {
        samples.add(block(channel, block));
      } else {
        FloatBuffer each = FloatBuffer.allocate(values.size());
        for (TypedValue<?> value : values) {
          each.put((float) number(channel, value));
        }
        samples.add(each.flip());
      }
    }
    return new Sample.Signal(samples);
  }

  private FloatBuffer block(String channel, byte[] block) throws InferenceException {
    WireSettings.Blocks kind = settings.blocks();
    if (block.length == 0 || block.length % kind.bytes != 0) {
      throw invalid(
          "a byte array is no block of samples channel="
              + channel
              + " asked=a multiple of "
              + kind.bytes
              + " bytes ("
              + kind
              + ") found="
              + block.length
              + " bytes");
    }
    ByteBuffer bytes = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer samples = FloatBuffer.allocate(block.length / kind.bytes);
    while (bytes.hasRemaining()) {
      samples.put(
          switch (kind) {
            case FLOAT32 -> bytes.getFloat();
            case FLOAT64 -> (float) bytes.getDouble();
            case INT16 -> bytes.getShort();
            case INT32 -> bytes.getInt();
          });
    }
    return samples.flip();
  }
}
