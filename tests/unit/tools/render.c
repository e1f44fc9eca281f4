/* Answers of the daemon as text: JSON in, the exact text and exit status out. */
#include "tools/render.h"

#include <stdlib.h>

#include "tests/unit/harness.h"

suite_fn render_suite;

#define LEGEND \
	"Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete\n" \
	"        N - NATed\n" \
	"        # Ent --> Number of NHRP entries with same NBMA peer\n" \
	"        UpDn Time --> Up or Down Time for a Tunnel\n" \
	"==========================================================================\n"
#define COLUMNS \
	" # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb\n" \
	" ----- --------------- --------------- ----- -------- -----\n"

static const struct {
	const char *line, *json, *text;
	int status;
} shows[] = {
	{ "show dmvpn",
	    "{'tunnels':[{'interface':'dmvpn0','up':true,'role':'hub','peers':["
	    "{'nbma':'198.51.100.7','tunnel_address':'10.255.0.11','state':'UP','age_s':330,'up':true,'attributes':'DN','entries':1,'reason':''},"
	    "{'nbma':'203.0.113.9','tunnel_address':'','state':'IKE','age_s':90061,'up':false,'attributes':'S','entries':0,'reason':'no answer'}]}]}",
	    LEGEND "\nInterface: dmvpn0, up, NHRP Details\nType:Hub, NHRP Peers:2,\n\n" COLUMNS
	    "     1 198.51.100.7        10.255.0.11    UP 00:05:30    DN\n"
	    "     0 203.0.113.9                   -   IKE    1d01h     S\n"
	    "       reason: no answer\n", 1 },
	{ "show dmvpn", "{'tunnels':[{'interface':'d0','up':true,'role':'hub','peers':[]}]}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Hub, NHRP Peers:0,\n\n" COLUMNS, 0 },
	{ "show dmvpn", "{'tunnels':[{'interface':'d0','up':true,'role':'spoke','peers':[]}]}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Spoke, NHRP Peers:0,\n\n" COLUMNS, 1 },
	{ "show dmvpn", "{'tunnels':[]}", LEGEND, 1 },
	{ "show dmvpn", "{'tunnels':[{'interface':'d0','up':true,'role':'spoke','peers':["
	    "{'nbma':'192.0.2.1','tunnel_address':'10.255.0.1','state':'UP','age_s':5,'up':true,'nhs':true,'attributes':'S','entries':1,'reason':''},"
	    "{'nbma':'','tunnel_address':'','state':'IKE','age_s':6,'up':false,'nhs':true,'attributes':'SI','entries':0,'reason':'standby'}]}]}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Spoke, NHRP Peers:2,\n\n" COLUMNS
	    "     1 192.0.2.1            10.255.0.1    UP 00:00:05     S\n"
	    "     0 -                             -   IKE 00:00:06    SI\n       reason: standby\n", 0 },
	{ "show dmvpn",
	    "{'tunnels':[{'interface':'d0','up':true,'role':'hub','peers':[{'nbma':'2001:db8::1','tunnel_address':'fd00::11','state':'UP',"
	    "'age_s':700000,'up':true,'attributes':'D','entries':2}]}],'not_shown':5}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Hub, NHRP Peers:1,\n\n" COLUMNS
	    "     2 2001:db8::1            fd00::11    UP     1w1d     D\n... and 5 more\n", 0 },
	{ "show ip nhrp",
	    "{'entries':[{'prefix':'10.255.0.11/32','via':'10.255.0.11','interface':'dmvpn0','age_s':62,'expires_in_s':238,'type':'dynamic','unique':true,"
	    "'registered':true,'used':true,'natted':true,'nbma':'198.51.100.7','claimed_nbma':'192.168.1.2','identity':'fqdn a.b','reason':''},"
	    "{'prefix':'10.255.0.1/32','via':'','interface':'dmvpn0','age_s':1,'expires_in_s':null,'type':'local','nbma':'192.0.2.1',"
	    "'claimed_nbma':'192.0.2.1','identity':'','reason':''},"
	    "{'prefix':'10.9.0.0/16','via':'','interface':'dmvpn0','age_s':3,'expires_in_s':7,'type':'negative','nbma':'','reason':'no binding'}]}",
	    "10.255.0.11/32 via 10.255.0.11\n   dmvpn0 created 00:01:02, expire 00:03:58\n   Type: dynamic, Flags: unique registered used nat\n"
	    "   NBMA address: 198.51.100.7\n    (Claimed NBMA address: 192.168.1.2)\n   Identity: fqdn a.b\n"
	    "10.255.0.1/32\n   dmvpn0 created 00:00:01, never expire\n   Type: local\n   NBMA address: 192.0.2.1\n"
	    "10.9.0.0/16\n   dmvpn0 created 00:00:03, expire 00:00:07\n   Type: negative\n   reason: no binding\n", 0 },
	{ "show ip nhrp", "{'entries':[]}", "", 0 },
	{ "show ip nhrp 10.0.0.1", "{'entries':[]}", "", 1 },
	{ "show ip nhrp nhs",
	    "{'servers':[{'interface':'dmvpn0','tunnel_address':'10.255.0.1','nbma':'192.0.2.1','name':'hub1','state':'registered','up':true,'priority':1,"
	    "'age_s':100,'next_in_s':20,'requests':3,'failures':1,'replies':2,'reason':'old'},"
	    "{'interface':'dmvpn0','tunnel_address':'','nbma':'','name':'hub2','state':'standby','up':false,'priority':2,"
	    "'age_s':100,'next_in_s':null,'requests':0,'failures':0,'replies':0,'reason':'a better hub is up'}]}",
	    "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic\ndmvpn0:\n"
	    "10.255.0.1  RE  NBMA Address: 192.0.2.1 (hub1) priority = 1 cluster = 0\n"
	    "    registered for 00:01:40, next step in 00:00:20; req-sent 3  req-failed 1  repl-recv 2\n"
	    "dynamic  W  NBMA Address: - (hub2) priority = 2 cluster = 0\n"
	    "    standby for 00:01:40; req-sent 0  req-failed 0  repl-recv 0\n    reason: a better hub is up\n", 0 },
	{ "show ip nhrp nhs", "{'servers':[{'interface':'d','state':'registering','up':false,'age_s':1,'next_in_s':1}]}",
	    "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic\nd:\ndynamic  E  NBMA Address: - () priority = 0 cluster = 0\n"
	    "    registering for 00:00:01, next step in 00:00:01; req-sent 0  req-failed 0  repl-recv 0\n", 1 },
	{ "show ip nhrp shortcut",
	    "{'shortcuts':[{'prefix':'10.12.0.0/16','via':'10.255.0.12','nbma':'198.51.100.7','state':'up','age_s':5,'expires_in_s':295,'interface':'d0'},"
	    "{'prefix':'','destination':'10.13.0.1','state':'securing','age_s':1,'expires_in_s':null,'interface':'d0','reason':'waits for IKE'}]}",
	    "Prefix               Via              NBMA             State            Age   Expire Interface\n"
	    "10.12.0.0/16         10.255.0.12      198.51.100.7     up          00:00:05 00:04:55 d0\n"
	    "10.13.0.1            -                -                securing    00:00:01    never d0\n    reason: waits for IKE\n", 0 },
	{ "show ip nhrp traffic",
	    "{'interfaces':[{'interface':'d0','sent':{'Resolution-Request':2,'Purge-Reply':1},'received':{},'refused':{'auth':{'count':7,'text':'wrong string'}},"
	    "'rate_limited':[{'peer':3,'identity':'fqdn x','remote':'192.0.2.1:4500','received':90,'dropped':80,'now':true,'last_age_s':3}]}]}",
	    "d0:\n  Sent: Total 3\n         2 Resolution-Request\n         1 Purge-Reply\n  Rcvd: Total 0\n         7 refused: wrong string\n"
	    "  Rate-limited: peer 3 fqdn x at 192.0.2.1:4500: 80 of 90 received dropped, last 00:00:03 ago, still going on\n", 0 },
	{ "show crypto session",
	    "{'sessions':[{'profile':'MESH','state':'established','local':'192.0.2.1:4500','remote':'198.51.100.7:4500','natted_remote':true,"
	    "'peer_id':'fqdn a.b','age_s':682,'reason':'','children':[{'encryption':'aes-gcm-256','spi_in':'0x00000abc','spi_out':'0x00000def','encap':true,"
	    "'state':'installed','age_s':10,'rekey_in_s':20,'tx_packets':2,'tx_bytes':200,'rx_packets':1,'rx_bytes':100}]},"
	    "{'profile':'','state':'auth','local':'192.0.2.1:500','remote':'198.51.100.8:500','peer_id':'','age_s':null,'reason':'waits','children':[]}]}",
	    "Crypto session current status\n\nProfile: MESH\nUptime: 00:11:22\nSession status: UP-ACTIVE\nPeer: 198.51.100.7:4500 (behind NAT)\n"
	    "  Phase1_id: fqdn a.b\n  IKEv2 SA: local 192.0.2.1:4500 remote 198.51.100.7:4500 Active\n"
	    "  ESP aes-gcm-256 in 0x00000abc out 0x00000def, UDP-Encaps, installed, up 00:00:10, rekey in 00:00:20\n"
	    "      #pkts encaps: 2 (200 bytes), #pkts decaps: 1 (100 bytes)\n"
	    "\nProfile: -\nUptime: never\nSession status: DOWN-NEGOTIATING\nPeer: 198.51.100.8:500\n  Phase1_id: -\n"
	    "  IKEv2 SA: local 192.0.2.1:500 remote 198.51.100.8:500 Inactive\n  reason: waits\n", 1 },
	{ "show crypto ikev2 sa",
	    "{'sas':[{'sa':1,'local':'192.0.2.1:4500','remote':'198.51.100.7:4500','state':'rekeying','encryption':'aes-gcm-256','prf':'sha384',"
	    "'group':'curve25519','initiator':true,'peer_id':'fqdn a.b','age_s':120,'rekey_in_s':60,'spi_i':'01','spi_r':'02','natted_local':true}]}",
	    "Tunnel-id Local                     Remote                    Status\n"
	    "1         192.0.2.1:4500            198.51.100.7:4500         READY\n"
	    "      Encr: aes-gcm-256, PRF: sha384, DH Grp: curve25519, initiator, peer: fqdn a.b\n"
	    "      Active Time: 00:02:00, rekey in 00:01:00, SPIs: 01/02, NAT here\n", 0 },
	{ "show crypto ikev2 sa detail",
	    "{'sas':[{'sa':1,'local':'192.0.2.1:4500','remote':'198.51.100.7:4500','state':'established','encryption':'aes-gcm-256','prf':'sha384',"
	    "'group':'curve25519','initiator':true,'peer_id':'fqdn a.b','age_s':120,'rekey_in_s':60,'spi_i':'01','spi_r':'02',"
	    "'extensions':{'fragmentation':true,'fragment_mtu':1280,'mobike':true,'ppk':false,'additional_key_exchange':'ecp384 curve448'}}]}",
	    "Tunnel-id Local                     Remote                    Status\n"
	    "1         192.0.2.1:4500            198.51.100.7:4500         READY\n"
	    "      Encr: aes-gcm-256, PRF: sha384, DH Grp: curve25519, initiator, peer: fqdn a.b\n"
	    "      Active Time: 00:02:00, rekey in 00:01:00, SPIs: 01/02\n"
	    "      Fragmentation: yes, limit: 1280, MOBIKE: yes, PPK: no, additional key exchange: ecp384 curve448\n", 0 },
	{ "show crypto ipsec sa",
	    "{'sas':[{'local':'192.0.2.1:500','remote':'198.51.100.7:500','peer_id':'fqdn a.b','encryption':'aes-gcm-256','spi_in':'0x1','spi_out':'0x2',"
	    "'esn':true,'state':'installed','age_s':10,'rekey_in_s':20}]}",
	    "local 192.0.2.1:500 remote 198.51.100.7:500 peer fqdn a.b\n"
	    "  ESP aes-gcm-256 in 0x1 out 0x2, ESN, installed, up 00:00:10, rekey in 00:00:20\n", 0 },
	{ "show interface",
	    "{'interfaces':[{'interface':'dmvpn0','up':true,'plane':'user','description':'all sites','addresses':['10.255.0.1/24','fd00::1/64'],'mtu':1400,"
	    "'source':'192.0.2.1','source_interface':'eth0','has_key':true,'key':42,'network_id':1,'rx_packets':1,'rx_bytes':2,'tx_packets':3,'tx_bytes':4}]}",
	    "dmvpn0 is up, data plane user\n  Description: all sites\n  Internet address is 10.255.0.1/24\n  Internet address is fd00::1/64\n"
	    "  MTU 1400 bytes, tunnel source 192.0.2.1 of eth0, GRE multipoint, key 42, NHRP network-id 1\n"
	    "     1 packets input, 2 bytes\n     3 packets output, 4 bytes\n", 0 },
	{ "show interface",
	    "{'interfaces':[{'interface':'d0','up':true,'plane':'user','mtu':1400,'source':'192.0.2.1','network_id':1,"
	    "'offloads':[{'name':'tap','on':true,'why':''},{'name':'gso','on':false,'why':'configuration'}],'crypto':'OpenSSL 3.0.17','crypto_why':'configuration'}]}",
	    "d0 is up, data plane user\n  MTU 1400 bytes, tunnel source 192.0.2.1, GRE multipoint, NHRP network-id 1\n"
	    "  Offloads: tap on, gso off (configuration)\n  Encryption by OpenSSL 3.0.17 (not by ipsec-mb: configuration)\n"
	    "     0 packets input, 0 bytes\n     0 packets output, 0 bytes\n", 0 },
	{ "show interface",
	    "{'interfaces':[{'interface':'dmvpn0','up':true,'plane':'kernel','mtu':1430,'source':'192.0.2.1','network_id':1,'vrf':'red','outer_vrf':'isp','mss':1390,'mss_lowered':1,"
	    "'filter':'nftables','filter_locks':true,'clear_dropped':2}]}",
	    "dmvpn0 is up, data plane kernel\n  MTU 1430 bytes, tunnel source 192.0.2.1, GRE multipoint, NHRP network-id 1\n"
	    "  VRF red, of outer packets isp\n  TCP MSS is lowered to 1390, by nftables: 1 SYN so far\n  GRE in clear is dropped, by IPsec policy and by nftables: 2 packets so far\n"
	    "     0 packets input, 0 bytes\n     0 packets output, 0 bytes\n", 0 },
	{ "show interface x", "{'interfaces':[]}", "", 1 },
	{ "show counters",
	    "{'nhrp':[{'interface':'d0','refused':{'auth':7,'loop':0}}],'ike':{'received':{'IKE_AUTH':3},'sent':{'IKE_AUTH':0},'refused':{'icv':1},'fragments_received':4,'fragments_sent':0},"
	    "'dataplane':{'esp-replay':4}}",
	    "NHRP of d0, refused:\n           auth                                        7\nIKE:\n  received IKE_AUTH                                    3\n"
	    "  fragments: 4 received, 0 sent\n"
	    "  refused  icv                                         1\nData plane:\n           esp-replay                                  4\n", 0 },
	{ "show dmvpn detail",
	    "{'tunnels':[{'interface':'dmvpn0','up':true,'role':'hub','peers':["
	    "{'nbma':'198.51.100.7','claimed_nbma':'192.168.1.2','remote':'198.51.100.7:4500','tunnel_address':'10.255.0.11','state':'UP','age_s':330,'up':true,"
	    "'attributes':'DN','natted':true,'encap':true,'entries':2,'identity':'fqdn a.b','ike_sa':1,'spi_in':'0xa','spi_out':'0xb',"
	    "'prefixes':['10.255.0.11/32','10.11.0.0/16'],'ladder':{'intf_age_s':900,'ike_age_s':600,'ipsec_age_s':599,'nhrp_age_s':330},'expires_in_s':60,"
	    "'rekey_in_s':120,'sa_expires_in_s':180,'traffic':{'rx_packets':1,'rx_bytes':2,'rx_drops':3,'tx_packets':4,'tx_bytes':5,'tx_drops':6,'path_mtu':1400}},"
	    "{'nbma':'203.0.113.9','remote':'203.0.113.9','tunnel_address':'','state':'IKE','age_s':10,'up':false,'attributes':'S','entries':0,'reason':'no answer',"
	    "'ladder':{'intf_age_s':900,'ike_age_s':null,'ipsec_age_s':null,'nhrp_age_s':null}}]}]}",
	    LEGEND "\nInterface: dmvpn0, up, NHRP Details\nType:Hub, NHRP Peers:2,\n\n" COLUMNS
	    "     2 198.51.100.7        10.255.0.11    UP 00:05:30    DN\n"
	    "       Identity: fqdn a.b\n       Outer address: 198.51.100.7:4500, claims 192.168.1.2, behind NAT\n"
	    "       Ladder: INTF 00:15:00, IKE 00:10:00, IPSEC 00:09:59, NHRP 00:05:30\n"
	    "       Prefixes: 10.255.0.11/32 10.11.0.0/16, expire 00:01:00\n"
	    "       IKE SA 1, ESP in 0xa out 0xb, UDP-Encaps, rekey in 00:02:00, expire 00:03:00\n"
	    "       Input: 1 packets, 2 bytes, 3 dropped; output: 4 packets, 5 bytes, 6 dropped\n       Path MTU: 1400\n"
	    "     0 203.0.113.9                   -   IKE 00:00:10     S\n       reason: no answer\n"
	    "       Identity: -\n       Outer address: 203.0.113.9\n       Ladder: INTF 00:15:00, IKE -, IPSEC -, NHRP -\n", 1 },
	{ "show dmvpn peer 10.255.0.1 detail", "{'tunnels':[{'interface':'d0','up':true,'role':'spoke','peers':[{'nbma':'192.0.2.1','remote':'192.0.2.1:500',"
	    "'tunnel_address':'10.255.0.1','state':'UP','age_s':5,'up':true,'attributes':'S','entries':1,'prefixes':['10.255.0.1/32'],'expires_in_s':null,'ladder':{}}]}]}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Spoke, NHRP Peers:1,\n\n" COLUMNS
	    "     1 192.0.2.1            10.255.0.1    UP 00:00:05     S\n       Identity: -\n       Outer address: 192.0.2.1:500\n"
	    "       Ladder: INTF -, IKE -, IPSEC -, NHRP -\n       Prefixes: 10.255.0.1/32, never expire\n", 0 },
	{ "show dmvpn peer 10.0.0.1", "{'tunnels':[]}", "no such peer\n", 1 },
	{ "show dmvpn peer 10.255.0.11", "{'tunnels':[{'interface':'d0','up':true,'role':'hub','peers':["
	    "{'nbma':'198.51.100.7','tunnel_address':'10.255.0.11','state':'NHRP','age_s':5,'up':false,'attributes':'D','entries':0,'reason':'it has not registered'}]}]}",
	    LEGEND "\nInterface: d0, up, NHRP Details\nType:Hub, NHRP Peers:1,\n\n" COLUMNS
	    "     0 198.51.100.7        10.255.0.11  NHRP 00:00:05     D\n       reason: it has not registered\n", 1 },
#define SESSION "'session':{'remote':'198.51.100.7:4500','encap':true,'ike_sa':1,'spi_in':'0xa','spi_out':'0xb','ike_age_s':600,'ipsec_age_s':599,'rekey_in_s':120}"
#define SESSION_TEXT "Session: 198.51.100.7:4500, UDP-Encaps, IKE SA 1 up 00:10:00, ESP in 0xa out 0xb up 00:09:59, rekey in 00:02:00\n"
	{ "show ip nhrp detail",
	    "{'entries':[{'prefix':'10.255.0.11/32','via':'10.255.0.11','interface':'d0','age_s':62,'expires_in_s':238,'type':'dynamic','multicast':true,"
	    "'installed':true,'nbma':'198.51.100.7','claimed_nbma':'198.51.100.7','identity':'fqdn a.b','reason':''," SESSION "}]}",
	    "10.255.0.11/32 via 10.255.0.11\n   d0 created 00:01:02, expire 00:03:58\n   Type: dynamic, Flags: multicast installed\n"
	    "   NBMA address: 198.51.100.7\n   Identity: fqdn a.b\n   " SESSION_TEXT, 0 },
	{ "show ip nhrp nhs detail",
	    "{'servers':[{'interface':'d0','tunnel_address':'10.255.0.1','nbma':'192.0.2.1','name':'hub1','state':'registered','up':true,'priority':1,'age_s':100,"
	    "'next_in_s':20,'requests':3,'failures':1,'replies':2,'reason':'was down','multicast':true," SESSION "}]}",
	    "Legend: E=Expecting replies, R=Responding, W=Waiting, D=Dynamic\nd0:\n10.255.0.1  RE  NBMA Address: 192.0.2.1 (hub1) priority = 1 cluster = 0\n"
	    "    registered for 00:01:40, next step in 00:00:20; req-sent 3  req-failed 1  repl-recv 2\n    multicast: yes\n    " SESSION_TEXT
	    "    reason: was down\n", 0 },
	{ "show ip nhrp multicast", "{'entries':[{'interface':'d0','nbma':'192.0.2.1','prefix':'10.255.0.1/32','type':'nhs','up':true},"
	    "{'interface':'d0','nbma':'','prefix':'10.255.0.2/32','type':'static','up':false}]}",
	    "I/F              NBMA address     Address              Type     State\n"
	    "d0               192.0.2.1        10.255.0.1/32        nhs      Enabled\n"
	    "d0               -                10.255.0.2/32        static   Disabled\n", 0 },
	{ "show running-config", "{'lines':['hostname a','!','interface d0',' shutdown'],'secrets':false}", "hostname a\n!\ninterface d0\n shutdown\n", 0 },
	{ "show logging", "{'lines':[{'time':'2026-11-23T12:00:00.123','level':'notice','word':'ready','text':'hub1'}],'level':'info','written':1,'room':1000,"
	    "'debugged':['10.0.0.1','x.y']}",
	    "Log level: info, 1 lines logged, the last 1000 are kept\nDebugging of: 10.0.0.1, x.y\n\n2026-11-23T12:00:00.123 notice  ready: hub1\n", 0 },
	{ "show logging 5", "{'lines':[],'level':'info','written':0,'room':1000,'debugged':[]}", "Log level: info, 0 lines logged, the last 1000 are kept\n\n", 0 },
	{ "show version", "{'program':'nhrpd','version':'0.1.0','hostname':'hub1','uptime_s':86400,'pid':7,'configuration':'','dataplane':'auto','tunnels':1,"
	    "'kernel':'6.1.0','machine':'x86_64'}",
	    "OpenDMVPN nhrpd 0.1.0\nhub1 uptime is 1d00h, process 7\nConfiguration: -, 1 tunnel, data plane auto\nLinux 6.1.0, x86_64\n", 0 },
	{ "show version", "{'program':'nhrpd','version':'0.1.0','hostname':'hub1','uptime_s':86400,'pid':7,'configuration':'/c','dataplane':'auto','plane':'user',"
	    "'plane_why':'this kernel has no x','tunnels':2,'kernel':'6.1.0','machine':'x86_64'}",
	    "OpenDMVPN nhrpd 0.1.0\nhub1 uptime is 1d00h, process 7\nConfiguration: /c, 2 tunnels, data plane user (auto: this kernel has no x)\nLinux 6.1.0, x86_64\n", 0 },
	{ "show tech-support", "{'sections':[{'command':'show running-config','data':{'lines':['hostname a']}},{'command':'show logging','error':'no log is kept'},"
	    "{'command':'show tech-support','data':{'sections':[]}}]}",
	    "------------------ show running-config ------------------\n\nhostname a\n\n------------------ show logging ------------------\n\n% no log is kept\n"
	    "\n------------------ show tech-support ------------------\n\n", 0 },
	{ "debug ike peer x", "{'debugging':[{'facility':'ike','peer':'x'},{'facility':'nhrp','peer':''}]}",
	    "ike debugging is on for peer x\nnhrp debugging is on\n", 0 },
	{ "no debug", "{'debugging':[],'ended':1}", "debugging is off\n", 0 }, { "show debugging", "{'debugging':[]}", "debugging is off\n", 0 },
	{ "show dmvpn peer 10.0.0.1 timeline", "{'attempts':[{'attempt':7,'interface':'dmvpn0','kind':'shortcut','state':'failed','destination':'172.16.2.1',"
	    "'prefix':'172.16.2.0/24','tunnel_address':'10.255.0.12','nbma':'192.0.2.12','began':'2026-11-23T12:00:00.123456','up_after_us':null,"
	    "'ended_after_us':5,'reason':'no answer','left_out':0,'steps':[{'at_us':1000002,'time':'x','layer':'IKE','step':'ike-init-sent','text':'IKE_SA_INIT sent',"
	    "'detail':'try 2'}]}]}",
	    "Attempt 7, dmvpn0: shortcut to 172.16.2.0/24 (for 172.16.2.1), 10.255.0.12 at 192.0.2.12: failed\n  reason: no answer\n"
	    "  began 2026-11-23 12:00:00.123456\n  +     1.000002  IKE    IKE_SA_INIT sent, try 2\n", 0 },
	{ "show dmvpn peer 10.0.0.1 timeline", "{'attempts':[]}", "nothing has happened with it\n", 1 },
	{ "show ip nhrp summary", "{'entries':3,'types':{'cached':0,'dynamic':2,'local':1}}", "NHRP cache 3 entries\n         2 dynamic\n         1 local\n", 0 },
	{ "show zebra", "{'configured':false,'up':false}", "zebra is not looked for (`zebra off`)\n", 0 },
	{ "show zebra", "{'configured':true,'up':false,'state':'away','reason':'No such file or directory','socket':'/z','age_s':5,'release_from':'','sessions':1}",
	    "zebra at /z: away, 00:00:05\n  reason: No such file or directory\n  Sessions: 1; messages: 0 received, 0 sent, 0 not understood\n"
	    "  Our routes: 0, of them 0 by zebra, 0 by the kernel, 0 not answered yet, 0 refused; moved 0 times\n"
	    "  Answers: 0 installed, 0 removed, 0 failed, 0 behind a better route\n", 1 },
	{ "show zebra", "{'configured':true,'up':true,'state':'up','reason':'','socket':'/z','age_s':5,'release_from':'8.3','release_to':'8.4','router_id':'10.0.0.1',"
	    "'interfaces':3,'learnt':7,'sessions':2,'received':20,'sent':9,'not_understood':0,'notes':{'installed':4,'removed':1,'failed':0,'better':0},"
	    "'routes':{'ours':2,'zebra':2,'kernel':0,'asked':0,'refused':0,'moved':1}}",
	    "zebra at /z: up, 00:00:05\n  FRRouting 8.3 to 8.4, router id 10.0.0.1, 3 interfaces, 7 routes learnt\n"
	    "  Sessions: 2; messages: 20 received, 9 sent, 0 not understood\n"
	    "  Our routes: 2, of them 2 by zebra, 0 by the kernel, 0 not answered yet, 0 refused; moved 1 times\n"
	    "  Answers: 4 installed, 1 removed, 0 failed, 0 behind a better route\n", 0 },
	{ "show ip route nhrp", "{'routes':[{'origin':'nhrp','prefix':'10.3.0.0/16','via':'10.255.0.13','by':'refused by zebra','installed':false,'age_s':5,'interface':'t'}]}",
	    "Codes: H - NHRP, S - static of the configuration\n\nH     10.3.0.0/16 via 10.255.0.13, 00:00:05, t, refused by zebra, not installed\n", 1 },
	{ "show ip route nhrp", "{'routes':[{'origin':'nhrp','prefix':'10.1.0.0/16','via':'10.255.0.12','installed':true,'age_s':5,'interface':'t'},"
	    "{'origin':'static','prefix':'10.0.0.0/8','via':'10.255.0.1','installed':false,'age_s':null,'interface':'t'}]}",
	    "Codes: H - NHRP, S - static of the configuration\n\nH     10.1.0.0/16 via 10.255.0.12, 00:00:05, t\n"
	    "S     10.0.0.0/8 via 10.255.0.1, t, not installed: the interface is down\n", 1 },
	{ "probe 10.0.0.1", "{'peer':'10.0.0.1','nbma':'192.0.2.1','interface':'t','asked':true,'answered':true,'rtt_us':1234,'state':'UP','reason':''}",
	    "answer from 10.0.0.1 at 192.0.2.1: time=1.234 ms\n", 0 },
	{ "probe 10.0.0.1", "{'peer':'10.0.0.1','nbma':'192.0.2.1','interface':'t','asked':false,'answered':false,'rtt_us':null,'state':'IKE','reason':'no answer'}",
	    "no answer from 10.0.0.1: IKE: no answer\n", 1 },
	{ "why 10.0.0.1", "{'address':'10.0.0.1','works':true,'broken':'','cause':'','next':'','layers':[{'layer':'route','state':'ok','text':'by t'}]}",
	    "route      ok       by t\nNothing is wrong on the way to 10.0.0.1.\n", 0 },
	{ "why 10.0.0.1", "{'address':'10.0.0.1','works':false,'broken':'ike','cause':'no answer','next':'do it','layers':[{'layer':'ike','state':'broken','text':'no answer'}]}",
	    "ike        broken   no answer\nThe cause is in ike: no answer.\nNext: do it\n", 1 },
	{ "clear dmvpn peer 10.0.0.1", "{'cleared':1}", "cleared 1 peer\n", 0 },
	{ "rekey crypto ikev2 sa 10.0.0.1", "{'rekeyed':1}", "new keys asked for with 1 peer\n", 0 },
	{ "rekey crypto ipsec sa 10.0.0.1", "{'rekeyed':0}", "new keys asked for with 0 peers\n", 1 },
	{ "rekey crypto ipsec sa all", "{'rekeyed':0}", "new keys asked for with 0 peers\n", 0 },
	{ "clear dmvpn peer 10.0.0.1", "{'cleared':0}", "cleared 0 peers\n", 1 },
	{ "clear dmvpn peer all", "{'cleared':0}", "cleared 0 peers\n", 0 },
	{ "clear ip nhrp", "{}", "", 0 },
};

