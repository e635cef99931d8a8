/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.formats;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.shoji.cli.formats.FormatException.Code;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * A model that Hailo's compiler made: what it was made for and what goes in and out. The layout of
 * the container and the numbers of the fields are those of HailoRT 4.23 (hef_internal.hpp,
 * hef.proto): a header in network byte order, the protobuf message, then the data for the chip.
 *
 * @param version of the container: 0 to 3
 * @param bytes size of the file
 * @param checksum which one was found to be right
 * @param architecture what it was compiled for
 * @param compiler version of the compiler; empty if the file does not tell
 * @param created when it was compiled; null if the file does not tell
 * @param networks in the file's order
 * @param extensions names of what the runtime must be able to do
 */
public record HefFile(
    int version,
    long bytes,
    Checksum checksum,
    Architecture architecture,
    String compiler,
    @Nullable Instant created,
    List<Network> networks,
    List<String> extensions) {
  /** The first bytes: 1, then HEF. */
  public static final int MAGIC = 0x01484546;

  private static final int COMMON_HEADER = 12;
  private static final int LARGEST_HEADER = 56;
  private static final int MOST_ITEMS = 10_000;
  private static final int LONGEST_NAME = 4_096;
  private static final long LATEST_SECOND = 253_402_300_799L;

  /** Copies the lists. */
  public HefFile {
    networks = List.copyOf(networks);
    extensions = List.copyOf(extensions);
  }

  /** How a file shows that it is whole. */
  public enum Checksum {
    /** Version 0, over all after the header. */
    MD5,
    /** Version 1, over all after the header. */
    CRC32,
    /** Versions 2 and 3, over all after the header. */
    XXH3,
    /** Version 3, over the message only: the chip's firmware checks the data. */
    XXH3_OF_MESSAGE
  }

  /** What a model can be compiled for. */
  public enum Architecture {
    /** Hailo-8. */
    HAILO8(0, "Hailo-8"),
    /** Hailo-8, in a variant of its module. */
    HAILO8P(1, "Hailo-8P"),
    /** Hailo-8R, on cards for the mini PCIe slot. */
    HAILO8R(2, "Hailo-8R"),
    /** Hailo-8L. */
    HAILO8L(3, "Hailo-8L"),
    /** Hailo-15M. */
    HAILO15M(4, "Hailo-15M"),
    /** Hailo-15L. */
    HAILO15L(6, "Hailo-15L"),
    /** Hailo-10H and Hailo-15H. */
    HAILO1XH(103, "Hailo-10H or Hailo-15H"),
    /** One that this program does not know, as chips that are not sold. */
    OTHER(-1, "another chip");

    private final int number;
    private final String title;

    Architecture(int number, String title) {
      this.number = number;
      this.title = title;
    }

    /** As the vendor calls it. */
    public String title() {
      return title;
    }

    /** Whether a Hailo-8 runs it; it runs what was compiled for a Hailo-8L, too. */
    public boolean runsOnHailo8() {
      return this == HAILO8 || this == HAILO8P || this == HAILO8R || this == HAILO8L;
    }

    /** Whether a Hailo-8L runs it; what was compiled for a Hailo-8 it does not. */
    public boolean runsOnHailo8L() {
      return this == HAILO8L;
    }

    private static Architecture of(int number) {
      return Arrays.stream(values())
          .filter(each -> each != OTHER && each.number == number)
          .findFirst()
          .orElse(OTHER);
    }
  }

  /**
   * A network of the file.
   *
   * @param framesPerSecond what the compiler expects; 0 if the file does not tell
   * @param operations of one inference; 0 if the file does not tell
   */
  public record Network(
      String name,
      double framesPerSecond,
      long operations,
      List<Stream> inputs,
      List<Stream> outputs) {
    /** Copies the lists. */
    public Network {
      inputs = List.copyOf(inputs);
      outputs = List.copyOf(outputs);
    }
  }

  /**
   * An input or output.
   *
   * @param type of its integers: UINT8, UINT16 or AUTO
   * @param order of its dimensions, as {@code NHWC}
   * @param shape height, width, features; for the results of non-maximum suppression classes, boxes
   *     per class, numbers per box
   * @param scale of its integers; 0 if the file does not tell
   * @param zeroPoint of its integers
   */
  public record Stream(
      String name, String type, String order, List<Integer> shape, float scale, float zeroPoint) {
    /** Copies the list. */
    public Stream {
      shape = List.copyOf(shape);
    }
  }

  /** Whether a file begins like one. */
  public static boolean matches(byte[] start) {
    return start.length >= 4 && ByteBuffer.wrap(start).getInt() == MAGIC;
  }

  /**
   * Reads and checks a file, in pieces, whatever its size.
   *
   * @throws FormatException UNREADABLE, OTHER_FORMAT, DAMAGED or UNSUPPORTED
   */
  public static HefFile read(Path file) throws FormatException {
    try (FileChannel channel = FileChannel.open(file)) {
      return read(channel, file);
    } catch (EOFException | InvalidProtocolBufferException e) {
      throw damaged(file, "the message cannot be read: " + e.getMessage());
    } catch (IOException e) {
      throw new FormatException(
          Code.UNREADABLE, "the file cannot be read file=" + file + " (" + e.getMessage() + ")", e);
    }
  }

  private static FormatException damaged(Path file, String what) {
    return new FormatException(Code.DAMAGED, what + "; fetch or compile it again file=" + file);
  }

  private static HefFile read(FileChannel channel, Path file) throws IOException, FormatException {
    long size = channel.size();
    ByteBuffer header = ByteBuffer.allocate(LARGEST_HEADER).order(ByteOrder.BIG_ENDIAN);
    for (int read = 0; read >= 0 && header.hasRemaining(); ) {
      read = channel.read(header, header.position());
    }
    header.flip();
    if (header.remaining() < 4 || header.getInt(0) != MAGIC) {
      throw new FormatException(
          Code.OTHER_FORMAT, "no HEF file: it does not begin as one does file=" + file);
    }
    if (header.remaining() < COMMON_HEADER) {
      throw damaged(file, "the file is cut off bytes=" + size);
    }
    int version = header.getInt(4);
    if (version < 0 || version > 3) {
      throw new FormatException(
          Code.UNSUPPORTED,
          "a container of a version that this program does not know found="
              + Integer.toUnsignedString(version)
              + " known=0 to 3 file="
              + file);
    }
    int headerSize = new int[] {32, 28, 44, 56}[version];
    if (header.remaining() < headerSize) {
      throw damaged(file, "the file is cut off bytes=" + size);
    }
    long message = Integer.toUnsignedLong(header.getInt(8));
    long rest = rest(header, version);
    if (rest < 0 || rest > size || message + rest != size - headerSize) {
      throw damaged(
          file,
          "the file is not as long as it says asked="
              + (rest < 0 ? "no number" : Long.toString(headerSize + message + rest))
              + " found="
              + size);
    }
    if (message > Integer.MAX_VALUE) {
      throw new FormatException(
          Code.UNSUPPORTED, "the message is larger than 2 GiB bytes=" + message + " file=" + file);
    }
    Checksum checksum = check(channel, header, version, headerSize, message, file);
    Message content = new Message();
    channel.position(headerSize);
    CodedInputStream in =
        CodedInputStream.newInstance(
            new Limited(
                new BufferedInputStream(Channels.newInputStream(channel), 1 << 16), message));
    in.setSizeLimit(Integer.MAX_VALUE);
    content.read(in);
    if (!content.hasHeader) {
      throw damaged(file, "the message has no header");
    }
    return new HefFile(
        version,
        size,
        checksum,
        Architecture.of(content.architecture),
        content.compiler(),
        content.created(),
        content.networks,
        content.extensions);
  }

  /** Bytes after the message, as the header says; negative if that is no sensible number. */
  private static long rest(ByteBuffer header, int version) {
    return switch (version) {
      case 0 -> 0;
      case 1 -> header.getLong(16);
      case 2 -> header.getLong(20);
      default -> {
        long data = header.getLong(20);
        long more = header.getLong(32);
        yield data < 0 || more < 0 || data + more < 0 ? -1 : data + more;
      }
    };
  }

  private static Checksum check(
      FileChannel channel, ByteBuffer header, int version, int from, long message, Path file)
      throws IOException, FormatException {
    long all = channel.size() - from;
    if (version == 0) {
      byte[] expected = new byte[16];
      header.get(16, expected);
      MessageDigest digest = md5();
      pieces(channel, from, all, digest::update);
      require(MessageDigest.isEqual(expected, digest.digest()), "MD5", file);
      return Checksum.MD5;
    }
    if (version == 1) {
      CRC32 crc = new CRC32();
      pieces(channel, from, all, crc::update);
      require((int) crc.getValue() == header.getInt(12), "CRC-32", file);
      return Checksum.CRC32;
    }
    long ofMessage = version == 3 ? header.getLong(40) : 0;
    HashStream64 hash = Hashing.xxh3_64().hashStream();
    pieces(channel, from, ofMessage == 0 ? all : message, hash::putBytes);
    long expected = ofMessage == 0 ? header.getLong(12) : ofMessage;
    require(hash.getAsLong() == expected, "XXH3", file);
    return ofMessage == 0 ? Checksum.XXH3 : Checksum.XXH3_OF_MESSAGE;
  }

  private static void require(boolean right, String checksum, Path file) throws FormatException {
    if (!right) {
      throw damaged(file, "the content is not what it was, by its checksum " + checksum);
    }
  }

  private static MessageDigest md5() {
    try {
      return MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5", e);
    }
  }

  @FunctionalInterface
  private interface Piece {
    void take(byte[] bytes, int offset, int length);
  }

  private static void pieces(FileChannel channel, long from, long length, Piece piece)
      throws IOException {
    byte[] bytes = new byte[1 << 16];
    for (long at = 0; at < length; ) {
      int most = (int) Math.min(bytes.length, length - at);
      int read = channel.read(ByteBuffer.wrap(bytes, 0, most), from + at);
      if (read < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
      piece.take(bytes, 0, read);
      at += read;
    }
  }

  /** The first bytes of a stream. */
  private static final class Limited extends InputStream {
    private final InputStream in;
    private long left;

    Limited(InputStream in, long left) {
      this.in = in;
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      if (left == 0) {
        return -1;
      }
      left--;
      return in.read();
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int read = in.read(bytes, offset, (int) Math.min(length, left));
      left -= Math.max(0, read);
      return read;
    }

    @Override
    public long skip(long count) throws IOException {
      long skipped = in.skip(Math.min(count, left));
      left -= skipped;
      return skipped;
    }
  }

  /** What is read of the message; all else is skipped. */
  private static final class Message {
    private final List<Network> networks = new ArrayList<>();
    private final List<String> extensions = new ArrayList<>();
    private boolean hasHeader;
    private int architecture;
    private long timestamp;
    private String sdk = "";
    private final long[] sdkVersion = new long[3];

    /** Takes one field in, or skips it. */
    @FunctionalInterface
    private interface Field {
      /** Whether it took the field. */
      boolean take(int number, int tag) throws IOException;
    }

    private static void fields(CodedInputStream in, Field field) throws IOException {
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (!field.take(WireFormat.getTagFieldNumber(tag), tag) && !in.skipField(tag)) {
          throw new InvalidProtocolBufferException("a group ends that did not begin");
        }
      }
    }

    /** A message within a message. */
    private static void nested(CodedInputStream in, Field field) throws IOException {
      int limit = in.pushLimit(in.readRawVarint32());
      fields(in, field);
      in.checkLastTagWas(0);
      in.popLimit(limit);
    }

    private static boolean isNested(int tag) {
      return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    private static boolean isNumber(int tag) {
      return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT;
    }

    private static String text(CodedInputStream in) throws IOException {
      int length = in.readRawVarint32();
      if (length < 0 || length > LONGEST_NAME) {
        throw new InvalidProtocolBufferException("a name of unlikely length bytes=" + length);
      }
      return new String(in.readRawBytes(length), java.nio.charset.StandardCharsets.UTF_8);
    }

    private static <T> void add(List<T> to, T item) throws IOException {
      if (to.size() >= MOST_ITEMS) {
        throw new InvalidProtocolBufferException("more items than any model has " + MOST_ITEMS);
      }
      to.add(item);
    }

    void read(CodedInputStream in) throws IOException {
      fields(
          in,
          (number, tag) -> {
            if (!isNested(tag)) {
              return false;
            }
            switch (number) {
              case 1 -> {
                hasHeader = true;
                header(in);
              }
              case 2 -> {
                Group group = new Group();
                group.read(in, 0);
                add(networks, group.network());
              }
              case 5 ->
                  nested(
                      in,
                      (inner, innerTag) -> {
                        if (inner == 2 && isNested(innerTag)) {
                          add(extensions, text(in));
                          return true;
                        }
                        return false;
                      });
              default -> {
                return false;
              }
            }
            return true;
          });
      in.checkLastTagWas(0);
    }

    private void header(CodedInputStream in) throws IOException {
      nested(
          in,
          (number, tag) -> {
            if (number == 1 && isNumber(tag)) {
              architecture = in.readEnum();
            } else if (number == 2 && isNumber(tag)) {
              timestamp = in.readUInt64();
            } else if (number == 3 && isNested(tag)) {
              sdk = text(in);
            } else if (number == 5 && isNested(tag)) {
              nested(
                  in,
                  (part, partTag) -> {
                    if (part >= 1 && part <= 3 && isNumber(partTag)) {
                      sdkVersion[part - 1] = Integer.toUnsignedLong(in.readUInt32());
                      return true;
                    }
                    return false;
                  });
            } else {
              return false;
            }
            return true;
          });
    }

    String compiler() {
      return !sdk.isEmpty() || Arrays.stream(sdkVersion).allMatch(part -> part == 0)
          ? sdk
          : sdkVersion[0] + "." + sdkVersion[1] + "." + sdkVersion[2];
    }

    @Nullable Instant created() {
      return timestamp <= 0 || timestamp > LATEST_SECOND ? null : Instant.ofEpochSecond(timestamp);
    }
  }

  /** A network group while it is read. */
  private static final class Group {
    /** Groups hold groups for parts of the chip, which hold none. */
    private static final int DEEPEST = 1;

    private record Pad(int index, Stream stream) {}

    private final List<Pad> inputs = new ArrayList<>();
    private final List<Pad> outputs = new ArrayList<>();
    private final Set<Integer> sources = new HashSet<>();
    private final Set<Integer> destinations = new HashSet<>();
    private String name = "";
    private double framesPerSecond;
    private long operations;

    void read(CodedInputStream in, int depth) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if (!Message.isNested(tag)) {
              return false;
            }
            switch (number) {
              case 1 -> metadata(in);
              case 7 -> part(in, depth);
              case 8 -> operation(in);
              case 9 -> edge(in);
              case 10 -> name = Message.text(in);
              default -> {
                return false;
              }
            }
            return true;
          });
    }

    private void metadata(CodedInputStream in) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if (number == 1 && Message.isNested(tag)) {
              String given = Message.text(in);
              name = name.isEmpty() ? given : name;
            } else if (number == 4
                && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_FIXED64) {
              framesPerSecond = in.readDouble();
            } else if (number == 8 && Message.isNumber(tag)) {
              operations = in.readUInt64();
            } else {
              return false;
            }
            return true;
          });
    }

    /** A group for a part of the chip: the first one's inputs and outputs are those of all. */
    private void part(CodedInputStream in, int depth) throws IOException {
      boolean first = inputs.isEmpty() && outputs.isEmpty();
      Message.nested(
          in,
          (number, tag) -> {
            if (number == 1 && Message.isNested(tag) && first && depth < DEEPEST) {
              read(in, depth + 1);
              return true;
            }
            return false;
          });
    }

    private void operation(CodedInputStream in) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if ((number == 2 || number == 3) && Message.isNested(tag)) {
              Message.add(number == 2 ? inputs : outputs, pad(in));
              return true;
            }
            return false;
          });
    }

    private void edge(CodedInputStream in) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if ((number == 1 || number == 2) && Message.isNumber(tag)) {
              Set<Integer> ends = number == 1 ? sources : destinations;
              ends.add(in.readUInt32());
              if (ends.size() > MOST_ITEMS) {
                throw new InvalidProtocolBufferException("more edges than any model has");
              }
              return true;
            }
            return false;
          });
    }

    private static Pad pad(CodedInputStream in) throws IOException {
      int[] numbers = new int[9];
      String[] text = {""};
      float[] affine = new float[2];
      int[] tensor = new int[7];
      int[] boxes = new int[5];
      boolean[] suppressed = new boolean[1];
      Message.nested(
          in,
          (number, tag) -> {
            if ((number == 1 || number == 3 || number == 4 || number == 8)
                && Message.isNumber(tag)) {
              numbers[number] = in.readUInt32();
            } else if (number == 2 && Message.isNested(tag)) {
              text[0] = Message.text(in);
            } else if (number == 5 && Message.isNested(tag)) {
              affine(in, affine);
            } else if (number == 6 && Message.isNested(tag)) {
              dimensions(in, tensor);
            } else if (number == 7 && Message.isNested(tag)) {
              suppressed[0] = true;
              dimensions(in, boxes);
            } else {
              return false;
            }
            return true;
          });
      List<Integer> shape =
          suppressed[0]
              ? List.of(boxes[1], boxes[2], boxes[3])
              : List.of(tensor[1], tensor[3], tensor[5]);
      return new Pad(
          numbers[1],
          new Stream(
              text[0],
              type(numbers[8], numbers[4]),
              order(numbers[3]),
              shape,
              affine[1],
              affine[0]));
    }

    private static void affine(CodedInputStream in, float[] affine) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if ((number == 1 || number == 2)
                && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_FIXED32) {
              affine[number - 1] = in.readFloat();
              return true;
            }
            return false;
          });
    }

    private static void dimensions(CodedInputStream in, int[] dimensions) throws IOException {
      Message.nested(
          in,
          (number, tag) -> {
            if (number < dimensions.length && Message.isNumber(tag)) {
              dimensions[number] = in.readUInt32();
              return true;
            }
            return false;
          });
    }

    private static String type(int format, int older) {
      return switch (format) {
        case 1 -> "UINT8";
        case 2 -> "UINT16";
        case 0 -> older == 1 ? "UINT16" : "UINT8";
        default -> "type " + Integer.toUnsignedString(format);
      };
    }

    private static String order(int order) {
      List<String> known =
          List.of(
              "AUTO",
              "NHWC",
              "NHCW",
              "FCR",
              "F8CR",
              "NHW",
              "NC",
              "BAYER_RGB",
              "12_BIT_BAYER_RGB",
              "NMS",
              "RGB888",
              "NCHW",
              "YUY2",
              "NV12",
              "NV21",
              "YYUV",
              "YYVU");
      return order >= 0 && order < known.size()
          ? known.get(order)
          : "order " + Integer.toUnsignedString(order);
    }

    Network network() {
      return new Network(
          name,
          Double.isFinite(framesPerSecond) ? framesPerSecond : 0,
          Math.max(0, operations),
          outer(inputs, destinations),
          outer(outputs, sources));
    }

    /** Pads that no other operation of the network is at. */
    private static List<Stream> outer(List<Pad> pads, Set<Integer> inner) {
      return pads.stream().filter(pad -> !inner.contains(pad.index())).map(Pad::stream).toList();
    }
  }

  /** The only network there is; empty if there are several or none. */
  public Optional<Network> network() {
    return networks.size() == 1 ? Optional.of(networks.get(0)) : Optional.empty();
  }
}
