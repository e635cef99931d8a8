/**
 * Between the launcher, on the class path, and the bundle that runs inside of the framework: types
 * of Java's own only, exported by the system bundle.
 */
@NullMarked
package io.shoji.gateway.link;

import org.jspecify.annotations.NullMarked;
