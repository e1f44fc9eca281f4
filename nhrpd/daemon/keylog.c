/* nhrpd/daemon/keylog.c: see keylog.h. Addresses are left open in the rows: NAT makes them differ between here and where the
 * packets are seen; the SPI is enough. */
#include "nhrpd/daemon/keylog.h"

#include <inttypes.h>

enum { ENCR_AES_GCM_16 = 20 };

static void
row(FILE *f, const char *family, uint32_t spi, const uint8_t *key, size_t n)
{
	fprintf(f, "esp \"%s\",\"*\",\"*\",\"0x%08" PRIx32 "\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x", family, spi);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", key[i]);
	fputs("\",\"NULL\",\"\"\n", f);
}

void
keylog_sa(FILE *f, const struct dp_sa *sa)
{
	const char *family = sa->remote.addr.n == 16 ? "IPv6" : "IPv4";

	if (sa->keys.encr != ENCR_AES_GCM_16)
		return;
	row(f, family, sa->spi_in, sa->keys.encr_in, sa->keys.encr_len);
	row(f, family, sa->spi_out, sa->keys.encr_out, sa->keys.encr_len);
	fflush(f);
}
