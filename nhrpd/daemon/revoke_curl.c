/* nhrpd/daemon/revoke_curl.c: see revoke.h. libcurl's multi interface on libev; nothing here waits.
 *
 * A question walks over the certificates of its chain, for each over the methods of its trustpoint, for each over the addresses
 * where it can be asked; the first good answer ends the certificate, a bad one ends the question. Fetches have an address (and
 * for OCSP a body) and any number of questions that wait for them, so that a crowd of peers of one CA asks for its CRL once. What
 * was found out is kept by certificate and method as long as the answer allows, and a server that does not answer is left alone for
 * a while: a hub whose CA is down does not wait for it again with every spoke.
 *
 * Plain HTTP only, as certificates name it: answers are signed. No redirections, no cookies, bounded size and time. */
#include "nhrpd/daemon/revoke.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { RESULT_WAYS = 4, SILENT_MAX = 64, BODY_MAX = 1024 };

struct question {
	struct question *next;	/* waiting for the same fetch, or for a place */
	struct ike_job *job;
	unsigned cert, method, url;
	unsigned n_urls;
	char urls[IKE_URLS_MAX][IKE_URL_MAX];
	tick_t until;	/* then it is enough */
	char why[IKE_WHY_MAX];	/* the last thing that went wrong */
};

struct fetch {
	struct fetch *next;
	struct revoke *r;
	CURL *easy;
	struct curl_slist *headers;
	enum ike_revocation method;
	char url[IKE_URL_MAX];
	uint8_t body[BODY_MAX];
	size_t n_body;
	uint8_t *data;
	size_t n, room;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	struct question *waiting;
};

struct result {
	uint8_t fingerprint[32];
	enum ike_revocation method;
	enum ike_status status;
	int64_t until;
	char why[IKE_WHY_MAX];
};

struct silent {	/* a server that did not answer */
	char url[IKE_URL_MAX];
	tick_t until;
};

struct watch {	/* of a socket of curl's */
	struct watch *next;
	struct revoke *r;
	ev_io io;
	curl_socket_t fd;
};

struct revoke {
	struct loop *loop;
	int64_t (*wall)(void *ctx);
	revoke_done_fn *done;
	void *ctx;
	CURLM *multi;
	ev_timer timer;
	struct watch *watches;
	struct fetch *fetches;
	unsigned n_fetches, n_questions;
	struct question *queue, **queue_end;
	struct result *results;	/* REVOKE_RESULTS_MAX, in sets of RESULT_WAYS */
	struct silent silent[SILENT_MAX];
	unsigned next_silent;
};

static void go_on(struct revoke *r, struct question *q);

/* ---- what is known already */

static struct result *
result_set(struct revoke *r, const uint8_t *fingerprint)
{
	uint32_t at = get_be32(fingerprint) % (REVOKE_RESULTS_MAX / RESULT_WAYS);

	return &r->results[at * RESULT_WAYS];
}

static const struct result *
result_find(struct revoke *r, const uint8_t *fingerprint, enum ike_revocation method)
{
	const struct result *set = result_set(r, fingerprint);
	int64_t now = r->wall(r->ctx);

	for (unsigned i = 0; i < RESULT_WAYS; i++) {
		if (set[i].method == method && set[i].until > now && memcmp(set[i].fingerprint, fingerprint, 32) == 0)
			return &set[i];
	}
	return NULL;
}

static void
result_keep(struct revoke *r, const uint8_t *fingerprint, enum ike_revocation method, enum ike_status status, int64_t until, const char *why)
{
	struct result *set = result_set(r, fingerprint), *to = &set[0];

	for (unsigned i = 0; i < RESULT_WAYS; i++) {	/* the same, else the one that ends first */
		if (set[i].method == method && memcmp(set[i].fingerprint, fingerprint, 32) == 0) {
			to = &set[i];
			break;
		}
		if (set[i].until < to->until)
			to = &set[i];
	}
	memcpy(to->fingerprint, fingerprint, 32);
	to->method = method;
	to->status = status;
	to->until = until;
	snprintf(to->why, sizeof(to->why), "%s", why);
}

static bool
is_silent(const struct revoke *r, const char *url)
{
	tick_t now = loop_now(r->loop);

	for (unsigned i = 0; i < SILENT_MAX; i++) {
		if (r->silent[i].until > now && strcmp(r->silent[i].url, url) == 0)
			return true;
	}
	return false;
}

