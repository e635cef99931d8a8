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

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * ONNX Runtime's C API in one library that is open: the function table, and the calls themselves.
 *
 * <p>Arguments are {@link Long} for addresses and 64-bit integers, {@link Integer} for C's {@code
 * int}: measured with JNA 5.17, a {@code Long} costs less than a {@code Pointer} of the same value,
 * because JNA finds its type sooner. Thread safe, as the C API is; whoever closes the library makes
 * sure that no call runs.
 */
public final class OrtApi {
  /** The API version that the drivers are written against: ONNX Runtime 1.11 and newer have it. */
  public static final int BASE_API = 11;

  private static final Pattern VERSION = Pattern.compile("1\\.(\\d{1,4})\\b.*");
  private static final int MESSAGE_LIMIT = 2_000;

  private final String version;
  private final int apiLevel;
  private final Map<OrtFunction, Function> functions = new EnumMap<>(OrtFunction.class);
  private final Function runWithBinding;

  /** Memory for addresses that calls write, to be used again. */
  private final Queue<NativeMemory> cells = new ConcurrentLinkedQueue<>();

  private OrtApi(Pointer table, String version, int apiLevel) {
    this.version = version;
    this.apiLevel = apiLevel;
    for (OrtFunction function : OrtFunction.values()) {
      if (function.sinceApi() <= apiLevel) {
        functions.put(
            function, Function.getFunction(table.getPointer((long) function.index() * Long.BYTES)));
      }
    }
    this.runWithBinding = function(OrtFunction.RunWithBinding);
  }

