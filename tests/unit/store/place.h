/* tests/unit/store/place.h: a folder for the files of one test, which goes with it. */
#ifndef TESTS_UNIT_STORE_PLACE_H
#define TESTS_UNIT_STORE_PLACE_H

#include <stddef.h>

#include "lib/addr.h"
#include "tests/unit/harness.h"

extern char place[64], db[80];	/* the folder, and a file in a folder inside that is not there yet */

void	place_make(void);
void	place_remove(void);
unsigned place_count(const char *pattern);	/* files of that name, '*' and all, beside db */
void	place_scribble(const char *path, long at, size_t n);	/* nonsense over n octets; at < 0: from the end */
struct addr A(const char *text);
struct prefix P(const char *text);

#endif
