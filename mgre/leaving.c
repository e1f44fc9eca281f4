/* mgre/leaving.c: the daemon has to see two kinds of packets that the kernel sends by a GRE device: multicast, to copy it to each
 * peer, and packets that came in by the same device, for whose sender there is a shorter way (redirect).
 *
 * Netfilter's log could show both, but would need rules in tables that others own, and kernels have two kinds of those or none.
 * A packet socket sees each packet just before the device encapsulates it, with the outer header already in front; its filter
 * decides in the kernel, before anything is copied:
 *
 *   outer destination is the mark        whole packet: multicast, of which no copy may go to the underlay as it is
 *   came in by the device it leaves by   the beginning, once a second for a pair of addresses (a table of the recent ones)
 *   anything else                        nothing; where it is to count, one more to that outer destination
 *
 * In a VRF a packet has come in by the VRF, whatever its device was: there all that is forwarded is looked at, as seldom.
 *
 * The program is written out below in the instructions of eBPF. It needs CAP_BPF or CAP_SYS_ADMIN while it is loaded: once, at the start,
 * for each kind of device; devices of one kind share it and its table. */
#include "mgre/leaving.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mgre/gre.h"

enum { FLOWS = 8192 /* pairs remembered, the oldest go first */, COUNTS = 1 << 17 /* destinations counted */, KEY = 32, COUNT_KEY = 8, EVERY_NS = 1000 * 1000 * 1000, WHOLE = 0xffff, INSNS_MAX = 128, ROOM = 4 << 20 };

struct addr
leaving_mark(uint32_t tunnel, unsigned n)
{
	static const uint8_t v4[4] = { 240, 0x0f, 0xff, 0xfe }, v6[16] = { 0x01, [11] = 0xf0, 0, 0xff, 0xff, 0xfe };
	struct addr a = n == 16 ? addr_of(v6, 16) : addr_of(v4, 4);

	if (n == 16)
		a.b[12] = (uint8_t)tunnel;
	else
		a.b[1] = (uint8_t)((tunnel - 1) << 4 | 0x0f);
	return a;
}

unsigned
leaving_head(unsigned n, bool key)
{
	return (n == 16 ? 40 : 20) + 4 + (key ? 4 : 0);
}

static int
bpf(int cmd, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

static int
make_table(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_LRU_HASH, .key_size = KEY, .value_size = 8, .max_entries = FLOWS };

	return bpf(BPF_MAP_CREATE, &a);
}

static int
make_counts(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_HASH, .key_size = COUNT_KEY, .value_size = 8, .max_entries = COUNTS, .map_flags = BPF_F_NO_PREALLOC };

	return bpf(BPF_MAP_CREATE, &a);
}

/* ---- the program */

struct prog {
	struct bpf_insn i[INSNS_MAX];
	unsigned n;
	unsigned out[16], n_out;	/* jumps to the end that takes nothing */
};

/* Too long a program is one the kernel refuses: it has no end. */
static void
add(struct prog *p, struct bpf_insn i)
{
	if (p->n < INSNS_MAX)
		p->i[p->n++] = i;
}

#define INSN(c, d, s, o, m) (struct bpf_insn){ .code = (uint8_t)(c), .dst_reg = (d), .src_reg = (s), .off = (int16_t)(o), .imm = (int32_t)(m) }
#define MOV(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVI(d, m) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, m)
#define ADDI(d, m) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, m)
#define SUB(d, s) INSN(BPF_ALU64 | BPF_SUB | BPF_X, d, s, 0, 0)
#define LD32(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define LD64(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define ST64(d, o, s) INSN(BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0)
#define ST32(d, o, s) INSN(BPF_STX | BPF_MEM | BPF_W, d, s, o, 0)
#define ST64I(d, o, m) INSN(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, m)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define JNEI(d, m) INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, 0, m)
#define JEQI(d, m) INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, 0, m)
#define JNE(d, s) INSN(BPF_JMP | BPF_JNE | BPF_X, d, s, 0, 0)

/* Nothing is taken where this jump is taken. */
static void
or_leave(struct prog *p, struct bpf_insn jump)
{
	p->out[p->n_out++] = p->n;
	add(p, jump);
}

/* n octets of the packet at `off` to the stack at `to` */
static void
load(struct prog *p, unsigned off, int to, int n)
{
	add(p, MOV(BPF_REG_1, BPF_REG_6));
	add(p, MOVI(BPF_REG_2, off));
	add(p, MOV(BPF_REG_3, BPF_REG_10));
	add(p, ADDI(BPF_REG_3, to));
	add(p, MOVI(BPF_REG_4, n));
	add(p, CALL(BPF_FUNC_skb_load_bytes));
	or_leave(p, JNEI(BPF_REG_0, 0));
}