  /**
   * Finds the function table of a library.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it is no ONNX Runtime, or one older than
   *     1.11
   */
  public static OrtApi of(VendorLibrary library) throws AcceleratorException {
    long entry;
    try {
      entry = library.symbol("OrtGetApiBase");
    } catch (VendorLibraryException e) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this library is not ONNX Runtime, it has no function OrtGetApiBase file="
              + library.file(),
          e);
    }
    Pointer base = Function.getFunction(new Pointer(entry)).invokePointer(new Object[0]);
    if (base == null) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this ONNX Runtime gives no API, by OrtGetApiBase; take another file=" + library.file());
    }
    String version =
        Function.getFunction(base.getPointer(Long.BYTES))
            .invokePointer(new Object[0])
            .getString(0, "UTF-8");
    Pointer table = Function.getFunction(base.getPointer(0)).invokePointer(new Object[] {BASE_API});
    if (table == null) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this ONNX Runtime does not have the API that the driver needs; use 1."
              + BASE_API
              + " or newer askedApi="
              + BASE_API
              + " version="
              + version
              + " file="
              + library.file());
    }
    return new OrtApi(table, version, apiLevel(version));
  }

  /** API version of a release; {@link #BASE_API} if the version's text does not tell. */
  public static int apiLevel(String version) {
    Matcher matcher = VERSION.matcher(version);
    return matcher.matches() ? Math.max(BASE_API, Integer.parseInt(matcher.group(1))) : BASE_API;
  }

  /** Version as the library itself says, as {@code 1.29.0}. */
  public String version() {
    return version;
  }

  /** API version of the library: N for ONNX Runtime 1.N. */
  public int apiLevel() {
    return apiLevel;
  }

  /** Whether the library has a function that came after {@link #BASE_API}. */
  public boolean has(OrtFunction function) {
    return functions.containsKey(function);
  }

  /** Execution providers that the runtime was built with, in the order of its preference. */
  public List<String> availableProviders() throws OrtException {
    NativeMemory array = NativeMemory.ofBytes(Long.BYTES);
    NativeMemory count = NativeMemory.ofBytes(Integer.BYTES);
    call(OrtFunction.GetAvailableProviders, array, count);
    List<String> names = new ArrayList<>();
    Pointer first = new Pointer(array.getLong());
    for (int i = 0; i < count.getInt(); i++) {
      names.add(first.getPointer((long) i * Long.BYTES).getString(0, "UTF-8"));
    }
    call(OrtFunction.ReleaseAvailableProviders, array.getLong(), count.getInt());
    return names;
  }

  /**
   * Calls a function that returns a status.
   *
   * @param arguments {@link Long}, {@link Integer}, or {@link NativeMemory}, which stands for its
   *     address and is kept until the call is back
   * @throws OrtException if the status says so
   */
  public void call(OrtFunction function, Object... arguments) throws OrtException {
    try {
      long status = function(function).invokeLong(nativeArguments(arguments));
      if (status != 0) {
        throw failure(function, status);
      }
    } finally {
      Reference.reachabilityFence(arguments);
    }
  }

  /**
   * Calls a function that returns a status and writes an address into its last argument.
   *
   * @param arguments all but the last
   * @return what it wrote, not null
   * @throws OrtException if the status says so, or it says success and gives nothing
   */
  public long create(OrtFunction function, Object... arguments) throws OrtException {
    long address = read(function, arguments);
    if (address == 0) {
      throw new OrtException(
          function, OrtException.ENGINE_ERROR, function + " says success and gives nothing");
    }
    return address;
  }

  /**
   * Calls a function that returns a status and writes a 64-bit number or an address into its last
   * argument.
   *
   * @param arguments all but the last
   * @return what it wrote
   * @throws OrtException if the status says so
   */
  public long read(OrtFunction function, Object... arguments) throws OrtException {
    NativeMemory cell = cells.poll();
    NativeMemory out = cell == null ? NativeMemory.ofBytes(Long.BYTES) : cell;
    try {
      out.putLong(0, 0);
      Object[] all = new Object[arguments.length + 1];
      System.arraycopy(arguments, 0, all, 0, arguments.length);
      all[arguments.length] = out;
      call(function, all);
      return out.getLong();
    } finally {
      cells.add(out);
    }
  }

  /** Calls a function that returns nothing. */
  public void callVoid(OrtFunction function, Object... arguments) {
    function(function).invokeVoid(arguments);
  }

  /** Calls a function that returns a C {@code bool}. */
  public boolean callBoolean(OrtFunction function, Object... arguments) {
    // Only the lowest byte of the register is the bool (System V and AAPCS64).
    return (function(function).invokeInt(arguments) & 0xff) != 0;
  }

  /** Calls a function that returns a borrowed C string; null for NULL. */
  public @Nullable String callString(OrtFunction function, Object... arguments) {
    try {
      Pointer text = function(function).invokePointer(nativeArguments(arguments));
      return text == null ? null : text.getString(0, "UTF-8");
    } finally {
      Reference.reachabilityFence(arguments);
    }
  }

  /**
   * {@code RunWithBinding}, the call that each inference makes.
   *
   * @param arguments addresses of session, run options and binding, made once per binding
   * @return address of a status that {@link #failure} takes, or 0
   */
  public long runWithBinding(Object[] arguments) {
    return runWithBinding.invokeLong(arguments);
  }

  /** {@code Run}, as {@link #runWithBinding}. */
  public long run(Object[] arguments) {
    return function(OrtFunction.Run).invokeLong(arguments);
  }

  /** Reads a status and releases it. */
  public OrtException failure(OrtFunction function, long status) {
    int code = function(OrtFunction.GetErrorCode).invokeInt(new Object[] {status});
    String text = callString(OrtFunction.GetErrorMessage, status);
    callVoid(OrtFunction.ReleaseStatus, status);
    return new OrtException(function, code, text == null ? "no message" : shortened(text));
  }

  /** Copies a C string that an allocator of the runtime gave, and frees it. */
  public String takeString(long address, long allocator) throws OrtException {
    String text = new Pointer(address).getString(0, "UTF-8");
    call(OrtFunction.AllocatorFree, allocator, address);
    return text;
  }

  /** Copies native memory. */
  static void copy(long from, ByteBuffer to) {
    if (to.capacity() > 0) {
      to.put(0, new Pointer(from).getByteBuffer(0, to.capacity()), 0, to.capacity());
    }
  }

  private Function function(OrtFunction function) {
    Function found = functions.get(function);
    if (found == null) {
      throw new IllegalStateException(
          "this runtime has no such function, ask has() first function="
              + function
              + " sinceApi="
              + function.sinceApi()
              + " version="
              + version);
    }
    return found;
  }

  private static Object[] nativeArguments(Object[] arguments) {
    Object[] converted = arguments.clone();
    for (int i = 0; i < converted.length; i++) {
      if (converted[i] instanceof NativeMemory memory) {
        converted[i] = memory.address();
      }
    }
    return converted;
  }

  private static String shortened(String text) {
    String line = text.replace('\n', ' ').strip();
    return line.length() <= MESSAGE_LIMIT ? line : line.substring(0, MESSAGE_LIMIT) + " ...";
  }
}
