/**
 * Driver of TensorFlow Lite models by its C API. Private to its bundle: what it offers is an {@link
 * io.shoji.accelerator.Accelerator} service.
 */
@NullMarked
package io.shoji.driver.edgetpu;

import org.jspecify.annotations.NullMarked;
