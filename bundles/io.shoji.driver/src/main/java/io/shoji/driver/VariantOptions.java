/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** What a variant says to one driver: its options with that driver's prefix. */
public final class VariantOptions {
  private final ModelArtifact artifact;

  private VariantOptions(ModelArtifact artifact) {
    this.artifact = artifact;
  }

  /**
   * The options of a variant.
   *
   * @param prefix of a driver's keys; those of others are not looked at
   * @param known all its keys
   * @throws AcceleratorException UNSUPPORTED if it has another
   */
  public static VariantOptions of(ModelArtifact artifact, String prefix, Set<String> known)
      throws AcceleratorException {
    for (String key : artifact.options().keySet()) {
      if (key.startsWith(prefix) && !known.contains(key)) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "an option that this driver does not know; correct it in model.json asked="
                + key
                + " known="
                + new TreeSet<>(known)
                + " "
                + artifact);
      }
    }
    return new VariantOptions(artifact);
  }

  /** A text as it is. */
  public String text(String key, String otherwise) {
    return artifact.options().getOrDefault(key, otherwise);
  }

  /**
   * One of some words.
   *
   * @throws AcceleratorException UNSUPPORTED for another
   */
  public String word(String key, String otherwise, List<String> known) throws AcceleratorException {
    String asked = artifact.options().get(key);
    if (asked == null) {
      return otherwise;
    }
    if (!known.contains(asked)) {
      throw nonsense(key, asked, String.join(" or ", known));
    }
    return asked;
  }

  /**
   * Whether it is one of two words.
   *
   * @throws AcceleratorException UNSUPPORTED for a third
   */
  public boolean truth(String key, boolean otherwise, String no, String yes)
      throws AcceleratorException {
    return word(key, otherwise ? yes : no, List.of(no, yes)).equals(yes);
  }

  /**
   * Whether it is true, in any case.
   *
   * @throws AcceleratorException UNSUPPORTED for anything but true or false
   */
  public boolean truth(String key, boolean otherwise) throws AcceleratorException {
    String asked = artifact.options().get(key);
    if (asked == null) {
      return otherwise;
    }
    return switch (asked.strip().toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw nonsense(key, asked, "true or false");
    };
  }

  /**
   * One of some constants by its name, in any case.
   *
   * @throws AcceleratorException UNSUPPORTED for another name
   */
  public <E extends Enum<E>> E choice(String key, E otherwise) throws AcceleratorException {
    String asked = artifact.options().get(key);
    if (asked == null) {
      return otherwise;
    }
    List<String> known = new ArrayList<>();
    for (E constant : otherwise.getDeclaringClass().getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(asked.strip())) {
        return constant;
      }
      known.add(constant.name().toLowerCase(Locale.ROOT));
    }
    throw nonsense(key, asked, String.join(" or ", known));
  }

  /**
   * A number within its limits.
   *
   * @throws AcceleratorException UNSUPPORTED for anything else
   */
  public int number(String key, int otherwise, int least, int most) throws AcceleratorException {
    String asked = artifact.options().get(key);
    if (asked == null) {
      return otherwise;
    }
    if (asked.strip().matches("-?\\d{1,9}")) {
      int value = Integer.parseInt(asked.strip());
      if (value >= least && value <= most) {
        return value;
      }
    }
    throw nonsense(key, asked, least + " to " + most);
  }

  private AcceleratorException nonsense(String key, String asked, String known) {
    return new AcceleratorException(
        Code.UNSUPPORTED,
        "an option has a value without sense; correct it in model.json "
            + key
            + "="
            + asked
            + " known="
            + known
            + " "
            + artifact);
  }
}
