/* nhrpd/daemon/privilege.c: gives up what the daemon does not need any more.
 *
 * It starts with what its service manager gives it, opens what needs more than that (UDP ports 500 and 4500, the eBPF programs of
 * the kernel plane), and comes here before it makes a thread, an interface, or reads the first octet from a peer.
 *
 * Capabilities: CAP_NET_ADMIN (interfaces, routes, neighbours, XFRM, the TAP device) and CAP_NET_RAW (raw and packet sockets)
 * stay. Nothing binds a port below 1024 later: both IKE sockets are bound to all addresses, once; and no eBPF program is loaded
 * later: those of mgre/leaving.c are kept. The user stays as it is. Started as root it still owns root's files, and that is
 * wanted: keys are root's and nobody else's (mode 0600), and a reload has to read them, also new ones; without CAP_DAC_OVERRIDE
 * it reads no file of others. What else root owns is for the service manager to hide: see packaging/nhrpd.service.in. A user of
 * its own works as well (systemd: User=, AmbientCapabilities=), with files that this user can read.
 *
 * System calls are a list of those allowed. Where a parameter decides what a call is, it is looked at: no process can be made (threads
 * can), nothing executed, no memory both written and executed, no socket of another family than ours. A call that is not on the list
 * answers EPERM, and the kernel logs it: libraries try calls that they can do without, and a new libc must not stop a router. Calls
 * that nobody but an intruder would make here (exec, ptrace, modules, mounts ...) end the process.
 *
 * clone3 answers ENOSYS: its flags stand in memory, where a filter cannot look; libc then takes clone. That is a filter of its own, which the
 * kernel does not log: libc asks at each thread.
 *
 * Left out: a list of files (Landlock is not in all kernels that we run on; ProtectSystem= of the unit does it), and a separate
 * process with the rest of the privileges: what stays is what each packet needs. */
#include "nhrpd/daemon/privilege.h"

#include <asm/ioctls.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- capabilities */

