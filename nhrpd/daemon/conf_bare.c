/* nhrpd/daemon/conf_bare.c: `tunnel protection none`: an interface whose GRE goes out in clear, and is taken from anybody. It has to be
 * said, is warned of each time, and stands beside nothing that says otherwise. */
#include "nhrpd/daemon/conf_priv.h"

/* What is blocked in clear for one tunnel (by its key, see xfrm/kernel.c) would be for the other. */
static void
check_key(struct conf_parse *p, const struct conf_b_interface *b)
{
	for (const struct conf_block *o = p->interface; o; o = o->next) {
		const struct conf_b_interface *other = (const struct conf_b_interface *)o;

		if (other == b || conf_is_plain(other) || other->bare.n || !other->key.at.line || !b->key.at.line || other->key.n != b->key.n)
			continue;
		conf_error_at(p, b->key.at, "interface %s has the tunnel key %llu (%s) and is protected: one without protection needs another key", o->name,
		    (unsigned long long)b->key.n, conf_place_text(p, other->key.at));
		return;
	}
}

void
conf_check_bare(struct conf_parse *p, const struct conf_b_interface *b)
{
	if (!b->bare.n)
		return;
	if (conf_is_plain(b))
		conf_error_at(p, b->bare.at, "\"tunnel mode ipsec\" without protection is nothing");
	else if (b->protection.at.line)
		conf_error_at(p, b->bare.at, "interface %s is protected (%s), and is not: one of the two lines has to go", b->b.name,
		    conf_place_text(p, b->protection.at));
	else
		conf_warn_at(p, b->bare.at, "interface %s is not protected: everything in it can be read and forged on its way", b->b.name);
	check_key(p, b);
}
