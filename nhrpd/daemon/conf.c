/* nhrpd/daemon/conf.c: the configuration file, IOS/FRR words to structs.
 *
 * Reads files line by line through the keyword table (conf_words.c) into blocks, then makes the engines' structs from all
 * blocks together (conf_build.c). Nothing is applied from here: the result is one object that the daemon takes or, with
 * errors in it, throws away. All errors of a file are collected, each with its place; lines inside a block that could
 * not be opened are passed over.
 *
 * Everything lives in one arena that is wiped as a whole, because secrets are among it; the text of the files is wiped as
 * soon as it has been read. Secrets' files must not be readable by group or others; lines with secrets are masked in errors.
 *
 * Left out: VRFs, IKEv1 (`crypto isakmp`). */
#include "nhrpd/daemon/conf_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- memory */

struct conf_chunk {
	struct conf_chunk *next;
	size_t n, used;
	max_align_t octets[];
};
struct conf_mem {
	struct conf_chunk *first;
	bool failed;
};
enum { CHUNK_OCTETS = 64 * 1024 };

void *
conf_alloc(struct conf_mem *m, size_t n)
{
	struct conf_chunk *c = m->first;
	void *p;

	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!c || c->n - c->used < n) {
		size_t room = n > CHUNK_OCTETS ? n : CHUNK_OCTETS;

		c = calloc(1, sizeof(*c) + room);
		if (!c) {
			m->failed = true;
			return NULL;
		}
		c->n = room;
		c->next = m->first;
		m->first = c;
	}
	p = (char *)c->octets + c->used;
	c->used += n;
	return p;
}

char *
conf_strdup(struct conf_mem *m, const char *s, size_t n)
{
	char *p = conf_alloc(m, n + 1);

	if (p)
		memcpy(p, s, n);
	return p;
}

bool
conf_mem_failed(const struct conf_mem *m)
{
	return m->failed;
}

static void
mem_free(struct conf_mem *m)
{
	if (!m)
		return;
	for (struct conf_chunk *c = m->first, *next; c; c = next) {
		next = c->next;
		explicit_bzero(c->octets, c->n);
		free(c);
	}
	free(m);
}

/* ---- errors */

const char *
conf_found(const char *text, char out[static 48])
{
	size_t n = 0;

	out[n++] = '"';
	for (; *text && n < 42; text++)
		out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	memcpy(out + n, *text ? "...\"" : "\"", *text ? 5 : 2);
	return out;
}

/* A copy of the line for people: control characters shown as '?', from `mask` on only that there is something. */
static char *
shown_line(struct conf_mem *m, const struct conf_line *l)
{
	size_t n = strcspn(l->text, "\n");
	char *s;

	if (n > CONF_TEXT_MAX)
		n = CONF_TEXT_MAX;
	if (l->mask && l->mask - 1 <= n)
		n = l->mask - 1;
	s = conf_alloc(m, n + 6);
	if (!s)
		return NULL;
	for (size_t i = 0; i < n; i++)
		s[i] = ((unsigned char)l->text[i] < 0x20 && l->text[i] != '\t') || l->text[i] == 0x7f ? '?' : l->text[i];
	while (n > 0 && !l->mask && (s[n - 1] == '?' || s[n - 1] == ' '))
		s[--n] = '\0';
	if (l->mask)
		memcpy(s + n, "*****", 6);
	return s;
}

