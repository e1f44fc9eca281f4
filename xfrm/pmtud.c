#include "xfrm/pmtud.h"

static unsigned
min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned
ask(struct pmtud *p, tick_t now, unsigned size)
{
	p->asked = size;
	p->asked_at = now;
	return size;
}

static void
complete(struct pmtud *p, tick_t now)
{
	p->state = PMTUD_COMPLETE;
	p->mtu = p->lo;
	p->raise_at = now + TICK_S(PMTUD_RAISE_S);
}

void
pmtud_start(struct pmtud *p, tick_t now, unsigned mtu, unsigned floor)
{
	unsigned holes = p->holes;

	*p = (struct pmtud){ .state = PMTUD_COMPLETE, .how = DP_PATH_FIRST_HOP, .floor = floor, .holes = holes, .quiet = PMTUD_QUIET };
	p->limit = p->mtu = mtu < floor ? floor : mtu;
	p->raise_at = now + TICK_S(PMTUD_RAISE_S);
}

void
pmtud_route(struct pmtud *p, tick_t now, unsigned mtu, unsigned floor)
{
	if (mtu < floor)
		mtu = floor;
	if (!p->mtu || p->how == DP_PATH_FIRST_HOP || mtu <= p->mtu) {
		pmtud_start(p, now, mtu, floor);
		return;
	}
	p->limit = mtu;
	if (p->state == PMTUD_SEARCHING && p->hi > mtu)
		p->hi = mtu + 1;
}

void
pmtud_told(struct pmtud *p, tick_t now, unsigned mtu)
{
	p->state = PMTUD_COMPLETE;
	p->how = DP_PATH_ICMP;
	p->mtu = p->lo = mtu;
	p->asked = 0;
	p->confirmed_at = now;
	p->raise_at = now + TICK_S(PMTUD_RAISE_S);
}

/* Nobody answers questions here: what was told by a router is forgotten after its time, as RFC 1191 has it. */
static void
unanswered(struct pmtud *p, tick_t now)
{
	bool raising = p->state == PMTUD_SEARCHING;

	p->asked = 0;
	if (raising && p->how == DP_PATH_ICMP)
		pmtud_start(p, now, p->limit, p->floor);
	else if (raising)
		complete(p, now);
	p->confirmed_at = now;	/* not so, but it is not asked again at once */
}

static bool
nothing_back(struct pmtud *p, tick_t now, tick_t last_rx)
{
	if (!p->n_big || last_rx > p->big_at) {
		if (last_rx > p->big_at)
			p->quiet = PMTUD_QUIET;
		p->n_big = 1;
		p->big_at = now;
		return false;
	}
	return ++p->n_big >= PMTUD_BIG && now - p->big_at >= p->quiet;
}

static unsigned
raise(struct pmtud *p, tick_t now)
{
	p->state = PMTUD_SEARCHING;
	p->lo = p->mtu;
	p->hi = min(p->limit, PMTUD_MAX) + 1;
	return ask(p, now, p->hi - 1);	/* the route may just be as wide as it was */
}

static unsigned
look(struct pmtud *p, tick_t now, tick_t last_rx)
{
	bool quiet = nothing_back(p, now, last_rx);

	if (p->mtu < min(p->limit, PMTUD_MAX) && now >= p->raise_at)
		return raise(p, now);
	if (p->confirmed_at && now - p->confirmed_at < (quiet ? p->quiet : TICK_S(PMTUD_CONFIRM_S)))
		return 0;
	return ask(p, now, min(p->mtu, PMTUD_MAX));
}

unsigned
pmtud_sent(struct pmtud *p, tick_t now, unsigned size, tick_t last_rx)
{
	if (size <= PMTUD_BASE && size + PMTUD_STEP < p->mtu)	/* what gets through anywhere tells nothing */
		return 0;
	if (p->asked && now - p->asked_at >= TICK_S(PMTUD_ASK_S))
		unanswered(p, now);
	if (p->asked || now < p->wait_until)
		return 0;
	return look(p, now, last_rx);
}

static unsigned
search(struct pmtud *p, tick_t now)
{
	p->mtu = p->lo;
	p->how = DP_PATH_PROBE;
	if (p->hi - p->lo <= PMTUD_STEP) {
		complete(p, now);
		return 0;
	}
	return ask(p, now, p->lo + (p->hi - p->lo) / 2);
}

static unsigned
fits(struct pmtud *p, tick_t now, unsigned size)
{
	p->confirmed_at = now;
	p->n_big = 0;
	p->quiet = p->quiet * 2 < TICK_S(PMTUD_CONFIRM_S) ? p->quiet * 2 : TICK_S(PMTUD_CONFIRM_S);
	if (p->state != PMTUD_SEARCHING)
		return 0;
	if (size > p->lo)
		p->lo = size;
	return search(p, now);
}

/* Known sizes fail: at once down to what should get through anywhere, so that traffic flows again; then up from there. */
static unsigned
black_hole(struct pmtud *p, tick_t now, unsigned size)
{
	p->holes += p->state != PMTUD_SEARCHING;
	p->state = PMTUD_SEARCHING;
	p->how = DP_PATH_PROBE;
	p->hi = size;
	p->lo = size > PMTUD_BASE ? PMTUD_BASE : p->floor;
	p->mtu = p->lo;
	if (p->lo >= size) {	/* less there is not */
		p->lo = p->mtu = size;
		complete(p, now);
		return 0;
	}
	return p->lo == p->floor ? search(p, now) : ask(p, now, p->lo);
}

unsigned
pmtud_result(struct pmtud *p, tick_t now, unsigned size, enum dp_path_result r)
{
	unsigned asked = p->asked;

	if (!asked || size > asked || (r == DP_PATH_FITS && asked - size > 2 * PMTUD_STEP))
		return 0;	/* not of our question */
	p->asked = 0;
	switch (r) {
	case DP_PATH_BUSY:
		p->wait_until = now + TICK_S(1);
		return 0;
	case DP_PATH_FITS:
		return fits(p, now, size);
	case DP_PATH_TOO_BIG:
		p->confirmed_at = now;
		if (p->state != PMTUD_SEARCHING || asked <= p->lo)
			return black_hole(p, now, asked);
		p->hi = asked;
		return search(p, now);
	}
	return 0;
}
