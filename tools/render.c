/* tools/render.c: the daemon's answers as text. One function per command, in the words and columns of IOS where IOS has
 * the command, with the reason under whatever is not up. */
#include "tools/render.h"

#include <stdint.h>
#include <string.h>

enum { TIMELINE_FIRST = 24 };	/* steps of an attempt before the gap; CORE_MARKS_FIRST */

static const char *
text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static long long
number(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool
flag(json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static const char *
or_dash(const char *s)
{
	return s[0] ? s : "-";
}

char *
render_time(json_t *seconds, char out[static 16])
{
	long long given = json_integer_value(seconds);
	unsigned s = given < 0 ? 0 : given > UINT32_MAX ? UINT32_MAX : (unsigned)given;

	if (!json_is_integer(seconds))
		snprintf(out, 16, "never");
	else if (s < 86400)
		snprintf(out, 16, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
	else if (s < 7 * 86400)
		snprintf(out, 16, "%ud%02uh", s / 86400, s / 3600 % 24);
	else
		snprintf(out, 16, "%uw%ud", s / (7 * 86400), s / 86400 % 7);
	return out;
}

static char *
time_of(json_t *o, const char *key, char out[static 16])
{
	return render_time(json_object_get(o, key), out);
}

static void
reason(FILE *f, const char *indent, json_t *o)
{
	if (!text(o, "reason")[0])
		return;
	fprintf(f, "%sreason: %s", indent, text(o, "reason"));
	if (json_is_integer(json_object_get(o, "retry_in_s")))
		fprintf(f, "; next try in %lld s", number(o, "retry_in_s"));
	fputc('\n', f);
}

static void
not_shown(FILE *f, json_t *data)
{
	if (number(data, "not_shown"))
		fprintf(f, "... and %lld more\n", number(data, "not_shown"));
}

/* ---- show dmvpn */

static const char dmvpn_legend[] =
    "Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete\n"
    "        N - NATed\n"
    "        # Ent --> Number of NHRP entries with same NBMA peer\n"
    "        UpDn Time --> Up or Down Time for a Tunnel\n"
    "==========================================================================\n";

static void
path_mtu(FILE *f, json_t *t)
{
	char age[16];

	fprintf(f, "       Path MTU: %lld", number(t, "path_mtu"));
	if (number(t, "path_outer"))
		fprintf(f, " (%lld with all headers, by %s", number(t, "path_outer"), text(t, "path_found_by"));
	if (number(t, "path_outer") && json_is_integer(json_object_get(t, "path_confirmed_age_s")))
		fprintf(f, ", confirmed %s ago", time_of(t, "path_confirmed_age_s", age));
	if (number(t, "path_black_holes"))
		fprintf(f, ", black hole found %lld time%s", number(t, "path_black_holes"), number(t, "path_black_holes") == 1 ? "" : "s");
	fputs(number(t, "path_outer") ? ")\n" : "\n", f);
}

/* "20 Mbit/s" */
static char *
rate_text(json_t *o, char *out, size_t n)
{
	static const struct { long long by; const char *unit; } units[] = { { 1000000000, "Gbit/s" }, { 1000000, "Mbit/s" }, { 1000, "kbit/s" } };
	long long rate = number(o, "rate");

	snprintf(out, n, "%lld bit/s", rate);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (rate % (units[i].by / 1000) == 0 && rate >= units[i].by) {
			snprintf(out, n, "%.10g %s", (double)rate / (double)units[i].by, units[i].unit);
			break;
		}
	}
	return out;
}

static void
shaper(FILE *f, json_t *s)
{
	char rate[48];

	if (!s)
		return;
	fprintf(f, "       Shaper: %s; %lld packets sent, %lld of them had waited, %lld dropped, %lld marked; %lld wait now, of %lld flows\n",
	    rate_text(s, rate, sizeof(rate)), number(s, "sent"), number(s, "held"), number(s, "dropped"), number(s, "marked"), number(s, "backlog"),
	    number(s, "flows"));
}

/* What is there only where details were asked for. */
static void
peer_sa(FILE *f, json_t *p)
{
	json_t *t = json_object_get(p, "traffic");
	char rekey[16], expires[16];

	if (number(p, "ike_sa"))
		fprintf(f, "       IKE SA %lld, ESP in %s out %s%s, rekey in %s, expire %s\n", number(p, "ike_sa"), text(p, "spi_in"),
		    text(p, "spi_out"),
		    flag(p, "encap") ? ", UDP-Encaps" : "", time_of(p, "rekey_in_s", rekey), time_of(p, "sa_expires_in_s", expires));
	if (!t)
		return;
	fprintf(f, "       Input: %lld packets, %lld bytes, %lld dropped; output: %lld packets, %lld bytes, %lld dropped\n",
	    number(t, "rx_packets"),
	    number(t, "rx_bytes"), number(t, "rx_drops"), number(t, "tx_packets"), number(t, "tx_bytes"), number(t, "tx_drops"));
	shaper(f, json_object_get(t, "shaper"));
	if (number(t, "path_mtu"))
		path_mtu(f, t);
}

static void
group(FILE *f, const char *indent, json_t *o)
{
	char t[48];

	if (!text(o, "group")[0])
		return;
	fprintf(f, "%sGroup: %s", indent, text(o, "group"));
	if (number(o, "rate"))
		fprintf(f, ", output held to %s", rate_text(o, t, sizeof(t)));
	fprintf(f, "%s%s\n", text(o, "rate_reason")[0] ? ", output not held to its rate: " : "", text(o, "rate_reason"));
}

/* What a peer may claim, where somebody says; and what it claimed beside that. */
static void
authority(FILE *f, json_t *a)
{
	char t[16];

	if (text(a, "addresses")[0])
		fprintf(f, "       May have: %s\n", text(a, "addresses"));
	if (text(a, "prefixes")[0])
		fprintf(f, "       May lead to: %s\n", text(a, "prefixes"));
	if (text(a, "groups")[0])
		fprintf(f, "       May be of group: %s\n", text(a, "groups"));
	if (number(a, "refused"))
		fprintf(f, "       Not allowed, %lld times, last %s ago: %s\n", number(a, "refused"), time_of(a, "refused_age_s", t), text(a, "reason"));
}

static void
bfd(FILE *f, const char *indent, json_t *e)
{
	json_t *b = json_object_get(e, "bfd");
	char age[16];

	if (!json_is_object(b))
		return;
	fprintf(f, "%sBFD: %s", indent, text(b, "state"));
	if (json_is_integer(json_object_get(b, "age_s")))
		fprintf(f, " for %s", time_of(b, "age_s", age));
	fprintf(f, ", every %lld ms, min_rx %lld ms, multiplier %lld%s%s\n", number(b, "interval_ms"), number(b, "min_rx_ms"), number(b, "multiplier"),
	    text(b, "reason")[0] ? ": " : "", text(b, "reason"));
}

static void
peer_detail(FILE *f, json_t *p)
{
	static const struct {
		const char *key, *name;
	} rung[] = { { "intf_age_s", "INTF" }, { "ike_age_s", "IKE" }, { "ipsec_age_s", "IPSEC" }, { "nhrp_age_s", "NHRP" } };
	json_t *ladder = json_object_get(p, "ladder"), *prefix, *nhrp;
	char t[16];
	size_t i;

	if (!json_is_object(ladder))
		return;
	fprintf(f, "       Identity: %s\n       Outer address: %s", or_dash(text(p, "identity")), or_dash(text(p, "remote")));
	if (text(p, "claimed_nbma")[0] && strcmp(text(p, "claimed_nbma"), text(p, "nbma")) != 0)
		fprintf(f, ", claims %s", text(p, "claimed_nbma"));
	fprintf(f, "%s\n       Ladder:", flag(p, "natted") ? ", behind NAT" : "");
	for (i = 0; i < sizeof(rung) / sizeof(rung[0]); i++)
		fprintf(f, "%s %s %s", i ? "," : "", rung[i].name, json_is_integer(json_object_get(ladder, rung[i].key)) ? time_of(ladder,
		    rung[i].key, t) : "-");
	fputc('\n', f);
	json_array_foreach(json_object_get(p, "prefixes"), i, prefix)
		fprintf(f, "%s%s", i ? " " : "       Prefixes: ", json_string_value(prefix) ? json_string_value(prefix) : "");
	if (i && json_is_integer(json_object_get(p, "expires_in_s")))
		fprintf(f, ", expire %s\n", time_of(p, "expires_in_s", t));
	else if (i)
		fputs(", never expire\n", f);
	nhrp = json_object_get(p, "nhrp");
	if (number(nhrp, "rate_limited"))
		fprintf(f, "       NHRP: %lld packets received, %lld of them dropped: over ip nhrp max-receive, last %s ago%s\n",
		    number(nhrp, "received"), number(nhrp, "rate_limited"), time_of(nhrp, "limited_age_s", t),
		    flag(nhrp, "limited_now") ? ", still going on" : "");
	group(f, "       ", p);
	authority(f, json_object_get(p, "authority"));
	bfd(f, "       ", p);
	peer_sa(f, p);
}

/* Of entries that NHRP has: what secures the way to them. */
static void
session(FILE *f, const char *indent, json_t *e)
{
	json_t *s = json_object_get(e, "session");
	char ike[16], ipsec[16], rekey[16];

	if (!json_is_object(s))
		return;
	fprintf(f, "%sSession: %s%s, IKE SA %lld up %s, ESP in %s out %s up %s, rekey in %s\n", indent, or_dash(text(s, "remote")),
	    flag(s, "encap") ? ", UDP-Encaps" : "",
	    number(s, "ike_sa"), time_of(s, "ike_age_s", ike), text(s, "spi_in"), text(s, "spi_out"), time_of(s, "ipsec_age_s", ipsec),
	    time_of(s, "rekey_in_s", rekey));
}

static void
dmvpn_peer(FILE *f, json_t *p)
{
	char t[16];

	fprintf(f, "%6lld %-15s %15s %5s %8s %5s\n", number(p, "entries"), or_dash(text(p, "nbma")), or_dash(text(p, "tunnel_address")),
	    text(p, "state"),
	    time_of(p, "age_s", t), text(p, "attributes"));
	if (!flag(p, "up"))
		reason(f, "       ", p);
	peer_detail(f, p);
}

static void
render_dmvpn(FILE *f, json_t *data)
{
	json_t *tunnel, *peer;
	size_t i, k;

	fputs(dmvpn_legend, f);
	json_array_foreach(json_object_get(data, "tunnels"), i, tunnel) {
		json_t *peers = json_object_get(tunnel, "peers");

		fprintf(f, "\nInterface: %s, %s, NHRP Details\nType:%s, NHRP Peers:%zu,\n\n", text(tunnel, "interface"),
		    flag(tunnel, "up") ? "up" : "down",
		    strcmp(text(tunnel, "role"), "hub") == 0 ? "Hub" : "Spoke", json_array_size(peers));
		fputs(" # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb\n"
		      " ----- --------------- --------------- ----- -------- -----\n", f);
		json_array_foreach(peers, k, peer)
			dmvpn_peer(f, peer);
	}
	not_shown(f, data);
}

static void
render_peer(FILE *f, json_t *data)
{
	if (json_array_size(json_object_get(data, "tunnels")))
		render_dmvpn(f, data);
	else
		fputs("no such peer\n", f);
}

/* ---- show ip nhrp */

static void
flags(FILE *f, json_t *e)
{
	static const struct {
		const char *key, *word;
	} word[] = { { "unique", "unique" }, { "registered", "registered" }, { "used", "used" }, { "natted", "nat" },
	    { "multicast", "multicast" }, { "installed", "installed" }, { "restored", "restored" } };
	bool any = false;

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (!flag(e, word[i].key))
			continue;
		fprintf(f, "%s%s", any ? " " : ", Flags: ", word[i].word);
		any = true;
	}
	fputc('\n', f);
}

static void
cache_entry(FILE *f, json_t *e)
{
	char created[16], expires[16];
	bool never = json_is_null(json_object_get(e, "expires_in_s"));

	fprintf(f, "%s", text(e, "prefix"));
	if (text(e, "via")[0])
		fprintf(f, " via %s", text(e, "via"));
	fprintf(f, "\n   %s created %s, %s%s\n", text(e, "interface"), time_of(e, "age_s", created), never ? "never expire" : "expire ",
	    never ? "" : time_of(e, "expires_in_s", expires));
	fprintf(f, "   Type: %s", text(e, "type"));
	flags(f, e);
	if (text(e, "nbma")[0])
		fprintf(f, "   NBMA address: %s\n", text(e, "nbma"));
	if (text(e, "claimed_nbma")[0] && strcmp(text(e, "claimed_nbma"), text(e, "nbma")) != 0)
		fprintf(f, "    (Claimed NBMA address: %s)\n", text(e, "claimed_nbma"));
	if (text(e, "identity")[0])
		fprintf(f, "   Identity: %s\n", text(e, "identity"));
	group(f, "   ", e);
	session(f, "   ", e);
	reason(f, "   ", e);
}

static void
render_nhrp(FILE *f, json_t *data)
{
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(data, "entries"), i, e)
		cache_entry(f, e);
	not_shown(f, data);
}

