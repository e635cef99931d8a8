/** Myriad X, Intel CPU, GPU and NPU by OpenVINO's C interface. */
@NullMarked
package io.shoji.driver.openvino;

import org.jspecify.annotations.NullMarked;
