/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import com.google.gson.JsonObject;
import io.shoji.accelerator.Precision;
import io.shoji.quantizer.AccuracyBudget;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.tflite.EdgeTpuCoverage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What came of quantizing a model, for the engineer who decides whether it ships. Immutable.
 *
 * @param model its name
 * @param source the model that was quantized
 * @param budget what was declared before
 * @param evaluationSet samples that accuracy was measured on
 * @param calibration how ranges were chosen; null if nothing was calibrated, as for FP16
 * @param labels names of the classes, in the model's order; empty if there are none
 * @param baseline the model as it was
 * @param variants what was made of it, in the order they are shown
 * @param examples samples to look at, those whose answer changed
 * @param notes what the reader must know besides: what was forced, what was not measured and why
 * @param command the command line that made all this
 * @param tool name and version of the program
 * @param machine where it ran
 * @param created when
 */
public record QuantizationReport(
    String model,
    Source source,
    AccuracyBudget budget,
    SampleSet evaluationSet,
    @Nullable CalibrationRun calibration,
    List<String> labels,
    Variant baseline,
    List<Variant> variants,
    List<Example> examples,
    List<String> notes,
    String command,
    String tool,
    Machine machine,
    Instant created) {
  /** Copies the lists. */
  public QuantizationReport {
    labels = List.copyOf(labels);
    variants = List.copyOf(variants);
    examples = List.copyOf(examples);
    notes = List.copyOf(notes);
  }

  /**
   * The file that was quantized.
   *
   * @param file its name
   * @param sha256 lower-case hex
   * @param bytes its size, with weights in other files
   * @param format as {@code ONNX, operator set 17}
   * @param parameters elements of all weights; -1 if unknown
   */
  public record Source(String file, String sha256, long bytes, String format, long parameters) {}

  /**
   * A set of samples.
   *
   * @param name what the user called it
   * @param count samples
   * @param sha256 digest of names, types, shapes and bytes of all, lower-case hex
   */
  public record SampleSet(String name, int count, String sha256) {}

  /**
   * How ranges were chosen.
   *
   * @param method as the user writes it, as {@code entropy}
   */
  public record CalibrationRun(String method, SampleSet samples) {}

  /**
   * A model and what was measured of it.
   *
   * @param name as in the package, as {@code onnx-int8}
   * @param file its name
   * @param sha256 lower-case hex
   * @param bytes its size
   * @param format as {@code onnx} or {@code tflite}
   * @param precision of its weights and activations
   * @param runtime what it was measured with, as {@code ONNX Runtime 1.29.0}
   * @param evaluation its accuracy
   * @param performance null if it was not measured
   * @param layers in order; empty if they are not known one by one
   * @param activations what calibration saw and chose; empty if there was none
   * @param coverage null for what no Edge TPU runs
   */
  public record Variant(
      String name,
      String file,
      String sha256,
      long bytes,
      String format,
      Precision precision,
      String runtime,
      Evaluation evaluation,
      @Nullable Performance performance,
      List<Layer> layers,
      List<Activation> activations,
      @Nullable Coverage coverage) {
    /** Copies the lists. */
    public Variant {
      layers = List.copyOf(layers);
      activations = List.copyOf(activations);
    }

    /** Names of the layers that went back to FP32 to meet the budget. */
    public List<String> keptInFloat() {
      return layers.stream().filter(layer -> layer.state() == State.KEPT).map(Layer::name).toList();
    }
  }

  /**
   * Speed and memory on this machine.
   *
   * @param accelerator that ran it, as {@code cpu:cpu0}
   * @param threads that computed
   * @param runs that were timed, after warm-up
   * @param peakMemoryBytes most resident memory of the process above that before the model was
   *     loaded; -1 if it was not measured
   */
  public record Performance(
      String accelerator,
      int threads,
      int runs,
      double medianNanos,
      double p90Nanos,
      double p99Nanos,
      long peakMemoryBytes) {}

  /** What a layer computes in. */
  public enum State {
    /** Integers. */
    INTEGER,
    /** FP32, because the budget asked for it. */
    KEPT,
    /** FP32, because it cannot be quantized or need not be. */
    FLOAT
  }

  /**
   * A layer.
   *
   * @param name of the node
   * @param operator of the node
   * @param reason why it computes in FP32; empty if it does not
   * @param noiseDecibels signal-to-quantization-noise ratio of its result, NaN if not measured
   * @param recoveredDecibels that of the model's output if this layer alone goes back to FP32, NaN
   *     if not measured
   * @param weights null if it has none
   */
  public record Layer(
      String name,
      String operator,
      State state,
      String reason,
      double noiseDecibels,
      double recoveredDecibels,
      @Nullable Weights weights) {}

  /**
   * A layer's weights in FP32.
   *
   * @param min smallest
   * @param max largest
   * @param channels output channels, each with a scale of its own
   * @param smallestChannel largest magnitude in the channel where that is least, above 0
   * @param largestChannel largest magnitude of all
   */
  public record Weights(
      float min, float max, int channels, float smallestChannel, float largestChannel) {}

  /**
   * An activation.
   *
   * @param tensor its name
   * @param type of its integers, as {@code UINT8}
   * @param count values that were seen
   * @param zeros exact zeros among them
   * @param min smallest
   * @param max largest
   * @param bins the values other than 0, counted in equal intervals from min to max
   * @param low of the range chosen
   * @param high of the range chosen
   * @param clipped share of the values outside of it
   * @param scale of its integers
   * @param zeroPoint of its integers
   */
  public record Activation(
      String tensor,
      String type,
      long count,
      long zeros,
      float min,
      float max,
      List<Long> bins,
      float low,
      float high,
      double clipped,
      float scale,
      int zeroPoint) {
    /** Copies the counts. */
    public Activation {
      bins = List.copyOf(bins);
    }
  }

  /**
   * What of a model an Edge TPU computes.
   *
   * @param operations of the model
   * @param shareInOnePart share that stays on the CPU if the compiler makes one part only, as it
   *     does unless told otherwise
   * @param onCpu those that it does not take by themselves
   */
  public record Coverage(int operations, double shareInOnePart, List<Unmapped> onCpu) {
    /** Copies the list. */
    public Coverage {
      onCpu = List.copyOf(onCpu);
    }

    /** What the quantizer says of a TensorFlow Lite model. */
    public static Coverage of(EdgeTpuCoverage coverage) {
      return new Coverage(
          coverage.operations().size(),
          coverage.cpuShareOfOnePart(),
          coverage.unmapped().stream()
              .map(each -> new Unmapped(each.operator(), each.output(), each.reason()))
              .toList());
    }

    /** Share of the operations that stay on the CPU at least; 0 if there are none. */
    public double shareOnCpu() {
      return operations == 0 ? 0 : (double) onCpu.size() / operations;
    }
  }

  /**
   * An operation that stays on the CPU.
   *
   * @param operator as {@code ELU}
   * @param name of what it makes
   * @param reason why
   */
  public record Unmapped(String operator, String name, String reason) {}

  /**
   * Whether a variant meets the budget.
   *
   * @param met whether it does
   * @param required value that the budget asks for, given the baseline
   * @param margin by how much the value is better than required; negative if it is worse
   * @param drop by how much the value is worse than the baseline's; negative if it is better
   */
  public record Verdict(boolean met, double required, double margin, double drop) {}

  /** How a variant stands to the budget. */
  public Verdict verdict(Variant variant) {
    Evaluation before = baseline.evaluation();
    Evaluation after = variant.evaluation();
    int sign = after.higherIsBetter() ? 1 : -1;
    double required = Double.NaN;
    if (!Double.isNaN(budget.maxDrop())) {
      required = before.value() - sign * budget.maxDrop();
    }
    if (!Double.isNaN(budget.limit())
        && (Double.isNaN(required) || sign * budget.limit() > sign * required)) {
      required = budget.limit();
    }
    double margin = sign * (after.value() - required);
    return new Verdict(
        budget.allows(after.higherIsBetter(), before.value(), after.value()),
        required,
        margin,
        sign * (before.value() - after.value()));
  }

  /** Whether all variants meet the budget; false if there are none. */
  public boolean met() {
    return !variants.isEmpty() && variants.stream().allMatch(variant -> verdict(variant).met());
  }

  /** How a variant's answers differ from the baseline's; empty if the metric is none of classes. */
  public Optional<Change> change(Variant variant) {
    return baseline.evaluation().answers().isEmpty() || variant.evaluation().answers().isEmpty()
        ? Optional.empty()
        : Optional.of(Change.of(baseline.evaluation(), variant.evaluation()));
  }

  /** A class as the reader knows it. */
  public String label(int index) {
    return index < 0 ? "none" : index < labels.size() ? labels.get(index) : Integer.toString(index);
  }

  /** All of it but the pictures and the answers to single samples. */
  public JsonObject toJson() {
    return ReportJson.of(this);
  }
}
