/* nhrpd/daemon/show.h: what the daemon knows, as JSON. One function per struct that engines show, so that the names of
 * keys stand in one place; and the shows, which walk the engines.
 *
 * Keys are stable. Times are seconds: "age_s" since, "..._in_s" until (null: never). Addresses are text, "" for none;
 * SPIs are text in hexadecimal. No secret is reachable from here. */
#ifndef NHRPD_DAEMON_SHOW_H
#define NHRPD_DAEMON_SHOW_H

#include <jansson.h>

#include "nhrpd/daemon/control.h"
#include "nhrpd/daemon/control_words.h"

enum { SHOW_ENTRIES_MAX = 20000 };	/* in one list; "not_shown" says how many more there are */

json_t	*show_peer_json(const struct core_peer_info *i, tick_t now);
json_t	*show_cache_json(const struct nhrp_cache_info *i, tick_t now);
json_t	*show_nhs_json(const struct nhrp_nhs_info *i, tick_t now);
json_t	*show_shortcut_json(const struct nhrp_shortcut_info *i, tick_t now);
json_t	*show_ike_json(const struct ike_sa_info *i, tick_t now);
json_t	*show_ike_ext(const struct ike_sa_info *i);
json_t	*show_child_json(const struct ike_child_info *i, tick_t now);

/* Complete the answers of `probe` and `why` with what came of asking the peer. */
void	show_probe_answered(json_t *data, bool ok, tick_t took, const char *reason);
void	show_why_answered(json_t *data, bool ok, tick_t took, const char *reason);

/* Carries out a command. NULL: `why` says why not. */
json_t	*show_command(const struct control_src *src, tick_t now, const struct control_cmd *cmd, char *why, size_t n);

#endif
