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

import java.util.Set;

/**
 * What this driver knows of TensorFlow Lite's schema, version 3 ({@code schema.fbs}): operators,
 * and the fields of their options.
 */
final class TfliteSchema {
  /** Version of the files. */
  static final int VERSION = 3;

  /** What stands at offset 4 of a file. */
  static final String IDENTIFIER = "TFL3";

  /** {@code BuiltinOperator_CUSTOM}. */
  static final int CUSTOM = 32;

  /** {@code BuiltinOperator_PLACEHOLDER_FOR_GREATER_OP_CODES}. */
  static final int PLACEHOLDER_FOR_GREATER_OP_CODES = 127;

  /** {@code BuiltinOperator_RESHAPE}. */
  static final int RESHAPE = 22;

  /** {@code TensorType_STRING}. */
  static final int STRING = 5;

  /** {@code TensorType_INT32}. */
  static final int INT32 = 2;

  private static final int FLOAT32 = 0;
  private static final int FLOAT16 = 1;
  private static final int UINT8 = 3;
  private static final int INT16 = 7;
  private static final int INT8 = 9;

  /**
   * {@code BuiltinOperator} in the order of their numbers: the name, and if the runtime has it, how
   * many inputs it takes and outputs it gives, and behind a question mark which input may be left
   * out ({@code *}: any number, any but the first). The runtime's operators do not all look. Those
   * of StableHLO, from 162 on, are left out: the runtime holds most of them for its compiler only.
   */
  private static final String[] OPERATORS =
"""
          ADD:2>1 AVERAGE_POOL_2D:1>1 CONCATENATION:1-*>1 CONV_2D:2-3>1?2
          DEPTHWISE_CONV_2D:2-3>1?2 DEPTH_TO_SPACE:1>1 DEQUANTIZE:1>1
          EMBEDDING_LOOKUP:2>1 FLOOR:1>1 FULLY_CONNECTED:2-3>1-2?2
          HASHTABLE_LOOKUP:3>2 L2_NORMALIZATION:1>1 L2_POOL_2D:1>1
          LOCAL_RESPONSE_NORMALIZATION:1>1 LOGISTIC:1>1 LSH_PROJECTION:2-3>1
          LSTM:5-24>1-4?* MAX_POOL_2D:1>1 MUL:2>1 RELU:1>1 RELU_N1_TO_1:1>1
          RELU6:1>1 RESHAPE:1-2>1 RESIZE_BILINEAR:2>1 RNN:5>1 SOFTMAX:1>1
          SPACE_TO_DEPTH:1>1 SVDF:5>1?3 TANH:1>1 CONCAT_EMBEDDINGS SKIP_GRAM:1>1
          CALL CUSTOM EMBEDDING_LOOKUP_SPARSE:5>1 PAD:2>1
          UNIDIRECTIONAL_SEQUENCE_RNN:5>1 GATHER:2>1 BATCH_TO_SPACE_ND:3>1
          SPACE_TO_BATCH_ND:3>1 TRANSPOSE:2>1 MEAN:2>1 SUB:2>1 DIV:2>1 SQUEEZE:1>1
          UNIDIRECTIONAL_SEQUENCE_LSTM:20-24>1?* STRIDED_SLICE:4>1
          BIDIRECTIONAL_SEQUENCE_RNN:12>1-2?* EXP:1>1 TOPK_V2:2>2 SPLIT:2>1-*
          LOG_SOFTMAX:1>1 DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM:48>1-2?* CAST:1>1
          PRELU:2>1 MAXIMUM:2>1 ARG_MAX:2>1 MINIMUM:2>1 LESS:2>1 NEG:1>1 PADV2:3>1
          GREATER:2>1 GREATER_EQUAL:2>1 LESS_EQUAL:2>1 SELECT:3>1 SLICE:3>1 SIN:1>1
          TRANSPOSE_CONV:3-4>1?3 SPARSE_TO_DENSE:4>1 TILE:2>1 EXPAND_DIMS:2>1
          EQUAL:2>1 NOT_EQUAL:2>1 LOG:1>1 SUM:2>1 SQRT:1>1 RSQRT:1>1 SHAPE:1>1
          POW:2>1 ARG_MIN:2>1 FAKE_QUANT:1>1 REDUCE_PROD:2>1 REDUCE_MAX:2>1
          PACK:1-*>1 LOGICAL_OR:2>1 ONE_HOT:4>1 LOGICAL_AND:2>1 LOGICAL_NOT:1>1
          UNPACK:1>1-* REDUCE_MIN:2>1 FLOOR_DIV:2>1 REDUCE_ANY:2>1 SQUARE:1>1
          ZEROS_LIKE:1>1 FILL:2>1 FLOOR_MOD:2>1 RANGE:3>1
          RESIZE_NEAREST_NEIGHBOR:2>1 LEAKY_RELU:1>1 SQUARED_DIFFERENCE:2>1
          MIRROR_PAD:2>1 ABS:1>1 SPLIT_V:3>1-* UNIQUE:1>2 CEIL:1>1 REVERSE_V2:2>1
          ADD_N:1-*>1 GATHER_ND:2>1 COS:1>1 WHERE:1>1 RANK:1>1 ELU:1>1
          REVERSE_SEQUENCE:2>1 MATRIX_DIAG QUANTIZE:1>1 MATRIX_SET_DIAG
          ROUND:1>1 HARD_SWISH:1>1 IF:1-*>0-* WHILE:1-*>1-*
          NON_MAX_SUPPRESSION_V4:5>2 NON_MAX_SUPPRESSION_V5:6>3 SCATTER_ND:3>1
          SELECT_V2:3>1 DENSIFY:1>1 SEGMENT_SUM:2>1 BATCH_MATMUL:2>1
          PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM:2>1 CALL_ONCE:0>0 BROADCAST_TO:2>1
          RFFT2D:2>1 CONV_3D:2-3>1?2 IMAG:1>1 REAL:1>1 COMPLEX_ABS:1>1 HASHTABLE:0>1
          HASHTABLE_FIND:3>1 HASHTABLE_IMPORT:3>0 HASHTABLE_SIZE:1>1 REDUCE_ALL:2>1
          CONV_3D_TRANSPOSE:3-4>1?3 VAR_HANDLE:0>1 READ_VARIABLE:1>1
          ASSIGN_VARIABLE:2>0 BROADCAST_ARGS:2>1 RANDOM_STANDARD_NORMAL:1>1
          BUCKETIZE:1>1 RANDOM_UNIFORM:1>1 MULTINOMIAL:2>1 GELU:1>1
          DYNAMIC_UPDATE_SLICE:3>1 RELU_0_TO_1:1>1 UNSORTED_SEGMENT_PROD:3>1
          UNSORTED_SEGMENT_MAX:3>1 UNSORTED_SEGMENT_SUM:3>1 ATAN2:2>1
          UNSORTED_SEGMENT_MIN:3>1 SIGN:1>1 BITCAST:1>1 BITWISE_XOR:2>1
          RIGHT_SHIFT:2>1
"""
          .strip()
          .split("\\s+");

