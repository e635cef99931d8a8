/** ConfigurationService, OCDService, snapshots and the requests {@code CONF-V1}. */
@NullMarked
package io.shoji.gateway.kura.configuration;

import org.jspecify.annotations.NullMarked;
