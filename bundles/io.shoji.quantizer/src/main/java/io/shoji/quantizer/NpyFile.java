/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An array in a file of NumPy's format NPY (versions 1.0 to 3.0, C order, little-endian), read in
 * pieces along its first axis. Calibration sets come so, and vendors' compilers take them so. Not
 * thread safe.
 */
public final class NpyFile implements AutoCloseable {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** The header with all before it fills a multiple of this, bytes. */
  private static final int ALIGNMENT = 64;

  private static final int LARGEST_HEADER = 1 << 16;
  private static final Pattern TYPE = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9, ]*)\\)");

  private final FileChannel channel;
  private final Path file;
  private final ElementType type;
  private final Shape shape;
  private final long start;

  private NpyFile(FileChannel channel, Path file, ElementType type, Shape shape, long start) {
    this.channel = channel;
    this.file = file;
    this.type = type;
    this.shape = shape;
    this.start = start;
  }

  /**
   * Opens a file and reads its header.
   *
   * @throws QuantizerException UNREADABLE; BAD_SAMPLES if it is no NPY file, cut off, in Fortran
   *     order, big-endian or of a type without a tensor type
   */
  public static NpyFile open(Path file) throws QuantizerException {
    FileChannel channel = null;
    NpyFile opened = null;
    try {
      channel = FileChannel.open(file);
      opened = opened(channel, file);
      return opened;
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the file cannot be read file=" + file + " cause=" + e, e);
    } finally {
      if (opened == null && channel != null) {
        closeQuietly(channel);
      }
    }
  }

  private static void closeQuietly(FileChannel channel) throws QuantizerException {
    try {
      channel.close();
    } catch (IOException e) {
      throw new QuantizerException(Code.UNREADABLE, "the file cannot be closed cause=" + e, e);
    }
  }

  private static NpyFile opened(FileChannel channel, Path file)
      throws IOException, QuantizerException {
    ByteBuffer begin = bytes(channel, file, 0, 12);
    for (byte each : MAGIC) {
      if (begin.get() != each) {
        throw bad("no NPY file", file);
      }
    }
    int major = begin.get();
    if (major < 1 || major > 3) {
      throw bad("an NPY version that is not known version=" + major, file);
    }
    int length = major == 1 ? begin.getShort(8) & 0xffff : begin.getInt(8);
    int start = major == 1 ? 10 : 12;
    if (length < 0 || length > LARGEST_HEADER) {
      throw bad("the header is too long bytes=" + length, file);
    }
    ByteBuffer header = bytes(channel, file, start, length);
    String text = StandardCharsets.ISO_8859_1.decode(header).toString();
    String type = found(TYPE, "descr", text, file);
    if (found(ORDER, "fortran_order", text, file).equals("True")) {
      throw bad("the array is in Fortran order; save it with numpy.ascontiguousarray", file);
    }
    String dims = found(SHAPE, "shape", text, file);
    Shape shape;
    try {
      shape =
          Shape.of(
              Arrays.stream(dims.split(","))
                  .map(String::trim)
                  .filter(dim -> !dim.isEmpty())
                  .mapToLong(Long::parseLong)
                  .toArray());
    } catch (IllegalArgumentException e) {
      throw bad("a shape without sense shape=(" + dims + ")", file);
    }
    ElementType element = typeOf(type);
    if (element == null) {
      throw bad("a type that no tensor has type=" + type, file);
    }
    long size = element.bytes(shape.elementCount());
    long from = start + (long) length;
    if (channel.size() - from < size) {
      throw bad(
          "the file is cut off shape="
              + shape
              + " asked="
              + size
              + " found="
              + (channel.size() - from),
          file);
    }
    return new NpyFile(channel, file, element, shape, from);
  }

  private static QuantizerException bad(String what, Path file) {
    return new QuantizerException(Code.BAD_SAMPLES, what + " file=" + file);
  }

  private static String found(Pattern pattern, String key, String header, Path file)
      throws QuantizerException {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw bad("the header lacks " + key, file);
    }
    return matcher.group(1);
  }

  private static ByteBuffer bytes(FileChannel channel, Path file, long from, int count)
      throws IOException, QuantizerException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    read(channel, file, bytes, from);
    return bytes.flip();
  }

  private static void read(FileChannel channel, Path file, ByteBuffer into, long from)
      throws IOException, QuantizerException {
    int start = into.position();
    while (into.hasRemaining()) {
      if (channel.read(into, from + into.position() - start) < 0) {
        throw bad("the file is cut off", file);
      }
    }
  }

  private static @Nullable ElementType typeOf(String code) {
    return switch (code) {
      case "<f4" -> ElementType.FLOAT32;
      case "<f2" -> ElementType.FLOAT16;
      case "<f8" -> ElementType.FLOAT64;
      case "|i1" -> ElementType.INT8;
      case "|u1" -> ElementType.UINT8;
      case "<i2" -> ElementType.INT16;
      case "<u2" -> ElementType.UINT16;
      case "<i4" -> ElementType.INT32;
      case "<i8" -> ElementType.INT64;
      case "|b1" -> ElementType.BOOL;
      default -> null;
    };
  }

  private static String codeOf(ElementType type) {
    return switch (type) {
      case FLOAT32 -> "<f4";
      case FLOAT16 -> "<f2";
      case FLOAT64 -> "<f8";
      case INT8, INT4 -> "|i1";
      case UINT8 -> "|u1";
      case INT16 -> "<i2";
      case UINT16 -> "<u2";
      case INT32 -> "<i4";
      case INT64 -> "<i8";
      case BOOL -> "|b1";
    };
  }

  /** Type of the elements. */
  public ElementType type() {
    return type;
  }

  /** Shape of the whole array. */
  public Shape shape() {
    return shape;
  }

  /**
   * A new tensor with some of the array's entries along its first axis.
   *
   * @param from first entry
   * @param count how many; size of the tensor's first axis
   * @throws QuantizerException UNREADABLE, BAD_SAMPLES
   * @throws IndexOutOfBoundsException if the array has no such entries or no axis
   */
  public Tensor read(long from, long count) throws QuantizerException {
    if (shape.rank() == 0 || from < 0 || count < 0 || from > shape.dim(0) - count) {
      throw new IndexOutOfBoundsException(
          "no such entries from=" + from + " count=" + count + " shape=" + shape);
    }
    long[] dims = shape.dims();
    dims[0] = count;
    Tensor tensor = Tensor.allocate(type, Shape.of(dims));
    long entry = count == 0 ? 0 : tensor.byteSize() / count;
    try {
      read(channel, file, tensor.data().duplicate(), start + from * entry);
      return tensor;
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the file cannot be read file=" + file + " cause=" + e, e);
    }
  }

  /**
   * Writes one input of all samples as one array, joined along their first axis; whole or not at
   * all.
   *
   * @param input name of the input
   * @throws QuantizerException BAD_SAMPLES if there are none, one lacks the input, or they are of
   *     several types or shapes; UNWRITABLE
   */
  public static void write(Path file, Samples samples, String input) throws QuantizerException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    // If the process is told to end meanwhile.
    part.toFile().deleteOnExit();
    try {
      try (FileChannel channel =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        write(channel, samples, input);
        channel.force(true);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw withoutPart(
          part,
          new QuantizerException(
              Code.UNWRITABLE, "the array cannot be written file=" + file + " cause=" + e, e));
    } catch (QuantizerException e) {
      throw withoutPart(part, e);
    }
  }

  private static QuantizerException withoutPart(Path part, QuantizerException failure) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  private static void write(FileChannel channel, Samples samples, String input)
      throws IOException, QuantizerException {
    Tensor first = null;
    for (int i = 0; i < samples.size(); i++) {
      Tensor tensor = samples.inputs(i).get(input);
      if (tensor == null || tensor.shape().rank() == 0) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a sample lacks the input, or it has no axis sample=" + i + " input=" + input);
      }
      if (first == null) {
        first = tensor;
        ByteBuffer header = header(tensor, samples.size());
        while (header.hasRemaining()) {
          channel.write(header);
        }
      } else if (first.type() != tensor.type() || !first.shape().equals(tensor.shape())) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "samples of several shapes sample=" + i + " first=" + first + " found=" + tensor);
      }
      ByteBuffer content = tensor.data().duplicate();
      while (content.hasRemaining()) {
        channel.write(content);
      }
    }
    if (first == null) {
      throw new QuantizerException(Code.BAD_SAMPLES, "there are no samples to write");
    }
  }

  private static ByteBuffer header(Tensor first, int count) {
    long[] dims = first.shape().dims();
    dims[0] *= count;
    String shape = Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", "));
    String text =
        "{'descr': '"
            + codeOf(first.type())
            + "', 'fortran_order': False, 'shape': ("
            + shape
            + (dims.length == 1 ? "," : "")
            + "), }";
    int all = (10 + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    String padded = text + " ".repeat(all - 10 - text.length() - 1) + "\n";
    ByteBuffer header = ByteBuffer.allocate(all).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) padded.length());
    return header.put(padded.getBytes(StandardCharsets.ISO_8859_1)).flip();
  }

  @Override
  public void close() throws QuantizerException {
    closeQuietly(channel);
  }
}
