#include "nhrpd/daemon/purge.h"

#include <errno.h>
#include <string.h>

#include "mgre/guard.h"
#include "mgre/kernel.h"
#include "nhrpd/daemon/daemon.h"
#include "nhrpd/daemon/logout.h"
#include "nhrpd/daemon/loop.h"
#include "xfrm/purge.h"

struct purge {
	unsigned devices;
};

/* A device that is left would send in clear what the lock holds back: it goes first. */
static void
before(void *ctx, const char *name)
{
	struct purge *p = ctx;

	p->devices += mgre_kernel_purge(name);
}

int
daemon_purge(FILE *out)
{
	struct log log;
	struct loop loop = { 0 };
	struct purge p = { 0 };
	int rules, xfrm;

	logout_init(&log, LOG_LV_WARN);
	if (!loop_init(&loop, &log)) {
		fprintf(stderr, "nhrpd: libev finds no way to wait for events on this system\n");
		return EXIT_START;
	}
	rules = guard_purge(&loop.host, before, &p);
	xfrm = rules < 0 ? rules : xfrm_purge(loop.host.env);
	loop_fini(&loop);
	if (xfrm < 0) {
		fprintf(stderr, "nhrpd: cannot take away what is left of the kernel data plane: %s\n", strerror(-xfrm));
		return EXIT_START;
	}
	fprintf(out, "%u interface%s, %d set%s of filter rules, %d IPsec states and policies removed\n", p.devices, p.devices == 1 ? "" : "s", rules,
	    rules == 1 ? "" : "s", xfrm);
	return EXIT_OK;
}
