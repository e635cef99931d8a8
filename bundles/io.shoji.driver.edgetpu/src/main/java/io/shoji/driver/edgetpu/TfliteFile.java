/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.edgetpu.FlatBuffer.DamagedException;
import io.shoji.driver.edgetpu.FlatBuffer.Table;
import io.shoji.driver.edgetpu.FlatBuffer.Vector;
import io.shoji.tensor.Quantization;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a {@code .tflite} file says of itself, read before the runtime sees it.
 *
 * <p>The runtime trusts its files: it follows offsets and indices as it finds them and crashes on a
 * file that is damaged. So everything that it will follow is followed here first: every table,
 * vector and string lies inside the file, every index exists, constants are as long as their shapes
 * say, subgraphs do not call themselves, and every operator reads what was computed before.
 */
final class TfliteFile {
  /** What the Edge TPU compiler puts in the place of the operators that it takes. */
  static final String EDGE_TPU_OPERATOR = "edgetpu-custom-op";

  /** Operators that do not give the same each time, or of which that is not known. */
  private static final Set<String> OTHERWISE =
      Set.of(
          "MULTINOMIAL",
          "SVDF",
          "VAR_HANDLE",
          "CALL_ONCE",
          "CUSTOM",
          "DELEGATE",
          TfliteFile.EDGE_TPU_OPERATOR);

  // Field ids of the tables.
  private static final int MODEL_VERSION = 0;
  private static final int MODEL_OPERATOR_CODES = 1;
  private static final int MODEL_SUBGRAPHS = 2;
  private static final int MODEL_DESCRIPTION = 3;
  private static final int MODEL_BUFFERS = 4;
  private static final int MODEL_METADATA_BUFFER = 5;
  private static final int MODEL_METADATA = 6;
  private static final int MODEL_SIGNATURES = 7;
  private static final int CODE_DEPRECATED = 0;
  private static final int CODE_CUSTOM = 1;
  private static final int CODE_VERSION = 2;
  private static final int CODE_BUILTIN = 3;
  private static final int BUFFER_DATA = 0;
  private static final int BUFFER_OFFSET = 1;
  private static final int BUFFER_SIZE = 2;
  private static final int GRAPH_TENSORS = 0;
  private static final int GRAPH_INPUTS = 1;
  private static final int GRAPH_OUTPUTS = 2;
  private static final int GRAPH_OPERATORS = 3;
  private static final int GRAPH_NAME = 4;
  private static final int TENSOR_SHAPE = 0;
  private static final int TENSOR_TYPE = 1;
  private static final int TENSOR_BUFFER = 2;
  private static final int TENSOR_NAME = 3;
  private static final int TENSOR_QUANTIZATION = 4;
  private static final int TENSOR_VARIABLE = 5;
  private static final int TENSOR_SPARSITY = 6;
  private static final int TENSOR_SIGNATURE = 7;
  private static final int TENSOR_VARIANTS = 9;
  private static final int TENSOR_EXTERNAL_BUFFER = 10;
  private static final int QUANTIZATION_MIN = 0;
  private static final int QUANTIZATION_MAX = 1;
  private static final int QUANTIZATION_SCALE = 2;
  private static final int QUANTIZATION_ZERO_POINT = 3;
  private static final int QUANTIZATION_DETAILS = 4;
  private static final int QUANTIZATION_AXIS = 6;
  private static final int OPERATOR_CODE = 0;
  private static final int OPERATOR_INPUTS = 1;
  private static final int OPERATOR_OUTPUTS = 2;
  private static final int OPERATOR_OPTIONS_TYPE = 3;
  private static final int OPERATOR_OPTIONS = 4;
  private static final int OPERATOR_CUSTOM_OPTIONS = 5;
  private static final int OPERATOR_MUTATING = 7;
  private static final int OPERATOR_INTERMEDIATES = 8;
  private static final int OPERATOR_LARGE_OPTIONS = 9;
  private static final int OPERATOR_OPTIONS_2_TYPE = 11;
  private static final int METADATA_NAME = 0;
  private static final int METADATA_BUFFER = 1;
  private static final int SIGNATURE_INPUTS = 0;
  private static final int SIGNATURE_OUTPUTS = 1;
  private static final int SIGNATURE_KEY = 2;
  private static final int SIGNATURE_GRAPH = 4;
  private static final int MAP_NAME = 0;
  private static final int MAP_TENSOR = 1;

  /** Root offset and identifier. */
  private static final int HEADER_BYTES = 8;

  private static final int MOST_DIMENSIONS = 8;
  private static final int MOST_GRAPHS = 1_024;
  private static final int MOST_COMPARED_DIMENSIONS = 4;

