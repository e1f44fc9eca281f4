/* tests/unit/toy_kem.h: a KEM for libraries without ML-KEM, so that what is asymmetric in it can be tested everywhere.
 *
 * An OpenSSL provider inside the test program that answers to ML-KEM-768 and ML-KEM-1024 with values of the right lengths, made from
 * the right number of octets, and with nothing of its security: it says nothing of ML-KEM itself. Where OpenSSL has the real one
 * (3.5 on) that is used, and its vectors are run. */
#ifndef TESTS_UNIT_TOY_KEM_H
#define TESTS_UNIT_TOY_KEM_H

#include <stdbool.h>

bool	toy_kem_load(void);	/* before the first use of ikecore/crypto; false: there is a real one, nothing was loaded */

#endif
