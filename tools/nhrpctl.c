/* tools/nhrpctl.c: the shell's program; everything is in ctl.c, which the tests link too. */
#include "tools/ctl.h"

int
main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
