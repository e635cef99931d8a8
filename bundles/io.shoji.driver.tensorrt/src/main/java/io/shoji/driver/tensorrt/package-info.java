/**
 * Driver of NVIDIA's GPUs by ONNX Runtime's TensorRT and CUDA providers. Private to its bundle:
 * what it offers is an {@link io.shoji.accelerator.Accelerator} service.
 */
@NullMarked
package io.shoji.driver.tensorrt;

import org.jspecify.annotations.NullMarked;
