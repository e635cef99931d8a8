/** Tests of the CPU driver on real ONNX Runtime libraries in three versions. */
@NullMarked
package io.shoji.driver.edgetpu;

import org.jspecify.annotations.NullMarked;