static void
render_brief(FILE *f, json_t *data)
{
	json_t *e;
	size_t i;

	fprintf(f, "%-24s %-16s %-16s %-10s %s\n", "Target", "Via", "NBMA", "Type", "Intfc");
	json_array_foreach(json_object_get(data, "entries"), i, e)
		fprintf(f, "%-24s %-16s %-16s %-10s %s\n", text(e, "prefix"), or_dash(text(e, "via")), or_dash(text(e, "nbma")), text(e, "type"),
		    text(e, "interface"));
	not_shown(f, data);
}

static void
render_summary(FILE *f, json_t *data)
{
	const char *type;
	json_t *n;

	fprintf(f, "NHRP cache %lld entries\n", number(data, "entries"));
	json_object_foreach(json_object_get(data, "types"), type, n) {
		if (json_integer_value(n))
			fprintf(f, "%10lld %s\n", (long long)json_integer_value(n), type);
	}
}

static void
render_route(FILE *f, json_t *data)
{
	char age[16];
	json_t *r;
	size_t i;

	fputs("Codes: H - NHRP, S - static of the configuration\n\n", f);
	json_array_foreach(json_object_get(data, "routes"), i, r) {
		fprintf(f, "%s     %s via %s, ", strcmp(text(r, "origin"), "nhrp") == 0 ? "H" : "S", text(r, "prefix"), text(r, "via"));
		if (json_is_integer(json_object_get(r, "age_s")))
			fprintf(f, "%s, ", time_of(r, "age_s", age));
		fprintf(f, "%s%s%s", text(r, "interface"), !text(r, "by")[0] ? "" : flag(r, "installed") ? ", by " : ", ", text(r, "by"));
		fputs(flag(r, "installed") ? "\n" : strcmp(text(r, "origin"), "nhrp") == 0 ? ", not installed\n" : ", not installed: the interface is down\n", f);
	}
	not_shown(f, data);
}

