/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.ElementType;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * OpenVINO's C interface in one library that is open: its functions, its release and the numbers of
 * its element types. Arguments are {@link Long} for addresses and {@code size_t}, {@link Integer}
 * for enumerations. A structure of 16 bytes by value travels as two of them; the variadic function
 * is called with addresses only, which travel as ordinary arguments do on x86-64 and aarch64.
 *
 * <p>Thread safe as the C interface is: an infer request is for one thread at a time, the rest for
 * several. Whoever closes the library makes sure that no call runs.
 */
final class OpenVino {
  /** The releases whose functions and numbers this driver was compared with. */
  static final String SUPPORTED = "2022.3 to 2026";

  private static final int OLDEST = 202203;
  private static final int LAST_THAT_DOES_NOT_TELL = 202303;
  private static final int NEWEST_YEAR = 2026;
  private static final int MOST_TEXT = 64 * 1024;
  private static final Pattern BUILD_NUMBER =
      Pattern.compile("(\\d{4})\\.(\\d{1,2})(\\.\\d+)?.*", Pattern.DOTALL);

  private final String version;
  private final int release;
  private final VendorLibrary library;
  private final Map<OvFunction, Function> functions;
  private final OvElements elements;

  private OpenVino(
      String version, int release, VendorLibrary library, Map<OvFunction, Function> functions)
      throws AcceleratorException {
    this.version = version;
    this.release = release;
    this.library = library;
    this.functions = functions;
    this.elements = chooseElements();
  }