bool
privilege_drop(char *err, size_t errlen)
{
	static const unsigned stays[] = { CAP_NET_ADMIN, CAP_NET_RAW };
	bool has[sizeof(stays) / sizeof(stays[0])], bounds;

	if (capng_get_caps_process() != 0) {
		snprintf(err, errlen, "cannot read the capabilities of this process");
		return false;
	}
	for (unsigned i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, stays[i]);
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_ALL);
	/* The bounding set says what an exec may give; without CAP_SETPCAP it stays, and no_new_privs alone forbids the same. */
	if (bounds && capng_apply(CAPNG_SELECT_BOUNDS) != 0) {
		snprintf(err, errlen, "cannot give up the capabilities of the bounding set: %s", strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		if (has[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, stays[i]);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		snprintf(err, errlen, "cannot give up capabilities: %s", strerror(errno));
		return false;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);	/* gone with the inheritable ones already, where the kernel knows them */
	return true;
}

/* ---- system calls */

#define CALL(name) SCMP_SYS(name)

/* Numbers that this machine does not have are negative, and left out. */
static const int allowed[] = {
	/* memory; mmap and mprotect: below */
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock), CALL(munlock), CALL(mincore), CALL(msync), CALL(membarrier),
	/* files */
	CALL(open), CALL(openat), CALL(close), CALL(close_range), CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(write), CALL(writev),
	CALL(pwrite64), CALL(pwritev), CALL(lseek), CALL(_llseek), CALL(stat), CALL(stat64), CALL(fstat), CALL(fstat64), CALL(lstat), CALL(lstat64),
	CALL(newfstatat), CALL(fstatat64), CALL(statx), CALL(statfs), CALL(statfs64), CALL(fstatfs), CALL(fstatfs64), CALL(access), CALL(faccessat),
	CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getcwd), CALL(getdents), CALL(getdents64), CALL(fcntl), CALL(fcntl64), CALL(flock),
	CALL(dup), CALL(dup2), CALL(dup3), CALL(fsync), CALL(fdatasync), CALL(ftruncate), CALL(ftruncate64), CALL(fallocate), CALL(fadvise64),
	CALL(fadvise64_64), CALL(arm_fadvise64_64), CALL(mkdir), CALL(mkdirat), CALL(unlink), CALL(unlinkat), CALL(rename), CALL(renameat), CALL(renameat2),
	CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL(umask), CALL(utimensat), CALL(pipe), CALL(pipe2), CALL(eventfd), CALL(eventfd2),
	/* SQLite gives the files beside its own their owner, where that is root: as itself it may only leave it as it is */
	CALL(fchown), CALL(fchown32),
	/* waiting */
	CALL(poll), CALL(ppoll), CALL(ppoll_time64), CALL(select), CALL(_newselect), CALL(pselect6), CALL(pselect6_time64), CALL(epoll_create), CALL(epoll_create1),
	CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(nanosleep), CALL(clock_nanosleep), CALL(clock_nanosleep_time64),
	CALL(futex), CALL(futex_time64), CALL(restart_syscall),
	/* libev, where its kernel has them */
	CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_settime64), CALL(signalfd4), CALL(inotify_init1), CALL(inotify_add_watch), CALL(inotify_rm_watch),
	/* the network; socket: below */
	CALL(socketpair), CALL(bind), CALL(connect), CALL(listen), CALL(accept), CALL(accept4), CALL(getsockname), CALL(getpeername), CALL(getsockopt),
	CALL(setsockopt), CALL(shutdown), CALL(send), CALL(recv), CALL(sendto), CALL(recvfrom), CALL(sendmsg), CALL(recvmsg), CALL(sendmmsg), CALL(recvmmsg),
	CALL(recvmmsg_time64), CALL(sendfile), CALL(sendfile64),
	/* time, randomness, who we are */
	CALL(clock_gettime), CALL(clock_gettime64), CALL(clock_getres), CALL(clock_getres_time64), CALL(gettimeofday), CALL(time), CALL(times), CALL(getrandom),
	CALL(getpid), CALL(getppid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getuid32), CALL(geteuid32),
	CALL(getgid32), CALL(getegid32), CALL(getresuid), CALL(getresgid), CALL(getgroups), CALL(uname), CALL(sysinfo), CALL(getcpu), CALL(getrusage),
	CALL(capget), CALL(getrlimit), CALL(ugetrlimit),
	/* threads and signals; clone, tgkill: below */
	CALL(exit), CALL(exit_group), CALL(set_robust_list), CALL(get_robust_list), CALL(set_tid_address), CALL(rseq), CALL(arch_prctl), CALL(set_thread_area),
	CALL(set_tls), CALL(sched_yield), CALL(sched_getaffinity), CALL(sched_getparam), CALL(sched_getscheduler), CALL(setpriority), CALL(getpriority),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigreturn), CALL(rt_sigtimedwait), CALL(rt_sigpending), CALL(rt_sigsuspend),
	CALL(sigaltstack),
};

/* Nobody here has a use for these: not an error, an intruder. */
static const int deadly[] = {
	CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(init_module),
	CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(reboot), CALL(mount), CALL(umount), CALL(umount2),
	CALL(move_mount), CALL(open_tree), CALL(fsopen), CALL(pivot_root), CALL(chroot), CALL(setns), CALL(unshare), CALL(swapon), CALL(swapoff),
	CALL(iopl), CALL(ioperm), CALL(userfaultfd), CALL(io_uring_setup), CALL(keyctl), CALL(add_key), CALL(request_key), CALL(setuid),
	CALL(setgid), CALL(setreuid), CALL(setresuid), CALL(setregid), CALL(setresgid), CALL(setgroups), CALL(settimeofday), CALL(clock_settime),
	CALL(adjtimex), CALL(sethostname), CALL(setdomainname), CALL(acct), CALL(open_by_handle_at),
};

static const unsigned requests[] = {	/* of ioctl */
	TUNSETIFF, TUNGETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD, TUNSETPERSIST, TUNSETCARRIER, SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFADDR,
	SIOCGIFCONF, SIOCGIFHWADDR, SIOCOUTQ, FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ,
};

struct rules {
	scmp_filter_ctx ctx;
	int rc;	/* the first that was refused */
};

