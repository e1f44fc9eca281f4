/* tools/pki.h: nhrpctl pki: a certification authority for a laboratory or a small network, in one folder, without the daemon. */
#ifndef TOOLS_PKI_H
#define TOOLS_PKI_H

int	pki_main(int argc, char **argv);	/* argv[0] is "pki"; answers the exit status */

#endif