/* ---- show zebra */

static void
render_zebra(FILE *f, json_t *data)
{
	json_t *routes = json_object_get(data, "routes"), *notes = json_object_get(data, "notes");
	const char *from = text(data, "release_from"), *to = text(data, "release_to");
	char age[16];

	if (!flag(data, "configured")) {
		fputs("zebra is not looked for (`zebra off`)\n", f);
		return;
	}
	fprintf(f, "zebra at %s: %s, %s\n", text(data, "socket"), text(data, "state"), time_of(data, "age_s", age));
	reason(f, "  ", data);
	if (from[0])
		fprintf(f, "  FRRouting %s%s%s, router id %s, %lld interfaces, %lld routes learnt\n", from, strcmp(from, to) ? " to " : "", strcmp(from, to) ? to : "",
		    or_dash(text(data, "router_id")), number(data, "interfaces"), number(data, "learnt"));
	fprintf(f, "  Sessions: %lld; messages: %lld received, %lld sent, %lld not understood\n", number(data, "sessions"), number(data, "received"),
	    number(data, "sent"), number(data, "not_understood"));
	fprintf(f, "  Our routes: %lld, of them %lld by zebra, %lld by the kernel, %lld not answered yet, %lld refused; moved %lld times\n", number(routes, "ours"),
	    number(routes, "zebra"), number(routes, "kernel"), number(routes, "asked"), number(routes, "refused"), number(routes, "moved"));
	fprintf(f, "  Answers: %lld installed, %lld removed, %lld failed, %lld behind a better route\n", number(notes, "installed"), number(notes, "removed"),
	    number(notes, "failed"), number(notes, "better"));
}

/* ---- show dmvpn peer X timeline */

/* "2026-11-23T12:00:00.123456" for people. */
static void
clock_text(FILE *f, const char *stamp)
{
	const char *t = strchr(stamp, 'T');

	fprintf(f, "%.*s %s", t ? (int)(t - stamp) : 0, stamp, t ? t + 1 : stamp);
}

static void
attempt_head(FILE *f, json_t *a)
{
	const char *kind = text(a, "kind"), *dst = text(a, "destination"), *prefix = text(a, "prefix"), *proto = text(a, "tunnel_address");

	fprintf(f, "Attempt %lld, %s: ", number(a, "attempt"), text(a, "interface"));
	if (strcmp(kind, "shortcut") == 0)
		fprintf(f, "shortcut to %s", prefix[0] ? prefix : dst);
	else
		fputs(strcmp(kind, "hub") == 0 ? "our hub" : strcmp(kind, "incoming") == 0 ? "it came to us" : "peer", f);
	if (prefix[0] && dst[0])
		fprintf(f, " (for %s)", dst);
	fprintf(f, "%s%s%s%s: %s", proto[0] ? ", " : "", proto, text(a, "nbma")[0] ? " at " : "", text(a, "nbma"), text(a, "state"));
	if (json_is_integer(json_object_get(a, "up_after_us")))
		fprintf(f, ", up after %.3f ms", (double)number(a, "up_after_us") / 1e3);
	fputs("\n", f);
	if (text(a, "reason")[0])
		fprintf(f, "  reason: %s\n", text(a, "reason"));
	fputs("  began ", f);
	clock_text(f, text(a, "began"));
	fputc('\n', f);
}

static void
render_timeline(FILE *f, json_t *data)
{
	json_t *a, *s;
	size_t i, k;

	json_array_foreach(json_object_get(data, "attempts"), i, a) {
		fputs(i ? "\n" : "", f);
		attempt_head(f, a);
		json_array_foreach(json_object_get(a, "steps"), k, s) {
			if (k == TIMELINE_FIRST && number(a, "left_out"))
				fprintf(f, "  ... %lld steps\n", number(a, "left_out"));
			fprintf(f, "  +%13.6f  %-5s  %s%s%s\n", (double)number(s, "at_us") / 1e6, text(s, "layer"), text(s, "text"),
			    text(s, "detail")[0] ? ", " : "", text(s, "detail"));
		}
	}
	if (!i)
		fputs("nothing has happened with it\n", f);
	not_shown(f, data);
}

/* What zebra says of the way to a hub: in details, and where there is none. */
static void
way(FILE *f, json_t *e)
{
	json_t *w = json_object_get(e, "way");
	char age[16];

	if (!json_is_object(w))
		return;
	if (!flag(w, "reachable"))
		fprintf(f, "    Underlay: no route to %s for %s\n", text(e, "nbma"), time_of(w, "age_s", age));
	else if (json_object_get(e, "session"))
		fprintf(f, "    Underlay: %s by %s%s%s for %s\n", text(e, "nbma"), text(w, "prefix"), text(w, "via")[0] ? " via " : "", text(w, "via"), time_of(w, "age_s", age));
}

