/* nhrpd/daemon/control.c: the control socket.
 *
 * A unix stream socket, mode 0660: whoever may open it may ask and clear. Each line is a request, answered in order by
 * one line. A client that sends more than CONTROL_REQUEST_MAX octets without a line end is told and dropped, so is the
 * one too many. While an answer is on its way nothing more is read from that client; one that takes nothing for
 * CONTROL_STALL_S seconds is dropped. Writing never blocks the daemon; what does not fit is tried again by a timer,
 * because the loop only tells what is readable. Answers with secrets in them go to root and to who the daemon runs as, whoever
 * else may open the socket, and are wiped once they went. */
#include "config.h"

#include "nhrpd/daemon/control.h"
#include "nhrpd/daemon/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { RETRY_MS = 5 };

struct client {
	struct control *control;
	int fd;	/* -1: slot is free */
	struct host_watch *watch, *retry;
	char in[CONTROL_REQUEST_MAX];
	size_t n_in;
	uint32_t cookie;	/* of the probe it waits for, 0: none; */
	enum control_verb verb;	/* what asked for it; */
	json_t *waits;	/* its answer so far; */
	json_t *finished;	/* the same, complete: goes out with the next turn of the loop, we may be inside the core */
	char *out;	/* the answer on its way, NULL: none */
	size_t n_out, sent;
	tick_t progress;	/* when something of it went last */
	bool closing;	/* after this answer */
	bool trusted;	/* root, or who the daemon runs as: could read the configuration's file too */
};

struct control {
	struct host host;
	struct control_src src;
	int fd;
	struct host_watch *watch;
	char path[108];
	struct client client[CONTROL_CLIENTS_MAX];
	struct log_limit full;
	uint32_t next_cookie;
};

/* ---- one request */

/* In one piece and wiped where it came from: it may hold secrets. */
static void
wipe(json_t *o)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_string(o))
		explicit_bzero((char *)(uintptr_t)json_string_value(o), json_string_length(o));
	json_array_foreach(o, i, v)
		wipe(v);
	json_object_foreach(o, key, v)
		wipe(v);
}

static char *
line_of(json_t *o, bool secret)
{
	size_t n = o ? json_dumpb(o, NULL, 0, JSON_COMPACT) : 0;
	char *line = n ? malloc(n + 2) : NULL;

	if (line && json_dumpb(o, line, n, JSON_COMPACT) == n) {
		line[n] = '\n';
		line[n + 1] = '\0';
	} else {
		free(line);
		line = NULL;
	}
	if (secret)
		wipe(o);
	json_decref(o);
	return line;
}

static char *
refuse(const char *why)
{
	json_t *text = json_string(why);

	return line_of(json_pack("{s:b, s:o}", "ok", 0, "error", text ? text : json_string("the request is not UTF-8")), false);
}

/* "line", or "cmd" and the argument of its name in "args", to a command. */
static bool
understand(json_t *req, struct control_cmd *cmd, char *why, size_t n)
{
	const char *line = json_string_value(json_object_get(req, "line")), *words = json_string_value(json_object_get(req, "cmd"));
	char both[CONTROL_REQUEST_MAX];
	const char *key;
	json_t *v;

	if (line)
		return control_parse(line, cmd, why, n);
	if (!words) {
		snprintf(why, n, "expected {\"line\":\"...\"} or {\"cmd\":\"...\",\"args\":{...}}");
		return false;
	}
	snprintf(both, sizeof(both), "%s", words);
	json_object_foreach(json_object_get(req, "args"), key, v) {
		size_t used = strlen(both);

		if (!json_is_string(v) || snprintf(both + used, sizeof(both) - used, " %s",
		    json_string_value(v)) >= (int)(sizeof(both) - used)) {
			snprintf(why, n, "\"args\" are texts");
			return false;
		}
	}
	return control_parse(both, cmd, why, n);
}

static char *
answer_of(const struct control_cmd *cmd, json_t *data)
{
	return line_of(json_pack("{s:b, s:s, s:o}", "ok", 1, "cmd", control_words[cmd->verb].words, "data", data), cmd->verb == CONTROL_SHOW_RUN);
}

