/* Certificates for the world. */
#include "tests/unit/ike_engine/certs.h"
#include "tests/unit/lab_ca.h"

#define OTHER(n) "a-name-to-fill-the-certificate-with-number-" n ".example.net"
#define OTHERS OTHER("01"), OTHER("02"), OTHER("03"), OTHER("04"), OTHER("05"), OTHER("06"), OTHER("07"), OTHER("08"), OTHER("09"), OTHER("10")
static const char *const names[2][11] = { { "a.example.net", OTHERS }, { "b.example.net", OTHERS } };
static struct lab_ca ca;
static struct lab_pair own[2];
static struct ike_trust *trust[2];

void
w_certs(struct world *w, const char *kind, bool many)
{
	w_init(w);
	lab_init(&ca, "CN=Root");
	for (unsigned i = 0; i < 2; i++) {
		struct ike_issue want = lab_want(names[i]);
		struct ike_profile *p = &w->s[i].profile[0];

		want.key = kind;
		want.n_fqdn = many ? sizeof(names[i]) / sizeof(names[i][0]) : 1;
		own[i] = lab_issue(&ca.root, &want);
		trust[i] = lab_trust(&ca.root, &own[i]);
		w->s[i].wall = LAB_NOW;
		w->s[i].conf.frag_mtu = 0;
		p->n_key = 0;
		p->trust = &trust[i];
		p->n_trust = 1;
		p->auth_local = p->auth_remote = IKE_SIGN_ANY;
	}
}

void
w_certs_fini(struct world *w)
{
	w_fini(w);
	for (unsigned i = 0; i < 2; i++) {
		lab_free(&own[i]);
		ike_trust_put(trust[i]);
		trust[i] = NULL;
	}
	lab_fini(&ca);
}
