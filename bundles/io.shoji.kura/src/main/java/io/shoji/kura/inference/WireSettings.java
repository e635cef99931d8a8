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

import io.shoji.inference.ModelRef;
import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.PolicyLines;
import io.shoji.operations.VersionPolicy;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Settings of a box, checked.
 *
 * @param ref model and versions that are asked for; empty while no model is named
 * @param accelerators kinds, or {@code kind:device}, that are preferred; empty for any
 * @param acceleratorsOnly whether no other may answer
 * @param steps what is done around the model
 * @param inputs which properties feed which input
 * @param blocks what a byte array holds that feeds a signal
 * @param pictures what a byte array holds that feeds a picture
 * @param pictureWidth pixels of a raw picture
 * @param pictureHeight pixels of a raw picture
 * @param topK how many classes are put out
 * @param bytes whether outputs are put out as raw bytes too
 * @param provenance whether it is put out who made an answer
 * @param latency whether it is put out how long it took
 * @param prefix put before the name of every result
 * @param passThrough properties that go through
 * @param deadlineMs most time that an envelope takes, milliseconds
 * @param onError what a record leads to that cannot be answered
 */
record WireSettings(
    Optional<ModelRef> ref,
    List<String> accelerators,
    boolean acceleratorsOnly,
    Steps steps,
    InputMap inputs,
    Blocks blocks,
    Pictures pictures,
    int pictureWidth,
    int pictureHeight,
    int topK,
    boolean bytes,
    boolean provenance,
    boolean latency,
    String prefix,
    PassThrough passThrough,
    int deadlineMs,
    OnError onError) {
  static final int DEADLINE_MS = 1_000;
  // No comma, which separates values in the default of a form, and no space, which bnd escapes.
  static final String PASS_THROUGH = "assetName;assetTimestamp";

  /** What is done around the model. */
  enum Steps {
    /** What the package declares; nothing if it declares nothing. */
    AUTO,
    /** What the package declares. */
    PACKAGE,
    /** Nothing: values go to the model as they are. */
    NONE
  }

  /** What a byte array holds that feeds a signal: little-endian samples. */
  enum Blocks {
    /** IEEE 754 binary32. */
    FLOAT32(4),
    /** IEEE 754 binary64. */
    FLOAT64(8),
    /** Two's complement, 16 bits. */
    INT16(2),
    /** Two's complement, 32 bits. */
    INT32(4);

    final int bytes;

    Blocks(int bytes) {
      this.bytes = bytes;
    }
  }

  /** What a byte array holds that feeds a picture. */
  enum Pictures {
    /** A PNG or JPEG file. */
    ENCODED(0),
    /** One byte per pixel. */
    GRAY(1),
    /** Three bytes per pixel. */
    RGB(3),
    /** Three bytes per pixel. */
    BGR(3);

    final int channels;

    Pictures(int channels) {
      this.channels = channels;
    }
  }

  /** What a record leads to that cannot be answered. */
  enum OnError {
    /** Nothing. */
    DROP,
    /** A record with the error. */
    PASS,
    /** The last good answer once more. */
    HOLD
  }

  /** What holds until a right configuration comes: no model. */
  static final WireSettings DEFAULTS = of(new FormValues(Map.of()));

  /** Copies the list. */
  WireSettings {
    accelerators = List.copyOf(accelerators);
  }

  /** Reads a form; what is wrong is noted there. */
  static WireSettings of(FormValues form) {
    Optional<ModelRef> ref = ref(form);
    PolicyLines.Order order = order(form);
    InputMap inputs = form.parsed("inputs", InputMap::parse);
    Pictures pictures = form.choice("pictures", Pictures.ENCODED);
    int width = form.integer("pictureWidth", 0, 0, 16_384);
    int height = form.integer("pictureHeight", 0, 0, 16_384);
    if (pictures != Pictures.ENCODED && (width == 0 || height == 0)) {
      form.problem(
          "pictureWidth and pictureHeight are needed for raw pictures pictures=" + pictures);
    }
    PassThrough passThrough = passThrough(form);
    String prefix = form.text("prefix").strip();
    if (prefix.length() > 100) {
      form.problem("prefix is too long characters=" + prefix.length() + " limit=100");
    }
    return new WireSettings(
        ref,
        order.accelerators(),
        order.only(),
        form.choice("steps", Steps.AUTO),
        inputs == null ? InputMap.AUTOMATIC : inputs,
        form.choice("blocks", Blocks.FLOAT32),
        pictures,
        width,
        height,
        form.integer("topK", 1, 1, 100),
        form.bool("bytes", false),
        form.bool("provenance", false),
        form.bool("latency", false),
        prefix,
        passThrough,
        form.integer("deadlineMs", DEADLINE_MS, 1, 600_000),
        form.choice("onError", OnError.DROP));
  }

  private static Optional<ModelRef> ref(FormValues form) {
    String model = form.text("model").strip();
    if (!model.isEmpty() && !model.matches("[a-z0-9][a-z0-9._-]{0,99}")) {
      form.problem(
          "model is no name of a model, allowed: lower-case letters, digits, . _ - value=" + model);
      model = "";
    }
    VersionPolicy policy =
        form.parsed(
            "version",
            text -> text.isBlank() ? VersionPolicy.latest() : VersionPolicy.parse(text.strip()));
    return model.isEmpty() || policy == null
        ? Optional.empty()
        : Optional.of(new ModelRef(model, policy.range()));
  }

  private static PassThrough passThrough(FormValues form) {
    try {
      return PassThrough.parse(form.text("passThrough", PASS_THROUGH));
    } catch (IllegalArgumentException e) {
      form.problem("passThrough: " + e.getMessage());
      return PassThrough.NOTHING;
    }
  }

  private static PolicyLines.Order order(FormValues form) {
    PolicyLines.Order any = new PolicyLines.Order(List.of(), false);
    PolicyLines.Order order =
        form.parsed(
            "accelerators",
            text ->
                text.isBlank()
                    ? any
                    : PolicyLines.orders("* = " + text.strip()).getOrDefault("*", any));
    return order == null ? any : order;
  }

  /** Whether an answer from an accelerator is taken. */
  boolean takes(String kind, String device) {
    return !acceleratorsOnly
        || accelerators.contains(kind)
        || accelerators.contains(kind + ":" + device);
  }

  /** Whether windows may go on where these other settings held before. */
  boolean asksTheSame(WireSettings before) {
    return ref.equals(before.ref)
        && steps == before.steps
        && inputs.equals(before.inputs)
        && blocks == before.blocks;
  }

  /** What is asked for, for people. */
  String model() {
    return ref.map(ModelRef::toString).orElse("");
  }
}
