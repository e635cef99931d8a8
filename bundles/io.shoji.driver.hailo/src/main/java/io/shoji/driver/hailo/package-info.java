/** Hailo-8 and Hailo-8L by HailoRT's C interface. */
@NullMarked
package io.shoji.driver.hailo;

import org.jspecify.annotations.NullMarked;