static void
note_silent(struct revoke *r, const char *url)
{
	struct silent *s = &r->silent[r->next_silent++ % SILENT_MAX];

	snprintf(s->url, sizeof(s->url), "%s", url);
	s->until = loop_now(r->loop) + TICK_S(REVOKE_AGAIN_S);
}

/* ---- questions */

static const struct ike_chain *
chain_of(const struct question *q)
{
	return ike_job_chain(q->job);
}

static enum ike_revocation
method_of(const struct question *q)
{
	const struct ike_trust_conf *c = ike_trust_conf(ike_chain_trust(chain_of(q)));

	return q->method < 2 ? c->method[q->method] : IKE_REV_NONE;
}

static void
answer(struct revoke *r, struct question *q, enum ike_status status, const char *why)
{
	struct ike_job *job = q->job;

	ike_job_answer(job, status, why);
	r->n_questions--;
	free(q);
	r->done(r->ctx, job);
}

static void
next_cert(struct question *q)
{
	q->cert++;
	q->method = q->url = q->n_urls = 0;
	snprintf(q->why, sizeof(q->why), "the certificate names no place to ask");
}

static void
next_method(struct question *q)
{
	q->method++;
	q->url = q->n_urls = 0;
}

/* What one certificate's answer means for the question. False: it is over. */
static bool
take(struct revoke *r, struct question *q, enum ike_status status, const char *why)
{
	if (status == IKE_STATUS_REVOKED) {
		answer(r, q, status, why);
		return false;
	}
	if (status == IKE_STATUS_GOOD) {
		next_cert(q);
		return true;
	}
	snprintf(q->why, sizeof(q->why), "%s", why);
	q->url++;
	return true;
}

static void
unknown(struct revoke *r, struct question *q)
{
	char why[IKE_WHY_MAX], name[IKE_CERT_TEXT_MAX];

	ike_chain_name(chain_of(q), q->cert, name, sizeof(name));
	snprintf(why, sizeof(why), "whether certificate %.80s is revoked cannot be found out: %.120s", name, q->why);
	answer(r, q, IKE_STATUS_UNKNOWN, why);
}

/* ---- fetches */

static size_t
octets_max(const struct fetch *f)
{
	return f->method == IKE_REV_CRL ? IKE_CRL_MAX : IKE_FILE_MAX;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	size_t room;
	uint8_t *more;

	n *= size;
	if (n > octets_max(f) - f->n) {
		f->too_large = true;
		return 0;
	}
	if (f->n + n > f->room) {
		room = f->room ? f->room : 4096;
		while (room < f->n + n)
			room *= 2;
		more = realloc(f->data, room);
		if (!more)
			return 0;
		f->data = more;
		f->room = room;
	}
	memcpy(f->data + f->n, p, n);
	f->n += n;
	return n;
}

static bool
set_up(struct fetch *f)
{
	CURL *e = f->easy;
	bool ok = curl_easy_setopt(e, CURLOPT_URL, f->url) == CURLE_OK && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)REVOKE_FETCH_MS) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)REVOKE_CONNECT_MS) == CURLE_OK && curl_easy_setopt(e, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK && curl_easy_setopt(e, CURLOPT_WRITEDATA, (void *)f) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error) == CURLE_OK && curl_easy_setopt(e, CURLOPT_PRIVATE, (void *)f) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)octets_max(f)) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_USERAGENT, "nhrpd") == CURLE_OK;

	if (!ok || f->method == IKE_REV_CRL)
		return ok;
	f->headers = curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	return f->headers && curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK && curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)f->n_body) == CURLE_OK && curl_easy_setopt(e, CURLOPT_POSTFIELDS, (void *)f->body) == CURLE_OK;
}

static void
fetch_free(struct fetch *f)
{
	if (f->easy)
		curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->headers);
	free(f->data);
	free(f);
}

static struct fetch *
fetch_same(const struct revoke *r, const struct fetch *like)
{
	for (struct fetch *f = r->fetches; f; f = f->next) {
		if (f->method == like->method && strcmp(f->url, like->url) == 0 && f->n_body == like->n_body && memcmp(f->body, like->body, f->n_body) == 0)
			return f;
	}
	return NULL;
}

static void
enqueue(struct revoke *r, struct question *q)
{
	q->next = NULL;
	*r->queue_end = q;
	r->queue_end = &q->next;
}

