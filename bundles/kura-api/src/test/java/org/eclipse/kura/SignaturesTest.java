/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Compares every type and member with the recorded signatures of Kura's own API. */
class SignaturesTest {
  private static final String PREFIX = "org.eclipse.kura";

  @TestFactory
  Stream<DynamicTest> shouldHaveTheSignaturesOfKura() {
    return recorded().entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () ->
                        assertThat(ofClass(entry.getKey()))
                            .containsExactlyInAnyOrderElementsOf(ofFacts(entry.getValue()))));
  }

  @Test
  void shouldHaveNoOtherPublicTypes() throws IOException {
    assertThat(compiled()).containsExactlyInAnyOrderElementsOf(recorded().keySet());
  }

  @Test
  void shouldExportTheVersionsOfKura() throws IOException {
    JsonObject packages = facts().getAsJsonObject("packages");
    Map<String, String> versions = new TreeMap<>();
    Map<String, String> expected = new TreeMap<>();
    for (String name : packages.keySet()) {
      expected.put(name, packages.getAsJsonObject(name).get("version").getAsString());
      String info =
          Files.readString(Path.of("src/main/java", name.replace('.', '/'), "package-info.java"));
      versions.put(name, info.replaceAll("(?s).*@Version\\(\"([^\"]+)\"\\).*", "$1"));
    }
    assertThat(versions).isEqualTo(expected);
  }

  /** Recorded types by binary name. */
  private static Map<String, JsonObject> recorded() {
    Map<String, JsonObject> types = new TreeMap<>();
    JsonObject packages = facts().getAsJsonObject("packages");
    for (String name : packages.keySet()) {
      for (JsonElement type : packages.getAsJsonObject(name).getAsJsonArray("types")) {
        JsonObject fact = type.getAsJsonObject();
        types.put(name + "." + fact.get("name").getAsString().replace('.', '$'), fact);
      }
    }
    return types;
  }

  private static JsonObject facts() {
    try (Reader reader =
        new InputStreamReader(
            Objects.requireNonNull(
                SignaturesTest.class.getResourceAsStream("/kura-api-signatures.json")),
            StandardCharsets.UTF_8)) {
      return JsonParser.parseReader(reader).getAsJsonObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> ofFacts(JsonObject fact) {
    Set<String> lines = new TreeSet<>();
    lines.add("kind " + fact.get("kind").getAsString());
    lines.add("modifiers " + fact.get("modifiers").getAsString());
    strings(fact, "extends").map(parent -> "extends " + parent).forEach(lines::add);
    strings(fact, "implements").map(parent -> "implements " + parent).forEach(lines::add);
    strings(fact, "enumConstants").map(constant -> "constant " + constant).forEach(lines::add);
    strings(fact, "annotations")
        .filter(annotation -> annotation.endsWith("Type"))
        .map(annotation -> "annotation " + annotation)
        .forEach(lines::add);
    for (JsonElement element : fact.getAsJsonArray("constants")) {
      JsonObject constant = element.getAsJsonObject();
      lines.add(
          constant.get("modifiers").getAsString()
              + " "
              + constant.get("type").getAsString()
              + " "
              + constant.get("name").getAsString()
              + (constant.has("value") ? " = " + constant.get("value").getAsString() : ""));
    }
    for (String members : new String[] {"constructors", "methods"}) {
      for (JsonElement member : fact.getAsJsonArray(members)) {
        JsonObject signature = member.getAsJsonObject();
        boolean byDefault = signature.has("default") && signature.get("default").getAsBoolean();
        lines.add(
            (byDefault ? "default " : "")
                + signature.get("sig").getAsString().replace(" transient ", " "));
      }
    }
    return withoutSpaces(lines);
  }

  /** Lists of types are written with and without spaces. */
  private static Set<String> withoutSpaces(Set<String> lines) {
    return lines.stream()
        .map(line -> line.replace(", ", ","))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Stream<String> strings(JsonObject fact, String name) {
    JsonArray array = fact.getAsJsonArray(name);
    return StreamSupport.stream(array.spliterator(), false).map(JsonElement::getAsString);
  }

  private static Set<String> ofClass(String name) throws Exception {
    Class<?> type = Class.forName(name);
    Set<String> lines = new TreeSet<>();
    lines.add("kind " + kind(type));
    int modifiers = type.getModifiers() & (Modifier.PUBLIC | Modifier.STATIC | Modifier.FINAL);
    if (kind(type).equals("class")) {
      modifiers |= type.getModifiers() & Modifier.ABSTRACT;
    } else {
      modifiers = Modifier.PUBLIC;
    }
    lines.add("modifiers " + Modifier.toString(modifiers));
    if (kind(type).equals("class") && type.getSuperclass() != Object.class) {
      lines.add("extends " + type.getGenericSuperclass().getTypeName());
    }
    for (Type parent : type.getGenericInterfaces()) {
      lines.add((type.isInterface() ? "extends " : "implements ") + parent.getTypeName());
    }
    annotations(type).forEach(annotation -> lines.add("annotation " + annotation));
    for (Field field : type.getDeclaredFields()) {
      if (visible(field.getModifiers()) && !field.isSynthetic()) {
        lines.add(field.isEnumConstant() ? "constant " + field.getName() : line(field));
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (visible(constructor.getModifiers()) && !type.isEnum()) {
        lines.add(line(constructor, type));
      }
    }
    for (Method method : type.getDeclaredMethods()) {
      boolean ofEnum =
          type.isEnum()
              && (method.getName().equals("values") || method.getName().equals("valueOf"));
      if (visible(method.getModifiers()) && !method.isSynthetic() && !ofEnum) {
        lines.add((method.isDefault() ? "default " : "") + line(method, type));
      }
    }
    return withoutSpaces(lines);
  }

  private static String kind(Class<?> type) {
    if (type.isAnnotation()) {
      return "annotation";
    }
    if (type.isInterface()) {
      return "interface";
    }
    return type.isEnum() ? "enum" : "class";
  }

  private static boolean visible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static String line(Field field) throws IllegalAccessException {
    String declaration =
        Modifier.toString(field.getModifiers())
            + " "
            + field.getGenericType().getTypeName()
            + " "
            + field.getName();
    return Modifier.isStatic(field.getModifiers())
        ? declaration + " = " + field.get(null)
        : declaration;
  }

  /** As {@link Executable#toGenericString()}, without the class and {@code abstract}. */
  private static String line(Executable member, Class<?> type) {
    String text =
        member
            .toGenericString()
            .replace("abstract ", "")
            .replace(" default ", " ")
            .replace(" transient ", " ");
    String simple = type.getSimpleName();
    return member instanceof Constructor
        ? text.replace(type.getName() + "(", simple + "(")
        : text.replace(type.getName() + "." + member.getName() + "(", member.getName() + "(");
  }

  /**
   * Which of the two versioning annotations a class file carries: they are not there at run time.
   */
  private static Stream<String> annotations(Class<?> type) throws IOException {
    String resource = "/" + type.getName().replace('.', '/') + ".class";
    String bytes =
        new String(
            Objects.requireNonNull(type.getResourceAsStream(resource)).readAllBytes(),
            StandardCharsets.ISO_8859_1);
    return Stream.of("ProviderType", "ConsumerType")
        .filter(name -> bytes.contains("Lorg/osgi/annotation/versioning/" + name + ";"));
  }

  /** Binary names of the compiled public types. */
  private static Set<String> compiled() throws IOException {
    Path root;
    try {
      root =
          Path.of(KuraException.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .map(file -> root.relativize(file).toString())
          .filter(file -> file.endsWith(".class") && !file.endsWith("-info.class"))
          .map(file -> file.substring(0, file.length() - 6).replace('/', '.'))
          .filter(name -> name.startsWith(PREFIX))
          .filter(SignaturesTest::isPublic)
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static boolean isPublic(String name) {
    try {
      return Modifier.isPublic(Class.forName(name).getModifiers());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }
}
