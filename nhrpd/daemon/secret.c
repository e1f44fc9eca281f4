/* nhrpd/daemon/secret.c: see secret.h. The file is written under another name and moved into place, so that a crash leaves either
 * none or a whole one. It never changes: a token made before it did would prove nothing any more. To change it, remove it while the
 * daemon does not run; peers then notice a restart by their liveness checks once. */
#include "nhrpd/daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nhrpd/daemon/folder.h"

enum found { FOUND, ABSENT, USELESS, REFUSED };

static enum found
take(const char *path, uint8_t out[static SECRET_LEN], char *why, size_t n)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0) {
		snprintf(why, n, "%s", strerror(errno));
		return errno == ENOENT ? ABSENT : REFUSED;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		snprintf(why, n, "not a regular file of ours with mode 0600: not used");
		close(fd);
		return REFUSED;
	}
	got = st.st_size == SECRET_LEN ? read(fd, out, SECRET_LEN) : 0;
	close(fd);
	return got == SECRET_LEN ? FOUND : USELESS;
}

static bool
write_new(const char *path, const uint8_t secret[static SECRET_LEN])
{
	char fresh[PATH_MAX + 8];
	bool ok;
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (unlink(fresh) != 0 && errno != ENOENT)
		return false;
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	errno = ENOSPC;	/* what a short write means */
	ok = write(fd, secret, SECRET_LEN) == SECRET_LEN && fsync(fd) == 0;
	close(fd);
	if (ok && rename(fresh, path) == 0)
		return true;
	unlink(fresh);
	return false;
}

bool
secret_load(const char *path, void (*random)(void *ctx, void *out, size_t n), void *ctx, uint8_t out[static SECRET_LEN], char *why, size_t n)
{
	enum found f = take(path, out, why, n);

	if (f == FOUND)
		return true;
	if (f == REFUSED || !folder_make(path, why, n))
		return false;
	random(ctx, out, SECRET_LEN);
	if (write_new(path, out))
		return true;
	snprintf(why, n, "%s", strerror(errno));
	explicit_bzero(out, SECRET_LEN);
	return false;
}
