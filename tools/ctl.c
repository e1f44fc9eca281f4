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
#include <time.h>
#include <unistd.h>

#include "tools/filter.h"
#include "tools/pki.h"
#include "tools/render.h"
#include "tools/shell.h"

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
		snprintf(why, n, "cannot reach nhrpd at %s: %s; become root or a member of the group the socket belongs to", path,
		    strerror(errno));
	else
		snprintf(why, n, "cannot reach nhrpd at %s: %s; is the daemon running? systemctl status nhrpd, or name its socket with -s",
		    path,
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
usage(FILE *f)
{
	fputs("usage: nhrpctl [-s SOCKET] [-j] [COMMAND]\n"
	      "       nhrpctl pki init|issue|revoke|crl|list ...   certificates; nhrpctl pki --help\n\n"
	      "  -s SOCKET  control socket of the daemon\n"
	      "  -j         print JSON\n\n"
	      "Without a command: a shell, or commands line by line from standard input.\n\n", f);
	ctl_help(f);
	fputs("\nExit status: 0 fine, 1 something asked about is not up or not there, 2 usage, 3 the daemon cannot be reached.\n", f);
}

void
ctl_help(FILE *f)
{
	fputs("Commands; words may be abbreviated (\"sh dm\"):\n", f);
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		const struct control_word *w = &control_words[i];
		char usage[160];
		int n = fprintf(f, "  %s", control_usage(w, usage, sizeof(usage)));

		fprintf(f, "%*s%s\n", n < 46 ? 46 - n : 1, "", w->help);
	}
	fputs("\nBehind a command: \"| include REGEXP\", \"| exclude REGEXP\", \"| json\".\n", f);
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

static void
print_data(const struct ctl *c, const struct control_cmd *cmd, json_t *data, const struct filter *filter, FILE *out)
{
	bool some = filter->kind == FILTER_INCLUDE || filter->kind == FILTER_EXCLUDE;
	char *text = NULL;
	size_t n;
	FILE *f = some ? open_memstream(&text, &n) : out;

	if (!f)
		f = out;
	if (c->as_json || filter->kind == FILTER_JSON) {
		json_dumpf(data, f, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		fputc('\n', f);
	} else {
		render(f, cmd->verb, data);
	}
	if (f == out)
		return;
	fclose(f);
	if (text)
		filter_text(filter, text, out);
	free(text);
}

static int
show_answer(const struct ctl *c, const struct control_cmd *cmd, const char *answer, const struct filter *filter, FILE *out, FILE *err)
{
	json_error_t e;
	json_t *o = json_loads(answer, 0, &e), *data = json_object_get(o, "data");
	int rc;

	if (json_is_true(json_object_get(o, "ok")) && data) {
		print_data(c, cmd, data, filter, out);
		rc = render_status(cmd, data);
	} else {
		const char *error = json_string_value(json_object_get(o, "error"));

		fprintf(err, "%s%s\n", c->mark, error ? error : "the answer cannot be understood: are nhrpctl and nhrpd of one version?");
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

/* ---- probe: asks again and again, as ping does */

struct probing {
	const struct ctl *c;
	json_t *all;	/* answers */
	unsigned sent, answered;
	json_int_t least, most, sum;
	bool hopeless;	/* there is no way to ask */
};

/* One question. False: the daemon cannot be asked. */
static bool
probe_once(struct probing *p, const char *line, FILE *err)
{
	char why[512], *answer, *request;
	json_t *o = json_pack("{s:s}", "line", line), *data;

	request = request_line(o);
	json_decref(o);
	answer = request ? ctl_ask(p->c->path, request, why, sizeof(why)) : NULL;
	free(request);
	o = answer ? json_loads(answer, 0, NULL) : NULL;
	free(answer);
	data = json_object_get(o, "data");
	if (!data) {
		const char *error = json_string_value(json_object_get(o, "error"));

		fprintf(err, "%s%s\n", p->c->mark, o ? error ? error : "the answer cannot be understood" : why);
		json_decref(o);
		return false;
	}
	p->sent++;
	if (json_is_true(json_object_get(data, "answered"))) {
		json_int_t us = json_integer_value(json_object_get(data, "rtt_us"));

		p->least = p->answered == 0 || us < p->least ? us : p->least;
		p->most = us > p->most ? us : p->most;
		p->sum += us;
		p->answered++;
	}
	p->hopeless = json_is_false(json_object_get(data, "answered")) && json_is_false(json_object_get(data, "asked"));
	json_array_append(p->all, data);
	json_decref(o);
	return true;
}

static void
probe_end(const struct probing *p, bool as_json, FILE *out)
{
	json_int_t average = p->answered ? p->sum / p->answered : 0;
	json_t *o;

	if (!as_json) {
		fprintf(out, "%u asked, %u answered", p->sent, p->answered);
		if (p->answered)
			fprintf(out, ", round trip min/avg/max %.3f/%.3f/%.3f ms", (double)p->least / 1e3, (double)average / 1e3, (double)p->most / 1e3);
		fputc('\n', out);
		return;
	}
	o = json_pack("{s:i, s:i, s:o, s:o, s:o, s:O}", "asked", (int)p->sent, "answered", (int)p->answered,
	    "min_us", p->answered ? json_integer(p->least) : json_null(), "avg_us", p->answered ? json_integer(average) : json_null(),
	    "max_us", p->answered ? json_integer(p->most) : json_null(), "probes", p->all);
	json_dumpf(o, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(o);
}

static int
probe(const struct ctl *c, const struct control_cmd *cmd, const struct filter *filter, FILE *out, FILE *err)
{
	unsigned long count = cmd->arg2[0] ? strtoul(cmd->arg2, NULL, 10) : CTL_PROBES;
	bool as_json = c->as_json || filter->kind == FILTER_JSON, reached = true;
	struct probing p = { .c = c, .all = json_array() };
	struct timespec pause = { .tv_sec = 1 };
	char line[CONTROL_ARG_MAX + 16];

	snprintf(line, sizeof(line), "probe %s", cmd->arg);
	for (unsigned long i = 0; p.all && i < count && reached && !p.hopeless; i++) {
		if (i)
			nanosleep(&pause, NULL);
		reached = probe_once(&p, line, err);
		if (reached && !as_json)
			render(out, CONTROL_PROBE, json_array_get(p.all, json_array_size(p.all) - 1));
		fflush(out);
	}
	if (p.sent)
		probe_end(&p, as_json, out);
	json_decref(p.all);
	return !reached ? CTL_UNREACHABLE : p.answered ? CTL_OK : CTL_NOT_UP;
}

static int
ask_and_show(const struct ctl *c, const char *line, const struct filter *filter, FILE *out, FILE *err)
{
	char why[512], *request, *answer;
	struct control_cmd cmd;
	json_t *o;
	int rc;

	if (!control_parse(line, &cmd, why, sizeof(why))) {
		fprintf(err, "%s%s\n", c->mark, why);
		return CTL_USAGE;
	}
	if (cmd.verb == CONTROL_PROBE)
		return probe(c, &cmd, filter, out, err);
	o = json_pack("{s:s}", "line", line);
	request = request_line(o);
	json_decref(o);
	if (!request) {
		fprintf(err, "%sthe command is not UTF-8 text\n", c->mark);
		return CTL_USAGE;
	}
	answer = ctl_ask(c->path, request, why, sizeof(why));
	free(request);
	if (!answer) {
		fprintf(err, "%s%s\n", c->mark, why);
		return CTL_UNREACHABLE;
	}
	rc = show_answer(c, &cmd, answer, filter, out, err);
	free(answer);
	return rc;
}

int
ctl_line(const struct ctl *c, const char *line, FILE *out, FILE *err)
{
	char mine[CONTROL_REQUEST_MAX / 2], why[512];
	struct filter filter;
	int rc;

	if (strlen(line) >= sizeof(mine)) {
		fprintf(err, "%sthe command is too long\n", c->mark);
		return CTL_USAGE;
	}
	memcpy(mine, line, strlen(line) + 1);
	if (!filter_take(mine, &filter, why, sizeof(why))) {
		fprintf(err, "%s%s\n", c->mark, why);
		return CTL_USAGE;
	}
	for (size_t n = strlen(mine); n && (mine[n - 1] == ' ' || mine[n - 1] == '\t');)
		mine[--n] = '\0';
	rc = ask_and_show(c, mine, &filter, out, err);
	filter_free(&filter);
	return rc;
}

static int
one_shot(const struct ctl *c, int argc, char **argv)
{
	char line[CONTROL_REQUEST_MAX / 2];
	int rc;

	if (argc == 1 && (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "?") == 0)) {
		usage(stdout);
		return CTL_OK;
	}
	if (!join(argc, argv, line, sizeof(line))) {
		fprintf(stderr, "nhrpctl: the command is too long\n");
		return CTL_USAGE;
	}
	if (strcmp(argv[argc - 1], "?") == 0) {
		line[strlen(line) - 1] = '\0';
		shell_print_hints(line, stdout);
		return CTL_OK;
	}
	rc = ctl_line(c, line, stdout, stderr);
	if (rc == CTL_USAGE)
		fputs("Try \"nhrpctl help\".\n", stderr);
	return rc;
}

int
ctl_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", 1, NULL, 's' }, { "json", 0, NULL, 'j' }, { "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' },
		    { NULL, 0, NULL, 0 },
	};
	struct ctl ctl = { .path = control_default_path(), .mark = "nhrpctl: " };
	int c;

	if (argc > 1 && strcmp(argv[1], "pki") == 0)	/* needs no daemon, and has options of its own */
		return pki_main(argc - 1, argv + 1);
	while ((c = getopt_long(argc, argv, "s:jhV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			ctl.path = optarg;
			break;
		case 'j':
			ctl.as_json = true;
			break;
		case 'h':
			usage(stdout);
			return CTL_OK;
		case 'V':
			printf("nhrpctl (OpenDMVPN) %s\n", PACKAGE_VERSION);
			return CTL_OK;
		default:
			fprintf(stderr, "Try \"nhrpctl help\".\n");
			return CTL_USAGE;
		}
	}
	if (optind == argc)
		return shell_run(&ctl);
	return one_shot(&ctl, argc - optind, argv + optind);
}
