/** Tests of the OpenVINO driver on the simulated OpenVINO, in three releases. */
@NullMarked
package io.shoji.driver.openvino;

import org.jspecify.annotations.NullMarked;
