#!/usr/bin/env bash
# strongSwan with kernel ESP and our hub: every cipher, integrity, key exchange group and sequence number size, either side opening
# it. Ours offers and takes everything each time, strongSwan names one.
LIMIT=400
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

note "strongSwan $(swan_version), kernel $(uname -r); ours $("$NHRPD" --version 2>&1 | head -n 1)"
pair_topology || { not_ok "the topology can be built"; exit 1; }

OURS_PROPOSAL=' encryption aes-gcm-256 aes-gcm-192 aes-gcm-128 chacha20-poly1305 aes-cbc-256 aes-cbc-192 aes-cbc-128 aes-ctr-256
	 prf sha384 sha256 sha512
	 integrity sha256 sha384 sha512
	 group 31 19 20 21 14 15 16 32'
OURS_ESP='G256 esp-gcm 256
G192 esp-gcm 192
G128 esp-gcm 128
CHACHA esp-chacha20-poly1305
C256 esp-aes 256 esp-sha256-hmac
C128 esp-aes 128 esp-sha384-hmac
C512 esp-aes 256 esp-sha512-hmac
CTR esp-aes-ctr 256 esp-sha256-hmac'
case_of ours "AES-GCM-128, X25519" SWAN_IKE=aes128gcm16-prfsha256-x25519 SWAN_ESP=aes128gcm16 && holds 'AES_GCM_16-128.*CURVE_25519.*ESP:AES_GCM_16-128' quick
while read -r role ike esp text pattern; do
	again "$role" "${text//_/ }" SWAN_IKE="$ike" SWAN_ESP="$esp" && holds "$pattern" quick
done <<-'END'
	swan aes128gcm16-prfsha256-x25519 aes128gcm16 AES-GCM-128,_X25519 ESP:AES_GCM_16-128
	ours aes256gcm16-prfsha512-ecp384 aes192gcm16 AES-GCM-192,_ECP-384 ECP_384.*ESP:AES_GCM_16-192
	swan aes256gcm16-prfsha512-ecp384 aes192gcm16 AES-GCM-192,_ECP-384 ECP_384.*ESP:AES_GCM_16-192
	ours chacha20poly1305-prfsha256-modp2048 chacha20poly1305 ChaCha20-Poly1305,_MODP-2048 CHACHA20_POLY1305.*MODP_2048.*ESP:CHACHA20_POLY1305
	swan chacha20poly1305-prfsha256-modp2048 chacha20poly1305 ChaCha20-Poly1305,_MODP-2048 CHACHA20_POLY1305.*MODP_2048.*ESP:CHACHA20_POLY1305
	ours aes256-sha256-modp3072 aes256-sha256 AES-CBC-256_with_SHA-256,_MODP-3072 ESP:AES_CBC-256/HMAC_SHA2_256_128
	swan aes256-sha256-modp3072 aes256-sha256 AES-CBC-256_with_SHA-256,_MODP-3072 ESP:AES_CBC-256/HMAC_SHA2_256_128
	ours aes128-sha384-ecp521 aes128-sha384 AES-CBC-128_with_SHA-384,_ECP-521 ECP_521.*ESP:AES_CBC-128/HMAC_SHA2_384_192
	swan aes128-sha384-ecp521 aes128-sha384 AES-CBC-128_with_SHA-384,_ECP-521 ECP_521.*ESP:AES_CBC-128/HMAC_SHA2_384_192
	ours aes256-sha512-modp4096 aes256-sha512 AES-CBC-256_with_SHA-512,_MODP-4096 ESP:AES_CBC-256/HMAC_SHA2_512_256
	swan aes256-sha512-modp4096 aes256-sha512 AES-CBC-256_with_SHA-512,_MODP-4096 ESP:AES_CBC-256/HMAC_SHA2_512_256
	ours aes256ctr-sha256-ecp256 aes256ctr-sha256 AES-CTR-256_with_SHA-256,_ECP-256 ESP:AES_CTR-256/HMAC_SHA2_256_128
	swan aes256ctr-sha256-ecp256 aes256ctr-sha256 AES-CTR-256_with_SHA-256,_ECP-256 ESP:AES_CTR-256/HMAC_SHA2_256_128
	ours aes256gcm16-prfsha384-ecp256 aes256gcm16-esn AES-GCM-256_with_ESN ESP:AES_GCM_16-256/ESN
	swan aes256gcm16-prfsha384-ecp256 aes256gcm16-esn AES-GCM-256_with_ESN ESP:AES_GCM_16-256/ESN
	swan aes256gcm16-prfsha384-ecp256 aes256-sha256-esn AES-CBC-256_with_ESN ESP:AES_CBC-256/HMAC_SHA2_256_128/ESN
	swan aes256gcm16-prfsha384-ecp256 aes256gcm16-noesn AES-GCM-256_without_ESN ESP:AES_GCM_16-256
END
nothing_in_clear "from our side"
end