static void
map_args(struct prog *p, int map)
{
	add(p, INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map));
	add(p, INSN(0, 0, 0, 0, 0));
	add(p, MOV(BPF_REG_2, BPF_REG_10));
	add(p, ADDI(BPF_REG_2, -KEY));
}

/* The key at the top of the stack: both inner addresses. */
static void
load_flow(struct prog *p, unsigned head)
{
	unsigned v6, done;

	for (int at = -KEY; at < 0; at += 8)
		add(p, ST64I(BPF_REG_10, at, 0));
	add(p, LD32(BPF_REG_7, BPF_REG_6, offsetof(struct __sk_buff, protocol)));
	v6 = p->n;
	add(p, JNEI(BPF_REG_7, htons(ETH_P_IP)));
	load(p, head + 12, -KEY, 8);
	done = p->n;
	add(p, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0));
	p->i[v6].off = (int16_t)(p->n - v6 - 1);
	or_leave(p, JNEI(BPF_REG_7, htons(ETH_P_IPV6)));
	load(p, head + 8, -KEY, 32);
	p->i[done].off = (int16_t)(p->n - done - 1);
}

static void
counts(struct prog *p, int map)
{
	unsigned none;

	add(p, LD32(BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, protocol)));
	or_leave(p, JEQI(BPF_REG_1, htons(GRE_NHRP)));	/* our own words are no use of a peer */
	add(p, LD32(BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, ifindex)));
	add(p, ST32(BPF_REG_10, -KEY - COUNT_KEY, BPF_REG_1));
	add(p, LD32(BPF_REG_1, BPF_REG_10, -KEY));	/* the outer destination */
	add(p, ST32(BPF_REG_10, -KEY - COUNT_KEY + 4, BPF_REG_1));
	map_args(p, map);
	add(p, ADDI(BPF_REG_2, -COUNT_KEY));
	add(p, CALL(BPF_FUNC_map_lookup_elem));
	none = p->n;
	add(p, INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0));
	add(p, MOVI(BPF_REG_1, 1));
	add(p, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD));
	p->i[none].off = (int16_t)(p->n - none - 1);
}

static void
redirects(struct prog *p, unsigned head, int map, bool vrf)
{
	unsigned found, to;

	add(p, LD32(BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, ingress_ifindex)));
	add(p, LD32(BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, ifindex)));
	if (vrf)
		or_leave(p, INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
	else
		or_leave(p, JNE(BPF_REG_1, BPF_REG_2));
	load_flow(p, head);
	add(p, CALL(BPF_FUNC_ktime_get_ns));
	add(p, MOV(BPF_REG_8, BPF_REG_0));
	add(p, ST64(BPF_REG_10, -KEY - 8, BPF_REG_8));
	map_args(p, map);
	add(p, CALL(BPF_FUNC_map_lookup_elem));
	found = p->n;
	add(p, JNEI(BPF_REG_0, 0));
	map_args(p, map);
	add(p, MOV(BPF_REG_3, BPF_REG_10));
	add(p, ADDI(BPF_REG_3, -KEY - 8));
	add(p, MOVI(BPF_REG_4, BPF_ANY));
	add(p, CALL(BPF_FUNC_map_update_elem));
	to = p->n;
	add(p, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0));
	p->i[found].off = (int16_t)(p->n - found - 1);
	add(p, LD64(BPF_REG_1, BPF_REG_0, 0));
	add(p, MOV(BPF_REG_2, BPF_REG_8));
	add(p, SUB(BPF_REG_2, BPF_REG_1));
	add(p, INSN(BPF_JMP | BPF_JGE | BPF_K, BPF_REG_2, 0, 2, EVERY_NS));
	add(p, MOVI(BPF_REG_0, 0));
	add(p, EXIT());
	add(p, ST64(BPF_REG_0, 0, BPF_REG_8));
	p->i[to].off = (int16_t)(p->n - to - 1);
	add(p, MOVI(BPF_REG_0, head + LEAVING_CUT));
	add(p, EXIT());
}

