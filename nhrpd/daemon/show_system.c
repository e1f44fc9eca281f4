/* nhrpd/daemon/show_system.c: the daemon itself: its configuration, log, version, all of it for a report; debugging. */
#include "config.h"

#include "nhrpd/daemon/logring.h"
#include "nhrpd/daemon/show_priv.h"

#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- show running-config */

static void
run_line(void *ctx, const char *line)
{
	json_array_append_new(ctx, show_text(line));
}

json_t *
show_run(struct show *s)
{
	json_t *o;

	if (s->cmd->flag && !s->src->secrets) {
		snprintf(s->why, s->why_n, "secrets are shown to root only");
		json_decref(s->list);
		return NULL;
	}
	conf_each_line(s->src->conf, s->cmd->flag, run_line, s->list);
	o = show_finish(s, "lines");
	if (o)
		json_object_set_new(o, "secrets", json_boolean(s->cmd->flag));
	return o;
}

/* ---- show logging */

/* 2026-11-23T12:00:00.123, local time as the log itself has it. */
static json_t *
stamp(int64_t at_ms)
{
	char day[32] = "", text[48];
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03d", day, (int)(at_ms % 1000));
	return json_string(text);
}

static void
log_line(void *ctx, const struct logring_line *l)
{
	json_array_append_new(ctx, json_pack("{s:o, s:s, s:o, s:o}", "time", stamp(l->at_ms), "level", log_level_name(l->lv),
	    "word", show_text(l->word),
	    "text", show_text(l->text)));
}

json_t *
show_log(struct show *s)
{
	const struct logring *r = s->src->log;
	unsigned n = s->cmd->arg[0] ? (unsigned)strtoul(s->cmd->arg, NULL, 10) : LOGRING_LINES;
	json_t *o, *peers;

	if (!r) {
		json_decref(s->list);
		snprintf(s->why, s->why_n, "no log is kept");
		return NULL;
	}
	logring_visit(r, n, log_line, s->list);
	o = show_finish(s, "lines");
	if (!o)
		return NULL;
	peers = json_array();
	for (unsigned i = 0; i < r->n_debug; i++)
		json_array_append_new(peers, show_text(r->debug[i].n_name ? r->debug[i].name[0] : "all"));
	json_object_set_new(o, "level", json_string(log_level_name(r->level)));
	json_object_set_new(o, "written", json_integer((json_int_t)r->written));
	json_object_set_new(o, "room", json_integer(LOGRING_LINES));
	json_object_set_new(o, "debugged", peers);
	return o;
}

/* ---- show version */

json_t *
show_version(struct show *s)
{
	static const char *const plane[] = { [CONF_PLANE_AUTO] = "auto", [CONF_PLANE_KERNEL] = "kernel", [CONF_PLANE_USER] = "user" };
	const struct conf *c = s->src->conf;
	const char *why = s->src->plane_why ? s->src->plane_why : "";
	unsigned n = 0;
	struct utsname u;

	memset(&u, 0, sizeof(u));
	uname(&u);
	for (unsigned i = 0; i < c->core.n_tunnel; i++)
		n += c->core.tunnel[i].dp.name[0] != '\0';
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:o, s:s, s:s, s:s, s:I, s:o, s:o}", "program", "nhrpd", "version", PACKAGE_VERSION,
	    "hostname", show_text(c->hostname),
	    "uptime_s", (json_int_t)((s->now - s->src->started) / 1000000), "pid", (json_int_t)getpid(),
	    "configuration", show_text(s->src->conf_path),
	    "dataplane", plane[c->plane], "plane", s->src->plane ? s->src->plane : plane[c->plane], "plane_why", why, "tunnels", (json_int_t)n, "kernel", show_text(u.release),
	    "machine", show_text(u.machine));
}

/* ---- show tech-support */

/* A section that cannot be had says why; the others are worth having. */
static void
section(struct show *s, const char *line)
{
	struct control_cmd cmd;
	char why[256];
	json_t *data = control_parse(line, &cmd, why, sizeof(why)) ? show_command(s->src, s->now, &cmd, why, sizeof(why)) : NULL;

	if (data)
		json_array_append_new(s->list, json_pack("{s:s, s:o}", "command", line, "data", data));
	else
		json_array_append_new(s->list, json_pack("{s:s, s:o}", "command", line, "error", show_text(why)));
}

json_t *
show_tech(struct show *s)
{
	static const char *const line[] = { "show version", "show running-config", "show interface", "show dmvpn detail",
	    "show ip nhrp nhs detail",
		"show ip nhrp detail", "show ip nhrp shortcut", "show ip nhrp multicast", "show ip nhrp group-map", "show ip nhrp traffic", "show ip route nhrp", "show zebra", "show ipv6 nhrp detail",
		"show ipv6 nhrp nhs detail", "show ipv6 nhrp shortcut", "show ipv6 nhrp multicast", "show ipv6 route nhrp", "show crypto session",
		"show crypto ikev2 sa",
		"show crypto ipsec sa", "show counters", "show debugging", "show dmvpn timeline", "show logging" };

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		section(s, line[i]);
	return show_finish(s, "sections");
}

/* ---- debugging */

