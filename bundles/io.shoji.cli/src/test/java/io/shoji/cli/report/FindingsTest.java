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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.State;
import io.shoji.cli.report.QuantizationReport.Variant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The report on a model that was really quantized, with what the quantizer found. */
final class FindingsTest {
  @Test
  void shouldSayOfEachLayerWhatTheQuantizerFound() throws Exception {
    QuantizationReport report = QuantizedDigits.make().report();
    Variant variant = report.variants().get(0);
    List<Layer> layers = variant.layers();
    assertThat(layers).hasSizeGreaterThanOrEqualTo(6);
    assertThat(layers)
        .filteredOn(layer -> layer.state() == State.KEPT)
        .singleElement()
        .satisfies(
            layer -> {
              assertThat(layer).isEqualTo(layers.get(QuantizedDigits.KEPT));
              assertThat(layer.reason()).isEqualTo("kept in FP32 as asked");
            });
    assertThat(variant.keptInFloat()).containsExactly(layers.get(QuantizedDigits.KEPT).name());
    assertThat(layers)
        .filteredOn(layer -> layer.operator().equals("Conv"))
        .hasSize(3)
        .allSatisfy(
            layer -> {
              assertThat(layer.noiseDecibels()).isBetween(15.0, 60.0);
              assertThat(layer.weights()).isNotNull();
              assertThat(layer.weights().min()).isNegative();
              assertThat(layer.weights().channels()).isGreaterThanOrEqualTo(16);
              assertThat(layer.weights().largestChannel())
                  .isGreaterThanOrEqualTo(layer.weights().smallestChannel())
                  .isEqualTo(Math.max(layer.weights().max(), -layer.weights().min()));
            });
    assertThat(variant.activations())
        .isNotEmpty()
        .allSatisfy(
            activation -> {
              long binned = activation.bins().stream().mapToLong(Long::longValue).sum();
              assertThat(binned + activation.zeros()).isEqualTo(activation.count());
              // Min-max clips nothing.
              assertThat(activation.clipped()).isZero();
              assertThat(activation.scale()).isPositive();
              assertThat(activation.zeroPoint()).isBetween(0, 255);
            });
    assertThat(report.baseline().evaluation().value()).isGreaterThan(0.98);
    assertThat(report.met()).isTrue();
    Change change = report.change(variant).orElseThrow();
    assertThat(report.examples()).hasSize(Math.min(8, change.changed()));
    assertThat(report.examples())
        .allSatisfy(example -> assertThat(example.picture()).isInstanceOf(Picture.Image.class));
    assertThat(HtmlReport.page(report).toString())
        .contains("Meets the accuracy budget")
        .contains("kept in FP32 as asked");
  }
}