/* Fixtures are written with ' for ". */
static json_t *
fixture(const char *text)
{
	json_error_t err;
	char *s = strdup(text);
	json_t *o;

	for (char *p = s; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	o = json_loads(s, 0, &err);
	ck_assert_msg(o != NULL, "%s: %s", err.text, s);
	free(s);
	return o;
}

START_TEST(text)
{
	json_t *o = fixture(shows[_i].json);
	struct control_cmd cmd;
	char *got = NULL, why[256];
	size_t n = 0;
	FILE *f = open_memstream(&got, &n);

	ck_assert(control_parse(shows[_i].line, &cmd, why, sizeof(why)));
	render(f, cmd.verb, o);
	fclose(f);
	ck_assert_str_eq(got, shows[_i].text);
	ck_assert_int_eq(render_status(&cmd, o), shows[_i].status);
	free(got);
	json_decref(o);
}
END_TEST

START_TEST(times)
{
	static const struct {
		json_int_t s;
		const char *text;
	} time[] = { { 0, "00:00:00" }, { -5, "00:00:00" }, { 59, "00:00:59" }, { 86399, "23:59:59" }, { 86400, "1d00h" }, { 604799, "6d23h" },
		{ 604800, "1w0d" }, { 9999999999, "7101w3d" } };
	char out[16];

	for (size_t i = 0; i < sizeof(time) / sizeof(time[0]); i++) {
		json_t *n = json_integer(time[i].s);

		ck_assert_str_eq(render_time(n, out), time[i].text);
		json_decref(n);
	}
	ck_assert_str_eq(render_time(json_null(), out), "never");
	ck_assert_str_eq(render_time(NULL, out), "never");
}
END_TEST

/* An answer of another version, with nothing in it that is looked for. */
START_TEST(empty_answers)
{
	for (enum control_verb v = CONTROL_SHOW_DMVPN; v < CONTROL_VERBS; v++) {
		struct control_cmd cmd = { v, "" };
		json_t *o = json_object(), *odd = fixture("{'tunnels':[5],'entries':[[]],'servers':'x','sas':[null],'sessions':{},'interfaces':[1],'nhrp':[2],'ike':3}");
		FILE *f = fopen("/dev/null", "w");

		render(f, v, o);
		render_status(&cmd, o);
		render(f, v, odd);
		render_status(&cmd, odd);
		fclose(f);
		json_decref(o);
		json_decref(odd);
	}
}
END_TEST

Suite *
render_suite(void)
{
	Suite *s = suite_create("render");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, text, 0, (int)(sizeof(shows) / sizeof(shows[0])));
	tcase_add_test(t, times);
	tcase_add_test(t, empty_answers);
	suite_add_tcase(s, t);
	return s;
}
