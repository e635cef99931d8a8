/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.onnxruntime.ProtobufReader.MalformedException;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What must be known of an ONNX file before ONNX Runtime may read it: that it is one at all, and
 * which other files it would open. Field numbers as in {@code onnx.proto}; weights are skipped, not
 * read.
 */
public final class OnnxFile {
  /** The model's graph is one message deep, its inputs and outputs two. */
  private static final int OUTER_VALUE_DEPTH = 2;

  /** Names that a message lists at most. */
  private static final int NAMES_LIMIT = 8;

  /** Distinct operators and element types that are remembered; a graph with more is a rare one. */
  private static final int KINDS_LIMIT = 512;

  /** Operators of ONNX that draw random numbers. */
  private static final Set<String> RANDOM =
      Set.of(
          "RandomNormal",
          "RandomNormalLike",
          "RandomUniform",
          "RandomUniformLike",
          "Multinomial",
          "Bernoulli",
          "Dropout");

  private long irVersion;
  private long nodes;
  private boolean hasGraph;
  private final Map<String, Long> opsets = new TreeMap<>();
  private final Set<String> externalLocations = new LinkedHashSet<>();
  private final Map<String, List<String>> shapes = new HashMap<>();
  private final Set<String> inputs = new LinkedHashSet<>();
  private final Set<String> operators = new TreeSet<>();
  private final Set<Integer> tensorTypes = new TreeSet<>();

  private OnnxFile() {}

