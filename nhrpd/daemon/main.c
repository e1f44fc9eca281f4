#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "nhrpd/daemon/daemon.h"
#include "nhrpd/daemon/purge.h"

static const char usage[] =
	"usage: nhrpd [-f FILE] [-c SOCKET] [--pid-file FILE] [--keylog FILE]\n"
	"       nhrpd --check FILE\n"
	"       nhrpd --purge\n"
	"\n"
	"  -f, --config FILE     configuration (default " SYSCONFDIR "/nhrpd/nhrpd.conf)\n"
	"  -c, --control SOCKET  control socket for nhrpctl\n"
	"      --pid-file FILE   write our process id there, and refuse to run where another nhrpd has done so\n"
	"      --check FILE      read a configuration, say what is wrong with it, and exit\n"
	"      --purge           take away what keeps GRE in clear from leaving while no nhrpd runs: policies, filter rules\n"
	"      --foreground      stay in the foreground (always the case; for scripts that say so)\n"
	"      --no-seccomp      let all system calls pass, for debuggers\n"
	"      --keylog FILE     append session keys for tshark. For laboratories only: who has the keys has the traffic.\n"
	"  -V, --version         print the version\n"
	"  -h, --help            print this\n"
	"\n"
	"SIGHUP, or `nhrpctl reload`, reads the configuration again and applies what is different.\n"
	"Logs to standard error, or to syslog with `log syslog` in the configuration.\n"
	"Exit codes: 0 stopped by a signal, 1 could not start, 2 bad configuration or usage.\n";

int
main(int argc, char **argv)
{
	static const struct option long_options[] = { { "config", 1, NULL, 'f' }, { "control", 1, NULL, 'c' }, { "check", 1, NULL, 'k' },
		{ "foreground", 0, NULL, 'F' }, { "pid-file", 1, NULL, 'p' }, { "purge", 0, NULL, 'P' }, { "keylog", 1, NULL, 'l' }, { "no-seccomp", 0, NULL, 's' },
		{ "version", 0, NULL, 'V' }, { "help", 0, NULL, 'h' }, { 0 } };
	struct daemon_options o = { .conf_path = SYSCONFDIR "/nhrpd/nhrpd.conf" };
	const char *check = NULL;
	bool purge = false;
	int c;

	while ((c = getopt_long(argc, argv, "f:c:Vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'f': o.conf_path = optarg; break;
		case 'c': o.control_path = optarg; break;
		case 'k': check = optarg; break;
		case 'l': o.keylog_path = optarg; break;
		case 'p': o.pid_path = optarg; break;
		case 's': o.no_seccomp = true; break;
		case 'P': purge = true; break;
		case 'F': break;
		case 'V': puts("nhrpd (OpenDMVPN) " PACKAGE_VERSION); return EXIT_OK;
		case 'h': fputs(usage, stdout); return EXIT_OK;
		default: fputs(usage, stderr); return EXIT_CONF;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "nhrpd: unexpected word \"%s\"\n%s", argv[optind], usage);
		return EXIT_CONF;
	}
	if (purge)
		return daemon_purge(stdout);
	return check ? daemon_check(check, stdout) : daemon_run(&o);
}
