/* nhrpd/daemon/secret.h: a secret of this machine's own that survives restarts: what crash tokens (RFC 6290) are made with. */
#ifndef NHRPD_DAEMON_SECRET_H
#define NHRPD_DAEMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_LEN = 32 };

/* Reads the file, or makes it (mode 0600, its folder with it) where it is not there. It is read only if it is a regular file of
 * ours that nobody else may read or write; one of a wrong length is replaced. `random` fills in octets. False: why, and there is no secret. */
bool	secret_load(const char *path, void (*random)(void *ctx, void *out, size_t n), void *ctx, uint8_t out[static SECRET_LEN], char *why, size_t n);

#endif