static void
render_nhs(FILE *f, json_t *data)
{
	const char *last = "";
	char age[16], next[16];
	json_t *e;
	size_t i;

	fputs("Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic\n", f);
	json_array_foreach(json_object_get(data, "servers"), i, e) {
		if (strcmp(last, text(e, "interface")) != 0)
			fprintf(f, "%s:\n", text(e, "interface"));
		last = text(e, "interface");
		fprintf(f, "%s  %s  NBMA Address: %s (%s) priority = %lld cluster = %lld\n",
		    text(e, "tunnel_address")[0] ? text(e, "tunnel_address") : "dynamic",
		    flag(e, "up") ? "RE" : strcmp(text(e, "state"), "registering") == 0 ? "E" : "W", or_dash(text(e, "nbma")),
		    text(e, "name"), number(e, "priority"), number(e, "cluster"));
		fprintf(f, "    %s for %s", text(e, "state"), time_of(e, "age_s", age));
		if (json_is_integer(json_object_get(e, "next_in_s")))
			fprintf(f, ", next step in %s", time_of(e, "next_in_s", next));
		fprintf(f, "; req-sent %lld  req-failed %lld  repl-recv %lld\n", number(e, "requests"), number(e, "failures"),
		    number(e, "replies"));
		if (json_object_get(e, "multicast"))
			fprintf(f, "    multicast: %s\n", flag(e, "multicast") ? "yes" : "no");
		session(f, "    ", e);
		bfd(f, "    ", e);
		way(f, e);
		if (!flag(e, "up") || json_object_get(e, "session"))	/* in details also what went wrong last */
			reason(f, "    ", e);
	}
	not_shown(f, data);
}

static void
render_multicast(FILE *f, json_t *data)
{
	json_t *e;
	size_t i;

	fprintf(f, "%-16s %-16s %-20s %-8s %s\n", "I/F", "NBMA address", "Address", "Type", "State");
	json_array_foreach(json_object_get(data, "entries"), i, e)
		fprintf(f, "%-16s %-16s %-20s %-8s %s\n", text(e, "interface"), or_dash(text(e, "nbma")), text(e, "prefix"),
		    text(e, "type"),
		    flag(e, "up") ? "Enabled" : "Disabled");
	not_shown(f, data);
}

static void
render_groups(FILE *f, json_t *data)
{
	json_t *intf, *g, *p;
	size_t i, k, n;
	char t[48];

	json_array_foreach(json_object_get(data, "interfaces"), i, intf) {
		fprintf(f, "%s:%s%s\n", text(intf, "interface"), text(intf, "own_group")[0] ? " we say that we are of group " : "", text(intf, "own_group"));
		json_array_foreach(json_object_get(intf, "groups"), k, g) {
			fprintf(f, "  Group %s: %s%s\n", text(g, "group"), number(g, "rate") ? "output held to " : "not mapped",
			    number(g, "rate") ? rate_text(g, t, sizeof(t)) : "");
			json_array_foreach(json_object_get(g, "peers"), n, p)
				fprintf(f, "    %-16s %-16s %s%s%s%s\n", text(p, "tunnel_address"), text(p, "nbma"), or_dash(text(p, "identity")),
				    flag(p, "up") ? "" : ", down", text(p, "rate_reason")[0] ? ": refused: " : "", text(p, "rate_reason"));
		}
	}
	not_shown(f, data);
}

static void
render_shortcut(FILE *f, json_t *data)
{
	char age[16], expires[16];
	json_t *e;
	size_t i;

	fprintf(f, "%-20s %-16s %-16s %-11s %8s %8s %s\n", "Prefix", "Via", "NBMA", "State", "Age", "Expire", "Interface");
	json_array_foreach(json_object_get(data, "shortcuts"), i, e) {
		fprintf(f, "%-20s %-16s %-16s %-11s %8s %8s %s\n", text(e, "prefix")[0] ? text(e, "prefix") : text(e, "destination"),
		    or_dash(text(e, "via")),
		    or_dash(text(e, "nbma")), text(e, "state"), time_of(e, "age_s", age), time_of(e, "expires_in_s", expires),
		    text(e, "interface"));
		if (strcmp(text(e, "state"), "up") != 0)
			reason(f, "    ", e);
	}
	not_shown(f, data);
}

static void
packets(FILE *f, const char *title, json_t *types)
{
	long long total = 0;
	const char *name;
	json_t *n;

	json_object_foreach(types, name, n)
		total += json_integer_value(n);
	fprintf(f, "  %s: Total %lld\n", title, total);
	json_object_foreach(types, name, n)
		fprintf(f, "%10lld %s\n", (long long)json_integer_value(n), name);
}

static void
routes_changed(FILE *f, json_t *w)
{
	fprintf(f, "  Route changes: Total %lld\n%10lld shortcuts and answers that hang on them looked at\n%10lld shortcuts asked for again, %lld dropped; %lld requesters told\n",
	    number(w, "heard"), number(w, "looked_at"), number(w, "asked_again"), number(w, "dropped"), number(w, "purged"));
}

static void
render_traffic(FILE *f, json_t *data)
{
	json_t *e, *drop;
	const char *word;
	char age[16];
	size_t i, k;

	json_array_foreach(json_object_get(data, "interfaces"), i, e) {
		fprintf(f, "%s:\n", text(e, "interface"));
		packets(f, "Sent", json_object_get(e, "sent"));
		packets(f, "Rcvd", json_object_get(e, "received"));
		json_object_foreach(json_object_get(e, "refused"), word, drop)
			fprintf(f, "%10lld refused: %s\n", number(drop, "count"), text(drop, "text"));
		if (number(json_object_get(e, "route_changes"), "heard"))
			routes_changed(f, json_object_get(e, "route_changes"));
		json_array_foreach(json_object_get(e, "rate_limited"), k, drop)
			fprintf(f, "  Rate-limited: peer %lld %s at %s: %lld of %lld received dropped, last %s ago%s\n", number(drop, "peer"),
			    or_dash(text(drop, "identity")), text(drop, "remote"), number(drop, "dropped"), number(drop, "received"),
			    time_of(drop, "last_age_s", age), flag(drop, "now") ? ", still going on" : "");
		json_array_foreach(json_object_get(e, "not_allowed"), k, drop)
			fprintf(f, "  Not allowed: peer %lld at %s, %lld times, last %s ago: %s\n", number(drop, "peer"), text(drop, "remote"),
			    number(drop, "refused"), time_of(drop, "last_age_s", age), text(drop, "reason"));
	}
}

/* ---- show crypto ... */

static void
child(FILE *f, json_t *c, const char *indent)
{
	char age[16], rekey[16];

	fprintf(f, "%sESP %s in %s out %s%s%s%s, %s, up %s, rekey in %s\n", indent, text(c, "encryption"), text(c, "spi_in"),
	    text(c, "spi_out"), strcmp(text(c, "mode"), "tunnel") == 0 ? ", Tunnel" : "",
	    flag(c, "encap") ? ", UDP-Encaps" : "", flag(c, "esn") ? ", ESN" : "", text(c, "state"), time_of(c, "age_s", age),
	    time_of(c, "rekey_in_s", rekey));
	if (text(c, "selectors")[0])
		fprintf(f, "%s    for %s\n", indent, text(c, "selectors"));
	if (json_object_get(c, "rx_packets"))
		fprintf(f, "%s    #pkts encaps: %lld (%lld bytes), #pkts decaps: %lld (%lld bytes)\n", indent, number(c, "tx_packets"),
		    number(c, "tx_bytes"),
		    number(c, "rx_packets"), number(c, "rx_bytes"));
}

