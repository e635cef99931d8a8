/** What tests put into frameworks. */
@NullMarked
package io.shoji.gateway.kura.probe;

import org.jspecify.annotations.NullMarked;