  /** No gateway has so much memory: a shape beyond it is damage. */
  private static final long MOST_ELEMENTS = 1L << 40;

  /** Whether operators of the Edge TPU compiler may be in it. */
  private final boolean compiled;

  private final FlatBuffer file;
  private final ByteBuffer content;
  private final Set<String> operators = new TreeSet<>();
  private final List<Optional<Quantization>> inputQuantizations = new ArrayList<>();
  private final List<Optional<Quantization>> outputQuantizations = new ArrayList<>();
  private long operatorCount;
  private final Set<String> cpuOperators = new TreeSet<>();
  private long edgeTpuOperatorCount;
  private int minRuntimeVersion;
  private boolean realNumbers;

  /** Bytes of the Edge TPU's programs, and of the constants of operators that are none of its. */
  private long programBytes;

  private long cpuConstantBytes;

  /** Facts of one tensor. */
  private static final class TensorFacts {
    private final int type;
    private final int rank;
    private final long elements;
    private final boolean constant;

    /** Where a constant's data lies. */
    private final int start;

    private final boolean variable;
    private final boolean scaled;

    /** Whether one of its scales is 0. */
    private final boolean zeroScale;

    private final Optional<Quantization> perAxis;

    private TensorFacts(
        int type,
        int rank,
        long elements,
        boolean constant,
        int start,
        boolean variable,
        boolean scaled,
        boolean zeroScale,
        Optional<Quantization> perAxis) {
      this.type = type;
      this.rank = rank;
      this.elements = elements;
      this.constant = constant;
      this.start = start;
      this.variable = variable;
      this.scaled = scaled;
      this.zeroScale = zeroScale;
      this.perAxis = perAxis;
    }
  }

  /** Where a buffer's data lies. */
  private static final class Data {
    private final int start;
    private final int length;

    private Data(int start, int length) {
      this.start = start;
      this.length = length;
    }
  }

  /** An operator's code. */
  private static final class OperatorCode {
    private final int builtin;
    private final TfliteSchema.Arity arity;

    private OperatorCode(int builtin) {
      this.builtin = builtin;
      this.arity =
          builtin == TfliteSchema.CUSTOM ? TfliteSchema.ANY_ARITY : TfliteSchema.arity(builtin);
    }
  }

  private TfliteFile(ByteBuffer content, boolean compiled) {
    this.compiled = compiled;
    this.content = content;
    this.file = new FlatBuffer(content);
  }

  /**
   * Reads and checks a file.
   *
   * @param content the whole file; its position and limit are not heeded
   * @throws AcceleratorException INVALID_MODEL if it is damaged, UNSUPPORTED if it asks for what
   *     this driver does not run
   */
  static TfliteFile read(ByteBuffer content) throws AcceleratorException {
    return read(content, false);
  }

  /**
   * Reads and checks a file that went through the Edge TPU compiler.
   *
   * @param content the whole file; its position and limit are not heeded
   * @throws AcceleratorException INVALID_MODEL if it is damaged, UNSUPPORTED if it was not compiled
   *     or asks for what this driver does not run
   */
  static TfliteFile readCompiled(ByteBuffer content) throws AcceleratorException {
    TfliteFile file = read(content, true);
    if (file.edgeTpuOperatorCount == 0) {
      throw unsupported(
          file.realNumbers
              ? "the model computes with real numbers, and the Edge TPU with integers only; quantize it"
                  + " (shoji quantize --target edgetpu), then compile it with edgetpu_compiler operators="
                  + file.operators
              : "the model did not go through the Edge TPU compiler, so that nothing of it runs there;"
                  + " compile it with edgetpu_compiler operators="
                  + file.operators);
    }
    return file;
  }

