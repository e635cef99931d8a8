/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Options of an execution provider, by the provider's own keys and values: {@code
 * OrtTensorRTProviderOptionsV2} or {@code OrtCUDAProviderOptionsV2}, whose layouts nobody but the
 * runtime knows.
 */
public final class OrtProviderOptions extends OrtHandle {
  private final OrtProvider provider;

  private OrtProviderOptions(OrtApi api, OrtProvider provider, long address) {
    super(api, provider.release(), address);
    this.provider = provider;
  }

  /**
   * Options with these values, all others at the provider's defaults.
   *
   * @throws OrtException if the runtime was built without the provider, or a key or value is none
   *     of this version's
   */
  public static OrtProviderOptions create(
      OrtApi api, OrtProvider provider, Map<String, String> values) throws OrtException {
    OrtProviderOptions options =
        new OrtProviderOptions(api, provider, api.create(provider.create()));
    List<NativeMemory> texts = new ArrayList<>();
    try {
      // All in one call: each call puts what it does not name back to the default.
      long[] keys = new long[values.size()];
      long[] entries = new long[values.size()];
      int i = 0;
      for (Map.Entry<String, String> value : values.entrySet()) {
        keys[i] = address(value.getKey(), texts);
        entries[i] = address(value.getValue(), texts);
        i++;
      }
      NativeMemory keyArray = NativeMemory.ofLongs(keys);
      NativeMemory valueArray = NativeMemory.ofLongs(entries);
      api.call(provider.update(), options.address(), keyArray, valueArray, (long) values.size());
      return options;
    } catch (OrtException e) {
      options.close();
      throw e;
    } finally {
      Reference.reachabilityFence(texts);
    }
  }

  private static long address(String text, List<NativeMemory> texts) {
    NativeMemory memory = NativeMemory.ofString(text);
    texts.add(memory);
    return memory.address();
  }

  /**
   * Gives sessions of those options the provider, after those that they were given before.
   *
   * @throws OrtException if the provider's library cannot be loaded, among others
   */
  public void appendTo(OrtSessionOptions session) throws OrtException {
    api().call(provider.append(), session.address(), address());
  }
}
