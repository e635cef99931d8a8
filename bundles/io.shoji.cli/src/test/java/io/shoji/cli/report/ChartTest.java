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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ChartTest {
  private static String drawn(Chart chart) throws Exception {
    String svg = chart.draw().toString();
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
    return svg;
  }

  @Test
  void shouldPutTicksAtRoundNumbers() {
    Axis axis = Axis.round(0.3, 9.2, 0, 100, 5);
    assertThat(axis.ticks()).containsExactly(0.0, 2.0, 4.0, 6.0, 8.0, 10.0);
    assertThat(axis.at(5)).isEqualTo(50);
    assertThat(axis.at(-3)).isZero();
    Axis small = Axis.round(0.9941, 0.9989, 0, 100, 5);
    assertThat(small.ticks()).hasSizeBetween(4, 7);
    assertThat(small.ticks().stream().map(small::label)).contains("0.995").doesNotHaveDuplicates();
    Axis large = Axis.round(0, 3.2e9, 0, 100, 5);
    assertThat(large.ticks().stream().map(large::label)).contains("1e+09").contains("0");
    assertThat(Axis.round(5, 5, 0, 1, 4).ticks()).hasSizeGreaterThan(1);
    assertThat(Axis.round(-1, 1, 0, 1, 4).label(-1)).isEqualTo("\u22121.0");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 1_000_000})
  void shouldDrawLinesOfAnyLengthWithAllTheirPeaks(int count) throws Exception {
    double[] x = IntStream.range(0, count).mapToDouble(i -> i).toArray();
    double[] y = IntStream.range(0, count).mapToDouble(i -> i == 500_001 ? 77 : 1).toArray();
    String svg =
        drawn(new LineChart("a", "s", "ms").fromZero().line("p99", x, y).mark("limit", 50));
    assertThat(svg.length()).isLessThan(40_000);
    if (count > 500_001) {
      assertThat(svg).contains(">80<");
    }
  }

  @Test
  void shouldInterruptLinesWhereThereIsNoNumber() throws Exception {
    double nan = Double.NaN;
    String svg =
        drawn(
            new LineChart("a", "s", "ms")
                .line("b", new double[] {1, 2, 3, 4}, new double[] {1, nan, 3, 4})
                .dots("c", new double[] {1, 2}, new double[] {2, 2}));
    assertThat(svg.chars().filter(c -> c == 'M').count()).isEqualTo(4);
    assertThatThrownBy(() -> new LineChart("a", "b", "c").line("d", new double[1], new double[2]))
        .hasMessageContaining("x=1 y=2");
  }

  @Test
  void shouldCountEveryValueOfAHistogramOnce() throws Exception {
    double[] values = new double[1_000];
    Arrays.fill(values, 3);
    values[0] = Double.NaN;
    String svg = drawn(Histogram.of("a", "ms", values, 20).mark("p50", 3).range(1, 2));
    assertThat(svg).contains("class=\"outside\"").contains("p50");
    drawn(Histogram.of("empty", "ms", new double[0], 20));
    drawn(new Histogram("large", "", -1e30, 1e30, new long[] {1, 2}).logarithmic());
  }

  @Test
  void shouldShowNegativeMissingAndHugeBars() throws Exception {
    String svg =
        drawn(
            new BarChart("a", "dB")
                .bar("down", -3, "-3", BarChart.Kind.PLAIN)
                .bar("missing", Double.NaN, "none", BarChart.Kind.BEFORE)
                .span("from to", -1, 2, "3", BarChart.Kind.NOTABLE)
                .mark("limit", 1));
    assertThat(svg).contains("missing").contains("limit");
    drawn(new BarChart("nothing", "dB"));
    drawn(new BarChart("huge", "dB").bar("a", 1e300, "much", BarChart.Kind.PLAIN));
  }

  @Test
  void shouldMakeAnImageOfWhatLooksLikeOne() throws Exception {
    Picture.Image gray = (Picture.Image) Picture.of(Reports.picture(1), Layout.NCHW).orElseThrow();
    var image = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(gray.png())));
    assertThat(image.getWidth()).isEqualTo(8);
    assertThat(image.getRaster().getSample(0, 0, 0)).isLessThan(30);

    float[] pixels = new float[600 * 300 * 3];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i % 3 == 0 ? 1 : 0;
    }
    Picture.Image red =
        (Picture.Image)
            Picture.of(Tensor.ofFloats(Shape.of(1, 300, 600, 3), pixels), Layout.NHWC)
                .orElseThrow();
    assertThat(red.width()).isEqualTo(128);
    assertThat(red.height()).isEqualTo(64);
    var colored = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(red.png())));
    assertThat(colored.getRGB(100, 60)).isEqualTo(0xffff0000);
  }

  @Test
  void shouldMakeASignalOfWhatIsOneAndNothingOfTheRest() {
    float[] values = new float[2 * 4_096];
    values[3_000] = 9;
    Picture.Signal signal =
        (Picture.Signal)
            Picture.of(Tensor.ofFloats(Shape.of(1, 2, 4_096), values), Layout.NCW).orElseThrow();
    assertThat(signal.curves()).hasSize(2);
    assertThat(signal.samples()).isEqualTo(4_096);
    assertThat(signal.curves().get(0).high()).hasSize(256).contains(9f);
    assertThat(signal.curves().get(1).high()).doesNotContain(9f);
    assertThat(Picture.of(Tensor.ofFloats(Shape.of(1, 16, 4, 4), new float[256]), Layout.NCHW))
        .isEmpty();
    assertThat(Picture.of(Tensor.ofFloats(Shape.of(3), 1, 2, 3), Layout.ANY)).isEmpty();
    assertThat(Picture.of(null, Layout.ANY)).isEmpty();
  }
}