LOG_FMT(4, 0)
static void
note(struct conf_parse *p, struct conf_place at, struct conf_error *e, const char *fmt, va_list ap)
{
	memset(e, 0, sizeof(*e));
	if (at.line) {
		snprintf(e->file, sizeof(e->file), "%s", at.line->file);
		e->line = at.line->no;
		e->column = at.column;
		e->shown = at.line->text ? shown_line(p->mem, at.line) : NULL;
	}
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

void
conf_error_at(struct conf_parse *p, struct conf_place at, const char *fmt, ...)
{
	va_list ap;

	p->errors++;
	if (p->conf->n_error == CONF_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	note(p, at, &p->conf->error[p->conf->n_error++], fmt, ap);
	va_end(ap);
}

void
conf_warn_at(struct conf_parse *p, struct conf_place at, const char *fmt, ...)
{
	va_list ap;

	if (p->conf->n_warning == CONF_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	note(p, at, &p->conf->warning[p->conf->n_warning++], fmt, ap);
	va_end(ap);
}

const char *
conf_place_text(struct conf_parse *p, struct conf_place at)
{
	char text[PATH_MAX + 16];
	const char *s;

	snprintf(text, sizeof(text), "%s:%u", at.line->file, at.line->no);
	s = conf_strdup(p->mem, text, strlen(text));
	return s ? s : "";
}

static void
print_one(const struct conf_error *e, const char *kind, FILE *f)
{
	if (e->line)
		fprintf(f, "%s:%u:%u: %s%s\n", e->file, e->line, e->column, kind, e->text);
	else
		fprintf(f, "%s%s%s%s\n", e->file, e->file[0] ? ": " : "", kind, e->text);
	if (!e->shown || !e->column)
		return;
	fprintf(f, "\t%s\n\t", e->shown);
	for (unsigned i = 0; i + 1 < e->column; i++)
		fputc(i < strlen(e->shown) && e->shown[i] == '\t' ? '\t' : ' ', f);
	fputs("^\n", f);
}

void
conf_print_errors(const struct conf *c, FILE *f)
{
	for (unsigned i = 0; i < c->n_error; i++)
		print_one(&c->error[i], "", f);
	if (c->n_error == CONF_ERRORS_MAX)
		fputs("there may be more errors: mend these first\n", f);
	for (unsigned i = 0; i < c->n_warning; i++)
		print_one(&c->warning[i], "warning: ", f);
}

/* ---- files */

char *
conf_path(struct conf_parse *p, const char *name)
{
	const char *slash = p->file ? strrchr(p->file->name, '/') : NULL;
	size_t dir = slash && name[0] != '/' ? (size_t)(slash - p->file->name) + 1 : 0;
	char *path = conf_alloc(p->mem, dir + strlen(name) + 1);

	if (path) {
		memcpy(path, p->file ? p->file->name : "", dir);
		memcpy(path + dir, name, strlen(name));
	}
	return path;
}

/* All octets of an open file into fresh memory, with a NUL behind them; NULL and errno. */
static char *
read_all(int fd, size_t max, size_t *n)
{
	size_t cap = 4096;
	char *buf = malloc(cap + 1), *more;
	ssize_t got = 1;

	for (*n = 0; buf && got > 0;) {
		if (*n == cap) {	/* not realloc: what is left behind may be secret */
			more = cap < max ? malloc(2 * cap + 1) : NULL;
			if (more)
				memcpy(more, buf, *n);
			else
				errno = cap < max ? ENOMEM : EFBIG;
			explicit_bzero(buf, *n);
			free(buf);
			buf = more;
			cap *= 2;
			continue;
		}
		got = read(fd, buf + *n, cap - *n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			*n += (size_t)got;
	}
	if (buf && got < 0) {
		explicit_bzero(buf, *n);
		free(buf);
		return NULL;
	}
	if (buf)
		buf[*n] = '\0';
	return buf;
}

/* Opens a regular file; its state in st. Negative: what is wrong is in `why`. */
static int
open_regular(const char *path, struct stat *st, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, st) < 0) {
		*why = strerror(errno);
	} else if (!S_ISREG(st->st_mode)) {
		*why = "not a regular file";
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
conf_read_secret(struct conf_parse *p, struct conf_place at, const char *name, uint8_t *out, size_t max, size_t *n)
{
	char *path = conf_path(p, name), *text;
	const char *why = "";
	struct stat st;
	size_t len = 0;
	int fd;

	if (p->no_files || !path) {
		conf_error_at(p, at, "files are not read here");
		return false;
	}
	fd = open_regular(path, &st, &why);
	if (fd < 0) {
		conf_error_at(p, at, "cannot read the secret in %s: %s", path, why);
		return false;
	}
	if (st.st_mode & 077) {
		conf_error_at(p, at, "%s can be read by others (mode %03o): chmod 600 %s", path, (unsigned)(st.st_mode & 0777), path);
		close(fd);
		return false;
	}
	text = read_all(fd, 4096, &len);
	close(fd);
	if (!text) {
		conf_error_at(p, at, "cannot read the secret in %s: %s", path, strerror(errno));
		return false;
	}
	*n = len;
	while (*n > 0 && (text[*n - 1] == '\n' || text[*n - 1] == '\r'))
		(*n)--;
	if (*n > 0 && *n <= max)
		memcpy(out, text, *n);
	explicit_bzero(text, len);
	free(text);
	if (*n == 0 || *n > max)
		conf_error_at(p, at, "the secret in %s is %s", path, *n ? "longer than 256 octets" : "empty");
	return *n > 0 && *n <= max;
}

bool
conf_read_file(struct conf_parse *p, struct conf_place at, const char *name, bool secret, size_t max, struct span *out)
{
	char *path = conf_path(p, name), *text, *copy;
	const char *why = "";
	struct stat st;
	size_t n = 0;
	int fd;

	if (p->no_files || !path) {
		conf_error_at(p, at, "files are not read here");
		return false;
	}
	fd = open_regular(path, &st, &why);
	if (fd < 0) {
		conf_error_at(p, at, "cannot read %s: %s", path, why);
		return false;
	}
	if (secret && (st.st_mode & 077)) {
		conf_error_at(p, at, "%s can be read by others (mode %03o): chmod 600 %s", path, (unsigned)(st.st_mode & 0777), path);
		close(fd);
		return false;
	}
	text = read_all(fd, 2 * max, &n);
	close(fd);
	copy = text && n && n <= max ? conf_alloc(p->mem, n) : NULL;
	if (copy)
		memcpy(copy, text, n);
	else
		conf_error_at(p, at, "cannot read %s: %s", path, !text ? strerror(errno) : n ? "it is too large" : "it is empty");
	if (text)
		explicit_bzero(text, n);
	free(text);
	*out = span_of(copy ? copy : "", copy ? n : 0);
	return copy != NULL;
}

/* ---- lines */

/* The context's own rules first, then those around it; of several failures the one that came furthest is told. */
static bool
understand_line(struct conf_parse *p, const struct conf_words *w, struct conf_cmd *c, struct conf_miss *miss)
{
	enum conf_ctx ctx = p->ctx;
	struct conf_miss m;

	if (conf_match(p, ctx, w, c, miss))
		return true;
	while (ctx != CONF_GLOBAL) {
		ctx = conf_ctx_up(ctx);
		if (conf_match(p, ctx, w, c, &m))
			return true;
		if (m.depth > miss->depth)
			*miss = m;
	}
	return false;
}

static bool
is_opener(const struct conf_words *w)
{
	return w->n > 1 && w->indent == 0;
}

static void
do_line(struct conf_parse *p, struct conf_line *l, size_t n, struct conf_words *w)
{
	struct conf_miss miss;
	struct conf_cmd c;
	unsigned before;

	if (w->error) {
		if (p->ctx == CONF_PEER && w->n > 1)
			l->mask = w->token[1].column;
		conf_error_at(p, (struct conf_place){ l, w->end }, "%s", w->error);
		return;
	}
	if (n > CONF_TEXT_MAX) {
		conf_error_at(p, (struct conf_place){ l, 1 }, "the line is longer than %d octets", CONF_TEXT_MAX);
		return;
	}
	if (!understand_line(p, w, &c, &miss)) {
		l->mask = miss.mask;
		conf_error_at(p, (struct conf_place){ l, miss.column }, "%s", miss.text);
		p->lost = p->lost || is_opener(w);
		return;
	}
	c.line = l;
	for (unsigned i = 0; i < c.n_arg; i++) {
		if (c.arg[i].type && c.arg[i].type->secret)
			l->mask = c.arg[i].column;
	}
	p->ctx = c.rule->ctx;
	before = p->errors;
	c.rule->fn(p, &c);
	if (p->errors == before)
		conf_say(p, &c);
}

static void
do_text(struct conf_parse *p, const char *name, const char *text, size_t n)
{
	const char *end = text + n;
	unsigned no = 0, skip_below = 0;	/* lines indented by this and more belong to one that failed */
	struct conf_words w;

	p->ctx = CONF_GLOBAL;
	while (text < end && !p->ended && !p->mem->failed) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl ? nl : end) - text);
		struct conf_line *l = conf_alloc(p->mem, sizeof(*l));
		unsigned before = p->errors;

		if (!l || !conf_lex(p->mem, text, len > CONF_TEXT_MAX ? CONF_TEXT_MAX : len, &w))
			return;
		*l = (struct conf_line){ name, text, ++no, 0 };
		text += len + 1;
		if (w.n == 0 || (skip_below && w.indent >= skip_below))
			continue;
		do_line(p, l, len, &w);
		skip_below = p->errors != before ? w.indent + 1 : 0;
	}
}

static bool
is_open_already(const struct conf_file *f, const struct stat *st)
{
	for (; f; f = f->up) {
		if (f->dev == st->st_dev && f->ino == st->st_ino)
			return true;
	}
	return false;
}

/* Reads one file. `at`: the include line, or nowhere for the first one. */
static void
read_file(struct conf_parse *p, struct conf_place at, const char *path)
{
	struct conf_file f = { .up = p->file, .name = path, .depth = p->file ? p->file->depth + 1 : 0 };
	const char *why = "";
	struct stat st;
	char *text;
	size_t n;
	int fd = open_regular(path, &st, &why);

	if (fd < 0) {
		conf_error_at(p, at, "cannot read %s: %s", path, why);
		return;
	}
	if (f.depth > CONF_DEPTH_MAX || p->n_files == CONF_FILES_MAX || is_open_already(p->file, &st)) {
		conf_error_at(p, at, is_open_already(p->file, &st) ? "%s includes itself" : f.depth > CONF_DEPTH_MAX ?
		    "%s is included too deep" : "too many files: %s is not read", path);
		close(fd);
		return;
	}
	text = read_all(fd, CONF_FILE_OCTETS_MAX, &n);
	close(fd);
	if (!text) {
		conf_error_at(p, at, "cannot read %s: %s", path, strerror(errno));
		return;
	}
	p->source[p->n_files].p = text;
	p->source[p->n_files++].n = n;
	f.dev = st.st_dev;
	f.ino = st.st_ino;
	f.world_readable = st.st_mode & S_IROTH;
	if (memchr(text, '\0', n)) {
		conf_error_at(p, at, "%s is not a text file", path);
		return;
	}
	p->file = &f;
	do_text(p, path, text, n);
	p->file = f.up;
	p->ended = false;	/* "end" ends its own file */
	p->ctx = CONF_GLOBAL;
}

void
conf_read_include(struct conf_parse *p, struct conf_place at, const char *pattern)
{
	char *path = conf_path(p, pattern);
	glob_t g;

	if (!path)
		return;
	if (p->no_files) {
		conf_error_at(p, at, "files are not read here");
		return;
	}
	if (!strpbrk(pattern, "*?[")) {
		read_file(p, at, path);
		return;
	}
	if (glob(path, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc && !p->mem->failed; i++) {
			char *one = conf_strdup(p->mem, g.gl_pathv[i], strlen(g.gl_pathv[i]));

			if (one)
				read_file(p, at, one);
		}
		globfree(&g);
	}
}

/* ---- the faces */

/* The rules of this program, made ready once: they never change. The "no" forms come last, so that errors list "no" last. */
static const struct conf_syntax *
ready_rules(size_t *n)
{
	static struct conf_syntax syntax[2 * CONF_RULES_MAX];
	static size_t n_syntax;

	for (size_t i = 0, done = n_syntax; !done && i < 2 * conf_n_rules; i++) {
		const struct conf_rule *r = &conf_rules[i % conf_n_rules];
		bool no = i >= conf_n_rules;

		if (no && !r->no[0])
			continue;
		if (!conf_compile(no ? r->no : r->syntax, no, r, &syntax[n_syntax++]))
			abort();	/* the table of this program is wrong: a test compiles all of it */
	}
	*n = n_syntax;
	return syntax;
}

static struct conf *
conf_begin(struct conf_parse *p)
{
	struct conf *c = calloc(1, sizeof(*c));
	struct conf_mem *m = calloc(1, sizeof(*m));

	memset(p, 0, sizeof(*p));
	if (!c || !m) {
		free(c);
		free(m);
		return NULL;
	}
	c->mem = m;
	p->conf = c;
	p->mem = m;
	p->said_end = &p->said;
	p->syntax = ready_rules(&p->n_syntax);
	return c;
}

static struct conf *
conf_finish(struct conf_parse *p)
{
	bool failed;

	if (!p->lost && !p->mem->failed)
		conf_build(p);
	failed = p->mem->failed;
	p->conf->said = p->said;
	for (unsigned i = 0; i < p->n_files; i++) {
		explicit_bzero(p->source[i].p, p->source[i].n);
		free(p->source[i].p);
	}
	if (!failed)
		return p->conf;
	conf_free(p->conf);
	return NULL;
}

struct conf *
conf_read(const char *path)
{
	struct conf_parse *p = malloc(sizeof(*p));
	struct conf *c = p ? conf_begin(p) : NULL;

	if (c) {
		struct conf_place nowhere = { NULL, 0 };

		read_file(p, nowhere, path);
		c = conf_finish(p);
	}
	free(p);
	return c;
}

struct conf *
conf_read_text(const char *name, const char *text)
{
	struct conf_parse *p = malloc(sizeof(*p));
	struct conf *c = p ? conf_begin(p) : NULL;

	if (c) {
		p->no_files = true;
		do_text(p, name, text, strlen(text));
		c = conf_finish(p);
	}
	free(p);
	return c;
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_trust; i++)
		ike_trust_put(c->trust[i]);
	mem_free(c->mem);
	free(c);
}