  /**
   * Finds the functions of a library, its release first: in another one numbers mean something
   * else.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it is no OpenVINO, another release than
   *     {@link #SUPPORTED}, lacks a function, or has element types of other sizes
   */
  static OpenVino of(VendorLibrary library) throws AcceleratorException {
    Function version = required(library, OvFunction.ov_get_openvino_version);
    Function free = required(library, OvFunction.ov_version_free);
    String build;
    try (NativeMemory memory = memory(OvLayout.VERSION_BYTES)) {
      int status = version.invokeInt(new Object[] {memory.address()});
      if (status != OvStatus.OK) {
        throw OvStatus.failure(status, "the library does not tell its version", "", "unknown");
      }
      build = text(memory.buffer().getLong(OvLayout.VERSION_BUILD_NUMBER));
      free.invokeVoid(new Object[] {memory.address()});
    }
    Matcher number = BUILD_NUMBER.matcher(build);
    int release =
        number.matches()
            ? Integer.parseInt(number.group(1)) * 100 + Integer.parseInt(number.group(2))
            : 0;
    if (release < OLDEST || release / 100 > NEWEST_YEAR) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this driver was not made for this release of OpenVINO; install one that it knows, 2022.3"
              + " LTS for a Myriad X asked="
              + SUPPORTED
              + " found="
              + build
              + " file="
              + library.file());
    }
    Map<OvFunction, Function> functions = new EnumMap<>(OvFunction.class);
    for (OvFunction function : OvFunction.values()) {
      if (!function.isLate()) {
        functions.put(function, required(library, function));
      }
    }
    String patch = number.group(3);
    return new OpenVino(
        number.group(1) + "." + number.group(2) + (patch == null ? "" : patch),
        release,
        library,
        functions);
  }

  private static Function required(VendorLibrary library, OvFunction function)
      throws AcceleratorException {
    try {
      return Function.getFunction(new Pointer(library.symbol(function.name())));
    } catch (VendorLibraryException e) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this library is not OpenVINO's C interface, or one that was cut down; install"
              + " libopenvino_c of a release that this driver knows asked="
              + SUPPORTED
              + " missing="
              + function
              + " file="
              + library.file(),
          e);
    }
  }

  /** Element types of the release, and proof by the sizes of tensors that the library has them. */
  private OvElements chooseElements() throws AcceleratorException {
    StringBuilder found = new StringBuilder();
    for (OvElements candidate : OvElements.of(release)) {
      String wrong = wrongElement(candidate);
      if (wrong.isEmpty()) {
        return candidate;
      }
      found.append(wrong);
    }
    throw new AcceleratorException(
        Code.INCOMPATIBLE_RUNTIME,
        "the library numbers element types in another way than its release does; install an"
            + " unchanged release version="
            + version
            + found
            + " file="
            + library.file());
  }

  /** The first type whose tensors have another size than they must; empty if there is none. */
  private String wrongElement(OvElements candidate) throws AcceleratorException {
    for (ElementType type : candidate.numbers().keySet()) {
      if (type.bits() < Byte.SIZE) {
        continue;
      }
      try (NativeMemory dims = memory(Long.BYTES);
          NativeMemory out = memory(Long.BYTES)) {
        dims.buffer().putLong(0, 3);
        int status =
            call(
                OvFunction.ov_tensor_create,
                candidate.number(type),
                1L,
                dims.address(),
                out.address());
        long bytes = -1;
        if (status == OvStatus.OK) {
          long tensor = out.buffer().getLong(0);
          status = call(OvFunction.ov_tensor_get_byte_size, tensor, out.address());
          bytes = status == OvStatus.OK ? out.buffer().getLong(0) : -1;
          run(OvFunction.ov_tensor_free, tensor);
        }
        if (bytes != type.bytes(3)) {
          return " type="
              + type
              + " number="
              + candidate.number(type)
              + " askedBytes="
              + type.bytes(3)
              + " foundBytes="
              + bytes
              + " status="
              + OvStatus.name(status);
        }
      }
    }
    return "";
  }

  /** Version as the library itself says, as {@code 2024.6.0}. */
  String version() {
    return version;
  }

  /** Year times 100 plus minor number, as 202406. */
  int release() {
    return release;
  }

  /**
   * Whether waiting for a time says by its status that the time has passed. OpenVINO says OK then
   * up to 2023.2, and something else in 2023.3 than later (its issue 20684).
   */
  boolean tellsWhatIsNotReady() {
    return release > LAST_THAT_DOES_NOT_TELL;
  }

  /** The library. */
  VendorLibrary library() {
    return library;
  }

  /** Numbers of element types. */
  OvElements elements() {
    return elements;
  }

  /** Calls a function and returns its status. */
  int call(OvFunction function, Object... arguments) {
    return function(function).invokeInt(arguments);
  }

  /** Calls a function that returns nothing. */
  void run(OvFunction function, Object... arguments) {
    function(function).invokeVoid(arguments);
  }

  /** The function itself, for calls whose arguments are made once. */
  Function function(OvFunction function) {
    Function found = functions.get(function);
    if (found == null) {
      throw new IllegalStateException("not looked up function=" + function);
    }
    return found;
  }

  /** A function that the release may lack; looked up only when it is asked for. */
  private @Nullable Function late(OvFunction function) {
    OptionalLong address = library.optionalSymbol(function.name());
    return address.isPresent() ? Function.getFunction(new Pointer(address.getAsLong())) : null;
  }

  /**
   * OpenVINO's words for what went wrong last, in any thread; empty where it has none, as before
   * 2023.2.
   */
  String lastError() {
    Function words = late(OvFunction.ov_get_last_err_msg);
    return words == null ? "" : takeText(words.invokeLong(new Object[0])).strip();
  }

  /** Ends the library's own threads and plugins, where the release can. Nothing of it is open. */
  void shutDown() {
    Function shutDown = late(OvFunction.ov_shutdown);
    if (shutDown != null) {
      shutDown.invokeVoid(new Object[0]);
    }
  }

  /**
   * Calls a function that must succeed.
   *
   * @param what is asked, for the message
   */
  void check(String what, OvFunction function, Object... arguments) throws AcceleratorException {
    int status = call(function, arguments);
    if (status != OvStatus.OK) {
      throw OvStatus.failure(status, what + " function=" + function, lastError(), version);
    }
  }

  /**
   * Calls a function that makes something, whose last argument is the address that it puts it at.
   *
   * @return what it made
   */
  long make(String what, OvFunction function, Object... arguments) throws AcceleratorException {
    try (NativeMemory out = memory(Long.BYTES)) {
      Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
      all[arguments.length] = out.address();
      check(what, function, all);
      return out.buffer().getLong(0);
    }
  }

  /** A property of a device, as text. */
  String property(long core, String device, String key) throws AcceleratorException {
    try (NativeMemory name = memory(device);
        NativeMemory wanted = memory(key)) {
      return takeText(
          make(
              "the device does not tell the property=" + key + " device=" + device,
              OvFunction.ov_core_get_property,
              core,
              name.address(),
              wanted.address()));
    }
  }

  /** A property of a compiled model, as text; empty if it has none of that name. */
  String propertyOf(long compiled, String key) throws AcceleratorException {
    try (NativeMemory wanted = memory(key);
        NativeMemory out = memory(Long.BYTES)) {
      int status =
          call(
              OvFunction.ov_compiled_model_get_property, compiled, wanted.address(), out.address());
      return status == OvStatus.OK ? takeText(out.buffer().getLong(0)) : "";
    }
  }

  /** Text that the library made; given back to it. */
  String takeText(long address) {
    if (address == 0) {
      return "";
    }
    String text = text(address);
    run(OvFunction.ov_free, address);
    return text;
  }

  /** Words of a list in whatever way it is written. */
  static List<String> words(String list) {
    return Pattern.compile("[\\s,\\[\\]{}]+")
        .splitAsStream(list)
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static String text(long address) {
    if (address == 0) {
      return "";
    }
    Pointer pointer = new Pointer(address);
    int length = 0;
    while (length < MOST_TEXT && pointer.getByte(length) != 0) {
      length++;
    }
    return new String(pointer.getByteArray(0, length), StandardCharsets.UTF_8);
  }

  /** Zeroed memory. */
  static NativeMemory memory(int bytes) throws AcceleratorException {
    try {
      return NativeMemory.ofBytes(bytes);
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY, "OpenVINO gets no memory: " + e.getMessage(), e);
    }
  }

  /** Text with a zero at its end. */
  static NativeMemory memory(String text) throws AcceleratorException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    NativeMemory memory = memory(bytes.length + 1);
    memory.buffer().put(0, bytes);
    return memory;
  }
}
