/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.math.BigInteger;
import java.util.List;
import org.eclipse.kura.configuration.metatype.AD;
import org.eclipse.kura.configuration.metatype.Icon;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.configuration.metatype.Option;
import org.eclipse.kura.configuration.metatype.Scalar;
import org.jspecify.annotations.Nullable;

/**
 * What a component can be configured with, as its metatype file says it: nothing is added, and
 * texts are not translated.
 *
 * @param id PID, or factory PID
 * @param name for people
 * @param description for people
 * @param attributes in the file's order
 * @param icons pictures in the component's bundle
 */
record Definition(
    String id,
    @Nullable String name,
    @Nullable String description,
    List<AD> attributes,
    List<Icon> icons)
    implements OCD {

  @Override
  public String getId() {
    return id;
  }

  @Override
  public @Nullable String getName() {
    return name;
  }

  @Override
  public @Nullable String getDescription() {
    return description;
  }

  @Override
  public List<AD> getAD() {
    return attributes;
  }

  @Override
  public List<Icon> getIcon() {
    return icons;
  }

  /**
   * One value.
   *
   * @param id key
   * @param name for people
   * @param description for people
   * @param type null if the file names a type that there is not
   * @param cardinality 0 for a single value, otherwise how many at most (negative: a list, taken as
   *     an array too)
   * @param min not enforced by anyone but the component
   * @param max not enforced by anyone but the component
   * @param defaultValue as in the file: a list is separated by commas
   * @param required whether a person must give it
   * @param choices empty if any value will do
   */
  record Attribute(
      String id,
      @Nullable String name,
      @Nullable String description,
      @Nullable Scalar type,
      int cardinality,
      @Nullable String min,
      @Nullable String max,
      @Nullable String defaultValue,
      boolean required,
      List<Option> choices)
      implements AD {

    @Override
    public String getId() {
      return id;
    }

    @Override
    public @Nullable String getName() {
      return name;
    }

    @Override
    public @Nullable String getDescription() {
      return description;
    }

    @Override
    public @Nullable Scalar getType() {
      return type;
    }

    @Override
    public int getCardinality() {
      return cardinality;
    }

    @Override
    public @Nullable String getMin() {
      return min;
    }

    @Override
    public @Nullable String getMax() {
      return max;
    }

    @Override
    public @Nullable String getDefault() {
      return defaultValue;
    }

    @Override
    public boolean isRequired() {
      return required;
    }

    @Override
    public List<Option> getOption() {
      return choices;
    }
  }

  /**
   * One of several values to choose from.
   *
   * @param label for people
   * @param value what is stored
   */
  record Choice(@Nullable String label, @Nullable String value) implements Option {
    @Override
    public @Nullable String getLabel() {
      return label;
    }

    @Override
    public @Nullable String getValue() {
      return value;
    }
  }

  /**
   * A picture.
   *
   * @param resource where it is in the bundle
   * @param size edge in pixels
   */
  record Picture(@Nullable String resource, BigInteger size) implements Icon {
    @Override
    public @Nullable String getResource() {
      return resource;
    }

    @Override
    public BigInteger getSize() {
      return size;
    }
  }
}