static bool
is_up(json_t *sa)
{
	return strcmp(text(sa, "state"), "established") == 0 || strcmp(text(sa, "state"), "rekeying") == 0;
}

/* Of an interface without NHRP: who is at the other end, and how far those are who are not. */
static void
peers_of(FILE *f, const char *indent, json_t *e)
{
	json_t *p;
	char t[16];
	size_t i;

	json_array_foreach(json_object_get(e, "peers"), i, p) {
		fprintf(f, "%sPeer %s %s", indent, or_dash(text(p, "nbma")), text(p, "state"));
		if (json_is_integer(json_object_get(p, "age_s")))
			fprintf(f, " for %s", time_of(p, "age_s", t));
		fprintf(f, "%s%s\n", text(p, "identity")[0] ? ", " : "", text(p, "identity"));
		if (text(p, "reason")[0])
			fprintf(f, "%s  Reason: %s\n", indent, text(p, "reason"));
	}
	if (json_array_size(json_object_get(e, "peers")) == 0)
		fprintf(f, "%sPeer: nobody has called yet\n", indent);
}

static void
plain_peers(FILE *f, const char *indent, json_t *e)
{
	fprintf(f, "%sTraffic: %s\n", indent, text(e, "selectors"));
	peers_of(f, indent, e);
}

static void
name_list(FILE *f, const char *title, json_t *list)
{
	const char *sep = "";
	json_t *e;
	size_t i;

	fprintf(f, "  %s: ", title);
	json_array_foreach(list, i, e) {
		fprintf(f, "%s%s", sep, json_string_value(e));
		sep = ", ";
	}
	fputs(*sep ? "\n" : "-\n", f);
}

/* Without an SA what the line protects stays here. */
static void
map_line(FILE *f, json_t *l, bool waits)
{
	json_t *c;
	size_t i;

	fprintf(f, "  permit %s to %s\n", text(l, "local"), text(l, "remote"));
	json_array_foreach(json_object_get(l, "sas"), i, c)
		child(f, c, "    ");
	if (json_array_size(json_object_get(l, "sas")) == 0)
		fprintf(f, "    no SA: %s\n", waits ? "waits for traffic" : "packets are dropped");
}

static void
connects(FILE *f, json_t *m)
{
	if (number(m, "idle_s"))
		fprintf(f, "  Connects when there is traffic, until %lld seconds without\n", number(m, "idle_s"));
	else
		fputs("  Connects when there is traffic\n", f);
}

static void
render_map(FILE *f, json_t *data)
{
	json_t *m, *l;
	size_t i, k;

	json_array_foreach(json_object_get(data, "maps"), i, m) {
		fprintf(f, "Crypto Map \"%s\" %lld ipsec-isakmp\n", text(m, "name"), number(m, "number"));
		if (text(m, "description")[0])
			fprintf(f, "  Description: %s\n", text(m, "description"));
		fprintf(f, "  Applied to %s, through %s\n  IKEv2 profile: %s\n", text(m, "applied_to"), text(m, "interface"), text(m, "ikev2_profile"));
		name_list(f, "Access lists", json_object_get(m, "access_lists"));
		name_list(f, "Peers, the best first", json_object_get(m, "destinations"));
		if (strcmp(text(m, "connect"), "traffic") == 0)
			connects(f, m);
		peers_of(f, "  ", m);
		json_array_foreach(json_object_get(m, "lines"), k, l)
			map_line(f, l, flag(m, "waits_for_traffic"));
	}
	not_shown(f, data);
}

static void
render_session(FILE *f, json_t *data)
{
	json_t *s, *c;
	char t[16];
	size_t i, k;

	fputs("Crypto session current status\n", f);
	json_array_foreach(json_object_get(data, "sessions"), i, s) {
		json_t *children = json_object_get(s, "children");

		fprintf(f, "\nProfile: %s\nUptime: %s\n", or_dash(text(s, "profile")), time_of(s, "age_s", t));
		fprintf(f, "Session status: %s\n", !is_up(s) ? "DOWN-NEGOTIATING" : json_array_size(children) ? "UP-ACTIVE" : "UP-IDLE");
		fprintf(f, "Peer: %s%s\n  Phase1_id: %s\n", text(s, "remote"), flag(s, "natted_remote") ? " (behind NAT)" : "",
		    or_dash(text(s, "peer_id")));
		fprintf(f, "  IKEv2 SA: local %s remote %s %s\n", text(s, "local"), text(s, "remote"), is_up(s) ? "Active" : "Inactive");
		json_array_foreach(children, k, c)
			child(f, c, "  ");
		reason(f, "  ", s);
	}
	json_array_foreach(json_object_get(data, "interfaces"), i, s) {
		fprintf(f, "\nInterface: %s\n", text(s, "interface"));
		plain_peers(f, "  ", s);
	}
	not_shown(f, data);
}

/* "      Fragmentation: yes, limit: 1280": what is there where details were asked for. */
static void
extensions(FILE *f, json_t *e)
{
	static const struct {
		const char *key, *label;
	} ext[] = { { "fragmentation", "Fragmentation" }, { "fragment_mtu", "limit" }, { "mobike", "MOBIKE" }, { "ppk", "PPK" }, { "additional_key_exchange", "additional key exchange" } };
	const char *lead = "      ";

	for (size_t i = 0; e && i < sizeof(ext) / sizeof(ext[0]); i++) {
		const json_t *v = json_object_get(e, ext[i].key);

		if (!v)
			continue;
		fprintf(f, "%s%s: ", lead, ext[i].label);
		if (json_is_boolean(v))
			fputs(json_is_true(v) ? "yes" : "no", f);
		else if (json_is_integer(v))
			fprintf(f, "%lld", (long long)json_integer_value(v));
		else
			fputs(or_dash(json_string_value(v)), f);
		lead = ", ";
	}
	if (e)
		fputc('\n', f);
}

static void
auth(FILE *f, json_t *s)
{
	json_t *c = json_object_get(s, "certificate");

	if (text(s, "auth_remote")[0])
		fprintf(f, "      Auth: we by %s, peer by %s\n", or_dash(text(s, "auth_local")), text(s, "auth_remote"));
	if (c)
		fprintf(f, "      Certificate: %s, %s, until %s (trustpoint %s)\n", text(c, "subject"), text(c, "key"), text(c, "not_after"), text(s, "trustpoint"));
}