/* The answer's line; where it has to wait: NULL, `later` says for what, and `so_far` is its data. */
static char *
ask(const struct control_src *src, tick_t now, const char *request, size_t n, json_t **so_far)
{
	struct control_cmd cmd;
	json_error_t err;
	json_t *req = json_loadb(request, n, JSON_REJECT_DUPLICATES, &err), *data;
	char why[512];
	bool ok;

	if (!req) {
		snprintf(why, sizeof(why), "the request is not JSON: %s", err.text);
		return refuse(why);
	}
	ok = understand(req, &cmd, why, sizeof(why));
	json_decref(req);
	data = ok ? show_command(src, now, &cmd, why, sizeof(why)) : NULL;
	if (!data)
		return refuse(why);
	if (!src->later || !src->later->wanted)
		return answer_of(&cmd, data);
	*so_far = data;
	return NULL;
}

char *
control_answer(const struct control_src *src, tick_t now, const char *request, size_t n)
{
	struct control_src mine = *src;
	json_t *none = NULL;

	mine.later = NULL;
	return ask(&mine, now, request, n, &none);
}

/* ---- clients */

static void readable(void *arg);
static void retry(void *arg);

static void
forget_answer(struct client *c)
{
	if (c->out)
		explicit_bzero(c->out, c->n_out);
	free(c->out);
	c->out = NULL;
}

static void
drop(struct client *c)
{
	struct host *h = &c->control->host;

	h->unwatch(h->ctx, c->watch);
	h->unwatch(h->ctx, c->retry);
	close(c->fd);
	forget_answer(c);
	json_decref(c->waits);
	json_decref(c->finished);
	c->waits = c->finished = NULL;
	c->cookie = 0;
	c->watch = c->retry = NULL;
	c->fd = -1;
}

/* Sends what the socket takes. False: the client is gone, or the rest waits. */
static bool
flush(struct client *c)
{
	struct host *h = &c->control->host;
	tick_t now = h->now(h->ctx);

	while (c->sent < c->n_out) {
		ssize_t k = send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k > 0) {
			c->sent += (size_t)k;
			c->progress = now;
		} else if (k < 0 && errno == EINTR) {
			continue;
		} else if ((errno != EAGAIN && errno != EWOULDBLOCK) || now - c->progress > TICK_S(CONTROL_STALL_S) ||
		    !(c->retry = h->after(h->ctx, TICK_MS(RETRY_MS), retry, c))) {
			drop(c);
			return false;
		} else {
			return false;
		}
	}
	forget_answer(c);
	if (c->closing)
		drop(c);
	return c->fd >= 0;
}

/* Starts an answer. True: it went out at once. */
static bool
answer(struct client *c, char *line)
{
	struct host *h = &c->control->host;

	if (!line) {
		drop(c);
		return false;
	}
	c->out = line;
	c->n_out = strlen(line);
	c->sent = 0;
	c->progress = h->now(h->ctx);
	return flush(c);
}

/* The result may come before this returns. Should it not come at all, the client is not kept waiting. */
static void
wait_for_probe(struct client *c, const struct control_src *src)
{
	struct host *h = &c->control->host;

	while ((c->cookie = ++c->control->next_cookie) == 0)
		;
	c->retry = h->after(h->ctx, TICK_S(CONTROL_STALL_S), retry, c);
	src->probe(src->ctx, src->later->tunnel, &src->later->proto, c->cookie);
}

/* Answers the lines that are there, until one answer does not go out at once. */
static void
work(struct client *c)
{
	struct host *h = &c->control->host;
	struct control_src src = c->control->src;
	struct control_later later = { .wanted = false };
	char *end;

	src.secrets = c->trusted;
	src.later = &later;
	while (!c->waits && !c->finished && (end = memchr(c->in, '\n', c->n_in))) {
		size_t n = (size_t)(end - c->in);
		char *line;

		later.wanted = false;
		line = ask(&src, h->now(h->ctx), c->in, n, &c->waits);
		c->n_in -= n + 1;
		memmove(c->in, end + 1, c->n_in);
		if (c->waits) {
			c->verb = later.verb;
			wait_for_probe(c, &src);
			break;
		}
		if (!answer(c, line))
			break;
	}
	if (c->fd >= 0 && !c->out && !c->waits && !c->finished && c->n_in == sizeof(c->in)) {
		c->closing = true;
		answer(c, refuse("the request is too long"));
	}
	if (c->fd < 0)
		return;
	if (c->out || c->waits || c->finished) {	/* not to be told again and again that there is more to read */
		h->unwatch(h->ctx, c->watch);
		c->watch = NULL;
	} else if (!c->watch && !(c->watch = h->watch(h->ctx, c->fd, readable, c))) {
		drop(c);
	}
}

