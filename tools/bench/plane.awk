# tools/bench/plane.awk: medians and ratios of the lines "WAY MEASURE AMOUNT CPU-a CPU-b" of tools/bench/plane, as tables and in the file `out`.
function median(v, n,   i, j, t) {
	for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function med(m, w, column,   k, v) {
	for (k = 1; k <= n[m, w]; k++) v[k] = d[m, w, k, column]
	return median(v, n[m, w])
}
# How many times b is in a; nothing where one of them was not measured.
function over(m, a, b) { return n[m, a] && n[m, b] ? sprintf("%.2f", med(m, a, 3) / med(m, b, 3)) : "" }
function table(m, title, unit, cpu_unit,   i, w, sep) {
	if (!seen[m]) return
	printf "\n%-28s %10s %9s %9s %14s %14s\n", title, unit, "of whole", "of clear", cpu_unit " send", cpu_unit " recv"
	printf "%s\"%s\":[", (tables++ ? "," : ""), m >out
	for (i = 1; i <= ways; i++) {
		w = way[i]
		if (!n[m, w]) continue
		printf "%-28s %10.0f %9s %9s", w, med(m, w, 3), over(m, w, "whole"), over(m, w, "clear")
		printf(w ~ /veth$/ || m == "rtt" ? "\n" : cpu_unit ~ /octet/ ? " %14.2f %14.2f\n" : " %14.0f %14.0f\n", med(m, w, 4), med(m, w, 5))
		printf "%s{\"way\":\"%s\",\"amount\":%.0f,\"cpu_ns_send\":%.3f,\"cpu_ns_receive\":%.3f}", sep, w, med(m, w, 3), med(m, w, 4), med(m, w, 5) >out
		sep = ","
	}
	printf "]" >out
}
function gate(m, a, b, text) { if (n[m, a] && n[m, b]) printf "%-60s %s\n", text, over(m, a, b) }
{
	if (!($1 in known)) { known[$1] = 1; way[++ways] = $1 }
	n[$2, $1]++; seen[$2] = 1
	for (c = 3; c <= 5; c++) d[$2, $1, n[$2, $1], c] = $c + 0
}
END {
	printf "%s; %d rounds of %s s, Linux %s, %d CPUs, load %s\n", suite, rounds, secs, kernel, cpus, load
	printf "{\"suite\":\"%s\",\"rounds\":%d,\"seconds\":%s,\"kernel\":\"%s\",\"cpus\":%d,\"load\":\"%s\",", suite, rounds, secs, kernel, cpus, load >out
	table("tcp", "TCP, one flow", "Mbit/s", "ns/octet")
	table("tcp4", "TCP, four flows", "Mbit/s", "ns/octet")
	table("udp64", "UDP, 64 octets", "received/s", "ns/packet")
	table("rtt", "round trip, least, in us", "us", "")
	printf "}\n" >out
	printf "\n"
	gate("tcp", "whole", "clear", "one flow, share of the path without cryptography")
	gate("tcp", "whole", "strongswan", "one flow, times strongSwan's kernel-libipsec")
	gate("tcp", "whole", "wireguard", "one flow, times wireguard-go")
	gate("tcp", "nic", "nic-veth", "NIC-like veth, share of the bare pair")
	gate("udp64", "whole", "strongswan", "64-octet UDP, times strongSwan's kernel-libipsec")
	if (n["rtt", "whole"] && n["rtt", "veth"]) printf "%-60s %.0f us\n", "round trip over the bare pair's", med("rtt", "whole", 3) - med("rtt", "veth", 3)
}
