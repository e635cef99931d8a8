/**
 * Eclipse Kura's services, emulated for the gateway in a box: what a bundle can observe of them is
 * as on Kura.
 */
@NullMarked
package io.shoji.gateway.kura;

import org.jspecify.annotations.NullMarked;
