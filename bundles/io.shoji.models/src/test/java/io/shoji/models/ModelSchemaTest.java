/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.harrel.jsonschema.SpecificationVersion;
import dev.harrel.jsonschema.Validator;
import dev.harrel.jsonschema.ValidatorFactory;
import dev.harrel.jsonschema.providers.GsonNode;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The published schema as a document of its own. */
class ModelSchemaTest {
  private final JsonObject schema =
      JsonParser.parseString(new String(ModelSchema.bytes(), StandardCharsets.UTF_8))
          .getAsJsonObject();

  @Test
  void shouldBeValidAgainstItsMetaSchema() {
    Validator validator =
        new ValidatorFactory().withJsonNodeFactory(new GsonNode.Factory()).createValidator();

    Validator.Result result =
        validator.validate(URI.create(SpecificationVersion.DRAFT2020_12.getId()), schema);

    assertThat(result.getErrors()).isEmpty();
    assertThat(result.isValid()).isTrue();
  }

  @Test
  void shouldAllowNoUnknownMemberAndDescribeEveryKnownOne() {
    List<String> faults = new ArrayList<>();
    inspect("", schema, faults);
    assertThat(faults).isEmpty();
  }

  private void inspect(String pointer, JsonElement element, List<String> faults) {
    if (!element.isJsonObject()) {
      return;
    }
    JsonObject rule = element.getAsJsonObject();
    boolean condition = pointer.matches(".*/(if|then|else)(/.*)?|/\\$defs/is[A-Z].*");
    if (rule.has("properties") && !condition) {
      // A list of steps dispatches by name; each step's own rule is strict.
      boolean dispatch = pointer.matches("/\\$defs/(image|signal|post)Step");
      JsonElement additional = rule.get("additionalProperties");
      if (!dispatch && (additional == null || !additional.toString().equals("false"))) {
        faults.add("open: " + pointer);
      }
      for (Map.Entry<String, JsonElement> member : rule.getAsJsonObject("properties").entrySet()) {
        if (!member.getKey().equals("step") && !described(member.getValue())) {
          faults.add("undescribed: " + pointer + "/" + member.getKey());
        }
      }
    }
    for (Map.Entry<String, JsonElement> member : rule.entrySet()) {
      inspect(pointer + "/" + member.getKey(), member.getValue(), faults);
    }
  }

  private boolean described(JsonElement rule) {
    if (!rule.isJsonObject()) {
      return false;
    }
    JsonElement reference = rule.getAsJsonObject().get("$ref");
    return rule.getAsJsonObject().has("description")
        || (reference != null
            && schema
                .getAsJsonObject("$defs")
                .getAsJsonObject(reference.getAsString().substring("#/$defs/".length()))
                .has("description"));
  }

  @Test
  void shouldAgreeWithPathRules() {
    JsonObject rule = schema.getAsJsonObject("$defs").getAsJsonObject("path");
    Pattern pattern = Pattern.compile(rule.get("pattern").getAsString());
    int maxLength = rule.get("maxLength").getAsInt();
    List<String> paths =
        List.of(
            "a",
            "a/b",
            "a/b.c",
            "A_1-2+3@4=5~6/x.y.z",
            "a..b",
            "a/..b",
            "..",
            ".",
            ".a",
            "a/.",
            "/a",
            "a/",
            "a//b",
            "",
            " ",
            "a b",
            "a\\b",
            "a:b",
            "a\u0000",
            "a\n",
            "\u00e4",
            "a".repeat(128),
            "a".repeat(129),
            "a/".repeat(31) + "a",
            "a/".repeat(32) + "a",
            ("a".repeat(99) + "/").repeat(5) + "a".repeat(12),
            ("a".repeat(99) + "/").repeat(5) + "a".repeat(13));
    for (String path : paths) {
      assertThat(pattern.matcher(path).find() && path.length() <= maxLength)
          .as(Reasons.quote(path))
          .isEqualTo(PathRules.violation(path).isEmpty());
    }
  }

  @Test
  void shouldMatchLongHostileTextWithoutOverflow() {
    String text = "a/".repeat(500_000);
    for (Pattern pattern : patterns(schema, new ArrayList<>())) {
      assertThat(pattern.matcher(text).find()).isIn(true, false);
      assertThat(pattern.matcher("a".repeat(1_000_000) + "\n").find()).isIn(true, false);
    }
  }

  @Test
  void shouldMatchToTheVeryEnd() {
    for (Pattern pattern : patterns(schema, new ArrayList<>())) {
      assertThat(pattern.pattern()).startsWith("^").endsWith("(?![\\s\\S])");
    }
    assertThat(patterns(schema, new ArrayList<>())).hasSizeGreaterThan(8);
  }

  private static List<Pattern> patterns(JsonElement element, List<Pattern> found) {
    if (element.isJsonObject()) {
      for (Map.Entry<String, JsonElement> member : element.getAsJsonObject().entrySet()) {
        if (member.getKey().equals("pattern") && member.getValue().isJsonPrimitive()) {
          found.add(Pattern.compile(member.getValue().getAsString()));
        }
        patterns(member.getValue(), found);
      }
    } else if (element.isJsonArray()) {
      element.getAsJsonArray().forEach(item -> patterns(item, found));
    }
    return found;
  }
}