static void
render_ike(FILE *f, json_t *data)
{
	char age[16], rekey[16];
	json_t *s;
	size_t i;

	fprintf(f, "%-9s %-25s %-25s %s\n", "Tunnel-id", "Local", "Remote", "Status");
	json_array_foreach(json_object_get(data, "sas"), i, s) {
		fprintf(f, "%-9lld %-25s %-25s %s\n", number(s, "sa"), text(s, "local"), text(s, "remote"),
		    is_up(s) ? "READY" : text(s, "state"));
		fprintf(f, "      Encr: %s, PRF: %s, DH Grp: %s, %s, peer: %s\n", or_dash(text(s, "encryption")), or_dash(text(s, "prf")),
		    or_dash(text(s, "group")),
		    flag(s, "initiator") ? "initiator" : "responder", or_dash(text(s, "peer_id")));
		fprintf(f, "      Active Time: %s, rekey in %s, SPIs: %s/%s%s\n", time_of(s, "age_s", age), time_of(s, "rekey_in_s", rekey),
		    text(s, "spi_i"),
		    text(s, "spi_r"), flag(s, "natted_local") ? ", NAT here" : flag(s, "natted_remote") ? ", NAT there" : "");
		auth(f, s);
		extensions(f, json_object_get(s, "extensions"));
		reason(f, "      ", s);
	}
	not_shown(f, data);
}

static void
render_ipsec(FILE *f, json_t *data)
{
	json_t *s;
	size_t i;

	json_array_foreach(json_object_get(data, "sas"), i, s) {
		fprintf(f, "local %s remote %s peer %s\n", text(s, "local"), text(s, "remote"), or_dash(text(s, "peer_id")));
		child(f, s, "  ");
	}
	not_shown(f, data);
}

static void
render_pki(FILE *f, json_t *data)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(data, "certificates"), i, c) {
		const char *use = text(c, "use");

		fprintf(f, "%s certificate, trustpoint %s%s%s\n", strcmp(use, "ca") == 0 ? "CA" : strcmp(use, "peer") == 0 ? "Peer" : strcmp(use, "router") == 0 ?
		    "Router" : "Intermediate", text(c, "trustpoint"), text(c, "peer_id")[0] ? ", " : "", text(c, "peer_id"));
		fprintf(f, "  Status: %s\n  Subject: %s\n  Issuer: %s\n  Serial: %s, key: %s\n  Valid: %s to %s\n", text(c, "state"), text(c, "subject"),
		    text(c, "issuer"), text(c, "serial"), text(c, "key"), text(c, "not_before"), text(c, "not_after"));
	}
	not_shown(f, data);
}

static void
render_refused(FILE *f, json_t *data)
{
	char age[16];
	json_t *r;
	size_t i;

	json_array_foreach(json_object_get(data, "refused"), i, r)
		fprintf(f, "%s ago %s at %s\n      %s\n", time_of(r, "age_s", age), or_dash(text(r, "peer_id")), text(r, "remote"), text(r, "reason"));
	not_shown(f, data);
}

/* ---- the rest */

static void
interface_offloads(FILE *f, json_t *e)
{
	json_t *all = json_object_get(e, "offloads"), *o;
	size_t i;

	json_array_foreach(all, i, o)
		fprintf(f, "%s%s %s%s%s%s", i ? ", " : "  Offloads: ", text(o, "name"), flag(o, "on") ? "on" : "off", flag(o, "on") ? "" : " (", text(o, "why"), flag(o, "on") ? "" : ")");
	if (json_array_size(all))
		fputc('\n', f);
	if (text(e, "crypto")[0])
		fprintf(f, "  Encryption by %s%s%s%s\n", text(e, "crypto"), text(e, "crypto_why")[0] ? " (not by ipsec-mb: " : "", text(e, "crypto_why"),
		    text(e, "crypto_why")[0] ? ")" : "");
}

/* What the packet filter does for the tunnel, and in which VRFs it is. */
static void
interface_filter(FILE *f, json_t *e)
{
	const char *filter = text(e, "filter");

	if (flag(e, "if_state_nhrp"))
		fprintf(f, "  Line protocol is %s, by if-state nhrp: %s\n", flag(e, "carrier") ? "up" : "down", flag(e, "carrier") ? "a hub answers" : "no hub answers");
	if (text(e, "vrf")[0] || text(e, "outer_vrf")[0])
		fprintf(f, "  VRF %s, of outer packets %s\n", text(e, "vrf")[0] ? text(e, "vrf") : "none", text(e, "outer_vrf")[0] ? text(e, "outer_vrf") : "none");
	if (number(e, "mss"))
		fprintf(f, "  TCP MSS is lowered to %lld%s%s: %lld SYN%s so far\n", number(e, "mss"), filter[0] ? ", by " : "", filter, number(e, "mss_lowered"),
		    number(e, "mss_lowered") == 1 ? "" : "s");
	interface_offloads(f, e);
	if (flag(e, "filter_locks"))
		fprintf(f, "  GRE in clear is dropped, by IPsec policy and by %s: %lld packet%s so far\n", filter, number(e, "clear_dropped"),
		    number(e, "clear_dropped") == 1 ? "" : "s");
}

static void
render_interface(FILE *f, json_t *data)
{
	json_t *e, *a;
	size_t i, k;

	json_array_foreach(json_object_get(data, "interfaces"), i, e) {
		fprintf(f, "%s is %s, data plane %s", text(e, "interface"), flag(e, "up") ? "up" : "down", or_dash(text(e, "plane")));
		if (text(e, "plane_why")[0])
			fprintf(f, " (%s)", text(e, "plane_why"));
		fputc('\n', f);
		if (text(e, "description")[0])
			fprintf(f, "  Description: %s\n", text(e, "description"));
		json_array_foreach(json_object_get(e, "addresses"), k, a)
			fprintf(f, "  Internet address is %s\n", json_string_value(a));
		fprintf(f, "  MTU %lld bytes, tunnel source %s%s%s, %s", number(e, "mtu"), or_dash(text(e, "source")),
		    text(e, "source_interface")[0] ? " of " : "", text(e, "source_interface"),
		    json_object_get(e, "peers") ? "IPsec\n" : text(e, "destination")[0] ? "GRE to " : "GRE multipoint");
		fputs(text(e, "destination"), f);
		if (flag(e, "has_key"))
			fprintf(f, ", key %lld", number(e, "key"));
		if (json_object_get(e, "peers"))
			plain_peers(f, "  ", e);
		else
			fprintf(f, ", NHRP network-id %lld\n", number(e, "network_id"));
		interface_filter(f, e);
		fprintf(f, "     %lld packets input, %lld bytes\n     %lld packets output, %lld bytes\n", number(e, "rx_packets"),
		    number(e, "rx_bytes"),
		    number(e, "tx_packets"), number(e, "tx_bytes"));
	}
}

static void
counted(FILE *f, const char *where, json_t *counters)
{
	const char *name;
	json_t *n;

	json_object_foreach(counters, name, n) {
		if (json_integer_value(n))
			fprintf(f, "%-10s %-32s %12lld\n", where, name, (long long)json_integer_value(n));
	}
}

