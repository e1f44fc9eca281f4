/* nhrpd/daemon/show_priv.h: what the files of the shows share. */
#ifndef NHRPD_DAEMON_SHOW_PRIV_H
#define NHRPD_DAEMON_SHOW_PRIV_H

#include <jansson.h>

#include "lib/addr.h"
#include "nhrpd/daemon/logring.h"
#include "nhrpd/daemon/show.h"

/* ---- show_json.c */
json_t	*show_text(const char *s);	/* "" for NULL; octets that are not UTF-8 become '?' */
json_t	*show_addr(const struct addr *a);
json_t	*show_endpoint(const struct endpoint *e);
json_t	*show_spi(uint32_t spi);
json_t	*show_age(tick_t since, tick_t now);	/* null: never */
json_t	*show_left(tick_t at, tick_t now);

/* ---- a show on its way */
struct found;
struct show_index;	/* peers and IKE SAs by number, for details; show_dmvpn.c */
struct show {
	const struct control_src *src;
	tick_t now;
	json_t *list;
	unsigned n, not_shown;
	uint32_t tunnel;	/* being walked, from 1 */
	const struct core_tunnel_conf *conf;	/* its */
	struct nhrp *nhrp;
	json_t *children;	/* of an IKE SA, of a tunnel */
	const struct control_cmd *cmd;
	unsigned count[NHRP_CTS];	/* entries by type */
	struct addr which;	/* peers: none for all */
	int64_t wall_us;	/* wall clock at `now` */
	struct found *found;	/* show_peer.c */
	struct logring_debug *names;	/* being collected */
	struct show_index *index;	/* where details are asked for */
	char *why;	/* for an answer of NULL */
	size_t why_n;
};
typedef json_t *show_fn(struct show *s);

const struct core_conf *show_conf(const struct show *s);
bool	show_room(struct show *s);	/* for one more; else it is counted */
void	show_append(struct show *s, json_t *o);	/* to the list, with the name of the interface */
json_t	*show_finish(struct show *s, const char *name);
void	show_each_plain(struct show *s, void (*each)(struct show *));	/* those without NHRP; show_each_tunnel() has the others */
json_t	*show_plain(struct show *s);	/* them and their peers */
void	show_each_tunnel(struct show *s, void (*each)(struct show *));	/* with tunnel, conf and nhrp set */

struct show_index *show_index_new(const struct core *core);	/* NULL without memory */
void	show_index_free(struct show_index *x);
void	show_bfd(const struct show *s, const struct addr *proto, json_t *o);	/* as its "bfd", where the tunnel has it; show_zebra.c */
void	show_way(const struct show *s, const struct addr *nbma, json_t *o);	/* as its "way", where zebra tells of it; show_zebra.c */
json_t	*show_session(struct show *s, bool has_peer, uint32_t peer);	/* what secures a peer; null where there is none */

/* ---- the commands of show_dmvpn.c and show_system.c */
void	show_auth(json_t *o, const struct ike_sa_info *i);	/* show_pki.c */
void	show_child_traffic(const struct show *s, uint32_t spi_in, json_t *o);	/* counters of an ESP SA */
show_fn	show_map;	/* show_map.c */
show_fn	show_groups;	/* show_qos.c */
void	show_group(json_t *o, const struct nhrp_cache_info *i);	/* what is said and done about its group */
show_fn	show_pki, show_refused;
show_fn	show_dmvpn, show_interface, show_run, show_log, show_version, show_tech, show_debug, show_no_debug, show_debugging, show_debug_keys, show_reload;
show_fn	show_zebra;	/* show_zebra.c */
show_fn	show_timeline, show_probe;	/* show_peer.c */
show_fn	show_why;	/* show_why.c */
bool	show_is_asked_for(const struct show *s, const struct core_peer_info *i);	/* is it s->which? */

#endif
