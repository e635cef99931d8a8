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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.harrel.jsonschema.Dialects;
import dev.harrel.jsonschema.Error;
import dev.harrel.jsonschema.Validator;
import dev.harrel.jsonschema.ValidatorFactory;
import dev.harrel.jsonschema.providers.GsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The published JSON Schema of {@code model.json}, and its errors in words: what the schema asks
 * for at that place, from its own descriptions, and what was found. Thread safe.
 */
final class ModelSchema {
  private static final String RESOURCE = "/SHOJI-INF/model.schema.json";

  private static final int LISTED_NAMES = 20;

  private final JsonObject schema;
  private final Validator validator;
  private final URI uri;

  private ModelSchema(byte[] text) {
    this.schema =
        JsonParser.parseString(new String(text, StandardCharsets.UTF_8)).getAsJsonObject();
    this.validator =
        new ValidatorFactory()
            .withJsonNodeFactory(new GsonNode.Factory())
            .withDefaultDialect(new Dialects.Draft2020Dialect())
            .withDisabledSchemaValidation(true)
            .createValidator();
    this.uri = validator.registerSchema(schema);
  }

  /** The schema in this bundle. */
  static ModelSchema load() {
    return new ModelSchema(bytes());
  }

  /** The schema's text, UTF-8. */
  static byte[] bytes() {
    try (InputStream in = ModelSchema.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("this bundle lacks its resource resource=" + RESOURCE);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("this bundle cannot be read resource=" + RESOURCE, e);
    }
  }

  /** Adds a reason for each violation, except at places that already have one. */
  void check(Json document, Reasons reasons) {
    Validator.Result result = validator.validate(uri, document.element());
    List<Error> errors = new ArrayList<>();
    for (Error error : result.getErrors()) {
      if (!reasons.mentions(error.getInstanceLocation())) {
        errors.add(error);
      }
    }
    for (Error error : errors) {
      if (reasons.isFull()) {
        reasons.add(error.getInstanceLocation(), "");
      } else {
        explain(error, document, reasons);
      }
    }
  }

  private void explain(Error error, Json document, Reasons reasons) {
    String place = error.getInstanceLocation();
    String location = fragment(error.getSchemaLocation());
    JsonElement found = resolve(document.element(), place);
    String keyword = error.getKeyword();
    if (keyword == null) {
      reasons.add(place, unwanted(location));
      return;
    }
    switch (keyword) {
      // These fail because of something below them, which has an error of its own.
      case "if", "allOf" -> {}
      case "required" -> {
        for (JsonElement name : list(location + "/required")) {
          missing(name.getAsString(), location, found, place, reasons);
        }
      }
      case "dependentRequired" -> {
        JsonElement dependents = resolve(schema, location + "/dependentRequired");
        for (Map.Entry<String, Json> dependent : at(dependents).members().entrySet()) {
          if (at(found).names().contains(dependent.getKey())) {
            for (Json name : dependent.getValue().items()) {
              missing(name.text().orElseThrow(), location, found, place, reasons);
            }
          }
        }
      }
      case "type" ->
          reasons.add(
              place,
              "asked for "
                  + types(resolve(schema, location + "/type"))
                  + " ("
                  + description(location)
                  + ") found="
                  + show(found));
      case "enum" ->
          reasons.add(
              place,
              "asked for one of "
                  + list(location + "/enum")
                  + " ("
                  + description(location)
                  + ") found="
                  + show(found));
      case "pattern", "not", "const" ->
          reasons.add(place, "asked: " + description(location) + " found=" + show(found));
      default ->
          reasons.add(
              place,
              "asked: "
                  + description(location)
                  + " "
                  + keyword
                  + "="
                  + resolve(schema, location + "/" + keyword)
                  + " found="
                  + show(found));
    }
  }

  private String unwanted(String location) {
    if (location.endsWith("/additionalProperties")) {
      String parent = location.substring(0, location.lastIndexOf('/'));
      return "unknown member; remove it or correct its name allowed="
          + at(resolve(schema, parent + "/properties")).names();
    }
    return "not allowed together with the other members; remove it";
  }

  private void missing(
      String name, String location, @Nullable JsonElement found, String place, Reasons reasons) {
    if (!at(found).names().contains(name)) {
      // In a branch the members are described by the schema that the branch belongs to.
      String owner = location.replaceFirst("/(then|else)$", "");
      reasons.add(
          place,
          "member "
              + Reasons.quote(name)
              + " is missing: "
              + description(owner + "/properties/" + name)
              + " found="
              + names(found));
    }
  }

  /** The nearest description from {@code location} upwards, through references. */
  private String description(String location) {
    String at = location;
    while (true) {
      Json rule = at(resolve(schema, at));
      Optional<String> text = rule.text("description");
      if (text.isEmpty() && rule.text("$ref").isPresent()) {
        text = at(resolve(schema, fragment(rule.text("$ref").get()))).text("description");
      }
      if (text.isPresent()) {
        return text.get();
      }
      if (at.isEmpty()) {
        throw new IllegalStateException("a schema without description location=" + location);
      }
      at = at.substring(0, at.lastIndexOf('/'));
    }
  }

  private List<JsonElement> list(String location) {
    return at(resolve(schema, location)).items().stream().map(Json::element).toList();
  }

  private static String types(@Nullable JsonElement type) {
    List<Json> several = at(type).items();
    return several.isEmpty()
        ? at(type).text().orElse("")
        : several.stream().map(t -> t.text().orElse("")).collect(Collectors.joining(" or "));
  }

  private static String names(@Nullable JsonElement object) {
    List<String> names = at(object).names().stream().limit(LISTED_NAMES).toList();
    return names.stream().map(Reasons::quote).collect(Collectors.joining(", ", "[", "]"));
  }

  private static Json at(@Nullable JsonElement element) {
    return new Json(element == null ? JsonNull.INSTANCE : element, "");
  }

  private static String show(@Nullable JsonElement found) {
    if (found == null) {
      return "nothing";
    }
    if (found.isJsonArray()) {
      return "list of " + found.getAsJsonArray().size();
    }
    if (found.isJsonObject()) {
      return "object";
    }
    return at(found).text().map(Reasons::quote).orElse(found.toString());
  }

  private static String fragment(String location) {
    return location.substring(location.indexOf('#') + 1);
  }

  private static @Nullable JsonElement resolve(JsonElement document, String pointer) {
    JsonElement at = document;
    if (pointer.isEmpty()) {
      return at;
    }
    for (String part : pointer.substring(1).split("/", -1)) {
      String name = part.replace("~1", "/").replace("~0", "~");
      if (at instanceof JsonObject object) {
        at = object.get(name);
      } else if (at instanceof JsonArray array && name.matches("[0-9]{1,9}")) {
        int index = Integer.parseInt(name);
        at = index < array.size() ? array.get(index) : null;
      } else {
        at = null;
      }
      if (at == null) {
        return null;
      }
    }
    return at;
  }
}
