/** Latency and garbage of our ways to run a model, beside those of ONNX Runtime's Java binding. */
@NullMarked
package io.shoji.benchmarks;

import org.jspecify.annotations.NullMarked;
