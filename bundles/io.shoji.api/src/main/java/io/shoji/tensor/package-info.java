/**
 * Tensors as views on direct native-order memory: element types, shapes, layouts and affine
 * quantization.
 *
 * <p>Everything that crosses from an application to an accelerator and back is a {@link
 * io.shoji.tensor.Tensor}. A tensor never copies and never owns vendor memory behind the caller's
 * back; a driver reads and writes the very bytes the caller sees.
 */
@Export
@Version("1.0.0")
@NullMarked
package io.shoji.tensor;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
