/** CryptoService: AES-GCM with a key of this gateway. */
@NullMarked
package io.shoji.gateway.kura.crypto;

import org.jspecify.annotations.NullMarked;
