/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read from metrics, queries and bodies, and what is said of what is wrong. */
final class ArgumentsTest {
  private static final int LIMIT = 64 * 1024;

  private static Arguments body(String json) throws RequestException {
    return Arguments.ofBody(json.getBytes(StandardCharsets.UTF_8), LIMIT);
  }

  @Test
  void shouldReadTheSameWhereverArgumentsComeFrom() throws Exception {
    Arguments metrics =
        Arguments.ofMetrics(Map.of("model", "digits", "runs", 7L, "threads", 2, "request.id", "1"));
    Arguments json = body("{\"model\":\"digits\",\"runs\":7,\"threads\":2.0}");
    Arguments query = Arguments.ofQuery(Map.of("model", "digits", "runs", "7", "threads", "2"));
    for (Arguments arguments : new Arguments[] {metrics, json, query}) {
      arguments.only("model", "runs", "threads");
      assertThat(arguments.requiredText("model")).isEqualTo("digits");
      assertThat(arguments.integer("runs", 1, 1, 10)).isEqualTo(7);
      assertThat(arguments.integer("threads", 1, 1, 10)).isEqualTo(2);
      assertThat(arguments.integer("warmup", 5, 0, 10)).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "1",
        "\"text\"",
        "{",
        "{\"a\"",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1}{}",
        "{\"a\":[1]}",
        "{\"a\":{}}",
        "{\"a\":null}",
        "{\"a\":1e999999999}",
        "{\"a\":NaN}",
        "{\"a\":01}",
        "{'a':1}"
      })
  void shouldRefuseWhenBodyIsNoFlatObject(String json) {
    RequestException e =
        catchThrowableOfType(RequestException.class, () -> body(json).integer("a", 0, 0, 9));
    assertThat(e).as(json).isNotNull();
    assertThat(e.reason()).isIn(Reason.BAD_BODY);
    assertThat(e.getMessage()).isNotBlank();
  }

  @Test
  void shouldRefuseWhenBodyIsNestedBeyondTheStack() {
    String deep = "[".repeat(LIMIT - 10);
    assertThatThrownBy(() -> body("{\"a\":" + deep))
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("name=a")
        .hasMessageContaining("BEGIN_ARRAY");
    assertThatThrownBy(() -> body(deep)).isInstanceOf(RequestException.class);
  }

  @Test
  void shouldRefuseWhenBodyIsTooLongOrNoText() {
    byte[] giant = new byte[LIMIT + 1];
    Arrays.fill(giant, (byte) ' ');
    assertThat(
            catchThrowableOfType(RequestException.class, () -> Arguments.ofBody(giant, LIMIT))
                .reason())
        .isEqualTo(Reason.BODY_TOO_LARGE);
    assertThat(
            catchThrowableOfType(
                    RequestException.class,
                    () -> Arguments.ofBody(new byte[] {(byte) 0xff, (byte) 0xfe}, LIMIT))
                .reason())
        .isEqualTo(Reason.BAD_BODY);
    StringBuilder many = new StringBuilder("{");
    for (int i = 0; i < 100; i++) {
      many.append("\"a").append(i).append("\":1,");
    }
    assertThatThrownBy(() -> body(many + "\"z\":1}")).hasMessageContaining("too many members");
  }

  @Test
  void shouldRefuseWhenAMetricIsOfTheWrongType() {
    Object[] wrong = {"7", 7.0, 7.5f, true, new byte[] {7}};
    for (Object value : wrong) {
      assertThatThrownBy(() -> Arguments.ofMetrics(Map.of("runs", value)).integer("runs", 1, 1, 9))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("name=runs")
          .hasMessageContaining("asked=an integer")
          .hasMessageContaining(" metric");
    }
    for (Object value : new Object[] {7, 7L, 7.0, true, new byte[] {7}}) {
      assertThatThrownBy(() -> Arguments.ofMetrics(Map.of("model", value)).text("model"))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("asked=a string");
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "10", "-1", "9223372036854775807", "-9223372036854775808", "1e30"})
  void shouldSayTheRangeWhenANumberIsOutOfIt(String number) {
    assertThatThrownBy(() -> body("{\"runs\":" + number + "}").integer("runs", 1, 1, 9))
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("name=runs")
        .hasMessageContaining("range=[1, 9]");
  }

  @Test
  void shouldRefuseFractionsUnknownNamesEmptyTextsAndWhatIsGivenTwice() throws Exception {
    assertThatThrownBy(() -> body("{\"runs\":1.5}").integer("runs", 1, 1, 9))
        .hasMessageContaining("an integer");
    assertThatThrownBy(() -> body("{\"ruhns\":1}").only("runs", "model"))
        .hasMessage("unknown argument name=ruhns allowed=runs,model");
    assertThatThrownBy(() -> body("{\"model\":\" \"}").requiredText("model"))
        .hasMessageContaining("empty name=model");
    assertThatThrownBy(() -> body("{}").requiredText("model"))
        .hasMessageContaining("missing name=model");
    assertThatThrownBy(() -> body("{\"a\":1,\"a\":2}")).hasMessageContaining("twice name=a");
    assertThatThrownBy(() -> body("{\"a\":1}").and(body("{\"a\":2}")))
        .hasMessageContaining("twice name=a");
    assertThat(body("{\"a\":\"x\"}").and(body("{\"a\":\"x\"}")).requiredText("a")).isEqualTo("x");
  }

  @Test
  void shouldKeepMessagesShortAndOnOneLineWhenValuesAreNot() {
    String value = "x\r\nERROR forged " + "y".repeat(10_000);
    assertThatThrownBy(() -> Arguments.ofMetrics(Map.of("runs", value)).integer("runs", 1, 1, 9))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300).doesNotContain("\n", "\r"));
  }
}
