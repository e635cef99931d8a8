/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.AttributeProto;
import io.shoji.quantizer.wire.GraphProto;
import io.shoji.quantizer.wire.ModelProto;
import io.shoji.quantizer.wire.NodeProto;
import io.shoji.quantizer.wire.OperatorSetIdProto;
import io.shoji.quantizer.wire.StringStringEntryProto;
import io.shoji.quantizer.wire.TensorProto;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An ONNX model in memory: the versions of format and operators, and the graph. Two writes of one
 * model give the same bytes. Not thread safe.
 */
public final class OnnxModel {
  /** Oldest operator set in which {@code DequantizeLinear} has an axis. */
  public static final int OLDEST_OPSET = 13;

  /** Largest file by default, bytes: what one protobuf message can hold. */
  public static final long LARGEST_FILE = Integer.MAX_VALUE - 8L;

  /** Most nodes of a model; a damaged file is given up there. */
  private static final int MOST_NODES = 200_000;

  private static final int RECURSION_LIMIT = 64;

  private final ModelProto rest;
  private final Map<String, Long> opsets;
  private final Graph graph;
  private long irVersion;

  private OnnxModel(ModelProto rest, long irVersion, Map<String, Long> opsets, Graph graph) {
    this.rest = rest;
    this.irVersion = irVersion;
    this.opsets = new TreeMap<>(opsets);
    this.graph = graph;
  }

  /**
   * Reads a file of at most {@link #LARGEST_FILE} bytes, with weights in other files of its folder
   * taken in.
   *
   * @throws QuantizerException as {@link #read(Path, long)}
   */
  public static OnnxModel read(Path file) throws QuantizerException {
    return read(file, LARGEST_FILE);
  }

  /**
   * Reads a file, with weights in other files of its folder taken in.
   *
   * @param largest bytes that the file and the weights beside it may have together
   * @throws QuantizerException UNREADABLE, DAMAGED, TOO_LARGE, UNSUPPORTED or EXTERNAL_DATA
   */
  public static OnnxModel read(Path file, long largest) throws QuantizerException {
    String facts = " file=" + file;
    try (InputStream in = Files.newInputStream(file)) {
      long size = Files.size(file);
      facts += " bytes=" + size;
      if (size == 0) {
        throw new QuantizerException(Code.DAMAGED, "the file is empty" + facts);
      }
      if (size > largest) {
        throw new QuantizerException(
            Code.TOO_LARGE, "the file is larger than allowed" + facts + " allowed=" + largest);
      }
      CodedInputStream coded = CodedInputStream.newInstance(in, 1 << 16);
      coded.setRecursionLimit(RECURSION_LIMIT);
      ModelProto message = ModelProto.parseFrom(coded);
      return of(new ExternalData(file, largest - size).resolve(message));
    } catch (InvalidProtocolBufferException e) {
      throw new QuantizerException(
          Code.DAMAGED,
          "the file is cut off, damaged or no ONNX model: " + e.getMessage() + facts,
          e);
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the file cannot be read" + facts + " cause=" + e, e);
    }
  }

