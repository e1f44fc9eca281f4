#include "nhrpd/daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 10 };

static void
name_holder(int fd, const char *path, char *why, size_t n)
{
	char text[32] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	long pid = got > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		snprintf(why, n, "another nhrpd is running: process %ld holds %s", pid, path);
	else
		snprintf(why, n, "another nhrpd is running: it holds %s", path);
}

/* The one who had it may have removed it between our open and our lock: then it is not the file of that name any more. */
static bool
is_still(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bool
write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

int
pidfile_open(const char *path, char *why, size_t n)
{
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0) {
			snprintf(why, n, "cannot write %s: %s", path, strerror(errno));
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			name_holder(fd, path, why, n);
			close(fd);
			return -1;
		}
		if (!is_still(fd, path)) {
			close(fd);
			continue;
		}
		if (write_pid(fd))
			return fd;
		snprintf(why, n, "cannot write %s: %s", path, strerror(errno));
		pidfile_close(fd, path);
		return -1;
	}
	snprintf(why, n, "%s comes and goes: who else uses it?", path);
	return -1;
}

void
pidfile_close(int fd, const char *path)
{
	if (fd < 0)
		return;
	unlink(path);	/* while it is locked: nobody takes ours for theirs */
	close(fd);
}
