/** The bundle that runs inside of the gateway's framework and knows models and accelerators. */
@NullMarked
package io.shoji.gateway.inside;

import org.jspecify.annotations.NullMarked;
