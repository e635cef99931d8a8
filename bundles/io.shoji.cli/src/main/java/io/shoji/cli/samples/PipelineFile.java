/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.cli.Json;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Layout;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * What a package says of the steps around its model: a {@code model.json}, the folder or the bundle
 * that it lies in, or only its member {@code pipeline} in a file. The steps themselves are checked
 * when they are compiled.
 *
 * @param classes names by index; empty if it says none
 * @param layouts of inputs and outputs, by name
 */
public record PipelineFile(
    Optional<PipelineDescription> pipeline, List<String> classes, Map<String, Layout> layouts) {
  private static final String ENTRY = "SHOJI-INF/model.json";
  private static final int LARGEST = 1 << 20;

  /** Copies the collections. */
  public PipelineFile {
    classes = List.copyOf(classes);
    layouts = Map.copyOf(layouts);
  }

  /**
   * Reads it.
   *
   * @throws QuantizerException UNREADABLE, INVALID_OPTION
   */
  public static PipelineFile read(Path path) throws QuantizerException {
    try {
      return of(text(path), path);
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the pipeline cannot be read file=" + path + " cause=" + e, e);
    }
  }

  private static String text(Path path) throws IOException, QuantizerException {
    if (Files.isDirectory(path)) {
      for (Path file :
          List.of(
              path.resolve("model.json"),
              path.resolve(ENTRY),
              path.resolve("src/main/resources").resolve(ENTRY))) {
        if (Files.exists(file)) {
          return text(Files.newInputStream(file), file);
        }
      }
      throw invalid("there is no model.json in the folder", path);
    }
    if (path.toString().endsWith(".json")) {
      return text(Files.newInputStream(path), path);
    }
    try (ZipFile bundle = new ZipFile(path.toFile())) {
      ZipEntry entry = bundle.getEntry(ENTRY);
      if (entry == null) {
        throw invalid("no model package: it lacks " + ENTRY, path);
      }
      return text(bundle.getInputStream(entry), path);
    }
  }

  private static String text(InputStream stream, Path path) throws IOException, QuantizerException {
    try (InputStream in = stream) {
      byte[] bytes = in.readNBytes(LARGEST + 1);
      if (bytes.length > LARGEST) {
        throw invalid("too large, more than bytes=" + LARGEST, path);
      }
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }

  private static QuantizerException invalid(String what, Path path) {
    return new QuantizerException(Code.INVALID_OPTION, what + " file=" + path);
  }

  private static PipelineFile of(String text, Path path) throws QuantizerException {
    JsonElement document;
    try {
      document = Json.parse(text);
    } catch (JsonParseException e) {
      throw new QuantizerException(
          Code.INVALID_OPTION, "no JSON: " + e.getMessage() + " file=" + path, e);
    }
    JsonElement pipeline =
        Json.member(document, "pipeline")
            .orElse(Json.member(document, "source").isPresent() ? document : null);
    if (pipeline == null && Json.member(document, "variants").isEmpty()) {
      throw invalid("neither a model.json nor a pipeline: it has no member source", path);
    }
    List<String> classes = new ArrayList<>();
    Json.elements(document, "labels").forEach(label -> classes.add(label.getAsString()));
    Map<String, Layout> layouts = new HashMap<>();
    for (String member : List.of("inputs", "outputs")) {
      for (JsonElement tensor : Json.elements(document, member)) {
        Optional<Layout> layout =
            Json.text(tensor, "layout").flatMap(name -> named(Layout.values(), name));
        if (layout.isPresent() && Json.text(tensor, "name").isPresent()) {
          layouts.put(Json.text(tensor, "name").get(), layout.get());
        }
      }
    }
    return new PipelineFile(
        pipeline == null ? Optional.empty() : Optional.of(description(pipeline, path)),
        classes,
        layouts);
  }

  private static <E extends Enum<E>> Optional<E> named(E[] values, String name) {
    for (E value : values) {
      if (value.name().equals(name.toUpperCase(Locale.ROOT))) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }

  private static PipelineDescription description(JsonElement pipeline, Path path)
      throws QuantizerException {
    String name = Json.text(pipeline, "source").orElse("");
    Source source =
        named(Source.values(), name)
            .orElseThrow(
                () ->
                    invalid(
                        "the pipeline's source is not known asked=image|signal|tensors found="
                            + name,
                        path));
    List<String> channels = new ArrayList<>();
    Json.elements(pipeline, "channels").forEach(channel -> channels.add(channel.getAsString()));
    return new PipelineDescription(
        source,
        Json.number(pipeline, "sampleRateHz")
            .map(OptionalDouble::of)
            .orElse(OptionalDouble.empty()),
        channels,
        steps(pipeline, "pre", path),
        steps(pipeline, "post", path));
  }

  private static List<Step> steps(JsonElement pipeline, String member, Path path)
      throws QuantizerException {
    List<Step> steps = new ArrayList<>();
    for (JsonElement element : Json.elements(pipeline, member)) {
      Map<String, Object> parameters = new LinkedHashMap<>();
      if (element instanceof JsonObject step) {
        for (Map.Entry<String, JsonElement> parameter : step.entrySet()) {
          Object value = value(parameter.getValue());
          if (value == null) {
            throw invalid(
                "a parameter is a number, a text, true, false or a list of these parameter="
                    + parameter.getKey(),
                path);
          }
          parameters.put(parameter.getKey(), value);
        }
      }
      Object name = parameters.remove("step");
      if (!(name instanceof String text)) {
        throw invalid("a step of " + member + " has no name: the member step", path);
      }
      steps.add(new Step(text, parameters));
    }
    return steps;
  }

  private static @Nullable Object value(JsonElement element) {
    if (element instanceof JsonArray array) {
      List<Object> list = new ArrayList<>();
      for (JsonElement item : array) {
        Object value = value(item);
        if (value == null) {
          return null;
        }
        list.add(value);
      }
      return list;
    }
    if (!element.isJsonPrimitive()) {
      return null;
    }
    if (element.getAsJsonPrimitive().isNumber()) {
      return element.getAsDouble();
    }
    return element.getAsJsonPrimitive().isBoolean()
        ? (Object) element.getAsBoolean()
        : element.getAsString();
  }

  /** A tensor's description with the layout that the package gives it. */
  public TensorSpec withLayout(TensorSpec spec) {
    Layout layout = layouts.get(spec.name());
    return layout == null || layout.rank() != spec.shape().rank() ? spec : spec.withLayout(layout);
  }
}