static const struct {
	const char *name;
	unsigned facility;
} debugs[] = { [CONTROL_DBG_NHRP] = { "nhrp", LOG_DBG_NHRP }, [CONTROL_DBG_IKE] = { "ike", LOG_DBG_IKE }, [CONTROL_DBG_IPSEC] = { "ipsec", LOG_DBG_IPSEC },
	[CONTROL_DBG_ROUTE] = { "route", LOG_DBG_ROUTE }, [CONTROL_DBG_DATA] = { "data", LOG_DBG_DATA }, [CONTROL_DBG_DMVPN] = { "dmvpn", LOG_DBG_ALL },
	[CONTROL_DBG_ALL] = { "all", LOG_DBG_ALL } };

static json_t *
debugging(const struct logring *r, const char *more, unsigned n)
{
	json_t *list = json_array(), *o;

	for (unsigned i = 0; r && i < r->n_debug; i++) {
		const struct logring_debug *d = &r->debug[i];

		for (unsigned k = 0; k < CONTROL_DBG_DMVPN; k++) {
			if (d->facility & debugs[k].facility)
				json_array_append_new(list, json_pack("{s:s, s:o}", "facility", debugs[k].name, "peer",
				    show_text(d->n_name ? d->name[0] : "")));
		}
	}
	o = json_pack("{s:o}", "debugging", list);
	if (o && more)
		json_object_set_new(o, more, json_integer(n));
	return o;
}

static void
add_name(struct logring_debug *d, const char *name)
{
	for (unsigned i = 0; i < d->n_name; i++) {
		if (strcmp(d->name[i], name) == 0)
			return;
	}
	if (d->n_name < LOGRING_NAMES_MAX && *name && strlen(name) < LOGRING_PEER_LEN)
		memcpy(d->name[d->n_name++], name, strlen(name) + 1);
}

static void
add_addr(struct logring_debug *d, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (a->n)
		add_name(d, addr_fmt(a, text));
}

struct names {
	struct show *s;
	struct logring_debug *d;
};

/* All names of a peer: not every layer knows each. */
static bool
names_of(void *ctx, const struct core_peer_info *i)
{
	struct names *w = ctx;
	bool by_name = !w->s->which.n && strstr(i->identity, w->s->cmd->arg) != NULL;

	if (by_name || (w->s->which.n && show_is_asked_for(w->s, i))) {
		add_addr(w->d, &i->proto);
		add_addr(w->d, &i->nbma);
		add_name(w->d, i->identity);
	}
	return true;
}

static void
names_tunnel(struct show *s)
{
	struct names w = { s, s->names };

	core_visit_peer(s->src->core, s->tunnel, names_of, &w);
}

json_t *
show_debug(struct show *s)
{
	struct logring_debug d = { .facility = debugs[s->cmd->choice].facility };

	s->names = &d;
	add_name(&d, s->cmd->arg);
	if (s->cmd->arg[0])
		show_each_tunnel(s, names_tunnel);
	if (!s->src->log || (s->cmd->arg[0] && !d.n_name) || !logring_debug(s->src->log, &d)) {
		snprintf(s->why, s->why_n,
		    s->src->log ? "at most %d peers can be debugged at once: \"no debug\" ends all of it" : "no log is kept", LOGRING_DEBUGS_MAX);
		return NULL;
	}
	return debugging(s->src->log, NULL, 0);
}

json_t *
show_no_debug(struct show *s)
{
	unsigned facility = s->cmd->choice < 0 ? LOG_DBG_ALL : debugs[s->cmd->choice].facility;

	return debugging(s->src->log, "ended", s->src->log ? logring_undebug(s->src->log, facility, s->cmd->arg) : 0);
}

json_t *
show_debugging(struct show *s)
{
	return debugging(s->src->log, NULL, 0);
}

/* Whoever has the keys has the traffic: as little for everybody as the secrets are. */
json_t *
show_debug_keys(struct show *s)
{
	const char *path = s->cmd->verb == CONTROL_DEBUG_KEYS ? s->cmd->arg : NULL, *error;

	if (!s->src->secrets) {
		snprintf(s->why, s->why_n, "keys are written for root only");
		return NULL;
	}
	error = s->src->keys ? s->src->keys(s->src->ctx, path) : "keys cannot be written here";
	if (error) {
		snprintf(s->why, s->why_n, "%s", error);
		return NULL;
	}
	return json_pack("{s:s}", "keys", path ? path : "");
}

/* ---- reload */

static json_t *
reload_lines(const struct reload *r, enum reload_kind kind)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n; i++) {
		if (r->line[i].kind == kind)
			json_array_append_new(list, show_text(r->line[i].text));
	}
	return list;
}

/* The configuration that src names may be gone afterwards. */
json_t *
show_reload(struct show *s)
{
	struct reload r = { 0 };
	json_t *o;

	if (!s->src->reload) {
		snprintf(s->why, s->why_n, "this daemon cannot reload");
		return NULL;
	}
	s->src->reload(s->src->ctx, &r);
	o = json_pack("{s:b, s:o, s:i, s:o, s:o, s:o, s:i}", "applied", r.applied, "summary", show_text(r.summary), "changed", (int)r.changes,
	    "changes", reload_lines(&r, RELOAD_CHANGE), "notes", reload_lines(&r, RELOAD_NOTE), "errors", reload_lines(&r, RELOAD_ERROR),
	    "not_shown", (int)r.not_kept);
	reload_fini(&r);
	return o;
}
