/* mgre/guard_ipt.c: guard.h where the kernel has no nf_tables for IP: chains "odm-...-" and the interface's name in the table mangle of
 * ip_tables and ip6_tables, and jumps to them from the head of its own chains: what `iptables-legacy -t mangle` shows.
 *
 * The table is one block of memory, read and replaced as a whole (linux/netfilter_ipv4/ip_tables.h, in use since 2.4 and not going to
 * change); ours is cut out of it and put in anew, everything else is copied, jumps and counters mended. By hand, because the daemon
 * may start no other program once it has begun (privilege.h), and neither would iptables-legacy-restore find its lock there. The kernel refuses a
 * block whose table has changed meanwhile, then it is done again: others lose nothing. */
#include <netinet/in.h>	/* before those of the kernel */
#include <errno.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter/xt_policy.h>
#include <linux/netfilter/xt_TCPMSS.h>
#include <linux/netfilter/xt_tcpmss.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_u32.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/span.h"
#include "mgre/guard_priv.h"

enum { ENTRIES_MAX = 4 << 20, CHAINS = 4, OURS_MAX = 32768 /* our part, an xt_u32 is large */, TRIES = 5 };
enum chain { C_OUT, C_IN, C_POST, C_PRE };
static const struct {
	const char *name;
	unsigned hook;
} chains[CHAINS] = {
	[C_OUT] = { "odm-out-", NF_INET_POST_ROUTING },
	[C_IN] = { "odm-in-", NF_INET_LOCAL_IN },
	[C_POST] = { "odm-post-", NF_INET_POST_ROUTING },
	[C_PRE] = { "odm-pre-", NF_INET_PRE_ROUTING },
};

struct guard_ipt {
	const struct env *env;
	int fd[2];	/* IPv4, IPv6 */
};

static void
close_ipt(void *arg)
{
	struct guard_ipt *k = arg;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		if (k->fd[v6] >= 0)
			close(k->fd[v6]);
	}
	env_free(k->env, k);
}

