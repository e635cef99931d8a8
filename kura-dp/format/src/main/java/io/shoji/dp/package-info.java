/**
 * Deployment packages: the {@code .dp} files that Kura and every OSGi DeploymentAdmin install.
 * {@link io.shoji.dp.DeploymentPackageWriter} makes them, {@link io.shoji.dp.DeploymentPackage}
 * reads and checks them.
 */
@NullMarked
package io.shoji.dp;

import org.jspecify.annotations.NullMarked;