  /** Operators that move integers or use them as they are, and so need no scale for them. */
  private static final Set<String> WITHOUT_SCALE =
      Set.of(
          "ARG_MAX",
          "ARG_MIN",
          "ASSIGN_VARIABLE",
          "BATCH_TO_SPACE_ND",
          "BITCAST",
          "BITWISE_XOR",
          "BROADCAST_ARGS",
          "BROADCAST_TO",
          "CAST",
          "CONCATENATION",
          "DEPTH_TO_SPACE",
          "DYNAMIC_UPDATE_SLICE",
          "EMBEDDING_LOOKUP",
          "EXPAND_DIMS",
          "FILL",
          "GATHER",
          "GATHER_ND",
          "IF",
          "MAXIMUM",
          "MINIMUM",
          "MIRROR_PAD",
          "ONE_HOT",
          "PACK",
          "PAD",
          "PADV2",
          "RANK",
          "READ_VARIABLE",
          "RESHAPE",
          "RESIZE_NEAREST_NEIGHBOR",
          "REVERSE_SEQUENCE",
          "REVERSE_V2",
          "RIGHT_SHIFT",
          "SCATTER_ND",
          "SELECT",
          "SELECT_V2",
          "SHAPE",
          "SLICE",
          "SPACE_TO_BATCH_ND",
          "SPACE_TO_DEPTH",
          "SPLIT",
          "SPLIT_V",
          "SQUEEZE",
          "STRIDED_SLICE",
          "TILE",
          "TOPK_V2",
          "TRANSPOSE",
          "UNIQUE",
          "UNPACK",
          "WHERE",
          "WHILE",
          "ZEROS_LIKE");

  /**
   * Fields of the tables of the union {@code BuiltinOptions}, from its first member on: one letter
   * each in the order of their ids. b, i, l, f: a number of 1, 4, 8 bytes, a float; s: a string; B,
   * I, L, F: a vector of these; G: the index of a subgraph that the operator runs; -: left out by
   * every writer; a single dot: no fields.
   */
  private static final String[] OPTIONS =
"""
          biibiib biiibii iII b biiiib ibb bb bbbbb f ib bb b ifff bffbb --bb
          G I iib i b b . ii . . . b bb b I bbb iiiiib . . i . bb . . b . . .
          . . . . . biibb b . . . . b . b ffib ii . i . . ii . . . . bffbbb
          bbbb bffbbb . . bb f . b . i b . . . . . . ii . . . . GG GG i . . .
          . . . bbb bb G . . biiibiii ibb . . . ss . . ll F b . . . . . . . .
          . .
"""
          .strip()
          .split("\\s+");

  /** Bits of an element by {@code TensorType}; 0 for types without a fixed size. */
  private static final int[] BITS = {
    32, 16, 32, 8, 64, 0, 8, 16, 64, 8, 64, 128, 64, 0, 0, 32, 16, 4, 16, 2, 4
  };

  /** What an operator takes and gives that is not TensorFlow Lite's own. */
  static final Arity ANY_ARITY = new Arity("1-*>1-*");

  private TfliteSchema() {}