/* The question waits for its fetch, which may be under way for another one. False: it cannot be begun; q->why says why. */
static bool
ask(struct revoke *r, struct question *q)
{
	struct fetch *f = calloc(1, sizeof(*f)), *same;

	snprintf(q->why, sizeof(q->why), "out of memory");
	if (!f)
		return false;
	f->r = r;
	f->method = method_of(q);
	snprintf(f->url, sizeof(f->url), "%s", q->urls[q->url]);
	if (f->method == IKE_REV_OCSP)
		f->n_body = ike_chain_ocsp_request(chain_of(q), q->cert, f->body, sizeof(f->body));
	same = fetch_same(r, f);
	if (!same && r->n_fetches >= REVOKE_FETCHES_MAX) {
		fetch_free(f);
		enqueue(r, q);
		return true;
	}
	if (same) {
		fetch_free(f);
		f = same;
	} else {
		f->easy = curl_easy_init();
		if (!f->easy || (f->method == IKE_REV_OCSP && !f->n_body) || !set_up(f) || curl_multi_add_handle(r->multi, f->easy) != CURLM_OK) {
			fetch_free(f);
			return false;
		}
		f->next = r->fetches;
		r->fetches = f;
		r->n_fetches++;
	}
	q->next = f->waiting;
	f->waiting = q;
	return true;
}

/* Until it waits for something or is answered. */
static void
go_on(struct revoke *r, struct question *q)
{
	const struct ike_chain *c = chain_of(q);
	const struct result *known;

	while (q->cert < ike_chain_n(c)) {
		enum ike_revocation m = method_of(q);

		if (m == IKE_REV_NONE || loop_now(r->loop) > q->until) {
			unknown(r, q);
			return;
		}
		if (m == IKE_REV_CRL && ike_chain_known_good(c, q->cert, r->wall(r->ctx))) {
			next_cert(q);
			continue;
		}
		known = q->url == 0 ? result_find(r, ike_chain_fingerprint(c, q->cert), m) : NULL;
		if (known) {
			if (!take(r, q, known->status, known->why))
				return;
			continue;
		}
		if (q->url == 0)
			q->n_urls = ike_chain_urls(c, q->cert, m, q->urls);
		if (q->url >= q->n_urls) {
			next_method(q);
			continue;
		}
		if (!is_silent(r, q->urls[q->url]) && ask(r, q))
			return;
		if (is_silent(r, q->urls[q->url]))
			snprintf(q->why, sizeof(q->why), "%.100s does not answer", q->urls[q->url]);
		q->url++;
	}
	answer(r, q, IKE_STATUS_GOOD, "");
}

static void
fetched_for(struct revoke *r, struct question *q, const struct fetch *f)
{
	struct span body = span_of(f->data ? f->data : (const uint8_t *)"", f->n);
	const struct ike_chain *c = chain_of(q);
	char why[IKE_WHY_MAX] = "";
	enum ike_status st;
	int64_t until;

	if (f->method == IKE_REV_CRL)
		st = ike_chain_crl_answer(c, q->cert, body, r->wall(r->ctx), &until, why);
	else
		st = ike_chain_ocsp_answer(c, q->cert, body, r->wall(r->ctx), &until, why);
	if (st != IKE_STATUS_UNKNOWN)
		result_keep(r, ike_chain_fingerprint(c, q->cert), f->method, st, until, why);
	if (take(r, q, st, why))
		go_on(r, q);
}

/* What the transfer's end means. An answer is one with 200: curl takes a redirection for one too. */
static CURLcode
verdict(struct fetch *f, CURLcode code)
{
	long status = 0;

	f->too_large |= code == CURLE_FILESIZE_EXCEEDED;
	if (code != CURLE_OK || curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status == 200)
		return code;
	snprintf(f->error, sizeof(f->error), status / 100 == 3 ? "it redirects to elsewhere (%ld)" : "no answer but status %ld", status);
	return CURLE_HTTP_RETURNED_ERROR;
}

static void
fetched(struct revoke *r, struct fetch *f, CURLcode code)
{
	struct question *q = f->waiting, *next;

	code = verdict(f, code);
	for (struct fetch **p = &r->fetches; *p; p = &(*p)->next) {
		if (*p == f) {
			*p = f->next;
			break;
		}
	}
	r->n_fetches--;
	curl_multi_remove_handle(r->multi, f->easy);
	if (code != CURLE_OK)
		note_silent(r, f->url);
	for (; q; q = next) {
		next = q->next;
		if (code == CURLE_OK) {
			fetched_for(r, q, f);
			continue;
		}
		snprintf(q->why, sizeof(q->why), "%.90s: %.100s", f->url, f->too_large ? "the answer is too large" : f->error[0] ? f->error : curl_easy_strerror(code));
		q->url++;
		go_on(r, q);
	}
	fetch_free(f);
}