/* ---- places of interfaces */

static int
place_of(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->core.n_tunnel; i++) {
		if (strcmp(c->core.tunnel[i].dp.name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Free here, and best also in the one in force: what goes takes its time. */
static unsigned
free_place(const struct core_tunnel_conf *t, const struct conf *in_force)
{
	unsigned any = 0;

	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		if (t[i].dp.name[0])
			continue;
		if (i >= in_force->core.n_tunnel || !in_force->core.tunnel[i].dp.name[0])
			return i;
		any = i;
	}
	return any;
}

void
conf_keep_places(struct conf *c, const struct conf *in_force)
{
	struct core_tunnel_conf *t = (struct core_tunnel_conf *)(uintptr_t)c->core.tunnel, was[CORE_TUNNELS_MAX];
	const char *description[CORE_TUNNELS_MAX];
	const struct conf_map *map[CORE_TUNNELS_MAX];
	unsigned n = c->core.n_tunnel;

	if (!t)
		return;
	memcpy(was, t, sizeof(was));
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		description[i] = c->tunnel[i].description;
		map[i] = c->tunnel[i].map;
		c->tunnel[i].description = "";
		c->tunnel[i].map = NULL;
	}
	memset(t, 0, sizeof(was));
	c->core.n_tunnel = 0;
	for (unsigned round = 0; round < 2; round++) {	/* first those that are there, then the new ones */
		for (unsigned i = 0; i < n; i++) {
			int at = place_of(in_force, was[i].dp.name);

			if ((at < 0) != (round == 1))
				continue;
			at = at < 0 ? (int)free_place(t, in_force) : at;
			t[at] = was[i];
			t[at].dp.id = (uint32_t)at + 1;
			c->tunnel[at].description = description[i];
			c->tunnel[at].map = map[i];
			if ((unsigned)at >= c->core.n_tunnel)
				c->core.n_tunnel = (unsigned)at + 1;
		}
	}
	explicit_bzero(was, sizeof(was));
}

int
conf_check_file(const char *path, FILE *f)
{
	struct conf *c = conf_read(path);
	int rc;

	if (!c) {
		fputs("out of memory\n", f);
		return 3;
	}
	conf_print_errors(c, f);
	rc = c->n_error ? 1 : 0;
	conf_free(c);
	return rc;
}