void
control_probed(struct control *s, uint32_t cookie, bool ok, tick_t took, const char *reason)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *c = &s->client[i];
		json_t *data = c->fd >= 0 && c->cookie == cookie ? c->waits : NULL;

		if (!data)
			continue;
		(c->verb == CONTROL_WHY ? show_why_answered : show_probe_answered)(data, ok, took, reason);
		c->waits = NULL;
		c->cookie = 0;
		c->finished = data;
		s->host.unwatch(s->host.ctx, c->retry);
		c->retry = s->host.after(s->host.ctx, 0, retry, c);
		if (!c->retry)
			drop(c);
		return;
	}
}

static void
retry(void *arg)
{
	struct client *c = arg;

	struct control_cmd cmd = { .verb = c->verb };
	json_t *data = c->finished ? c->finished : c->waits;

	c->retry = NULL;
	c->finished = c->waits = NULL;
	c->cookie = 0;
	if (data ? answer(c, answer_of(&cmd, data)) : flush(c))
		work(c);
}

static void
readable(void *arg)
{
	struct client *c = arg;
	ssize_t k = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (k <= 0) {
		drop(c);
		return;
	}
	c->n_in += (size_t)k;
	work(c);
}

static bool
is_trusted(int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && (cred.uid == 0 || cred.uid == geteuid());
}

static struct client *
free_slot(struct control *s)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (s->client[i].fd < 0)
			return &s->client[i];
	}
	return NULL;
}

static void
turn_away(struct control *s, int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":\"too many clients\"}\n";

	log_limited(s->host.log, &s->full, s->host.now(s->host.ctx), LOG_LV_WARN, "control-full", "more than %d control clients",
	    CONTROL_CLIENTS_MAX);
	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
incoming(void *arg)
{
	struct control *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = free_slot(s);

	if (fd < 0)
		return;
	if (!c) {
		turn_away(s, fd);
		return;
	}
	memset(c, 0, sizeof(*c));
	c->control = s;
	c->fd = fd;
	c->trusted = is_trusted(fd);
	c->watch = s->host.watch(s->host.ctx, fd, readable, c);
	if (!c->watch)
		drop(c);
}

/* ---- the socket */

/* The last folder of the path, where it is not there yet. */
static void
make_folder(const char *path)
{
	char dir[108];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		(void)!mkdir(dir, 0755);	/* where it fails bind() will say why */
	}
}

/* A socket of an earlier life is removed; one that somebody answers on is not. */
static bool
remove_stale(const struct sockaddr_un *sun, char *why, size_t n)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	struct stat st;

	if (lstat(sun->sun_path, &st) < 0 || fd < 0) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, n, "%s is there and is not a socket", sun->sun_path);
		close(fd);
		return false;
	}
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	close(fd);
	if (rc == 0 || errno == EAGAIN) {
		snprintf(why, n, "another nhrpd listens on %s", sun->sun_path);
		return false;
	}
	unlink(sun->sun_path);
	return true;
}

static int
listen_on(const char *path, char *why, size_t n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(why, n, "the path of the control socket is too long: %s", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	make_folder(path);
	if (!remove_stale(&sun, why, n))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the socket before bind() is that of the file, less the umask: never open wider, not for a moment. */
	if (fd < 0 || fchmod(fd, 0660) < 0 || bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 || chmod(path, 0660) < 0 ||
	    listen(fd, 16) < 0) {
		snprintf(why, n, "cannot listen on %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

struct control *
control_new(const struct host *host, const char *path, const struct control_src *src, char *why, size_t n)
{
	struct control *s = calloc(1, sizeof(*s));
	const char *at = path && path[0] ? path : control_default_path();

	if (!s) {
		snprintf(why, n, "out of memory");
		return NULL;
	}
	s->host = *host;
	s->src = *src;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	s->fd = listen_on(at, why, n);
	if (s->fd < 0) {
		free(s);
		return NULL;
	}
	snprintf(s->path, sizeof(s->path), "%s", at);
	s->watch = s->host.watch(s->host.ctx, s->fd, incoming, s);
	if (!s->watch) {
		snprintf(why, n, "out of memory");
		control_free(s);
		return NULL;
	}
	return s;
}

void
control_set_src(struct control *s, const struct control_src *src)
{
	s->src = *src;
}

void
control_free(struct control *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (s->client[i].fd >= 0)
			drop(&s->client[i]);
	}
	s->host.unwatch(s->host.ctx, s->watch);
	close(s->fd);
	unlink(s->path);
	free(s);
}
