/**
 * The launcher of the gateway in a box: the command line, the folder it works in, the framework,
 * and the deployment packages installed there. Knows nothing of models and accelerators: what does
 * runs inside of the framework.
 */
@NullMarked
package io.shoji.gateway;

import org.jspecify.annotations.NullMarked;