static void
begin_queued(struct revoke *r)
{
	while (r->queue && r->n_fetches < REVOKE_FETCHES_MAX) {
		struct question *q = r->queue;

		r->queue = q->next;
		if (!r->queue)
			r->queue_end = &r->queue;
		go_on(r, q);
	}
}

static void
collect(struct revoke *r)
{
	struct fetch *f = NULL;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(r->multi, &left))) {
		CURLcode code = m->data.result;

		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f) == CURLE_OK && f)
			fetched(r, f, code);
	}
	begin_queued(r);
	r->loop->after(r->loop->ctx);
}

/* ---- curl on libev */

static void
on_io(struct ev_loop *ev, ev_io *io, int events)
{
	struct watch *w = io->data;
	struct revoke *r = w->r;
	int running;

	(void)ev;
	curl_multi_socket_action(r->multi, w->fd, ((events & EV_READ) ? CURL_CSELECT_IN : 0) | ((events & EV_WRITE) ? CURL_CSELECT_OUT : 0), &running);
	collect(r);
}

static void
on_timer(struct ev_loop *ev, ev_timer *t, int events)
{
	struct revoke *r = t->data;
	int running;

	(void)ev, (void)events;
	curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(r);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct revoke *r = arg;

	(void)multi;
	ev_timer_stop(r->loop->ev, &r->timer);
	if (ms < 0)
		return 0;
	ev_now_update(r->loop->ev);
	ev_timer_set(&r->timer, (double)ms / 1e3, 0.);
	ev_timer_start(r->loop->ev, &r->timer);
	return 0;
}

static void
watch_end(struct revoke *r, struct watch *w)
{
	for (struct watch **p = &r->watches; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	ev_io_stop(r->loop->ev, &w->io);
	free(w);
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *per_socket)
{
	struct revoke *r = arg;
	struct watch *w = per_socket;
	int events = ((what & CURL_POLL_IN) ? EV_READ : 0) | ((what & CURL_POLL_OUT) ? EV_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			watch_end(r, w);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return 0;	/* its time limit ends it */
		w->r = r;
		w->fd = fd;
		w->next = r->watches;
		r->watches = w;
		curl_multi_assign(r->multi, fd, w);
	} else {
		ev_io_stop(r->loop->ev, &w->io);
	}
	ev_io_init(&w->io, on_io, fd, events);
	w->io.data = w;
	ev_io_start(r->loop->ev, &w->io);
	return 0;
}

/* ---- the faces */

struct revoke *
revoke_new(struct loop *loop, int64_t (*wall)(void *ctx), revoke_done_fn *done, void *ctx)
{
	struct revoke *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct revoke){ .loop = loop, .wall = wall, .done = done, .ctx = ctx, .queue_end = &r->queue };
	ev_timer_init(&r->timer, on_timer, 0., 0.);
	r->timer.data = r;
	r->results = calloc(REVOKE_RESULTS_MAX, sizeof(*r->results));
	r->multi = r->results && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
	if (!r->multi) {
		free(r->results);
		free(r);
		return NULL;
	}
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	return r;
}

static void
discard_all(struct question *q)
{
	for (struct question *next; q; q = next) {
		next = q->next;
		ike_job_discard(q->job);
		free(q);
	}
}

void
revoke_free(struct revoke *r)
{
	if (!r)
		return;
	discard_all(r->queue);
	for (struct fetch *f = r->fetches, *next; f; f = next) {
		next = f->next;
		discard_all(f->waiting);
		curl_multi_remove_handle(r->multi, f->easy);
		fetch_free(f);
	}
	curl_multi_cleanup(r->multi);
	while (r->watches)
		watch_end(r, r->watches);
	ev_timer_stop(r->loop->ev, &r->timer);
	curl_global_cleanup();
	free(r->results);
	free(r);
}

void
revoke_check(struct revoke *r, struct ike_job *job)
{
	struct question *q = r->n_questions < REVOKE_QUESTIONS_MAX && ike_job_chain(job) ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		ike_job_answer(job, IKE_STATUS_UNKNOWN, "too many questions about revocation at once");
		r->done(r->ctx, job);
		return;
	}
	r->n_questions++;
	q->job = job;
	q->until = loop_now(r->loop) + TICK_MS(REVOKE_TOTAL_MS);
	snprintf(q->why, sizeof(q->why), "the certificate names no place to ask");
	go_on(r, q);
}
