#include "nhrpd/daemon/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool
folder_make(const char *path, char *why, size_t n)
{
	char folder[PATH_MAX];
	const char *last = strrchr(path, '/');

	for (const char *slash = last ? strchr(path + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		if (mkdir(folder, slash == last ? 0700 : 0755) != 0 && errno != EEXIST) {
			snprintf(why, n, "cannot make %.120s: %s", folder, strerror(errno));
			return false;
		}
	}
	return true;
}
