/* tools/ctl.c: nhrpctl. Looks at the words first, so that a typing mistake needs no daemon; asks; prints text or JSON.
 *
 * Exit: 0 fine, 1 something asked about is not up or not there, 2 usage, 3 the daemon cannot be reached. */
#include "config.h"

#include "tools/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/render.h"

static int
reach(const char *path, char *why, size_t n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = CTL_TIMEOUT_S };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(why, n, "the path of the socket is too long: %s", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		snprintf(why, n, "cannot reach nhrpd at %s: %s; become root or a member of the group the socket belongs to", path, strerror(errno));
	else
		snprintf(why, n, "cannot reach nhrpd at %s: %s; is the daemon running? systemctl status nhrpd, or name its socket with -s", path,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* Up to the end of the line, which is taken off. */
static char *
read_line(int fd)
{
	size_t cap = 65536, n = 0;
	char *buf = malloc(cap), *more;

	while (buf) {
		ssize_t k = recv(fd, buf + n, cap - n - 1, 0);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			if (k == 0)
				errno = ECONNRESET;
			break;
		}
		n += (size_t)k;
		if (buf[n - 1] == '\n') {
			buf[n - 1] = '\0';
			return buf;
		}
		if (cap - n > 1)
			continue;
		more = realloc(buf, cap *= 2);
		if (!more)
			break;
		buf = more;
	}
	free(buf);
	return NULL;
}

char *
ctl_ask(const char *path, const char *request, char *why, size_t n)
{
	int fd = reach(path, why, n);
	char *answer = NULL;

	if (fd < 0)
		return NULL;
	if (send_all(fd, request, strlen(request)))
		answer = read_line(fd);
	if (!answer)
		snprintf(why, n, "nhrpd at %s did not answer: %s; look at its log: journalctl -u nhrpd", path,
		    errno == EAGAIN ? "it takes too long" : strerror(errno));
	close(fd);
	return answer;
}

/* ---- the program */

static void
help(FILE *f)
{
	fputs("usage: nhrpctl [-s SOCKET] [-j] COMMAND\n\n"
	      "  -s SOCKET  control socket of the daemon\n"
	      "  -j         print JSON\n\n"
	      "Commands; words may be abbreviated (\"nhrpctl sh dm\"):\n", f);
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		const struct control_word *w = &control_words[i];
		int n = fprintf(f, "  %s %s", w->words, w->arg_text);

		fprintf(f, "%*s%s\n", n < 36 ? 36 - n : 1, "", w->help);
	}
	fputs("\nExit status: 0 fine, 1 something asked about is not up or not there, 2 usage, 3 the daemon cannot be reached.\n", f);
}

/* The words of the command line as one line; false when they are too long. */
static bool
join(int argc, char **argv, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < argc && used < n; i++)
		used += (size_t)snprintf(out + used, n - used, "%s%s", i ? " " : "", argv[i]);
	return used < n;
}

static int
show_answer(const struct control_cmd *cmd, const char *answer, bool as_json)
{
	json_error_t err;
	json_t *o = json_loads(answer, 0, &err), *data = json_object_get(o, "data");
	int rc;

	if (json_is_true(json_object_get(o, "ok")) && data) {
		if (as_json) {
			json_dumpf(data, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
			putchar('\n');
		} else {
			render(stdout, cmd->verb, data);
		}
		rc = render_status(cmd, data);
	} else {
		const char *error = json_string_value(json_object_get(o, "error"));

		fprintf(stderr, "nhrpctl: %s\n", error ? error : "the answer cannot be understood: are nhrpctl and nhrpd of one version?");
		rc = CTL_NOT_UP;
	}
	json_decref(o);
	return rc;
}

/* In one piece with the end of the line, so that it goes out as one. */
static char *
request_line(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL, *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

static int
ask_and_show(const char *path, const char *line, bool as_json)
{
	char why[512], *request, *answer;
	struct control_cmd cmd;
	json_t *o;
	int rc;

	if (!control_parse(line, &cmd, why, sizeof(why))) {
		fprintf(stderr, "nhrpctl: %s\nTry \"nhrpctl help\".\n", why);
		return CTL_USAGE;
	}
	o = json_pack("{s:s}", "line", line);
	request = request_line(o);
	json_decref(o);
	if (!request) {
		fprintf(stderr, "nhrpctl: the command is not UTF-8 text\n");
		return CTL_USAGE;
	}
	answer = ctl_ask(path, request, why, sizeof(why));
	free(request);
	if (!answer) {
		fprintf(stderr, "nhrpctl: %s\n", why);
		return CTL_UNREACHABLE;
	}
	rc = show_answer(&cmd, answer, as_json);
	free(answer);
	return rc;
}

int
ctl_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", 1, NULL, 's' }, { "json", 0, NULL, 'j' }, { "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	const char *path = control_default_path();
	char line[CONTROL_REQUEST_MAX / 2];
	bool as_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "s:jhV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			path = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			help(stdout);
			return CTL_OK;
		case 'V':
			printf("nhrpctl (OpenDMVPN) %s\n", PACKAGE_VERSION);
			return CTL_OK;
		default:
			fprintf(stderr, "Try \"nhrpctl help\".\n");
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		help(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[optind], "help") == 0 || strcmp(argv[optind], "?") == 0) {
		help(stdout);
		return CTL_OK;
	}
	if (!join(argc - optind, argv + optind, line, sizeof(line))) {
		fprintf(stderr, "nhrpctl: the command is too long\n");
		return CTL_USAGE;
	}
	return ask_and_show(path, line, as_json);
}