static void
write_program(struct prog *p, unsigned n, bool key, int map /* -1: no redirects */, int count /* -1: not */, bool vrf)
{
	static const uint8_t any_v4[4] = { 0xff, 0x0f, 0xff, 0xff }, any_v6[4] = { 0, 0xff, 0xff, 0xff };	/* whichever tunnel's */
	struct addr mark = leaving_mark(1, n);
	uint32_t last, mask;
	unsigned other;

	memcpy(&last, mark.b + n - 4, 4);
	memcpy(&mask, n == 16 ? any_v6 : any_v4, 4);
	last &= mask;
	add(p, MOV(BPF_REG_6, BPF_REG_1));
	add(p, LD32(BPF_REG_0, BPF_REG_6, offsetof(struct __sk_buff, pkt_type)));
	or_leave(p, JNEI(BPF_REG_0, PACKET_OUTGOING));
	load(p, n == 16 ? 36 : 16, -KEY, 4);
	add(p, LD32(BPF_REG_1, BPF_REG_10, -KEY));
	add(p, INSN(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, mask));
	add(p, INSN(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, last));	/* 32 bits, not extended by sign */
	other = p->n;
	add(p, JNE(BPF_REG_1, BPF_REG_2));
	add(p, MOVI(BPF_REG_0, WHOLE));
	add(p, EXIT());
	p->i[other].off = (int16_t)(p->n - other - 1);
	if (count >= 0)
		counts(p, count);
	if (map >= 0)
		redirects(p, leaving_head(n, key), map, vrf);
	for (unsigned i = 0; i < p->n_out; i++)
		p->i[p->out[i]].off = (int16_t)(p->n - p->out[i] - 1);
	add(p, MOVI(BPF_REG_0, 0));
	add(p, EXIT());
}

static int
load_program(const struct prog *p)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)p->i, .insn_cnt = p->n, .license = (uintptr_t) "Dual BSD/GPL" };

	return bpf(BPF_PROG_LOAD, &a);
}

/* ---- the socket */

static int
open_socket(unsigned ifindex, int prog)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), room = ROOM, on = 1, e;	/* nothing before it is bound */

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) == 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) == 0 &&
	    bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) == 0)
		return fd;
	e = -errno;
	close(fd);
	return e;
}

ssize_t
leaving_read(int fd, uint8_t *buf, size_t size, uint16_t *proto, bool *unsummed)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { buf, size };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT);

	*proto = from.sll_protocol;
	*unsummed = false;
	for (struct cmsghdr *c = got >= 0 ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA || c->cmsg_len < CMSG_LEN(sizeof(aux)))
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		*unsummed = aux.tp_status & TP_STATUS_CSUMNOTREADY;
	}
	return got;
}

int
leaving_probe(void)
{
	struct prog p = { .n = 0 };
	int map = make_table(), prog;

	if (map < 0)
		return map;
	write_program(&p, 4, true, map, -1, false);
	prog = load_program(&p);
	close(map);
	if (prog >= 0)
		close(prog);
	return prog < 0 ? prog : 0;
}

static int
load_kind(unsigned n, bool key, bool redirect, int count, bool vrf)
{
	struct prog p = { .n = 0 };
	int map = redirect ? make_table() : -1, prog;

	if (redirect && map < 0)
		return map;
	write_program(&p, n, key, map, count, vrf);
	prog = load_program(&p);
	if (map >= 0)
		close(map);	/* the program holds it */
	return prog;
}

void
leaving_load(struct leaving *l, unsigned n)
{
	l->counts = make_counts();
	for (unsigned i = 0; i < LEAVING_KINDS; i++)
		l->prog[i] = i & 4 && l->counts < 0 ? l->counts : load_kind(n, i & 1, i & 2, i & 4 ? l->counts : -1, i & 8);
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -EBADF;
}

void
leaving_close(struct leaving *l)
{
	for (unsigned i = 0; i < LEAVING_KINDS; i++)
		close_one(&l->prog[i]);
	close_one(&l->counts);
}

int
leaving_open(const struct leaving *l, unsigned ifindex, bool key, bool redirect, bool count, bool vrf)
{
	int prog = l->prog[key | redirect << 1 | count << 2 | vrf << 3];

	return prog < 0 ? prog : open_socket(ifindex, prog);
}

/* ---- counts */

static int
count_op(const struct leaving *l, int cmd, unsigned ifindex, const struct addr *to, uint64_t *value)
{
	uint32_t key[COUNT_KEY / 4] = { ifindex };
	union bpf_attr a = { .map_fd = (uint32_t)l->counts, .key = (uintptr_t)key };

	if (l->counts < 0 || to->n != 4)
		return l->counts < 0 ? l->counts : -EAFNOSUPPORT;
	memcpy(&key[1], to->b, 4);
	a.value = (uintptr_t)value;
	return bpf(cmd, &a);
}

int
leaving_count(const struct leaving *l, unsigned ifindex, const struct addr *to)
{
	uint64_t none = 0;

	return count_op(l, BPF_MAP_UPDATE_ELEM, ifindex, to, &none);
}

void
leaving_count_no_more(const struct leaving *l, unsigned ifindex, const struct addr *to)
{
	count_op(l, BPF_MAP_DELETE_ELEM, ifindex, to, NULL);
}

bool
leaving_counted(const struct leaving *l, unsigned ifindex, const struct addr *to, uint64_t *packets)
{
	return count_op(l, BPF_MAP_LOOKUP_ELEM, ifindex, to, packets) == 0;
}
