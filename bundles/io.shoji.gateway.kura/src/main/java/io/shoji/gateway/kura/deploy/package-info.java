/** Kura's application {@code DEPLOY-V2}: packages that the cloud installs. */
@NullMarked
package io.shoji.gateway.kura.deploy;

import org.jspecify.annotations.NullMarked;
