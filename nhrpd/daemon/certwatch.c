/* nhrpd/daemon/certwatch.c: see certwatch.h. The configuration warns when it is loaded; a daemon that runs for a year needs more. */
#include "nhrpd/daemon/certwatch.h"

struct certwatch {
	const struct host *host;
	const struct conf *conf;
	int64_t (*wall)(void);
	struct host_watch *timer;
};

static bool
look_at(const struct certwatch *w, const struct ike_cert_facts *f, const char *whose, const char *trust)
{
	int64_t now = w->wall();
	char date[IKE_DATE_MAX];

	if (f->not_after - now >= CERTWATCH_SOON_S)
		return false;
	log_at(w->host->log, LOG_LV_WARN, now > f->not_after ? "certificate-expired" : "certificate-expires", "%s %s of trustpoint %s %s %s", whose, f->subject,
	    trust, now > f->not_after ? "expired at" : "expires at", ike_date_fmt(f->not_after, date));
	return true;
}

unsigned
certwatch_look(const struct certwatch *w)
{
	struct ike_cert_facts f;
	unsigned n = 0;

	for (unsigned i = 0; i < w->conf->n_trust; i++) {
		const struct ike_trust *t = w->conf->trust[i];
		const char *name = ike_trust_conf(t)->name;

		for (unsigned k = 0; ike_trust_own_facts(t, k, &f); k++)
			n += look_at(w, &f, k ? "our intermediate certificate" : "our certificate", name);
		for (unsigned k = 0; ike_trust_ca_facts(t, k, &f); k++)
			n += look_at(w, &f, "CA", name);
	}
	return n;
}

static void
daily(void *arg)
{
	struct certwatch *w = arg;

	certwatch_look(w);
	w->timer = w->host->after(w->host->ctx, TICK_S(86400), daily, w);
}

struct certwatch *
certwatch_new(const struct host *host, const struct conf *conf, int64_t (*wall)(void))
{
	struct certwatch *w = env_alloc(host->env, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct certwatch){ .host = host, .conf = conf, .wall = wall };
	w->timer = host->after(host->ctx, TICK_S(86400), daily, w);
	return w;
}

void
certwatch_conf(struct certwatch *w, const struct conf *conf)
{
	if (w)
		w->conf = conf;
}

void
certwatch_free(struct certwatch *w)
{
	if (!w)
		return;
	w->host->unwatch(w->host->ctx, w->timer);
	env_free(w->host->env, w);
}
