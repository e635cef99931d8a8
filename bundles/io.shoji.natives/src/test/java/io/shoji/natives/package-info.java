/** Tests on real libraries: compiled on the fly, and the ONNX Runtime that ships. */
@NullMarked
package io.shoji.natives;

import org.jspecify.annotations.NullMarked;
