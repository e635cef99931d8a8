/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code FILE[:NAME][:FILTER]}.
 *
 * @param declared whether its figures come from a vendor's tool, and were not measured by ours
 */
record VariantArgument(
    Path file, Optional<String> name, Optional<String> filter, boolean declared) {
  private static final Pattern FORM =
      Pattern.compile(
          "(?<file>.+?)(?::(?<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))?(?::(?<filter>\\(.*\\)))?");

  static VariantArgument of(String text, boolean declared) throws CommandException {
    Matcher form = FORM.matcher(text);
    if (Files.isRegularFile(Path.of(text))) {
      return new VariantArgument(Path.of(text), Optional.empty(), Optional.empty(), declared);
    }
    if (!form.matches()) {
      throw Refusal.usage("a variant is FILE, FILE:NAME or FILE:NAME:(FILTER) found=" + text);
    }
    VariantArgument argument =
        new VariantArgument(
            Path.of(form.group("file")),
            Optional.ofNullable(form.group("name")),
            Optional.ofNullable(form.group("filter")),
            declared);
    if (!Files.isRegularFile(argument.file())) {
      throw Refusal.usage("there is no such file file=" + argument.file());
    }
    if (argument.filter().isPresent()) {
      VariantFilter.checkSyntax(argument.filter().get(), argument.name().orElse(text));
    }
    return argument;
  }
}