static void *
open_ipt(const struct env *env)
{
	struct guard_ipt *k = env_alloc(env, sizeof(*k));

	if (!k)
		return NULL;
	k->env = env;
	k->fd[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	k->fd[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (k->fd[0] >= 0)
		return k;
	close_ipt(k);
	return NULL;
}

/* ---- reading: the table as the kernel has it */

/* An entry of either family: what stands behind the part that is for its addresses. */
struct entry {
	uint16_t target, next;
	struct xt_counters counters;
};

static bool
entry_at(const uint8_t *p, size_t n, bool v6, struct entry *out)
{
	if (v6) {
		struct ip6t_entry e;

		if (n < sizeof(e))
			return false;
		memcpy(&e, p, sizeof(e));
		*out = (struct entry){ e.target_offset, e.next_offset, e.counters };
	} else {
		struct ipt_entry e;

		if (n < sizeof(e))
			return false;
		memcpy(&e, p, sizeof(e));
		*out = (struct entry){ e.target_offset, e.next_offset, e.counters };
	}
	return out->next >= sizeof(struct xt_entry_target) && out->next <= n && out->target + sizeof(struct xt_standard_target) <= out->next;
}

struct table {
	unsigned hook[NF_INET_NUMHOOKS], end[NF_INET_NUMHOOKS], hooks /* which of them */, number /* of entries */;
	uint8_t *p;
	size_t n;
	bool v6;
};

static int
read_table(const struct guard_ipt *k, bool v6, struct table *t)
{
	struct ipt_getinfo info = { .name = "mangle" };	/* the same for both families */
	struct ipt_get_entries *get;
	socklen_t len = sizeof(info);
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, rc;

	*t = (struct table){ .v6 = v6 };
	if (k->fd[v6] < 0)
		return -EAFNOSUPPORT;
	if (getsockopt(k->fd[v6], level, IPT_SO_GET_INFO, &info, &len) != 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	if (info.size > ENTRIES_MAX)
		return -EFBIG;
	len = (socklen_t)(offsetof(struct ipt_get_entries, entrytable) + info.size);
	if (!(get = env_alloc(k->env, len)))
		return -ENOMEM;
	memset(get, 0, len);
	strcpy(get->name, "mangle");
	get->size = info.size;
	rc = getsockopt(k->fd[v6], level, IPT_SO_GET_ENTRIES, get, &len) == 0 ? 0 : -errno;
	if (rc == 0) {	/* from here on only the entries count */
		memcpy(t->hook, info.hook_entry, sizeof(t->hook));
		memcpy(t->end, info.underflow, sizeof(t->end));
		t->p = (uint8_t *)get;
		t->n = info.size;
		t->hooks = info.valid_hooks;
		t->number = info.num_entries;
		return 0;
	}
	env_free(k->env, get);
	return rc;
}

static const uint8_t *
entries(const struct table *t)
{
	return t->p + offsetof(struct ipt_get_entries, entrytable);
}

/* A chain begins with an entry that bears its name. */
static const char *
chain_name(const struct table *t, size_t at, const struct entry *e)
{
	const struct xt_entry_target *x = (const void *)(entries(t) + at + e->target);

	return strcmp(x->u.user.name, XT_ERROR_TARGET) == 0 && e->target + sizeof(struct xt_error_target) <= e->next ? (const char *)x->data : NULL;
}

/* 0: it leads nowhere */
static unsigned
jump_to(const struct table *t, size_t at, const struct entry *e)
{
	const struct xt_standard_target *x = (const void *)(entries(t) + at + e->target);

	return x->target.u.user.name[0] == '\0' && x->verdict > 0 ? (unsigned)x->verdict : 0;
}

struct chain_seen {
	bool there;
	unsigned jumps, rules;
	uint64_t packets, last;
};

static void
look_chain(const struct table *t, enum chain c, const char *ifname, struct chain_seen *out)
{
	char name[XT_EXTENSION_MAXNAMELEN];
	struct entry e;
	size_t begin = 0;
	bool in = false;

	*out = (struct chain_seen){ .there = false };
	snprintf(name, sizeof(name), "%s%s", chains[c].name, ifname);
	for (size_t at = 0; at < t->n && entry_at(entries(t) + at, t->n - at, t->v6, &e); at += e.next) {
		const char *head = chain_name(t, at, &e);

		if (head) {
			in = strcmp(head, name) == 0;
			if (in) {
				out->there = true;
				begin = at + e.next;
			}
		} else if (in) {
			out->packets += out->last;
			out->last = e.counters.pcnt;
			out->rules++;
		}
	}
	out->rules -= out->rules > 0;	/* the last one is the return at its end */
	for (size_t at = t->hook[chains[c].hook]; out->there && at < t->end[chains[c].hook] && entry_at(entries(t) + at, t->n - at, t->v6, &e); at += e.next)
		out->jumps += jump_to(t, at, &e) == begin;
}


static int
look_ipt(void *arg, const char *name, struct guard_seen *out)
{
	struct guard_ipt *k = arg;
	int rc = 0;

	*out = (struct guard_seen){ .mark = 0 };
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint64_t *to[CHAINS] = { &out->count.clear_out, &out->count.clear_in, &out->count.mss, &out->count.mss };
		struct table t;
		struct chain_seen s;
		int got = read_table(k, v6, &t);

		if (got != 0) {
			rc = v6 ? rc : got;
			continue;
		}
		for (unsigned c = 0; c < CHAINS; c++) {
			look_chain(&t, c, name, &s);
			*to[c] += s.packets;
			if (s.there)
				out->mark = out->mark * 31 + (uint64_t)(c + 1) * 256 + s.rules * 16 + s.jumps;
		}
		env_free(k->env, t.p);
	}
	return rc;
}

/* ---- writing: entries, one behind the other */

struct build {
	uint8_t *p;
	size_t n, max, at, target;	/* at: the entry being written */
	unsigned entries;
	bool v6, bad;
};

static void *
room(struct build *b, size_t n)
{
	void *p = b->p + b->n;

	n = XT_ALIGN(n);
	if (b->bad || n > b->max - b->n) {
		b->bad = true;
		return NULL;
	}
	memset(p, 0, n);
	b->n += n;
	return p;
}

static size_t
head_size(bool v6)
{
	return v6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
}

static void
entry(struct build *b, uint8_t proto)
{
	void *p;

	b->at = b->n;
	p = room(b, head_size(b->v6));
	if (p && b->v6 && proto) {
		((struct ip6t_entry *)p)->ipv6.proto = proto;
		((struct ip6t_entry *)p)->ipv6.flags = IP6T_F_PROTO;
	} else if (p && proto) {
		((struct ipt_entry *)p)->ip.proto = proto;
	}
}

static void *
match(struct build *b, const char *name, size_t n)
{
	struct xt_entry_match *m = room(b, sizeof(*m) + XT_ALIGN(n));

	if (!m)
		return NULL;
	m->u.match_size = (uint16_t)XT_ALIGN(sizeof(*m) + XT_ALIGN(n));
	snprintf(m->u.user.name, sizeof(m->u.user.name), "%s", name);
	return m->data;
}

/* Ends the entry. n: octets of the target's data. */
static void *
target(struct build *b, const char *name, size_t n)
{
	size_t at = b->n;
	struct xt_entry_target *t = room(b, sizeof(*t) + XT_ALIGN(n));

	if (!t)
		return NULL;
	t->u.target_size = (uint16_t)XT_ALIGN(sizeof(*t) + XT_ALIGN(n));
	snprintf(t->u.user.name, sizeof(t->u.user.name), "%s", name);
	if (b->v6) {
		((struct ip6t_entry *)(void *)(b->p + b->at))->target_offset = (uint16_t)(at - b->at);
		((struct ip6t_entry *)(void *)(b->p + b->at))->next_offset = (uint16_t)(b->n - b->at);
	} else {
		((struct ipt_entry *)(void *)(b->p + b->at))->target_offset = (uint16_t)(at - b->at);
		((struct ipt_entry *)(void *)(b->p + b->at))->next_offset = (uint16_t)(b->n - b->at);
	}
	b->entries++;
	return t->data;
}

static void
verdict(struct build *b, int what)
{
	int *v = target(b, XT_STANDARD_TARGET, sizeof(int));

	if (v)
		*v = what;
}

static void
of_device(struct build *b, bool out, const char *name)
{
	char *to, *mask;

	if (b->bad)
		return;
	if (b->v6) {
		struct ip6t_ip6 *ip = &((struct ip6t_entry *)(void *)(b->p + b->at))->ipv6;

		to = out ? ip->outiface : ip->iniface;
		mask = (char *)(out ? ip->outiface_mask : ip->iniface_mask);
	} else {
		struct ipt_ip *ip = &((struct ipt_entry *)(void *)(b->p + b->at))->ip;

		to = out ? ip->outiface : ip->iniface;
		mask = (char *)(out ? ip->outiface_mask : ip->iniface_mask);
	}
	snprintf(to, IFNAMSIZ, "%s", name);
	memset(mask, 0xff, strlen(to) + 1);
}

static void
of_address(struct build *b, bool out, const struct addr *a)
{
	if (b->bad)
		return;
	if (b->v6) {
		struct ip6t_ip6 *ip = &((struct ip6t_entry *)(void *)(b->p + b->at))->ipv6;

		memcpy(out ? &ip->src : &ip->dst, a->b, 16);
		memset(out ? &ip->smsk : &ip->dmsk, 0xff, 16);
	} else {
		struct ipt_ip *ip = &((struct ipt_entry *)(void *)(b->p + b->at))->ip;

		memcpy(out ? &ip->src : &ip->dst, a->b, 4);
		memset(out ? &ip->smsk : &ip->dmsk, 0xff, 4);
	}
}

static void
untransformed(struct build *b, bool out)
{
	struct xt_policy_info *p = match(b, "policy", sizeof(*p));

	if (p)
		p->flags = (uint16_t)((out ? XT_POLICY_MATCH_OUT : XT_POLICY_MATCH_IN) | XT_POLICY_MATCH_NONE);
}

/* Octets of the GRE header, as a big-endian number, shifted and masked. IPv4 says where it begins; IPv6 is taken without further headers. */
static void
u32_test(struct xt_u32_test *t, bool v6, unsigned at, unsigned shift, uint32_t mask, uint32_t value)
{
	unsigned n = 0;

	if (v6) {
		t->location[n++].number = 40 + at;
	} else {
		t->location[n++].number = 0;
		t->location[n++] = (struct xt_u32_location_element){ 22, XT_U32_RIGHTSH };
		t->location[n++] = (struct xt_u32_location_element){ 0x3c, XT_U32_AND };
		t->location[n++] = (struct xt_u32_location_element){ at, XT_U32_AT };
	}
	t->location[n++] = (struct xt_u32_location_element){ shift, XT_U32_RIGHTSH };
	t->location[n++] = (struct xt_u32_location_element){ mask, XT_U32_AND };
	t->nnums = (uint8_t)n;
	t->value[0] = (struct xt_u32_value_element){ value, value };
	t->nvalues = 1;
}

/* GRE of this tunnel; with a key it stands behind a checksum, if there is one. */
static void
put_lock(struct build *b, const struct guard_want *w, bool out)
{
	bool by_address = !w->has_key && w->source.n == (b->v6 ? 16 : 4);

	for (unsigned sum = 0; sum < (w->has_key ? 2 : by_address ? 1 : 0); sum++) {
		struct xt_u32 *u;

		entry(b, IPPROTO_GRE);
		if (by_address)
			of_address(b, out, &w->source);
		if ((u = match(b, "u32", sizeof(*u)))) {
			u32_test(&u->tests[0], b->v6, 0, 16, w->has_key ? 0xa000 : 0x2000, w->has_key ? (sum ? 0xa000 : 0x2000) : 0);
			if (w->has_key)
				u32_test(&u->tests[1], b->v6, sum ? 8 : 4, 0, 0xffffffff, w->key);
			u->ntests = w->has_key ? 2 : 1;
		}
		untransformed(b, out);
		verdict(b, -NF_DROP - 1);
	}
}

static void
put_mss(struct build *b, const struct guard_want *w, bool out)
{
	uint16_t mss = (uint16_t)(b->v6 ? w->mss6 : w->mss4);
	struct xt_tcpmss_match_info *more;
	struct xt_tcpmss_info *set;
	struct xt_tcp *tcp;

	entry(b, IPPROTO_TCP);
	of_device(b, out, w->name);
	if ((tcp = match(b, "tcp", sizeof(*tcp))))
		*tcp = (struct xt_tcp){ .spts = { 0, 65535 }, .dpts = { 0, 65535 }, .flg_mask = 0x06 /* RST, SYN */, .flg_cmp = 0x02 };
	if ((more = match(b, "tcpmss", sizeof(*more))))
		*more = (struct xt_tcpmss_match_info){ .mss_min = (uint16_t)(mss + 1), .mss_max = 65535 };
	if ((set = target(b, "TCPMSS", sizeof(*set))))
		set->mss = mss;
}

/* Answers where a jump has to lead. */
static size_t
put_chain(struct build *b, enum chain c, const struct guard_want *w)
{
	size_t first;
	char *name;

	entry(b, 0);
	if ((name = target(b, XT_ERROR_TARGET, sizeof(struct xt_error_target) - sizeof(struct xt_entry_target))))
		snprintf(name, XT_FUNCTION_MAXNAMELEN, "%s%s", chains[c].name, w->name);
	first = b->n;
	if (c == C_OUT || c == C_IN)
		put_lock(b, w, c == C_OUT);
	else
		put_mss(b, w, c == C_POST);
	entry(b, 0);
	verdict(b, XT_RETURN);
	return first;
}

/* ---- the table as it is to be, out of the one that is: ours of this name go, and come back as they are wanted */

struct moved {	/* an entry of others' that stays */
	unsigned from, to, number;	/* number: in the old table, for its counters */
};
struct edit {
	const struct table *was;
	const char *name;
	const struct guard_want *want;	/* NULL: none */
	struct build b;
	struct moved *moved;
	unsigned n_moved;
	unsigned ours[CHAINS];	/* where the old chains of ours began; 0: there were none */
	unsigned hook[NF_INET_NUMHOOKS];
	size_t jump[CHAINS];	/* entries of ours that jump; 0 none */
};

static bool
wanted(const struct edit *e, enum chain c)
{
	unsigned mss = !e->want ? 0 : e->was->v6 ? e->want->mss6 : e->want->mss4;

	return e->want && (c == C_OUT || c == C_IN || mss);
}

static int
chain_of_ours(const struct edit *e, const char *head)
{
	char name[XT_FUNCTION_MAXNAMELEN];

	for (int c = 0; head && c < CHAINS; c++) {
		snprintf(name, sizeof(name), "%s%s", chains[c].name, e->name);
		if (strcmp(head, name) == 0)
			return c;
	}
	return -1;
}

static void
find_ours(struct edit *e)
{
	struct entry en;

	for (size_t at = 0; at < e->was->n && entry_at(entries(e->was) + at, e->was->n - at, e->was->v6, &en); at += en.next) {
		int c = chain_of_ours(e, chain_name(e->was, at, &en));

		if (c >= 0)
			e->ours[c] = (unsigned)at + en.next;
	}
}

/* Jumps of ours at the head of the chains they belong to. Where they lead is filled in when it is known. */
static void
put_jumps(struct edit *e, size_t at)
{
	for (unsigned h = 0; h < NF_INET_NUMHOOKS; h++) {
		if (e->was->hook[h] != at)
			continue;
		e->hook[h] = (unsigned)e->b.n;
		for (unsigned c = 0; c < CHAINS; c++) {
			if (chains[c].hook != h || !wanted(e, c))
				continue;
			e->jump[c] = e->b.n + 1;
			entry(&e->b, 0);
			verdict(&e->b, 1);
		}
	}
}

static void
keep_entry(struct edit *e, size_t at, const struct entry *en, unsigned number)
{
	void *p;

	e->moved[e->n_moved++] = (struct moved){ (unsigned)at, (unsigned)e->b.n, number };
	if ((p = room(&e->b, en->next)))
		memcpy(p, entries(e->was) + at, en->next);
	e->b.entries++;
}

static void
copy_entries(struct edit *e)
{
	unsigned number = 0;
	struct entry en;
	bool skip = false;

	for (size_t at = 0; at < e->was->n && entry_at(entries(e->was) + at, e->was->n - at, e->was->v6, &en); at += en.next, number++) {
		const char *head = chain_name(e->was, at, &en);
		unsigned jump = jump_to(e->was, at, &en);
		bool last = at + en.next >= e->was->n, ours = false;

		if (head)
			skip = chain_of_ours(e, head) >= 0;
		for (unsigned c = 0; jump && c < CHAINS; c++)
			ours |= jump == e->ours[c];
		put_jumps(e, at);
		for (unsigned c = 0; last && c < CHAINS; c++) {	/* before the entry that ends the table */
			size_t first = wanted(e, c) ? put_chain(&e->b, c, e->want) : 0;
			struct xt_standard_target *t;

			if (!first || e->b.bad)
				continue;
			t = (void *)(e->b.p + e->jump[c] - 1 + head_size(e->was->v6));
			t->verdict = (int)first;
		}
		if (!skip && !ours)
			keep_entry(e, at, &en, number);
	}
}

static unsigned
moved_to(const struct edit *e, unsigned from)
{
	unsigned lo = 0, hi = e->n_moved;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (e->moved[mid].from < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < e->n_moved && e->moved[lo].from == from ? e->moved[lo].to : 0;
}

/* Jumps of others lead where their chains are now. */
static void
mend_jumps(struct edit *e)
{
	for (unsigned i = 0; i < e->n_moved && !e->b.bad; i++) {
		struct xt_standard_target *t;
		struct entry en;

		entry_at(e->b.p + e->moved[i].to, e->b.n - e->moved[i].to, e->was->v6, &en);
		t = (void *)(e->b.p + e->moved[i].to + en.target);
		if (t->target.u.user.name[0] == '\0' && t->verdict > 0)
			t->verdict = (int)moved_to(e, (unsigned)t->verdict);
	}
}

/* The kernel takes the table only if nobody changed it meanwhile, and counts from 0: what others counted goes on. */
static int
replace(const struct guard_ipt *k, struct edit *e)
{
	int level = e->was->v6 ? IPPROTO_IPV6 : IPPROTO_IP, rc;
	struct ipt_replace *r = env_alloc(k->env, sizeof(*r) + e->b.n);	/* the same for both families */
	struct xt_counters_info *add = env_alloc(k->env, sizeof(*add) + e->b.entries * sizeof(add->counters[0]));
	struct xt_counters *old = env_alloc(k->env, e->was->number * sizeof(*old));

	rc = !r || !add || !old ? -ENOMEM : e->b.bad ? -EMSGSIZE : 0;
	if (rc == 0) {
		*r = (struct ipt_replace){ .name = "mangle", .valid_hooks = e->was->hooks, .num_entries = e->b.entries, .size = (unsigned)e->b.n,
			.num_counters = e->was->number, .counters = old };
		for (unsigned h = 0; h < NF_INET_NUMHOOKS; h++) {
			r->hook_entry[h] = e->hook[h];
			r->underflow[h] = moved_to(e, e->was->end[h]);
		}
		memcpy(r->entries, e->b.p, e->b.n);
		rc = setsockopt(k->fd[e->was->v6], level, IPT_SO_SET_REPLACE, r, (socklen_t)(sizeof(*r) + e->b.n)) == 0 ? 0 : -errno;
	}
	if (rc == 0) {
		struct entry en;
		unsigned n = 0, i = 0;

		strcpy(add->name, "mangle");
		add->num_counters = e->b.entries;
		for (size_t at = 0; at < e->b.n && entry_at(e->b.p + at, e->b.n - at, e->was->v6, &en); at += en.next, n++) {
			if (i < e->n_moved && e->moved[i].to == at)
				add->counters[n] = old[e->moved[i++].number];
		}
		setsockopt(k->fd[e->was->v6], level, IPT_SO_SET_ADD_COUNTERS, add, (socklen_t)(sizeof(*add) + e->b.entries * sizeof(add->counters[0])));
	}
	env_free(k->env, r);
	env_free(k->env, add);
	env_free(k->env, old);
	return rc;
}

static int
edit(const struct guard_ipt *k, const struct table *t, const struct guard_want *w, const char *name)
{
	struct edit e = { .was = t, .name = name, .want = w, .b = { .v6 = t->v6, .max = t->n + OURS_MAX } };
	int rc = -ENOMEM;

	e.b.p = env_alloc(k->env, e.b.max);
	e.moved = env_alloc(k->env, t->number * sizeof(*e.moved));
	if (e.b.p && e.moved) {
		find_ours(&e);
		copy_entries(&e);
		mend_jumps(&e);
		rc = replace(k, &e);
	}
	env_free(k->env, e.b.p);
	env_free(k->env, e.moved);
	return rc;
}

static int
change(const struct guard_ipt *k, const struct guard_want *w, const char *name)
{
	int rc = 0;

	for (unsigned v6 = 0; v6 < 2 && rc == 0; v6++) {
		for (unsigned i = 0; i == 0 || (rc == -EAGAIN && i < TRIES); i++) {
			struct table t;

			if ((rc = read_table(k, v6, &t)) != 0)	/* without IPv6, or its tables: there is nothing to filter */
				return v6 ? 0 : rc;
			rc = edit(k, &t, w, name);
			env_free(k->env, t.p);
		}
	}
	return rc;
}

static int
set_ipt(void *arg, const struct guard_want *w)
{
	if (w->n_line)
		return -EOPNOTSUPP;
	return change(arg, w, w->name);
}

static int
del_ipt(void *arg, const char *name)
{
	struct guard_ipt *k = arg;
	struct guard_seen s;
	int rc = look_ipt(k, name, &s);

	return rc != 0 || s.mark == 0 ? rc : change(k, NULL, name);
}

/* The tables are there. Their matches load when a rule wants them. */
static int
probe_ipt(void *arg)
{
	struct guard_ipt *k = arg;
	struct table t;
	int rc = read_table(k, false, &t);

	if (rc == 0)
		env_free(k->env, t.p);
	return rc;
}

/* The name of the first tunnel that has a chain of ours. */
static bool
first_of_ours(const struct table *t, char out[static DP_NAME])
{
	struct entry e;

	for (size_t at = 0; at < t->n && entry_at(entries(t) + at, t->n - at, t->v6, &e); at += e.next) {
		const char *head = chain_name(t, at, &e);

		for (unsigned c = 0; head && c < CHAINS; c++) {
			size_t n = strlen(chains[c].name);

			if (strncmp(head, chains[c].name, n) == 0 && strlen(head + n) < DP_NAME) {
				snprintf(out, DP_NAME, "%s", head + n);
				return true;
			}
		}
	}
	return false;
}

static int
purge_ipt(void *arg, guard_name_fn *before, void *ctx)
{
	struct guard_ipt *k = arg;
	char name[DP_NAME];
	int rc = 0, n = 0;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (bool more = true; more && rc == 0;) {
			struct table t;

			if ((rc = read_table(k, v6, &t)) != 0)
				return v6 ? n : rc;
			more = first_of_ours(&t, name);
			env_free(k->env, t.p);
			if (!more)
				break;
			before(ctx, name);
			rc = change(k, NULL, name);
			n += rc == 0 && !v6;
		}
	}
	return rc == 0 ? n : rc;
}

const struct guard_kind guard_ipt = { "iptables-legacy", open_ipt, close_ipt, probe_ipt, set_ipt, del_ipt, look_ipt, purge_ipt, NULL };
