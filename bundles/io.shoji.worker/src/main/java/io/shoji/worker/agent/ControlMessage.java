/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.agent;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway tells a worker through its standard input; the input's end tells it that the
 * gateway is gone. A message is its length as four bytes, then its kind, then what belongs to it.
 * Immutable.
 *
 * @param kind what it says
 * @param pid PID of a configuration; empty if it is about none
 * @param factory PID of the configuration's factory; empty if it has none
 * @param settings the configuration; empty if it is about none
 */
public record ControlMessage(Kind kind, String pid, String factory, Map<String, Object> settings) {
  /** Longest message that is taken, in bytes. */
  static final int MOST_BYTES = 1 << 20;

  private static final String TYPES = "SILFDBHCZ";

  /** What a message says. */
  public enum Kind {
    /** The first of all: what to run, under the names that are constants of {@link WorkerMain}. */
    LAUNCH,
    /** A configuration is there, or is another now. */
    CONFIGURE,
    /** A configuration is gone. */
    FORGET,
    /** The driver may start. */
    START,
    /** The worker ends in order. */
    STOP
  }

  /** Copies the settings. */
  public ControlMessage {
    settings = Map.copyOf(settings);
  }

  /** A message that is only its kind. */
  public static ControlMessage of(Kind kind) {
    return new ControlMessage(kind, "", "", Map.of());
  }

  /**
   * Writes it and sends it off.
   *
   * @throws IOException if the worker does not read any more
   * @throws IllegalArgumentException if it is too long, or a setting is of a type that no
   *     configuration has
   */
  public void write(OutputStream out) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeUTF(kind.name());
    data.writeUTF(pid);
    data.writeUTF(factory);
    data.writeInt(settings.size());
    for (Map.Entry<String, Object> setting : new TreeMap<>(settings).entrySet()) {
      data.writeUTF(setting.getKey());
      writeValue(data, setting.getValue());
    }
    if (bytes.size() > MOST_BYTES) {
      throw new IllegalArgumentException(
          "a configuration is too long for a worker pid="
              + pid
              + " bytes="
              + bytes.size()
              + " most="
              + MOST_BYTES);
    }
    DataOutputStream framed = new DataOutputStream(out);
    framed.writeInt(bytes.size());
    bytes.writeTo(framed);
    framed.flush();
  }

  /**
   * Reads the next message.
   *
   * @return empty at the end of the input
   * @throws IOException if the input ends within a message or is none
   */
  public static Optional<ControlMessage> read(InputStream in) throws IOException {
    DataInputStream framed = new DataInputStream(in);
    int first = framed.read();
    if (first < 0) {
      return Optional.empty();
    }
    int length = first << 24 | framed.readUnsignedByte() << 16 | framed.readUnsignedShort();
    if (length < 1 || length > MOST_BYTES) {
      throw new IOException("no message of this length bytes=" + length + " most=" + MOST_BYTES);
    }
    byte[] bytes = new byte[length];
    framed.readFully(bytes);
    DataInputStream data = new DataInputStream(new ByteArrayInputStream(bytes));
    Kind kind;
    try {
      kind = Kind.valueOf(data.readUTF());
    } catch (IllegalArgumentException e) {
      throw new IOException("no such kind of message", e);
    }
    String pid = data.readUTF();
    String factory = data.readUTF();
    int count = data.readInt();
    Map<String, Object> settings = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      settings.put(data.readUTF(), readValue(data));
    }
    if (data.read() >= 0) {
      throw new IOException("a message is longer than what it holds kind=" + kind);
    }
    return Optional.of(new ControlMessage(kind, pid, factory, settings));
  }

  private static void writeValue(DataOutputStream out, Object value) throws IOException {
    if (value instanceof Collection<?> collection) {
      out.writeByte('v');
      out.writeInt(collection.size());
      for (Object each : collection) {
        writeValue(out, each);
      }
    } else if (value.getClass().isArray()) {
      Class<?> component = value.getClass().getComponentType();
      out.writeByte(component.isPrimitive() ? 'p' : 'a');
      out.writeByte(type(component, value));
      int length = Array.getLength(value);
      out.writeInt(length);
      for (int i = 0; i < length; i++) {
        writeScalar(out, Array.get(value, i));
      }
    } else {
      writeScalar(out, value);
    }
  }

  private static char type(Class<?> type, Object value) {
    for (int i = 0; i < TYPES.length(); i++) {
      if (type == boxed(TYPES.charAt(i)) || type == primitive(TYPES.charAt(i))) {
        return TYPES.charAt(i);
      }
    }
    throw new IllegalArgumentException(
        "no setting of a configuration is of this type type=" + type + " value=" + value);
  }

  private static void writeScalar(DataOutputStream out, Object value) throws IOException {
    char type = type(value.getClass(), value);
    out.writeByte(type);
    switch (type) {
      case 'S' -> out.writeUTF((String) value);
      case 'Z' -> out.writeBoolean((Boolean) value);
      case 'C' -> out.writeChar((Character) value);
      case 'F' -> out.writeFloat((Float) value);
      case 'D' -> out.writeDouble((Double) value);
      default -> out.writeLong(((Number) value).longValue());
    }
  }

  private static Object readValue(DataInputStream in) throws IOException {
    int type = in.readUnsignedByte();
    if (type == 'v') {
      int count = count(in);
      Collection<Object> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        all.add(readValue(in));
      }
      return all;
    }
    if (type == 'a' || type == 'p') {
      char of = (char) in.readUnsignedByte();
      Class<?> component = type == 'p' ? primitive(of) : boxed(of);
      if (component == null) {
        throw new IOException("no such type of a setting type=" + (int) of);
      }
      int count = count(in);
      Object array = Array.newInstance(component, count);
      for (int i = 0; i < count; i++) {
        Object value = readScalar(in, in.readUnsignedByte());
        if (value.getClass() != boxed(of)) {
          throw new IOException("a list of settings holds another type type=" + (int) of);
        }
        Array.set(array, i, value);
      }
      return array;
    }
    return readScalar(in, type);
  }

  private static int count(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > in.available()) {
      throw new EOFException("a list of settings is cut off count=" + count);
    }
    return count;
  }

  private static Object readScalar(DataInputStream in, int type) throws IOException {
    return switch (type) {
      case 'S' -> in.readUTF();
      case 'Z' -> in.readBoolean();
      case 'C' -> in.readChar();
      case 'F' -> in.readFloat();
      case 'D' -> in.readDouble();
      case 'I' -> (int) in.readLong();
      case 'L' -> in.readLong();
      case 'B' -> (byte) in.readLong();
      case 'H' -> (short) in.readLong();
      default -> throw new IOException("no such type of a setting type=" + type);
    };
  }

  private static @Nullable Class<?> boxed(char type) {
    return switch (type) {
      case 'S' -> String.class;
      case 'I' -> Integer.class;
      case 'L' -> Long.class;
      case 'F' -> Float.class;
      case 'D' -> Double.class;
      case 'B' -> Byte.class;
      case 'H' -> Short.class;
      case 'C' -> Character.class;
      case 'Z' -> Boolean.class;
      default -> null;
    };
  }

  private static @Nullable Class<?> primitive(char type) {
    return switch (type) {
      case 'I' -> int.class;
      case 'L' -> long.class;
      case 'F' -> float.class;
      case 'D' -> double.class;
      case 'B' -> byte.class;
      case 'H' -> short.class;
      case 'C' -> char.class;
      case 'Z' -> boolean.class;
      default -> null;
    };
  }
}
