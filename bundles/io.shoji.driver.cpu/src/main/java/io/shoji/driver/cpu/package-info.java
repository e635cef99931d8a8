/**
 * Driver of the CPU by ONNX Runtime's C API. Private to its bundle: what it offers is an {@link
 * io.shoji.accelerator.Accelerator} service.
 */
@NullMarked
package io.shoji.driver.cpu;

import org.jspecify.annotations.NullMarked;