  private static TfliteFile read(ByteBuffer content, boolean compiled) throws AcceleratorException {
    TfliteFile file =
        new TfliteFile(content.duplicate().clear().order(ByteOrder.LITTLE_ENDIAN), compiled);
    try {
      file.check();
      return file;
    } catch (DamagedException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the file is damaged or cut off; build or copy the package again: " + e.getMessage(),
          e);
    }
  }

  /** Names of the operators in it. */
  Set<String> operators() {
    return Collections.unmodifiableSet(operators);
  }

  /**
   * Whether no operator draws random numbers or remembers something from one call to the next; of
   * custom ones nothing is known.
   */
  boolean isRepeatable() {
    return operators.stream()
        .noneMatch(
            name ->
                name.startsWith("RANDOM_")
                    || name.contains("VARIABLE")
                    || name.contains("LSTM")
                    || name.contains("RNN")
                    || name.contains("HASHTABLE")
                    || OTHERWISE.contains(name));
  }

  /** Operators that the Edge TPU computes; 0 if the file did not go through its compiler. */
  long edgeTpuOperatorCount() {
    return edgeTpuOperatorCount;
  }

  /** Names of the operators that the processor computes. */
  Set<String> cpuOperators() {
    return Collections.unmodifiableSet(cpuOperators);
  }

  /** Version of the Edge TPU's runtime that its programs ask for; 0 if there are none. */
  int minRuntimeVersion() {
    return minRuntimeVersion;
  }

  /**
   * Which part of the model the processor computes, 0 to 1, by bytes of weights and programs: the
   * compiler makes one operator of many, so that their number says little.
   */
  double cpuShare() {
    long all = cpuConstantBytes + programBytes;
    return all == 0 ? 0 : (double) cpuConstantBytes / all;
  }

  /** Operators of all subgraphs. */
  long operatorCount() {
    return operatorCount;
  }

  /** Per-axis quantization of the inputs, where they have one. */
  List<Optional<Quantization>> inputQuantizations() {
    return inputQuantizations;
  }

  /** Per-axis quantization of the outputs, where they have one. */
  List<Optional<Quantization>> outputQuantizations() {
    return outputQuantizations;
  }

  private void check() throws AcceleratorException, DamagedException {
    if (content.capacity() < HEADER_BYTES) {
      throw new DamagedException(
          content.capacity() == 0 ? "it is empty" : "it ends early bytes=" + content.capacity());
    }
    byte[] identifier = new byte[4];
    content.get(4, identifier);
    String found = new String(identifier, StandardCharsets.ISO_8859_1);
    if (!found.equals(TfliteSchema.IDENTIFIER)) {
      throw new DamagedException(
          "it is no TensorFlow Lite model asked="
              + TfliteSchema.IDENTIFIER
              + " found="
              + found.replaceAll("[^ -~]", "?"));
    }
    Table model = file.root();
    int version = model.int32(MODEL_VERSION, 0);
    if (version != TfliteSchema.VERSION) {
      throw unsupported(
          "the file has another version of the schema asked="
              + TfliteSchema.VERSION
              + " found="
              + version);
    }
    model.string(MODEL_DESCRIPTION);
    List<Data> buffers = buffers(model.vector(MODEL_BUFFERS, 4));
    List<OperatorCode> codes = codes(model.vector(MODEL_OPERATOR_CODES, 4));
    Vector graphs = model.vector(MODEL_SUBGRAPHS, 4);
    if (graphs.length() == 0) {
      throw new DamagedException("it has no graph");
    }
    if (graphs.length() > MOST_GRAPHS) {
      throw unsupported("the model has too many graphs count=" + graphs.length());
    }
    int[] tensorCounts = new int[graphs.length()];
    List<Set<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < graphs.length(); i++) {
      Table graph = graphs.table(i, "graph");
      Set<Integer> called = new TreeSet<>();
      tensorCounts[i] = checkGraph(graph, i == 0, buffers, codes, graphs.length(), called);
      calls.add(called);
    }
    checkCalls(calls);
    checkMetadata(model, buffers.size());
    checkSignatures(model.vector(MODEL_SIGNATURES, 4), tensorCounts);
  }

  private List<Data> buffers(Vector tables) throws DamagedException {
    List<Data> buffers = new ArrayList<>(tables.length());
    for (int i = 0; i < tables.length(); i++) {
      Table buffer = tables.table(i, "buffer");
      Vector data = buffer.vector(BUFFER_DATA, 1);
      long offset = buffer.int64(BUFFER_OFFSET, 0);
      long size = buffer.int64(BUFFER_SIZE, 0);
      if (offset > 1 || offset < 0) {
        if (offset < 0
            || size < 0
            || size > content.capacity()
            || offset > content.capacity() - size) {
          throw new DamagedException(
              buffer.what()
                  + " lies outside of the file offset="
                  + offset
                  + " bytes="
                  + size
                  + " fileBytes="
                  + content.capacity());
        }
        buffers.add(new Data((int) offset, (int) size));
      } else {
        buffers.add(new Data(data.start(), data.length()));
      }
    }
    return buffers;
  }

  private List<OperatorCode> codes(Vector tables) throws AcceleratorException, DamagedException {
    List<OperatorCode> codes = new ArrayList<>(tables.length());
    for (int i = 0; i < tables.length(); i++) {
      Table code = tables.table(i, "operator code");
      String custom = code.string(CODE_CUSTOM);
      // The newer field counts where the older one, of 8 bits, has no room.
      int builtin = Math.max(code.int8(CODE_DEPRECATED, 0), code.int32(CODE_BUILTIN, 0));
      if (compiled && builtin == TfliteSchema.CUSTOM && custom.equals(EDGE_TPU_OPERATOR)) {
        codes.add(new OperatorCode(builtin));
        operators.add(custom);
        continue;
      }
      if (builtin == TfliteSchema.CUSTOM) {
        throw unsupported(
            custom.equals(EDGE_TPU_OPERATOR)
                ? "the model was compiled for the Edge TPU and does not run on the CPU; take the file"
                    + " from before the compiler operator="
                    + custom
                : "the model has an operator that is not TensorFlow Lite's own; express it by others"
                    + " operator="
                    + custom);
      }
      if (!TfliteSchema.isKnownOperator(builtin)) {
        throw unsupported(
            "the model has an operator that this runtime lacks; express it by others operator="
                + TfliteSchema.operatorName(builtin)
                + " version="
                + code.int32(CODE_VERSION, 1));
      }
      codes.add(new OperatorCode(builtin));
      operators.add(TfliteSchema.operatorName(builtin));
      cpuOperators.add(TfliteSchema.operatorName(builtin));
    }
    return codes;
  }

  private int checkGraph(
      Table graph,
      boolean main,
      List<Data> buffers,
      List<OperatorCode> codes,
      int graphs,
      Set<Integer> called)
      throws AcceleratorException, DamagedException {
    graph.string(GRAPH_NAME);
    Vector tensors = graph.vector(GRAPH_TENSORS, 4);
    List<TensorFacts> facts = new ArrayList<>(tensors.length());
    for (int i = 0; i < tensors.length(); i++) {
      facts.add(checkTensor(tensors.table(i, graph.what() + " tensor"), buffers));
    }
    BitSet known = new BitSet(facts.size());
    for (int i = 0; i < facts.size(); i++) {
      TensorFacts tensor = facts.get(i);
      known.set(i, tensor.constant || tensor.variable || tensor.elements == 0);
    }
    Vector inputs = graph.vector(GRAPH_INPUTS, 4);
    for (int i = 0; i < inputs.length(); i++) {
      TensorFacts tensor = facts.get(index(inputs, i, facts.size(), graph.what() + " input"));
      if (tensor.constant) {
        throw new DamagedException(graph.what() + " has a constant as its input " + i);
      }
      known.set(inputs.int32(i));
      if (main) {
        inputQuantizations.add(tensor.perAxis);
      }
    }
    Vector operatorTables = graph.vector(GRAPH_OPERATORS, 4);
    for (int i = 0; i < operatorTables.length(); i++) {
      Table operator = operatorTables.table(i, graph.what() + " operator");
      checkOperator(operator, facts, known, codes, graphs, called);
      operatorCount++;
    }
    Vector outputs = graph.vector(GRAPH_OUTPUTS, 4);
    for (int i = 0; i < outputs.length(); i++) {
      int output = index(outputs, i, facts.size(), graph.what() + " output");
      if (!known.get(output)) {
        throw new DamagedException(graph.what() + " computes no output " + i);
      }
      if (main) {
        outputQuantizations.add(facts.get(output).perAxis);
      }
    }
    if (main && outputs.length() == 0) {
      throw new DamagedException(graph.what() + " has no output");
    }
    return tensors.length();
  }

  private TensorFacts checkTensor(Table tensor, List<Data> buffers)
      throws AcceleratorException, DamagedException {
    String name = tensor.string(TENSOR_NAME);
    String what = tensor.what() + " name=" + name;
    int type = tensor.int8(TENSOR_TYPE, 0);
    if (!TfliteSchema.isKnownType(type)) {
      throw unsupported(what + " has an element type that is not known tensorType=" + type);
    }
    Vector shape = tensor.vector(TENSOR_SHAPE, 4);
    long elements = elements(shape, what);
    Vector signature = tensor.vector(TENSOR_SIGNATURE, 4);
    if (signature.length() != 0 && signature.length() != shape.length()) {
      throw new DamagedException(what + " has a shape and a signature of other ranks");
    }
    if (tensor.table(TENSOR_SPARSITY, what) != null) {
      throw unsupported("sparse tensors are not supported; store it dense " + what);
    }
    if (tensor.int32(TENSOR_EXTERNAL_BUFFER, 0) != 0) {
      throw unsupported("weights in other files are not supported; store them in this one " + what);
    }
    Vector variants = tensor.vector(TENSOR_VARIANTS, 4);
    for (int i = 0; i < variants.length(); i++) {
      elements(variants.table(i, what + " variant").vector(TENSOR_SHAPE, 4), what);
    }
    long buffer = Integer.toUnsignedLong(tensor.int32(TENSOR_BUFFER, 0));
    if (buffer >= buffers.size() && buffer != 0) {
      throw new DamagedException(
          what + " names a buffer that is not there asked=" + buffer + " count=" + buffers.size());
    }
    Data data = buffers.isEmpty() ? new Data(0, 0) : buffers.get((int) buffer);
    boolean constant = data.length > 0;
    boolean variable = tensor.int8(TENSOR_VARIABLE, 0) != 0;
    if (constant) {
      checkConstant(type, elements, data, what);
    }
    Table quantization = tensor.table(TENSOR_QUANTIZATION, what + " quantization");
    Optional<Quantization> perAxis =
        quantization == null
            ? Optional.empty()
            : checkQuantization(quantization, type, shape, constant, what);
    boolean scaled = false;
    boolean zeroScale = false;
    if (quantization != null) {
      Vector scales = quantization.vector(QUANTIZATION_SCALE, 4);
      scaled = scales.length() > 0;
      for (int i = 0; i < scales.length(); i++) {
        zeroScale |= scales.float32(i) == 0;
      }
    }
    return new TensorFacts(
        type, shape.length(), elements, constant, data.start, variable, scaled, zeroScale, perAxis);
  }

  private static long elements(Vector shape, String what) throws DamagedException {
    if (shape.length() > MOST_DIMENSIONS) {
      throw new DamagedException(what + " has too many dimensions rank=" + shape.length());
    }
    long elements = 1;
    for (int i = 0; i < shape.length(); i++) {
      int dim = shape.int32(i);
      // Some writers leave an unknown size as -1 here too.
      if (dim < -1 || Math.max(1, dim) > MOST_ELEMENTS / Math.max(1, elements)) {
        throw new DamagedException(what + " has an impossible size dimension=" + dim);
      }
      elements *= dim == -1 ? 1 : dim;
    }
    return elements;
  }

  private void checkConstant(int type, long elements, Data data, String what)
      throws DamagedException {
    if (type == TfliteSchema.STRING) {
      checkStrings(data, elements, what);
      return;
    }
    int bits = TfliteSchema.bits(type);
    long asked = (elements * bits + 7) / 8;
    if (bits == 0 || asked != data.length) {
      throw new DamagedException(
          what
              + " is a constant of another size than its shape says askedBytes="
              + asked
              + " foundBytes="
              + data.length);
    }
  }

  /** The number of texts, where each begins, where the last ends; then the texts. */
  private void checkStrings(Data data, long elements, String what) throws DamagedException {
    long count = data.length < 4 ? -1 : content.getInt(data.start);
    long header = 4 * (count + 2);
    boolean fits = count == elements && header <= data.length;
    for (int i = 0; fits && i < count; i++) {
      int from = content.getInt(data.start + 4 * (i + 1));
      int to = content.getInt(data.start + 4 * (i + 2));
      fits = from >= header && from <= to && to <= data.length;
    }
    if (!fits) {
      throw new DamagedException(what + " is a constant of texts that are not there");
    }
  }

  private Optional<Quantization> checkQuantization(
      Table table, int type, Vector shape, boolean constant, String what)
      throws AcceleratorException, DamagedException {
    table.vector(QUANTIZATION_MIN, 4);
    table.vector(QUANTIZATION_MAX, 4);
    if (table.uint8(QUANTIZATION_DETAILS, 0) != 0) {
      throw unsupported(
          "quantization other than by scale and zero point is not supported; quantize it anew "
              + what);
    }
    Vector scales = table.vector(QUANTIZATION_SCALE, 4);
    Vector zeroPoints = table.vector(QUANTIZATION_ZERO_POINT, Long.BYTES);
    int axis = table.int32(QUANTIZATION_AXIS, 0);
    if (scales.length() != zeroPoints.length() && zeroPoints.length() > 1) {
      throw new DamagedException(
          what
              + " has other numbers of scales and zero points scales="
              + scales.length()
              + " zeroPoints="
              + zeroPoints.length());
    }
    for (int i = 0; i < zeroPoints.length(); i++) {
      if (!TfliteSchema.isZeroPoint(type, zeroPoints.int64(i))) {
        throw new DamagedException(
            what + " has a zero point out of its range zeroPoint=" + zeroPoints.int64(i));
      }
    }
    if (scales.length() <= 1) {
      // Weights that are all 0 may have a scale of 0.
      if (scales.length() == 1 && !isScale(scales.float32(0), constant)) {
        throw new DamagedException(what + " has an impossible scale scale=" + scales.float32(0));
      }
      return Optional.empty();
    }
    if (axis < 0 || axis >= shape.length() || shape.int32(axis) != scales.length()) {
      throw new DamagedException(
          what + " has not one scale for each index axis=" + axis + " scales=" + scales.length());
    }
    float[] reals = new float[scales.length()];
    int[] zeros = new int[scales.length()];
    for (int i = 0; i < reals.length; i++) {
      reals[i] = scales.float32(i);
      if (!isScale(reals[i], constant)) {
        throw new DamagedException(what + " has an impossible scale scale=" + reals[i]);
      }
      zeros[i] =
          zeroPoints.length() == 0 ? 0 : (int) zeroPoints.int64(zeroPoints.length() == 1 ? 0 : i);
    }
    // Of a constant nobody asks: a scale of 0 is no matter there.
    return constant ? Optional.empty() : Optional.of(Quantization.perAxis(axis, reals, zeros));
  }

  private static boolean isScale(float scale, boolean constant) {
    return (constant ? scale >= 0 : scale > 0) && !Float.isInfinite(scale);
  }

  private void checkOperator(
      Table operator,
      List<TensorFacts> tensors,
      BitSet known,
      List<OperatorCode> codes,
      int graphs,
      Set<Integer> called)
      throws AcceleratorException, DamagedException {
    long code = Integer.toUnsignedLong(operator.int32(OPERATOR_CODE, 0));
    if (code >= codes.size()) {
      throw new DamagedException(
          operator.what()
              + " has a code that is not there asked="
              + code
              + " count="
              + codes.size());
    }
    int builtin = codes.get((int) code).builtin;
    String what = operator.what() + " " + TfliteSchema.operatorName(builtin);
    Vector inputs = operator.vector(OPERATOR_INPUTS, 4);
    Vector outputs = operator.vector(OPERATOR_OUTPUTS, 4);
    TfliteSchema.Arity arity = codes.get((int) code).arity;
    if (!arity.takes(inputs.length()) || !arity.gives(outputs.length())) {
      throw new DamagedException(
          what
              + " has another number of inputs or outputs than the operator asked="
              + arity
              + " found="
              + inputs.length()
              + ">"
              + outputs.length());
    }
    for (int i = 0; i < inputs.length(); i++) {
      if (inputs.int32(i) == -1 && arity.isOptional(i)) {
        continue;
      }
      int input = index(inputs, i, tensors.size(), what + " input");
      // Of its second input RESHAPE wants the shape only.
      if (!known.get(input) && !(builtin == TfliteSchema.RESHAPE && i == 1)) {
        throw new DamagedException(what + " reads what nobody has computed input=" + i);
      }
    }
    for (int i = 0; i < outputs.length(); i++) {
      int output = index(outputs, i, tensors.size(), what + " output");
      if (tensors.get(output).constant) {
        throw new DamagedException(what + " writes to a constant output=" + i);
      }
      known.set(output);
    }
    Vector intermediates = operator.vector(OPERATOR_INTERMEDIATES, 4);
    for (int i = 0; i < intermediates.length(); i++) {
      index(intermediates, i, tensors.size(), what + " intermediate");
    }
    operator.vector(OPERATOR_MUTATING, 1);
    Vector customOptions = operator.vector(OPERATOR_CUSTOM_OPTIONS, 1);
    if (builtin == TfliteSchema.CUSTOM) {
      checkCompiled(what, customOptions, inputs, outputs, tensors);
    } else {
      countConstants(inputs, tensors);
    }
    int type = operator.uint8(OPERATOR_OPTIONS_TYPE, 0);
    if (!TfliteSchema.isKnownOptions(type)
        || operator.uint8(OPERATOR_OPTIONS_2_TYPE, 0) != 0
        || operator.int64(OPERATOR_LARGE_OPTIONS, 0) > 1) {
      throw unsupported(
          "an operator has options that this driver does not know; write the model for TensorFlow"
              + " Lite "
              + TfLite.SUPPORTED
              + " or older operator="
              + TfliteSchema.operatorName(builtin));
    }
    if (type != TfliteSchema.requiredOptions(builtin)
        && TfliteSchema.requiredOptions(builtin) != 0) {
      throw new DamagedException(what + " has not the options that it needs optionsType=" + type);
    }
    Table options = operator.table(OPERATOR_OPTIONS, what + " options");
    if (options == null && TfliteSchema.requiredOptions(builtin) != 0) {
      throw new DamagedException(what + " lacks its options");
    }
    if (options != null) {
      checkOptions(options, TfliteSchema.options(type), graphs, called);
      checkCounts(builtin, options, inputs.length(), outputs.length());
      checkNumbers(builtin, options);
    }
    checkParameters(builtin, what, inputs, outputs, tensors);
  }

  /** An operator of the Edge TPU compiler. */
  private void checkCompiled(
      String what, Vector options, Vector inputs, Vector outputs, List<TensorFacts> tensors)
      throws AcceleratorException, DamagedException {
    int version = EdgeTpuProgram.minRuntimeVersion(content, options.start(), options.length());
    if (version == 0) {
      throw new DamagedException(
          what + " holds no program of the Edge TPU compiler bytes=" + options.length());
    }
    minRuntimeVersion = Math.max(minRuntimeVersion, version);
    programBytes += options.length();
    edgeTpuOperatorCount++;
    for (Vector indices : List.of(inputs, outputs)) {
      for (int i = 0; i < indices.length(); i++) {
        int type = tensors.get(indices.int32(i)).type;
        if (!TfliteSchema.isByte(type)) {
          throw unsupported(
              "the part that was compiled for the Edge TPU takes or gives other than INT8 and UINT8;"
                  + " quantize the model in full, inputs and outputs too, and compile it again "
                  + what
                  + " tensorType="
                  + type);
        }
      }
    }
  }

  private void countConstants(Vector inputs, List<TensorFacts> tensors) {
    for (int i = 0; i < inputs.length(); i++) {
      if (inputs.int32(i) >= 0) {
        TensorFacts tensor = tensors.get(inputs.int32(i));
        realNumbers |= TfliteSchema.isReal(tensor.type);
        cpuConstantBytes +=
            tensor.constant ? (tensor.elements * TfliteSchema.bits(tensor.type) + 7) / 8 : 0;
      }
    }
  }

  /** How many parts an operator joins or makes, by which it divides. */
  private static void checkCounts(int builtin, Table options, int inputs, int outputs)
      throws DamagedException {
    int asked =
        switch (TfliteSchema.operatorName(builtin)) {
          case "SPLIT", "SPLIT_V", "UNPACK" -> outputs;
          case "PACK" -> inputs;
          default -> -1;
        };
    if (asked >= 0 && options.int32(0, 0) != asked) {
      throw new DamagedException(
          options.what()
              + " give another number of parts than there are asked="
              + asked
              + " found="
              + options.int32(0, 0));
    }
  }

  /** Numbers that an operator asserts. */
  private static void checkNumbers(int builtin, Table options) throws DamagedException {
    if (TfliteSchema.operatorName(builtin).equals("FAKE_QUANT")) {
      float min = options.float32(0, 0);
      float max = options.float32(1, 0);
      int bits = options.int32(2, 0);
      if (!(min <= 0 && max >= 0 && min < max) || bits < 2 || bits > 16) {
        throw new DamagedException(
            options.what() + " make no range min=" + min + " max=" + max + " bits=" + bits);
      }
    }
  }

  /** What the operators do not look at themselves before they use it. */
  private void checkParameters(
      int builtin, String what, Vector inputs, Vector outputs, List<TensorFacts> tensors)
      throws DamagedException {
    if (TfliteSchema.needsScale(builtin)) {
      boolean weighted = TfliteSchema.hasWeights(builtin);
      checkScales(what + " input", inputs, tensors, weighted);
      checkScales(what + " output", outputs, tensors, weighted);
    }
    switch (TfliteSchema.operatorName(builtin)) {
      case "MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL" -> {
        TensorFacts axes = tensors.get(inputs.int32(1));
        if (axes.rank > 1 || axes.elements > tensors.get(inputs.int32(0)).rank) {
          throw new DamagedException(what + " has more axes than its input has dimensions");
        }
      }
      case "SPLIT" -> checkAxis(what, tensors.get(inputs.int32(0)), tensors.get(inputs.int32(1)));
      case "SPLIT_V" -> checkAxis(what, tensors.get(inputs.int32(2)), tensors.get(inputs.int32(0)));
      case "RESHAPE" -> {
        if (inputs.length() == 2 && tensors.get(inputs.int32(1)).type != TfliteSchema.INT32) {
          throw new DamagedException(what + " has a shape that is not of INT32");
        }
      }
      case "TRANSPOSE" -> {
        TensorFacts order = tensors.get(inputs.int32(1));
        int rank = tensors.get(inputs.int32(0)).rank;
        if (order.rank != 1 || order.elements != rank || order.type != TfliteSchema.INT32) {
          throw new DamagedException(what + " has not one INT32 for each dimension rank=" + rank);
        }
      }
      case "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL" -> {
        for (int i = 0; i < inputs.length(); i++) {
          TensorFacts input = tensors.get(inputs.int32(i));
          if (input.rank > MOST_COMPARED_DIMENSIONS) {
            throw new DamagedException(what + " compares too many dimensions rank=" + input.rank);
          }
        }
      }
      default -> {
        // The others look for themselves.
      }
    }
  }

  private static void checkScales(
      String what, Vector indices, List<TensorFacts> tensors, boolean weighted)
      throws DamagedException {
    for (int i = 0; i < indices.length(); i++) {
      if (indices.int32(i) >= 0) {
        TensorFacts tensor = tensors.get(indices.int32(i));
        if (TfliteSchema.isSmallInteger(tensor.type)
            && (!tensor.scaled || (tensor.zeroScale && !weighted))) {
          throw new DamagedException(what + " " + i + " is of integers without a scale");
        }
      }
    }
  }

  /** An axis is one number of the dimensions that there are, counted from either end. */
  private void checkAxis(String what, TensorFacts axis, TensorFacts tensor)
      throws DamagedException {
    if (axis.type != TfliteSchema.INT32 || axis.elements != 1) {
      throw new DamagedException(what + " has an axis that is not one INT32");
    }
    if (axis.constant) {
      int value = content.getInt(axis.start);
      if (value < -tensor.rank || value >= tensor.rank) {
        throw new DamagedException(
            what + " has an axis that is not there axis=" + value + " rank=" + tensor.rank);
      }
    }
  }

  private static void checkOptions(Table options, String fields, int graphs, Set<Integer> called)
      throws DamagedException {
    for (int id = 0; id < fields.length(); id++) {
      switch (fields.charAt(id)) {
        case 'b' -> options.field(id, 1);
        case 'i', 'f' -> options.field(id, 4);
        case 'l' -> options.field(id, Long.BYTES);
        case 's' -> options.string(id);
        case 'I', 'F' -> options.vector(id, 4);
        case 'G' -> {
          int graph = options.int32(id, 0);
          if (graph < 0 || graph >= graphs) {
            throw new DamagedException(
                options.what()
                    + " name a graph that is not there asked="
                    + graph
                    + " count="
                    + graphs);
          }
          called.add(graph);
        }
        default -> {
          // Left out by every writer, and read by nobody.
        }
      }
    }
  }

  /** Graphs that call themselves have no end. */
  private static void checkCalls(List<Set<Integer>> calls) throws DamagedException {
    boolean[] done = new boolean[calls.size()];
    boolean progress = true;
    while (progress) {
      progress = false;
      for (int i = 0; i < done.length; i++) {
        if (!done[i] && calls.get(i).stream().allMatch(graph -> done[graph])) {
          done[i] = true;
          progress = true;
        }
      }
    }
    for (int i = 0; i < done.length; i++) {
      if (!done[i]) {
        throw new DamagedException("a graph runs itself, by itself or by others graph=" + i);
      }
    }
  }

  private static void checkMetadata(Table model, int buffers) throws DamagedException {
    Vector indices = model.vector(MODEL_METADATA_BUFFER, 4);
    for (int i = 0; i < indices.length(); i++) {
      index(indices, i, buffers, "metadata buffer");
    }
    Vector metadata = model.vector(MODEL_METADATA, 4);
    for (int i = 0; i < metadata.length(); i++) {
      Table entry = metadata.table(i, "metadata");
      entry.string(METADATA_NAME);
      range(entry.int32(METADATA_BUFFER, 0), buffers, entry.what());
    }
  }

  private static void checkSignatures(Vector signatures, int[] tensorCounts)
      throws DamagedException {
    for (int i = 0; i < signatures.length(); i++) {
      Table signature = signatures.table(i, "signature");
      signature.string(SIGNATURE_KEY);
      int graph = signature.int32(SIGNATURE_GRAPH, 0);
      range(graph, tensorCounts.length, signature.what());
      for (int field : new int[] {SIGNATURE_INPUTS, SIGNATURE_OUTPUTS}) {
        Vector entries = signature.vector(field, 4);
        for (int j = 0; j < entries.length(); j++) {
          Table entry = entries.table(j, signature.what() + " tensor");
          entry.string(MAP_NAME);
          range(entry.int32(MAP_TENSOR, 0), tensorCounts[graph], entry.what());
        }
      }
    }
  }

  private static int index(Vector indices, int at, int count, String what) throws DamagedException {
    int index = indices.int32(at);
    range(index, count, what + " " + at);
    return index;
  }

  private static void range(int index, int count, String what) throws DamagedException {
    if (index < 0 || index >= count) {
      throw new DamagedException(
          what + " names what is not there asked=" + index + " count=" + count);
    }
  }

  private static AcceleratorException unsupported(String message) {
    return new AcceleratorException(Code.UNSUPPORTED, message);
  }
}