  /** Whether the operator is one of those that may run here. */
  static boolean isKnownOperator(int builtin) {
    return builtin >= 0 && builtin < OPERATORS.length && OPERATORS[builtin].indexOf(':') > 0;
  }

  /** Name of an operator, or its number. */
  static String operatorName(int builtin) {
    return builtin >= 0 && builtin < OPERATORS.length
        ? OPERATORS[builtin].split(":", 2)[0]
        : "BuiltinOperator " + builtin;
  }

  /** Whether an operator computes with what its integers stand for, and so needs their scale. */
  static boolean needsScale(int builtin) {
    return !WITHOUT_SCALE.contains(operatorName(builtin));
  }

  /** Whether an operator has weights, whose scale may be 0 where all of them are. */
  static boolean hasWeights(int builtin) {
    return switch (operatorName(builtin)) {
      case "FULLY_CONNECTED",
          "CONV_2D",
          "DEPTHWISE_CONV_2D",
          "TRANSPOSE_CONV",
          "CONV_3D",
          "CONV_3D_TRANSPOSE" ->
          true;
      default -> false;
    };
  }

  /** What a known operator takes and gives. */
  static Arity arity(int builtin) {
    return new Arity(OPERATORS[builtin].split(":", 2)[1]);
  }

  /** How many inputs an operator takes and outputs it gives. */
  static final class Arity {
    private final String text;
    private final String inputs;
    private final String outputs;
    private final String optional;

    private Arity(String text) {
      this.text = text;
      String[] parts = text.split("[>?]", 3);
      inputs = parts[0];
      outputs = parts[1];
      optional = parts.length == 3 ? parts[2] : "";
    }

    /** Whether it takes so many inputs. */
    boolean takes(int count) {
      return inRange(inputs, count);
    }

    /** Whether it gives so many outputs. */
    boolean gives(int count) {
      return inRange(outputs, count);
    }

    /** Whether an input may be left out. */
    boolean isOptional(int input) {
      return optional.equals("*") ? input > 0 : optional.equals(Integer.toString(input));
    }

    private static boolean inRange(String range, int count) {
      String[] ends = range.split("-", 2);
      String most = ends[ends.length - 1];
      return count >= Integer.parseInt(ends[0])
          && (most.equals("*") || count <= Integer.parseInt(most));
    }

    /** As inputs{@code >}outputs. */
    @Override
    public String toString() {
      return text;
    }
  }

  /** Whether the union has such a member; 0 is none. */
  static boolean isKnownOptions(int type) {
    return type >= 0 && type <= OPTIONS.length;
  }

  /** Fields of a member of the union that is known, as a text of the letters above. */
  static String options(int type) {
    return type == 0 || OPTIONS[type - 1].equals(".") ? "" : OPTIONS[type - 1];
  }

  /**
   * Options without which an operator makes no sense: sizes of which 0 would be divided by, graphs
   * of which the first would be the operator's own. 0 if it takes defaults.
   */
  static int requiredOptions(int builtin) {
    return switch (operatorName(builtin)) {
      case "CONV_2D" -> 1;
      case "DEPTHWISE_CONV_2D" -> 2;
      case "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D" -> 5;
      case "CALL" -> 16;
      case "SPACE_TO_DEPTH" -> 19;
      case "SPLIT" -> 35;
      case "TRANSPOSE_CONV" -> 49;
      case "FAKE_QUANT" -> 58;
      case "PACK" -> 59;
      case "UNPACK" -> 64;
      case "SPLIT_V" -> 79;
      case "IF" -> 92;
      case "WHILE" -> 93;
      case "DEPTH_TO_SPACE" -> 94;
      case "CALL_ONCE" -> 103;
      case "CONV_3D", "CONV_3D_TRANSPOSE" -> 106;
      default -> 0;
    };
  }

  /** Whether there is such a type of tensors. */
  static boolean isKnownType(int type) {
    return type >= 0 && type < BITS.length;
  }

  /** Whether the type is one that is quantized: INT8, UINT8 or INT16. */
  static boolean isSmallInteger(int type) {
    return type == UINT8 || type == INT16 || type == INT8;
  }

  /** Whether the type is INT8 or UINT8. */
  static boolean isByte(int type) {
    return type == UINT8 || type == INT8;
  }

  /** Whether the type is FLOAT32 or FLOAT16. */
  static boolean isReal(int type) {
    return type == FLOAT32 || type == FLOAT16;
  }

  /** Whether a zero point lies in the range of its type. */
  static boolean isZeroPoint(int type, long zeroPoint) {
    return switch (type) {
      case UINT8 -> zeroPoint >= 0 && zeroPoint <= 255;
      case INT8 -> zeroPoint >= Byte.MIN_VALUE && zeroPoint <= Byte.MAX_VALUE;
      case INT16 -> zeroPoint >= Short.MIN_VALUE && zeroPoint <= Short.MAX_VALUE;
      default -> zeroPoint >= Integer.MIN_VALUE && zeroPoint <= Integer.MAX_VALUE;
    };
  }

  /** Bits of an element, 0 if its size is not fixed. */
  static int bits(int type) {
    return BITS[type];
  }
}
