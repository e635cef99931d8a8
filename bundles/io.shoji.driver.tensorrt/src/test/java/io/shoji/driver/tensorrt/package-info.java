/** Tests of the TensorRT driver on the simulated provider, over real ONNX Runtimes. */
@NullMarked
package io.shoji.driver.tensorrt;

import org.jspecify.annotations.NullMarked;
