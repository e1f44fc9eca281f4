/* nhrpd/daemon/folder.h: the folder of files that outlive the daemon. */
#ifndef NHRPD_DAEMON_FOLDER_H
#define NHRPD_DAEMON_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the folders that lead to the file `path`, the last one for its owner only. False: why. */
bool	folder_make(const char *path, char *why, size_t n);

#endif
