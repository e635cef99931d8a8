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

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Messages of exceptions: the code in words, then the arguments. */
final class ExceptionText {
  private ExceptionText() {}

  static String of(KuraErrorCode code, Object[] arguments) {
    String words = code.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    String text = Character.toUpperCase(words.charAt(0)) + words.substring(1);
    String details =
        Arrays.stream(arguments)
            .filter(argument -> argument != null && !argument.toString().isEmpty())
            .map(Object::toString)
            .collect(Collectors.joining(", "));
    return details.isEmpty() ? text : text + ": " + details;
  }
}
