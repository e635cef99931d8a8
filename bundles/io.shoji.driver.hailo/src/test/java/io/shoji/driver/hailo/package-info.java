/** Tests of the Hailo driver on the simulated HailoRT, in all layouts of its structures. */
@NullMarked
package io.shoji.driver.hailo;

import org.jspecify.annotations.NullMarked;
