/* The recorded exchange of two strongSwans through our responder: every request as it was, the responder's random choices
 * put in where it made its own, all keys compared with the record. */
#include "tests/unit/ike_engine/suites.h"
#include "tests/unit/ike_vectors.h"
#include "tests/unit/lab_ca.h"

#include <stdlib.h>

static struct world w;
static struct vec *v;
static struct lab_ca ca;
static struct lab_pair hub;
static struct ike_trust *trust;

static void
begin_with(const char *file)
{
	struct ike_profile *p;

	v = vec_open(file);
	w_init(&w);
	w.manual = true;
	w.s[0].addr = w_addr("10.0.0.2");
	w.s[1].addr = w_addr("10.0.0.1");
	p = &w.s[1].profile[0];
	p->local_id = w_fqdn("hub.dmvpn.example");
	p->n_key = 0;
	w_key(&w.s[1], 0, "spoke1.dmvpn.example", "dmvpn-lab-psk-0123456789");
	p->ike[0].prf[0] = IKE_PRF_HMAC_SHA2_384;
	p->ike[0].group[0] = IKE_KE_ECP384;
	p->esp[0].group[0] = IKE_KE_ECP384;
	p->esp[0].n_group = 1;
	p->esp[0].esn[1] = false;
	if (strstr(file, "ike-cbc")) {
		p->ike[0] = (struct ike_proposal){ .encr = { IKE_ENCR_AES_CBC }, .encr_bits = { 256 }, .n_encr = 1, .prf = { IKE_PRF_HMAC_SHA2_256 }, .n_prf = 1,
			.integ = { IKE_INTEG_HMAC_SHA2_256_128 }, .n_integ = 1, .group = { IKE_KE_ECP256 }, .n_group = 1 };
		p->esp[0] = (struct ike_proposal){ .encr = { IKE_ENCR_AES_CBC }, .encr_bits = { 256 }, .n_encr = 1,
			.integ = { IKE_INTEG_HMAC_SHA2_256_128 }, .n_integ = 1, .esn = { true, false } };
	}
	if (trust) {
		p->auth_local = p->auth_remote = IKE_SIGN_ECDSA;
		p->trust = &trust;
		p->n_trust = 1;
	}
	w_start(&w, 1);
	w.n_sides = 2;
}

static void
begin(void)
{
	begin_with("vectors/ike/own/ike-gcm.txt");
}

static void
end(void)
{
	vec_free(v);
	w_fini(&w);
	if (!trust)
		return;
	ike_trust_put(trust);
	trust = NULL;
	lab_free(&hub);
	lab_fini(&ca);
}

static struct w_msg
recorded(const char *name, uint16_t port)
{
	struct w_msg m = { .from = 0, .natt = port == 4500 };
	struct span s = vec_get(v, name);

	m.src = (struct endpoint){ w.s[0].addr, port };
	m.dst = (struct endpoint){ w.s[1].addr, port };
	m.n = s.n;
	memcpy(m.octets, s.p, s.n);
	return m;
}

static struct ike_sa *
any_sa(void)
{
	struct map_iter it = { 0 };

	return container_of(map_first(&w.s[1].k->by_id, &it), struct ike_sa, by_id);
}

static uint64_t
be64(struct span s)
{
	struct cur c = cur_of(s);

	return cur_be64(&c);
}

static void
set_spi_r(struct ike_sa *sa, uint64_t spi)
{
	struct map *m = &w.s[1].k->by_spi;

	map_del(m, &sa->by_spi);
	sa->spi_r = spi;
	map_add(m, &sa->by_spi, map_hash(m, &spi, sizeof(spi)));
}

static void
set_nonce(struct ike_nonce *n, const char *name)
{
	struct span s = vec_get(v, name);

	n->n = (uint16_t)s.n;
	memcpy(n->b, s.p, s.n);
}

/* The job comes back with the recorded secret. */
static void
return_job(const char *secret)
{
	struct ike_event ev = { .kind = IKE_EV_JOB };
	struct span s = vec_get(v, secret);

	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	ev.job = w.s[1].jobs[0];
	w.s[1].n_jobs = 0;
	ike_job_run(ev.job);
	ck_assert_uint_eq(ev.job->shared_len, s.n);
	memcpy(ev.job->shared, s.p, s.n);
	w_event(&w, 1, &ev);
}

static void
set_up(void)
{
	struct w_msg m = recorded("IKE_SA_INIT_request", 500);
	struct span resp = vec_get(v, "IKE_SA_INIT_response");
	struct ike_sa *sa;

	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	w.s[1].hold_jobs = true;
	sa = any_sa();
	set_spi_r(sa, be64(vec_get(v, "SPIr")));
	set_nonce(&sa->hs->nr, "Nr");
	free(sa->hs->mine);
	w.s[1].t.live--;
	sa->hs->mine = w.s[1].t.env.alloc(&w.s[1].t, resp.n);
	memcpy(sa->hs->mine, resp.p, resp.n);
	sa->hs->mine_len = resp.n;
	m = recorded("IKE_AUTH_req_1_fromI", 4500);
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	return_job("g_ir");
}

/* The certificates' CA is not in the record: all but who vouches for it is checked, the signature by the certificate's own key. */
static void
return_proof(void)
{
	struct ike_event ev = { .kind = IKE_EV_JOB };
	struct ike_proof_job *p;

	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	ev.job = w.s[1].jobs[0];
	w.s[1].n_jobs = 0;
	p = ev.job->proof;
	ck_assert_ptr_nonnull(p);
	ck_span_eq(p->in.octets, vec_get(v, "signed_octets_I"));
	ck_assert_uint_eq(p->in.method, IKE_AUTH_SIGNATURE);
	ike_job_run(ev.job);
	ck_assert_int_eq(p->proved.fault, IKE_CERT_UNTRUSTED);
	ck_assert_str_eq(p->proved.why, "certificate C=ZZ, O=DMVPN Lab, CN=spoke1.dmvpn.example is issued by C=ZZ, O=DMVPN Lab, CN=Lab CA, which is no CA of ours");
	ck_assert_uint_eq(p->sig_len, 0);	/* nothing is signed for it */
	p->check = false;
	ike_job_run(ev.job);
	ck_assert_uint_ne(p->sig_len, 0);
	p->check = true;
	p->proved.fault = IKE_CERT_OK;
	w_event(&w, 1, &ev);
}