static void
rule(struct rules *r, uint32_t action, int call, unsigned n, const struct scmp_arg_cmp *args)
{
	if (call >= 0 && r->rc == 0)
		r->rc = seccomp_rule_add_array(r->ctx, action, call, n, args);
}

static void
rule_one(struct rules *r, int call, struct scmp_arg_cmp arg)
{
	rule(r, SCMP_ACT_ALLOW, call, 1, &arg);
}

/* Code comes from files, and stays as it is. */
static void
memory_rules(struct rules *r)
{
	static const int calls[] = { CALL(mmap), CALL(mmap2) };

	for (unsigned i = 0; i < 2; i++) {
		rule_one(r, calls[i], SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		rule_one(r, calls[i], SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
	}
	rule_one(r, CALL(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* Threads of this process; neither another process nor another view of the system. */
static void
thread_rules(struct rules *r)
{
	enum { NEW = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };

#if defined(__s390__) || defined(__s390x__) || defined(__CRIS__)
	rule_one(r, CALL(clone), SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_THREAD | NEW, CLONE_THREAD));
#else
	rule_one(r, CALL(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | NEW, CLONE_THREAD));
#endif
	rule(r, SCMP_ACT_ALLOW, CALL(clone3), 0, NULL);	/* refused by the other filter */
}

static void
socket_rules(struct rules *r)
{
	static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		rule_one(r, CALL(socket), SCMP_A0(SCMP_CMP_EQ, families[i]));
}

static void
other_rules(struct rules *r)
{
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		rule_one(r, CALL(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));	/* of 32 bits; libc may extend the sign */
	rule_one(r, CALL(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));	/* abort(), raise() */
	rule_one(r, CALL(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	rule_one(r, CALL(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME));
	rule_one(r, CALL(bpf), SCMP_A0(SCMP_CMP_EQ, BPF_MAP_LOOKUP_ELEM));	/* the table of mgre/leaving.c, which is open */
	rule_one(r, CALL(bpf), SCMP_A0(SCMP_CMP_EQ, BPF_MAP_UPDATE_ELEM));
	rule_one(r, CALL(bpf), SCMP_A0(SCMP_CMP_EQ, BPF_MAP_DELETE_ELEM));
	rule_one(r, CALL(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));	/* to read one */
}

static int
attach(struct rules *r, bool log)
{
	if (r->rc == 0)
		r->rc = seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r->rc == 0 && log)
		seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_LOG, 1);	/* since Linux 4.14 */
	return r->rc == 0 ? seccomp_load(r->ctx) : r->rc;
}

static int
load_clone3(void)
{
	struct rules r = { .ctx = seccomp_init(SCMP_ACT_ALLOW) };
	int rc = -ENOMEM;

	if (r.ctx) {
		rule(&r, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0, NULL);
		rc = attach(&r, false);
	}
	seccomp_release(r.ctx);
	return rc;
}

static int
load(struct rules *r)
{
	for (unsigned i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rule(r, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (unsigned i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		rule(r, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
	memory_rules(r);
	thread_rules(r);
	socket_rules(r);
	other_rules(r);
	if (r->rc == 0)
		r->rc = seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);	/* a tree: the list is long */
	return attach(r, true);
}

enum privilege_filter
privilege_filter(char *why, size_t whylen)
{
	struct rules r = { .rc = 0 };
	int rc;

	if (SANITIZED) {
		snprintf(why, whylen, "this build has sanitizers, which call what is not on the list");
		return PRIVILEGE_NO_FILTER;
	}
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		snprintf(why, whylen, "this kernel has no seccomp (CONFIG_SECCOMP_FILTER)");
		return PRIVILEGE_NO_FILTER;
	}
	r.ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	rc = r.ctx ? load_clone3() : -ENOMEM;
	if (rc == 0)
		rc = load(&r);
	seccomp_release(r.ctx);
	if (rc == 0)
		return PRIVILEGE_FILTERED;
	snprintf(why, whylen, "the list of system calls was refused: %s", strerror(rc < 0 ? -rc : rc));
	return PRIVILEGE_FAILED;
}
