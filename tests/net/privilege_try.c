/* tests/net/privilege_try.c: does what the daemon does with its privileges, then tries WHAT, and says in one line what came of it.
 *
 * "yes" or the error; a call that ends the process ends this one, by SIGSYS, and the test sees that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nhrpd/daemon/privilege.h"

static int
answer(long rc)
{
	if (rc < 0)
		return errno;
	return 0;
}

static int
bind_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return answer(bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)));
}

static void *
nothing(void *arg)
{
	return arg;
}

static int try_port(void) { return bind_to(500); }
static int try_high_port(void) { return bind_to(0); }
static int try_execve(void) { char *none[] = { NULL }; return answer(execve("/bin/true", none, none)); }
static int try_fork(void) { return answer(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)); }
static int try_clone3(void) { struct clone_args a = { .exit_signal = SIGCHLD }; return answer(syscall(SYS_clone3, &a, sizeof(a))); }
static int try_ptrace(void) { return answer(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }
static int try_mount(void) { return answer(mount("none", "/mnt", "tmpfs", 0, NULL)); }
static int try_unshare(void) { return answer(unshare(CLONE_NEWUSER)); }
static int try_newns(void) { return answer(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL)); }
static int try_bpf(void) { return answer(syscall(SYS_bpf, 0, NULL, 0)); }
static int try_setuid(void) { return answer(setuid(65534)); }
static int try_chown(void) { return answer(chown("/dev/null", 1, 1)); }
static int try_kill(void) { return answer(kill(getppid(), 0)); }
static int try_bluetooth(void) { return answer(socket(31, SOCK_RAW, 0)); }
static int try_packet(void) { return answer(socket(AF_PACKET, SOCK_DGRAM, 0)); }
static int try_netlink(void) { return answer(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int try_raw(void) { return answer(socket(AF_INET, SOCK_RAW, IPPROTO_ESP)); }
static int try_tiocsti(void) { return answer(ioctl(0, TIOCSTI, "x")); }
static int try_wx(void) { return answer(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0); }
static int try_thread(void) { pthread_t t; return pthread_create(&t, NULL, nothing, NULL) ? EAGAIN : pthread_join(t, NULL); }
static int try_abort(void) { abort(); }

static int
try_mprotect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return answer(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
try_name(void)	/* the resolver loads libraries, reads files, opens sockets */
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM }, *out = NULL;
	int rc = getaddrinfo("localhost", NULL, &hints, &out);

	if (rc == 0)
		freeaddrinfo(out);
	return rc == 0 ? 0 : rc == EAI_SYSTEM ? errno : EHOSTUNREACH;
}

static int
try_clock(void)
{
	struct timeval tv = { 0 };

	return answer(settimeofday(&tv, NULL));
}

/* A file of another user's that only he may read: DAC_OVERRIDE is gone. */
static int
try_others_file(void)
{
	return answer(open(getenv("OTHERS_FILE") ? getenv("OTHERS_FILE") : "", O_RDONLY));
}

static const struct {
	const char *what;
	int (*fn)(void);
} tries[] = { { "port", try_port }, { "high-port", try_high_port }, { "execve", try_execve }, { "fork", try_fork }, { "clone3", try_clone3 },
	{ "ptrace", try_ptrace }, { "mount", try_mount }, { "unshare", try_unshare }, { "newns", try_newns }, { "bpf", try_bpf }, { "setuid", try_setuid },
	{ "chown", try_chown }, { "kill", try_kill }, { "bluetooth", try_bluetooth }, { "packet", try_packet }, { "netlink", try_netlink }, { "raw", try_raw },
	{ "tiocsti", try_tiocsti }, { "wx", try_wx }, { "mprotect-x", try_mprotect }, { "thread", try_thread }, { "abort", try_abort },
	{ "name", try_name }, { "clock", try_clock }, { "others-file", try_others_file } };

int
main(int argc, char **argv)
{
	enum privilege_filter f;
	char why[256] = "";
	int rc;

	if (argc != 2 || !privilege_drop(why, sizeof(why))) {
		printf("cannot: %s\n", argc != 2 ? "usage: privilege_try WHAT" : why);
		return 2;
	}
	f = privilege_filter(why, sizeof(why));
	if (f != PRIVILEGE_FILTERED) {
		printf("%s: %s\n", f == PRIVILEGE_NO_FILTER ? "skip" : "cannot", why);
		return f == PRIVILEGE_NO_FILTER ? 77 : 2;
	}
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		if (strcmp(tries[i].what, argv[1]) != 0)
			continue;
		rc = tries[i].fn();
		puts(rc == 0 ? "yes" : strerrorname_np(rc));
		return 0;
	}
	puts("no such try");
	return 2;
}