/* Only what is not zero; all of it is in the JSON. */
static void
render_counters(FILE *f, json_t *data)
{
	json_t *e, *ike = json_object_get(data, "ike");
	size_t i;

	json_array_foreach(json_object_get(data, "nhrp"), i, e) {
		fprintf(f, "NHRP of %s, refused:\n", text(e, "interface"));
		counted(f, "", json_object_get(e, "refused"));
	}
	fputs("IKE:\n", f);
	counted(f, "  received", json_object_get(ike, "received"));
	counted(f, "  sent", json_object_get(ike, "sent"));
	if (number(ike, "fragments_received") || number(ike, "fragments_sent"))
		fprintf(f, "  fragments: %lld received, %lld sent\n", number(ike, "fragments_received"), number(ike, "fragments_sent"));
	counted(f, "  refused", json_object_get(ike, "refused"));
	fputs("Data plane:\n", f);
	counted(f, "", json_object_get(data, "dataplane"));
}

static void
render_run(FILE *f, json_t *data)
{
	json_t *line;
	size_t i;

	json_array_foreach(json_object_get(data, "lines"), i, line)
		fprintf(f, "%s\n", json_string_value(line) ? json_string_value(line) : "");
}

static void
render_log(FILE *f, json_t *data)
{
	json_t *l, *peers = json_object_get(data, "debugged");
	size_t i;

	fprintf(f, "Log level: %s, %lld lines logged, the last %lld are kept\n", text(data, "level"), number(data, "written"),
	    number(data, "room"));
	json_array_foreach(peers, i, l)
		fprintf(f, "%s%s", i ? ", " : "Debugging of: ", json_string_value(l) ? json_string_value(l) : "");
	if (i)
		fputc('\n', f);
	fputc('\n', f);
	json_array_foreach(json_object_get(data, "lines"), i, l)
		fprintf(f, "%s %-7s %s: %s\n", text(l, "time"), text(l, "level"), text(l, "word"), text(l, "text"));
}

static void
render_version(FILE *f, json_t *data)
{
	const char *plane = text(data, "plane")[0] ? text(data, "plane") : text(data, "dataplane"), *why = text(data, "plane_why");
	bool chosen = strcmp(plane, text(data, "dataplane")) != 0;
	char t[16];

	fprintf(f, "OpenDMVPN %s %s\n", text(data, "program"), text(data, "version"));
	fprintf(f, "%s uptime is %s, process %lld\n", text(data, "hostname"), time_of(data, "uptime_s", t), number(data, "pid"));
	fprintf(f, "Configuration: %s, %lld tunnel%s, data plane %s%s%s%s", or_dash(text(data, "configuration")), number(data, "tunnels"),
	    number(data, "tunnels") == 1 ? "" : "s", plane, chosen ? " (auto" : "", chosen && why[0] ? ": " : "",
	    chosen ? why : "");
	if (chosen)
		fputs(")", f);
	fputc('\n', f);
	fprintf(f, "Linux %s, %s\n", or_dash(text(data, "kernel")), or_dash(text(data, "machine")));
}

static void
render_tech(FILE *f, json_t *data)
{
	struct control_cmd cmd;
	char why[64];
	json_t *s;
	size_t i;

	json_array_foreach(json_object_get(data, "sections"), i, s) {
		fprintf(f, "%s------------------ %s ------------------\n\n", i ? "\n" : "", text(s, "command"));
		if (!json_object_get(s, "data"))
			fprintf(f, "%% %s\n", text(s, "error"));
		else if (control_parse(text(s, "command"), &cmd, why, sizeof(why)) && cmd.verb != CONTROL_SHOW_TECH)
			render(f, cmd.verb, json_object_get(s, "data"));
	}
}

static void
render_keys(FILE *f, json_t *data)
{
	const char *path = text(data, "keys");

	if (path[0])
		fprintf(f, "keys of new SAs are written to %s: whoever reads it can read their traffic\n", path);
	else
		fputs("no more keys are written\n", f);
}

static void
render_debug(FILE *f, json_t *data)
{
	json_t *d;
	size_t i;

	json_array_foreach(json_object_get(data, "debugging"), i, d)
		fprintf(f, "%s debugging is on%s%s\n", text(d, "facility"), text(d, "peer")[0] ? " for peer " : "", text(d, "peer"));
	if (!i)
		fputs("debugging is off\n", f);
}

static void
render_probe(FILE *f, json_t *data)
{
	if (flag(data, "answered"))
		fprintf(f, "answer from %s at %s: time=%.3f ms\n", text(data, "peer"), text(data, "nbma"), (double)number(data, "rtt_us") / 1e3);
	else
		fprintf(f, "no answer from %s: %s%s%s\n", text(data, "peer"), strcmp(text(data, "state"), "UP") == 0 ? "" : text(data, "state"),
		    text(data, "state")[0] && strcmp(text(data, "state"), "UP") != 0 ? ": " : "", text(data, "reason"));
}

static void
render_why(FILE *f, json_t *data)
{
	json_t *layers = json_object_get(data, "layers"), *l;
	size_t i;

	json_array_foreach(layers, i, l)
		fprintf(f, "%-10s %-8s %s\n", text(l, "layer"), text(l, "state"), text(l, "text"));
	if (flag(data, "works"))
		fprintf(f, "Nothing is wrong on the way to %s.\n", text(data, "address"));
	else
		fprintf(f, "The cause is in %s: %s.\nNext: %s\n", text(data, "broken"), text(data, "cause"), text(data, "next"));
}

static void
render_cleared(FILE *f, json_t *data)
{
	if (json_object_get(data, "cleared"))
		fprintf(f, "cleared %lld peer%s\n", number(data, "cleared"), number(data, "cleared") == 1 ? "" : "s");
}

static void
render_rekeyed(FILE *f, json_t *data)
{
	fprintf(f, "new keys asked for with %lld peer%s\n", number(data, "rekeyed"), number(data, "rekeyed") == 1 ? "" : "s");
}

static void
render_texts(FILE *f, const char *before, json_t *list)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		fprintf(f, "%s%s\n", before, json_string_value(o) ? json_string_value(o) : "");
}

static void
render_reload(FILE *f, json_t *data)
{
	render_texts(f, "error: ", json_object_get(data, "errors"));
	render_texts(f, "note: ", json_object_get(data, "notes"));
	render_texts(f, "", json_object_get(data, "changes"));
	not_shown(f, data);
	fprintf(f, "%s\n", text(data, "summary"));
}

