/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;

/**
 * Golden samples of a model package: the FLOAT32 inputs, the expected outputs and the labels of a
 * safetensors file.
 */
public final class Samples {
  private final ByteBuffer data;
  private final String header;
  private final int count;

  /** Reads them out of the model bundle. */
  public Samples(Path bundle) throws IOException {
    byte[] bytes;
    try (ZipFile zip = new ZipFile(bundle.toFile())) {
      bytes =
          zip.getInputStream(zip.getEntry("SHOJI-INF/golden/samples.safetensors")).readAllBytes();
    }
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(file.getLong(0));
    header = new String(bytes, 8, length, StandardCharsets.UTF_8);
    data = file.position(8 + length).slice().order(ByteOrder.LITTLE_ENDIAN);
    count = (int) shape("label")[0];
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** Shape of one sample: the tensor's with a batch of one. */
  public long[] sampleShape(String tensor) {
    long[] shape = shape(tensor);
    shape[0] = 1;
    return shape;
  }

  /** Values of one sample. */
  public float[] sample(String tensor, int index) {
    int size = (int) Arrays.stream(sampleShape(tensor)).reduce(1, (a, b) -> a * b);
    float[] values = new float[size];
    int start = (int) offset(tensor) + index * size * Float.BYTES;
    for (int i = 0; i < size; i++) {
      values[i] = data.getFloat(start + i * Float.BYTES);
    }
    return values;
  }

  private long[] shape(String tensor) {
    Matcher matcher = field(tensor, "\"shape\":\\s*\\[([^]]*)]");
    return Arrays.stream(matcher.group(1).split(","))
        .mapToLong(text -> Long.parseLong(text.trim()))
        .toArray();
  }

  private long offset(String tensor) {
    return Long.parseLong(field(tensor, "\"data_offsets\":\\s*\\[\\s*(\\d+)").group(1));
  }

  private Matcher field(String tensor, String pattern) {
    Matcher matcher =
        Pattern.compile("\"" + Pattern.quote(tensor) + "\":\\s*\\{[^}]*?" + pattern)
            .matcher(header);
    if (!matcher.find()) {
      throw new AssertionError("no such tensor name=" + tensor + " header=" + header);
    }
    return matcher;
  }
}
