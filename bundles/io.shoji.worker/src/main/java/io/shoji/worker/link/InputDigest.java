/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** Names the inputs of a run by their content. */
public final class InputDigest {
  private InputDigest() {}

  /**
   * SHA-256 of the model's digest and of each input's type, shape and bytes, lower-case hex: the
   * same for the same run, whatever memory the inputs lie in.
   *
   * @param modelSha256 digest of the model's file
   */
  public static String of(String modelSha256, List<Tensor> inputs) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    digest.update(modelSha256.getBytes(StandardCharsets.UTF_8));
    for (Tensor input : inputs) {
      digest.update(input.toString().getBytes(StandardCharsets.US_ASCII));
      ByteBuffer data = input.data().duplicate();
      digest.update(data);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
