#ifndef TESTS_UNIT_IKE_ENGINE_SUITES_H
#define TESTS_UNIT_IKE_ENGINE_SUITES_H

#include "tests/unit/ike_engine/world.h"

Suite	*init_suite(void);
Suite	*create_child_suite(void);
Suite	*exchange_suite(void);
Suite	*sa_suite(void);
Suite	*natt_suite(void);
Suite	*info_suite(void);
Suite	*auth_suite(void);
Suite	*cookie_suite(void);
Suite	*dial_suite(void);
Suite	*ike_suite(void);
Suite	*vectors_suite(void);
Suite	*proposal_suite(void);
Suite	*names_suite(void);
Suite	*reconf_suite(void);
Suite	*frag_suite(void);
Suite	*moves_suite(void);
Suite	*mke_suite(void);
Suite	*ppk_suite(void);
Suite	*follow_suite(void);
Suite	*reauth_suite(void);
Suite	*pairs_suite(void);
Suite	*collide_suite(void);
Suite	*job_suite(void);
Suite	*words_suite(void);
Suite	*reject_suite(void);
Suite	*dos_suite(void);
Suite	*qcd_suite(void);
Suite	*probe_suite(void);
Suite	*proof_suite(void);
Suite	*selector_suite(void);
Suite	*hold_suite(void);
Suite	*kept_suite(void);
#endif