  /**
   * Reads a model from memory.
   *
   * @throws QuantizerException DAMAGED, TOO_LARGE or UNSUPPORTED; EXTERNAL_DATA if there is any
   */
  public static OnnxModel read(byte[] content) throws QuantizerException {
    try {
      CodedInputStream coded = CodedInputStream.newInstance(content);
      coded.setRecursionLimit(RECURSION_LIMIT);
      ModelProto message = ModelProto.parseFrom(coded);
      return of(new ExternalData(null, 0).resolve(message));
    } catch (InvalidProtocolBufferException e) {
      throw new QuantizerException(
          Code.DAMAGED, "the bytes are cut off, damaged or no ONNX model: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new QuantizerException(Code.UNREADABLE, "the model cannot be read cause=" + e, e);
    }
  }

  private static OnnxModel of(ModelProto message) throws QuantizerException {
    if (!message.hasGraph() || message.getIrVersion() < 1) {
      throw new QuantizerException(
          Code.DAMAGED,
          "no ONNX model: there is no " + (message.hasGraph() ? "IR version" : "graph"));
    }
    if (message.getGraph().getNodeCount() > MOST_NODES) {
      throw new QuantizerException(
          Code.TOO_LARGE,
          "the model has too many nodes found="
              + message.getGraph().getNodeCount()
              + " allowed="
              + MOST_NODES);
    }
    if (message.getFunctionsCount() > 0) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the model defines functions of its own; export it with them inlined first="
              + message.getFunctions(0).getDomain()
              + ":"
              + message.getFunctions(0).getName());
    }
    Map<String, Long> opsets = new TreeMap<>();
    for (OperatorSetIdProto opset : message.getOpsetImportList()) {
      String domain = opset.getDomain().equals("ai.onnx") ? "" : opset.getDomain();
      opsets.merge(domain, opset.getVersion(), Math::max);
    }
    if (!opsets.containsKey("")) {
      throw new QuantizerException(
          Code.DAMAGED, "the model imports no ONNX operator set found=" + opsets);
    }
    return new OnnxModel(
        message.toBuilder().clearGraph().clearOpsetImport().build(),
        message.getIrVersion(),
        opsets,
        Graph.read(message.getGraph()));
  }

  /** A model like this one, changed apart from it; constants are shared. */
  public OnnxModel copy() {
    return new OnnxModel(rest, irVersion, opsets, graph.copy());
  }

  /** A model with another graph, of the same versions. */
  public OnnxModel with(Graph newGraph) {
    return new OnnxModel(rest, irVersion, opsets, newGraph);
  }

  /** The graph. */
  public Graph graph() {
    return graph;
  }

  /** Version of ONNX's own operator set. */
  public long opset() {
    return opsets.getOrDefault("", 0L);
  }

  /** Version of each operator set by its domain; that of ONNX itself is "". */
  public Map<String, Long> opsets() {
    return Map.copyOf(opsets);
  }

  /** Name and version of the program that wrote the file; may be empty. */
  public String producer() {
    return (rest.getProducerName() + " " + rest.getProducerVersion()).strip();
  }

  /** What the file says of itself, by name. */
  public Map<String, String> metadata() {
    Map<String, String> metadata = new TreeMap<>();
    rest.getMetadataPropsList().forEach(entry -> metadata.put(entry.getKey(), entry.getValue()));
    return metadata;
  }

  /** Imports an operator set, in place of another version of it. */
  public void importOpset(String domain, long version) {
    opsets.put(domain, version);
  }

  /** Elements of all constants together. */
  public long parameters() {
    return graph.constants().values().stream().mapToLong(Constants::size).sum();
  }

  /** Version of the file format. */
  public long irVersion() {
    return irVersion;
  }

  /** Raises the version of the file format if it is lower. */
  public void needIrVersion(long version) {
    irVersion = Math.max(irVersion, version);
  }

  /** The content of an {@code .onnx} file. */
  public byte[] toBytes() {
    return message().toByteArray();
  }

  private ModelProto message() {
    ModelProto.Builder message =
        rest.toBuilder().setIrVersion(irVersion).setProducerName("shoji-quantizer");
    opsets.forEach(
        (domain, version) -> {
          OperatorSetIdProto.Builder opset = OperatorSetIdProto.newBuilder().setVersion(version);
          message.addOpsetImport(domain.isEmpty() ? opset : opset.setDomain(domain));
        });
    return message.setGraph(graph.write()).build();
  }

  /**
   * Writes the content of an {@code .onnx} file.
   *
   * @throws IOException as the stream does
   */
  public void writeTo(OutputStream out) throws IOException {
    message().writeTo(out);
  }

  /**
   * Writes the file whole or not at all: beside it first, to the disk, then in its place.
   *
   * @throws QuantizerException UNWRITABLE; whatever was there before is still there
   */
  public void write(Path file) throws QuantizerException {
    WholeFile.write(file, out -> message().writeTo(out));
  }

  /** Takes weights in that lie in files beside the model; never any outside its folder. */
  private static final class ExternalData {
    private final @Nullable Path model;
    private long left;

    ExternalData(@Nullable Path model, long left) {
      this.model = model;
      this.left = left;
    }

    ModelProto resolve(ModelProto message) throws QuantizerException, IOException {
      GraphProto graph = message.getGraph();
      GraphProto.Builder resolved = null;
      for (int i = 0; i < graph.getInitializerCount(); i++) {
        TensorProto tensor = graph.getInitializer(i);
        if (isExternal(tensor)) {
          resolved = resolved == null ? graph.toBuilder() : resolved;
          resolved.setInitializer(i, taken(tensor));
        }
      }
      for (int i = 0; i < graph.getNodeCount(); i++) {
        NodeProto node = graph.getNode(i);
        for (int j = 0; j < node.getAttributeCount(); j++) {
          AttributeProto attribute = node.getAttribute(j);
          if (attribute.hasT() && isExternal(attribute.getT())) {
            resolved = resolved == null ? graph.toBuilder() : resolved;
            AttributeProto changed = attribute.toBuilder().setT(taken(attribute.getT())).build();
            resolved.setNode(i, resolved.getNode(i).toBuilder().setAttribute(j, changed));
          }
        }
      }
      return resolved == null ? message : message.toBuilder().setGraph(resolved).build();
    }

    private static boolean isExternal(TensorProto tensor) {
      return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL
          || tensor.getExternalDataCount() > 0;
    }

    private TensorProto taken(TensorProto tensor) throws QuantizerException, IOException {
      Map<String, String> entries = new HashMap<>();
      for (StringStringEntryProto entry : tensor.getExternalDataList()) {
        entries.put(entry.getKey(), entry.getValue());
      }
      String location = entries.getOrDefault("location", "");
      Path file = locate(tensor.getName(), location);
      String facts = " tensor=" + tensor.getName() + " location=" + location;
      try (FileChannel channel = FileChannel.open(file)) {
        long offset = number(entries, "offset", 0, facts);
        long length = number(entries, "length", channel.size() - offset, facts);
        if (offset < 0 || length < 0 || offset > channel.size() - length) {
          throw new QuantizerException(
              Code.EXTERNAL_DATA,
              "the file with the weights is too short offset="
                  + offset
                  + " length="
                  + length
                  + " size="
                  + channel.size()
                  + facts);
        }
        if (length > left) {
          throw new QuantizerException(
              Code.TOO_LARGE, "model and weights together are larger than allowed" + facts);
        }
        left -= length;
        ByteBuffer content = ByteBuffer.allocate((int) length);
        int read = 0;
        while (content.hasRemaining() && read >= 0) {
          read = channel.read(content, offset + content.position());
        }
        if (content.hasRemaining()) {
          throw new QuantizerException(
              Code.EXTERNAL_DATA, "the file with the weights became shorter" + facts);
        }
        ByteString data = ByteString.copyFrom(content.flip());
        return tensor.toBuilder().clearExternalData().clearDataLocation().setRawData(data).build();
      }
    }

    private Path locate(String tensor, String location) throws QuantizerException, IOException {
      String facts = " tensor=" + tensor + " location=" + location;
      if (model == null) {
        throw new QuantizerException(
            Code.EXTERNAL_DATA, "the model keeps weights in another file" + facts);
      }
      Path folder = model.toAbsolutePath().getParent();
      try {
        Path relative = Path.of(location);
        Path file = model.toAbsolutePath().resolveSibling(relative).normalize();
        if (location.isEmpty()
            || relative.isAbsolute()
            || folder == null
            || !file.startsWith(folder.normalize())) {
          throw new QuantizerException(
              Code.EXTERNAL_DATA, "weights must lie in the model's folder" + facts);
        }
        if (!Files.isRegularFile(file)) {
          throw new QuantizerException(
              Code.EXTERNAL_DATA, "the file with the weights is missing" + facts + " file=" + file);
        }
        if (!file.toRealPath().startsWith(folder.toRealPath())) {
          throw new QuantizerException(
              Code.EXTERNAL_DATA,
              "weights must lie in the model's folder, not behind a link out of it" + facts);
        }
        return file;
      } catch (InvalidPathException e) {
        throw new QuantizerException(Code.EXTERNAL_DATA, "no file can have this name" + facts, e);
      }
    }

    private static long number(
        Map<String, String> entries, String key, long otherwise, String facts)
        throws QuantizerException {
      String text = entries.get(key);
      try {
        return text == null ? otherwise : Long.parseLong(text);
      } catch (NumberFormatException e) {
        throw new QuantizerException(
            Code.EXTERNAL_DATA, "not a number " + key + "=" + text + facts, e);
      }
    }
  }
}
