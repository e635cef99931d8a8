/** KeystoreService: PKCS12 files. */
@NullMarked
package io.shoji.gateway.kura.keystore;

import org.jspecify.annotations.NullMarked;
