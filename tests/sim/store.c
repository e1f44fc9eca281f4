/* tests/sim/store.c: the functions of nhrpd/daemon/store.h over memory that belongs to the simulated machine, not to its daemon.
 *
 * A batch is put aside and becomes true at its commit, as in a transaction; what a killed daemon had not committed is not there
 * afterwards. Commits fail as often as sim_conf.store_fail says (the disk is full). The functions have no context for the wall
 * clock: store_of() says which node the next calls are about. */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "nhrpd/daemon/store.h"

enum change { CHANGE_PUT, CHANGE_DEL, CHANGE_FORGET, CHANGE_EXPIRE, CHANGE_SA_PUT, CHANGE_SA_DEL, CHANGE_SA_FORGET };

struct row {
	struct row *next;
	bool is_sa;
	struct store_sa sa;
	struct store_entry e;
	char tunnel[DP_NAME];
	uint8_t identity[NHRP_IDENTITY_MAX];
	enum change change;	/* in a batch */
};

struct stored {
	struct row *row;
	unsigned n;	/* registrations */
	bool dead;
};

struct store {
	struct node *node;
	struct row *batch, **last;
};

static struct node *current;
static const char *why = "";
enum { WALL_START = 1700000000 };

void
store_of(struct node *n)
{
	current = n;
}

int64_t
store_wall(void)
{
	return WALL_START + (int64_t)(current->sim->now / TICK_S(1)) + current->wall_off;
}

unsigned
store_count(const struct node *n)
{
	return n->stored ? n->stored->n : 0;
}

static void
free_rows(struct row *r)
{
	while (r) {
		struct row *next = r->next;

		free(r);
		r = next;
	}
}

void
store_lose(struct node *n)
{
	if (n->stored)
		free_rows(n->stored->row);
	free(n->stored);
	n->stored = NULL;
}

void
store_die(struct node *n, bool dead)
{
	if (!n->stored && !(n->stored = calloc(1, sizeof(*n->stored))))
		abort();
	n->stored->dead = dead;
}

struct store *
store_open(const char *path, bool create, enum store_error *e, char *text, size_t n)
{
	struct store *s;

	(void)path;
	snprintf(text, n, "there is none");
	*e = STORE_ABSENT;
	if (!current->stored && !create)
		return NULL;
	if (!current->stored && !(current->stored = calloc(1, sizeof(*current->stored))))
		abort();
	if (!(s = calloc(1, sizeof(*s))))
		abort();
	s->node = current;
	s->last = &s->batch;
	*e = STORE_OK;
	return s;
}

void
store_close(struct store *s)
{
	if (s)
		free_rows(s->batch);
	free(s);
}

bool
store_set_aside(const char *path, int64_t now, char *to, size_t to_n, char *text, size_t n)
{
	(void)path;
	(void)now;
	(void)to;
	(void)to_n;
	snprintf(text, n, "nothing is ever damaged here");
	return false;
}

/* ---- batches */

void
store_begin(struct store *s)
{
	free_rows(s->batch);
	s->batch = NULL;
	s->last = &s->batch;
}

static void
add(struct store *s, enum change change, const struct store_entry *e)
{
	struct row *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->change = change;
	r->e = *e;
	snprintf(r->tunnel, sizeof(r->tunnel), "%s", e->tunnel ? e->tunnel : "");
	if (e->identity.n)
		memcpy(r->identity, e->identity.p, e->identity.n);
	r->e.identity = span_of(r->identity, e->identity.n);
	r->e.tunnel = r->tunnel;
	*s->last = r;
	s->last = &r->next;
}

void
store_put(struct store *s, const struct store_entry *e)
{
	add(s, CHANGE_PUT, e);
}

void
store_del(struct store *s, const char *tunnel, uint32_t network_id, const struct prefix *p)
{
	add(s, CHANGE_DEL, &(struct store_entry){ .tunnel = tunnel, .network_id = network_id, .prefix = *p });
}

void
store_forget(struct store *s, const char *tunnel, uint32_t network_id)
{
	add(s, CHANGE_FORGET, &(struct store_entry){ .tunnel = tunnel, .network_id = network_id });
}

void
store_expire(struct store *s, int64_t now)
{
	add(s, CHANGE_EXPIRE, &(struct store_entry){ .expires = now });
}

static void
add_sa(struct store *s, enum change change, const struct store_sa *sa)
{
	struct row *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->change = change;
	r->is_sa = true;
	r->sa = *sa;
	*s->last = r;
	s->last = &r->next;
}

void
store_sa_put(struct store *s, const struct store_sa *sa)
{
	add_sa(s, CHANGE_SA_PUT, sa);
}

void
store_sa_del(struct store *s, uint64_t spi_i, uint64_t spi_r)
{
	add_sa(s, CHANGE_SA_DEL, &(struct store_sa){ .spi_i = spi_i, .spi_r = spi_r });
}

void
store_sa_forget(struct store *s)
{
	add_sa(s, CHANGE_SA_FORGET, &(struct store_sa){ .spi_i = 0 });
}

static bool
hits(const struct row *r, const struct row *change)
{
	bool same = !r->is_sa && strcmp(r->tunnel, change->tunnel) == 0 && r->e.network_id == change->e.network_id;

	switch (change->change) {
	case CHANGE_PUT:
	case CHANGE_DEL:
		return same && prefix_eq(&r->e.prefix, &change->e.prefix);
	case CHANGE_FORGET:
		return same;
	case CHANGE_EXPIRE:
		return (r->is_sa ? r->sa.expires : r->e.expires) <= change->e.expires;
	case CHANGE_SA_PUT:
	case CHANGE_SA_DEL:
		return r->is_sa && r->sa.spi_i == change->sa.spi_i && r->sa.spi_r == change->sa.spi_r;
	case CHANGE_SA_FORGET:
		return r->is_sa;
	}
	return false;
}

static void
apply(struct stored *st, struct row *change)
{
	for (struct row **at = &st->row, *r; (r = *at);) {
		if (!hits(r, change)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		st->n -= !r->is_sa;
		free(r);
	}
	if (change->change != CHANGE_PUT && change->change != CHANGE_SA_PUT) {
		free(change);
		return;
	}
	change->next = st->row;
	st->row = change;
	st->n += !change->is_sa;
}

enum store_error
store_commit(struct store *s)
{
	struct stored *st = s->node->stored;

	if (st->dead)
		return STORE_OK;
	why = "the disk is full";
	if (sim_chance(s->node->sim, s->node->sim->conf.store_fail))
		return STORE_FAILED;
	while (s->batch) {
		struct row *r = s->batch;

		s->batch = r->next;
		apply(st, r);
	}
	s->last = &s->batch;
	return STORE_OK;
}

enum store_error
store_load(struct store *s, const char *tunnel, uint32_t network_id, store_fn *fn, void *ctx)
{
	for (const struct row *r = s->node->stored->row; r; r = r->next) {
		if (!r->is_sa && strcmp(r->tunnel, tunnel) == 0 && r->e.network_id == network_id && s->node->sim->sabotage != SABOTAGE_STORE_FORGETS)
			fn(ctx, &r->e);
	}
	return STORE_OK;
}

enum store_error
store_sa_load(struct store *s, store_sa_fn *fn, void *ctx)
{
	for (const struct row *r = s->node->stored->row; r; r = r->next) {
		if (r->is_sa)
			fn(ctx, &r->sa);
	}
	return STORE_OK;
}

const char *
store_why(const struct store *s)
{
	(void)s;
	return why;
}