void
render(FILE *f, enum control_verb verb, json_t *data)
{
	static void (*const does[CONTROL_VERBS])(FILE *, json_t *) = {
		[CONTROL_SHOW_DMVPN] = render_dmvpn, [CONTROL_SHOW_PEER] = render_peer, [CONTROL_SHOW_NHRP] = render_nhrp,
		[CONTROL_SHOW_NHS] = render_nhs,
		[CONTROL_SHOW_SHORTCUT] = render_shortcut, [CONTROL_SHOW_TRAFFIC] = render_traffic, [CONTROL_SHOW_SESSION] = render_session,
		[CONTROL_SHOW_IKE] = render_ike, [CONTROL_SHOW_IPSEC] = render_ipsec, [CONTROL_SHOW_MAP] = render_map, [CONTROL_SHOW_PKI] = render_pki, [CONTROL_SHOW_REFUSED] = render_refused,
		 [CONTROL_SHOW_INTERFACE] = render_interface,
		[CONTROL_SHOW_MULTICAST] = render_multicast, [CONTROL_SHOW_GROUPS] = render_groups, [CONTROL_SHOW_RUN] = render_run, [CONTROL_SHOW_LOG] = render_log,
		[CONTROL_SHOW_VERSION] = render_version, [CONTROL_SHOW_TECH] = render_tech, [CONTROL_DEBUG] = render_debug,
		[CONTROL_UNDEBUG] = render_debug, [CONTROL_SHOW_DEBUG] = render_debug, [CONTROL_PROBE] = render_probe, [CONTROL_WHY] = render_why,
		[CONTROL_SHOW_TIMELINE] = render_timeline, [CONTROL_SHOW_HISTORY] = render_timeline, [CONTROL_SHOW_BRIEF] = render_brief,
		[CONTROL_SHOW_SUMMARY] = render_summary, [CONTROL_SHOW_ROUTE] = render_route, [CONTROL_SHOW_ZEBRA] = render_zebra,
		[CONTROL_DEBUG_KEYS] = render_keys, [CONTROL_NO_DEBUG_KEYS] = render_keys, [CONTROL_NO_DEBUG] = render_debug, [CONTROL_SHOW_COUNTERS] = render_counters, [CONTROL_CLEAR_PEER] = render_cleared,
		[CONTROL_CLEAR_NHRP] = render_cleared, [CONTROL_REKEY_IKE] = render_rekeyed, [CONTROL_REKEY_IPSEC] = render_rekeyed,
		[CONTROL_CLEAR_SHORTCUT] = render_cleared,
		[CONTROL_RELOAD] = render_reload,
	};

	does[verb](f, data);
}

/* ---- exit status */

/* Hubs of a lower priority stand by; that is as it should be. */
static bool
stands_by(json_t *e)
{
	return strcmp(text(e, "state"), "standby") == 0 || (flag(e, "nhs") && strcmp(text(e, "reason"), "standby") == 0);
}

/* Not all lines have an SA, though nobody waits for traffic first; or there is no line. */
static bool
maps_status(json_t *maps)
{
	json_t *e, *l;
	size_t i, k;

	json_array_foreach(maps, i, e) {
		if (flag(e, "waits_for_traffic"))
			continue;
		json_array_foreach(json_object_get(e, "lines"), k, l) {
			if (json_array_size(json_object_get(l, "sas")) == 0)
				return true;
		}
	}
	return json_array_size(maps) == 0;
}

static int
any_down(json_t *list)
{
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (!flag(e, "up") && !stands_by(e))
			return 1;
	}
	return 0;
}

/* A hub may wait for its spokes; a spoke without a peer has lost its hubs. */
static int
dmvpn_status(json_t *data)
{
	json_t *t;
	size_t i;

	json_array_foreach(json_object_get(data, "tunnels"), i, t) {
		json_t *peers = json_object_get(t, "peers");

		if (!flag(t, "up") || any_down(peers) || (json_array_size(peers) == 0 && strcmp(text(t, "role"), "spoke") == 0))
			return 1;
	}
	return json_array_size(json_object_get(data, "tunnels")) ? 0 : 1;
}

static int
ike_status(json_t *list)
{
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (!is_up(e))
			return 1;
	}
	return 0;
}

static int
routes_status(json_t *list)
{
	json_t *r;
	size_t i;

	json_array_foreach(list, i, r) {
		if (!flag(r, "installed"))
			return 1;
	}
	return 0;
}

int
render_status(const struct control_cmd *cmd, json_t *data)
{
	switch (cmd->verb) {
	case CONTROL_SHOW_DMVPN:
	case CONTROL_SHOW_PEER:
		return dmvpn_status(data);
	case CONTROL_SHOW_NHRP:
		return cmd->arg[0] && json_array_size(json_object_get(data, "entries")) == 0;
	case CONTROL_SHOW_TIMELINE:
		return json_array_size(json_object_get(data, "attempts")) == 0;
	case CONTROL_SHOW_ROUTE:
		return routes_status(json_object_get(data, "routes"));
	case CONTROL_SHOW_ZEBRA:
		return flag(data, "configured") && !flag(data, "up");
	case CONTROL_PROBE:
		return !flag(data, "answered");
	case CONTROL_WHY:
		return !flag(data, "works");
	case CONTROL_SHOW_NHS:
		return any_down(json_object_get(data, "servers"));
	case CONTROL_SHOW_SESSION:
		return ike_status(json_object_get(data, "sessions"));
	case CONTROL_SHOW_IKE:
		return ike_status(json_object_get(data, "sas"));
	case CONTROL_SHOW_MAP:
		return maps_status(json_object_get(data, "maps"));
	case CONTROL_SHOW_INTERFACE:
		return json_array_size(json_object_get(data, "interfaces")) == 0 || any_down(json_object_get(data, "interfaces"));
	case CONTROL_RELOAD:
		return !flag(data, "applied") || json_array_size(json_object_get(data, "errors")) != 0;
	case CONTROL_REKEY_IKE:
	case CONTROL_REKEY_IPSEC:
		return number(data, "rekeyed") == 0 && strcmp(cmd->arg, "all") != 0;
	case CONTROL_CLEAR_PEER:
		return number(data, "cleared") == 0 && strcmp(cmd->arg, "all") != 0;
	case CONTROL_SHOW_SHORTCUT:
	case CONTROL_SHOW_TRAFFIC:
	case CONTROL_SHOW_MULTICAST:
	case CONTROL_SHOW_GROUPS:
	case CONTROL_SHOW_RUN:
	case CONTROL_SHOW_LOG:
	case CONTROL_SHOW_VERSION:
	case CONTROL_SHOW_TECH:
	case CONTROL_SHOW_BRIEF:
	case CONTROL_SHOW_SUMMARY:
	case CONTROL_SHOW_DEBUG:
	case CONTROL_SHOW_HISTORY:
	case CONTROL_DEBUG:
	case CONTROL_UNDEBUG:
	case CONTROL_NO_DEBUG:
	case CONTROL_DEBUG_KEYS:
	case CONTROL_NO_DEBUG_KEYS:
	case CONTROL_SHOW_IPSEC:
	case CONTROL_SHOW_COUNTERS:
	case CONTROL_SHOW_PKI:
	case CONTROL_SHOW_REFUSED:
	case CONTROL_CLEAR_NHRP:
	case CONTROL_CLEAR_SHORTCUT:
	case CONTROL_VERBS:
		break;
	}
	return 0;
}
