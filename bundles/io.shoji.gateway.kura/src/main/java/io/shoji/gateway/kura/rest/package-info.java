/** JAX-RS services under {@code /services}, users, permissions and sessions. */
@NullMarked
package io.shoji.gateway.kura.rest;

import org.jspecify.annotations.NullMarked;
