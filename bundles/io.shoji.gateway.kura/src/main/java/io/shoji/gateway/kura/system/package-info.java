/** SystemService: what this machine is. */
@NullMarked
package io.shoji.gateway.kura.system;

import org.jspecify.annotations.NullMarked;