static void
with_certificates(void)
{
	static const char *const name = "hub.dmvpn.example";
	struct ike_issue want = lab_want(&name);

	end();
	lab_init(&ca, "CN=Another CA");
	hub = lab_issue(&ca.root, &want);
	trust = lab_trust(&ca.root, &hub);
	begin_with("vectors/ike/own/ike-cert.txt");
	w.s[1].wall = LAB_NOW;
}

enum { BY_KEY, BY_CERTIFICATE, BY_KEY_CBC, RECORDS };

static void
with_cbc(void)
{
	end();
	begin_with("vectors/ike/own/ike-cbc.txt");
}

START_TEST(whole_exchange)
{
	struct ike_sa *sa;
	struct w_child *c;
	struct w_msg m;

	if (_i == BY_CERTIFICATE)
		with_certificates();
	else if (_i == BY_KEY_CBC)
		with_cbc();
	if (!v)
		return;
	set_up();
	if (_i == BY_CERTIFICATE)
		return_proof();
	sa = w_sa(&w, 1);
	ck_assert_ptr_nonnull(sa);
	ck_span_eq(span_of(sa->keys.d, sa->keys.prf_len), vec_get(v, "SK_d"));
	ck_span_eq(span_of(sa->keys.i.enc, sa->keys.i.enc_len), vec_get(v, "SK_ei"));
	ck_span_eq(span_of(sa->keys.pr, sa->keys.prf_len), vec_get(v, "SK_pr"));
	ck_assert_uint_eq(w.s[1].n_child, 1);
	c = &w.s[1].child[0];
	ck_span_eq(span_of(c->dp.keys.encr_in, c->dp.keys.encr_len), vec_get(v, "child1_KEYMAT_ei"));
	ck_span_eq(span_of(c->dp.keys.encr_out, c->dp.keys.encr_len), vec_get(v, "child1_KEYMAT_er"));
	ck_assert(!c->dp.esn);
	ck_assert(!c->dp.encap);	/* it floats because of MOBIKE, not of NAT */

	if (_i == BY_KEY_CBC) {
		ck_span_eq(span_of(sa->keys.r.mac, sa->keys.r.mac_len), vec_get(v, "SK_ar"));
		ck_span_eq(span_of(c->dp.keys.integ_in, c->dp.keys.integ_len), vec_get(v, "child1_KEYMAT_ai"));
		ck_span_eq(span_of(c->dp.keys.integ_out, c->dp.keys.integ_len), vec_get(v, "child1_KEYMAT_ar"));
	}

	m = recorded("CREATE_CHILD_SA_req_2_fromI", 4500);	/* rekey; with GCM with PFS, else answered at once with a nonce of our own */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	if (_i != BY_KEY_CBC) {
		set_nonce(&sa->cc_rx->nr, "child2_Nr");
		return_job("child2_g_ir");
	}
	ck_assert_uint_eq(w.s[1].n_child, 2);
	c = &w.s[1].child[1];
	if (_i != BY_KEY_CBC) {
		ck_span_eq(span_of(c->dp.keys.encr_in, c->dp.keys.encr_len), vec_get(v, "child2_KEYMAT_ei"));
		ck_span_eq(span_of(c->dp.keys.encr_out, c->dp.keys.encr_len), vec_get(v, "child2_KEYMAT_er"));
	}
	ck_assert(!c->active);

	m = recorded("INFORMATIONAL_req_3_fromI", 4500);	/* deletes the old child */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert(w.s[1].child[1].active);
	ck_assert_uint_eq(sa->n_children, 1);

	m = recorded("CREATE_CHILD_SA_req_4_fromI", 4500);	/* rekeys the IKE SA */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	set_nonce(&sa->cc_rx->nr, "ike2_Nr");
	set_spi_r(ike_sa_find(w.s[1].k, sa->cc_rx->heir), be64(vec_get(v, "ike2_SPIr")));
	return_job("ike2_g_ir");
	ck_assert_uint_eq(w.s[1].rekeys, 1);
	ck_span_eq(span_of(w_sa(&w, 1)->keys.d, sa->keys.prf_len), vec_get(v, "ike2_SK_d"));
	ck_assert_uint_eq(w_sa(&w, 1)->spi_i, be64(vec_get(v, "ike2_SPIi")));

	m = recorded("INFORMATIONAL_req_5_fromI", 4500);	/* deletes the old one */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_int_eq(w_sa(&w, 1)->state, IKE_SA_EST);
	ck_assert_uint_eq(w.s[1].downs, 0);
	ck_assert_uint_eq(w_held(&w, 1), 6);
}
END_TEST

START_TEST(wrong_key_in_the_record)
{
	if (!v)
		return;
	w.s[1].key[0].psk[0] ^= 1;
	set_up();
	ck_assert_uint_eq(w.s[1].ups, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
}
END_TEST

Suite *
vectors_suite(void)
{
	Suite *s = suite_create("vectors");
	TCase *tc = tcase_create("vectors");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, whole_exchange, 0, RECORDS);
	tcase_add_test(tc, wrong_key_in_the_record);
	suite_add_tcase(s, tc);
	return s;
}