  /**
   * Reads a file.
   *
   * @throws AcceleratorException INVALID_MODEL if it is missing, empty, cut off or no ONNX model
   */
  public static OnnxFile read(Path path) throws AcceleratorException {
    try (SeekableByteChannel channel = Files.newByteChannel(path)) {
      return read(channel, path.toString());
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL, "the model's file cannot be read file=" + path + " cause=" + e, e);
    }
  }

  /**
   * Reads a file that is open.
   *
   * @param name of the file, for messages
   */
  public static OnnxFile read(SeekableByteChannel channel, String name)
      throws IOException, AcceleratorException {
    String facts = " file=" + name + " bytes=" + channel.size();
    if (channel.size() == 0) {
      throw new AcceleratorException(Code.INVALID_MODEL, "the model's file is empty" + facts);
    }
    OnnxFile file = new OnnxFile();
    try {
      file.model(new ProtobufReader(channel));
    } catch (MalformedException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the model's file is damaged or no ONNX model: " + e.getMessage() + facts,
          e);
    }
    if (!file.hasGraph || file.irVersion == 0) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the file is no ONNX model: it has no "
              + (file.hasGraph ? "IR version" : "graph")
              + facts);
    }
    return file;
  }

  /** Version of the file format. */
  public long irVersion() {
    return irVersion;
  }

  /** Version of each operator set that it imports, ONNX's own under {@code ai.onnx}. */
  public Map<String, Long> opsets() {
    return Collections.unmodifiableMap(opsets);
  }

  /** Nodes of the graph, those of inner graphs included. */
  public long nodes() {
    return nodes;
  }

  /**
   * Whether every operator is one of ONNX's own that gives the same for the same inputs; of others
   * nothing is known.
   */
  public boolean isRepeatable() {
    return operators.size() < KINDS_LIMIT
        && operators.stream().noneMatch(name -> name.contains(":") || RANDOM.contains(name));
  }

  /**
   * Operators that it uses, inner graphs included: by their name, and with their domain before if
   * that is not ONNX's own.
   */
  public Set<String> operators() {
    return Collections.unmodifiableSet(operators);
  }

  /** Element types of its weights and constants, as numbers of {@code TensorProto.DataType}. */
  public Set<Integer> tensorTypes() {
    return Collections.unmodifiableSet(tensorTypes);
  }

  /** Whether the file gives that input or output of the graph a shape. */
  public boolean givesShape(String name) {
    return shapes.containsKey(name);
  }

  /** Inputs of the graph that have a shape, in the file's order; may hold weights too. */
  public Set<String> shapedInputs() {
    return Collections.unmodifiableSet(inputs);
  }

  /**
   * The sizes that the file gives that input or output of the graph: a number, the name of a size
   * that varies, or an empty text for one that is neither; empty if it gives no shape.
   */
  public List<String> dimensions(String name) {
    return shapes.getOrDefault(name, List.of());
  }

  /** Where it keeps weights in other files, as it says it itself. */
  public Set<String> externalLocations() {
    return Collections.unmodifiableSet(externalLocations);
  }

  /**
   * Checks that every other file it would open belongs to the artifact.
   *
   * @throws AcceleratorException INVALID_MODEL naming each that does not
   */
  public void checkExternalData(ModelArtifact artifact) throws AcceleratorException {
    Set<Path> allowed = new HashSet<>();
    for (Path file : artifact.files().subList(1, artifact.files().size())) {
      allowed.add(file.toAbsolutePath().normalize());
    }
    Path model = artifact.file().toAbsolutePath().normalize();
    Set<String> refused = new TreeSet<>();
    for (String location : externalLocations) {
      Path target = target(model, location);
      if (target == null || !allowed.contains(target)) {
        refused.add("'" + location + "'");
      }
    }
    if (!refused.isEmpty()) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the model keeps data in files that are not part of its package; add them to the variant's"
              + " files, or save the model with its data inside count="
              + refused.size()
              + " found="
              + refused.stream().limit(NAMES_LIMIT).toList()
              + " files="
              + artifact.files()
              + " "
              + artifact);
    }
  }

  private static @Nullable Path target(Path model, String location) {
    try {
      Path relative = Path.of(location);
      if (location.isEmpty() || relative.isAbsolute()) {
        return null;
      }
      for (Path element : relative) {
        if (element.toString().equals("..")) {
          return null;
        }
      }
      return model.resolveSibling(relative).normalize();
    } catch (InvalidPathException e) {
      // No file can have such a name.
      return null;
    }
  }

  private void model(ProtobufReader reader) throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (field == 1 && reader.wireType() == ProtobufReader.VARINT) {
        irVersion = reader.varint();
      } else if (reader.wireType() != ProtobufReader.LENGTH_DELIMITED) {
        reader.skip(field);
      } else {
        switch (field) {
          case 7 -> {
            hasGraph = true;
            reader.message(this::graph);
          }
          case 8 -> reader.message(this::opset);
          case 20 -> reader.message(this::training);
          case 25 -> reader.message(this::function);
          default -> reader.skip(field);
        }
      }
    }
  }

  private void opset(ProtobufReader reader) throws IOException, MalformedException {
    String domain = "";
    long version = 0;
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (field == 1 && reader.wireType() == ProtobufReader.LENGTH_DELIMITED) {
        domain = reader.string();
      } else if (field == 2 && reader.wireType() == ProtobufReader.VARINT) {
        version = reader.varint();
      } else {
        reader.skip(field);
      }
    }
    opsets.put(domain.isEmpty() ? "ai.onnx" : domain, version);
  }

  private void graph(ProtobufReader reader) throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() != ProtobufReader.LENGTH_DELIMITED) {
        reader.skip(field);
        continue;
      }
      switch (field) {
        case 1 -> reader.message(this::node);
        case 5 -> reader.message(this::tensor);
        case 11 -> reader.message(value -> value(value, true));
        case 12 -> reader.message(value -> value(value, false));
        case 15 -> reader.message(this::sparseTensor);
        default -> reader.skip(field);
      }
    }
  }

  private void training(ProtobufReader reader) throws IOException, MalformedException {
    each(reader, this::graph, 1, 2);
  }

  private void function(ProtobufReader reader) throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() != ProtobufReader.LENGTH_DELIMITED) {
        reader.skip(field);
        continue;
      }
      switch (field) {
        case 7 -> reader.message(this::node);
        case 11 -> reader.message(this::attribute);
        default -> reader.skip(field);
      }
    }
  }

  private void node(ProtobufReader reader) throws IOException, MalformedException {
    nodes++;
    String domain = "";
    String operator = "";
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() != ProtobufReader.LENGTH_DELIMITED) {
        reader.skip(field);
        continue;
      }
      switch (field) {
        case 4 -> operator = reader.string();
        case 5 -> reader.message(this::attribute);
        case 7 -> domain = reader.string();
        default -> reader.skip(field);
      }
    }
    if (operators.size() < KINDS_LIMIT) {
      operators.add(
          domain.isEmpty() || domain.equals("ai.onnx") ? operator : domain + ":" + operator);
    }
  }

  private void attribute(ProtobufReader reader) throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() != ProtobufReader.LENGTH_DELIMITED) {
        reader.skip(field);
        continue;
      }
      switch (field) {
        case 5, 10 -> reader.message(this::tensor);
        case 6, 11 -> reader.message(this::graph);
        case 22, 23 -> reader.message(this::sparseTensor);
        default -> reader.skip(field);
      }
    }
  }

  private void sparseTensor(ProtobufReader reader) throws IOException, MalformedException {
    each(reader, this::tensor, 1, 2);
  }

  private void tensor(ProtobufReader reader) throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (field == 2 && reader.wireType() == ProtobufReader.VARINT) {
        long type = reader.varint();
        if (tensorTypes.size() < KINDS_LIMIT) {
          tensorTypes.add((int) type);
        }
      } else if (field == 13 && reader.wireType() == ProtobufReader.LENGTH_DELIMITED) {
        reader.message(this::externalData);
      } else {
        reader.skip(field);
      }
    }
  }

  /**
   * An entry of {@code external_data}. It counts whatever {@code data_location} says, because a
   * message in several pieces could say that elsewhere.
   */
  private void externalData(ProtobufReader reader) throws IOException, MalformedException {
    Set<String> keys = new HashSet<>();
    Set<String> values = new LinkedHashSet<>();
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() == ProtobufReader.LENGTH_DELIMITED && (field == 1 || field == 2)) {
        (field == 1 ? keys : values).add(reader.string());
      } else {
        reader.skip(field);
      }
    }
    if (keys.contains("location")) {
      externalLocations.addAll(values);
    }
  }

  private void value(ProtobufReader reader, boolean input) throws IOException, MalformedException {
    String name = "";
    List<List<String>> found = new ArrayList<>();
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (reader.wireType() == ProtobufReader.LENGTH_DELIMITED && field == 1) {
        name = reader.string();
      } else if (reader.wireType() == ProtobufReader.LENGTH_DELIMITED && field == 2) {
        reader.message(type -> each(type, tensorType -> shape(tensorType, found), 1, 1));
      } else {
        reader.skip(field);
      }
    }
    if (!found.isEmpty() && reader.depth() == OUTER_VALUE_DEPTH) {
      shapes.put(name, found.get(found.size() - 1));
      if (input) {
        inputs.add(name);
      }
    }
  }

  private static void shape(ProtobufReader reader, List<List<String>> found)
      throws IOException, MalformedException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (field == 2 && reader.wireType() == ProtobufReader.LENGTH_DELIMITED) {
        List<String> sizes = new ArrayList<>();
        reader.message(shape -> each(shape, size -> dimension(size, sizes), 1, 1));
        found.add(List.copyOf(sizes));
      } else {
        reader.skip(field);
      }
    }
  }

  private static void dimension(ProtobufReader reader, List<String> sizes)
      throws IOException, MalformedException {
    String size = "";
    for (int field = reader.next(); field != 0; field = reader.next()) {
      if (field == 1 && reader.wireType() == ProtobufReader.VARINT) {
        size = Long.toString(reader.varint());
      } else if (field == 2 && reader.wireType() == ProtobufReader.LENGTH_DELIMITED) {
        size = reader.string();
      } else {
        reader.skip(field);
      }
    }
    if (sizes.size() < KINDS_LIMIT) {
      sizes.add(size);
    }
  }

  /** Reads the messages in one of two fields, and skips all else. */
  private static void each(
      ProtobufReader reader, ProtobufReader.MessageBody body, int field, int otherField)
      throws IOException, MalformedException {
    for (int next = reader.next(); next != 0; next = reader.next()) {
      if (reader.wireType() == ProtobufReader.LENGTH_DELIMITED
          && (next == field || next == otherField)) {
        reader.message(body);
      } else {
        reader.skip(next);
      }
    }
  }
}
