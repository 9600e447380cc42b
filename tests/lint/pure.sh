#!/bin/bash
# pure.sh LIBFSM LIBSTORE: fsm/ reads no clock, opens nothing, starts no thread
# and keeps no global: it calls nothing but what is listed here, and has no
# data that can be written.
set -euo pipefail

fsm=$1 store=$2
bad=0

allowed='
__assert_fail abort calloc free
memchr memcmp memcpy memmove memset
strchr strcmp strcspn strspn strlen strncmp strpbrk strrchr strstr
qsort bsearch regcomp regexec regerror regfree vsnprintf __vsnprintf_chk ntohl ntohs
__divti3 __stack_chk_fail
msgpack_unpack_next msgpack_zone_free SHA256'

symbols() # that are called
{
	nm "$@" 2>/dev/null | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u
}

defined()
{
	nm --defined-only "$@" 2>/dev/null |
		awk 'NF == 3 { print $3 }' | sort -u
}

while read -r name; do
	echo "fsm/ calls $name, which is not on the list in tests/lint/pure.sh:"
	nm -A "$fsm" 2>/dev/null | grep " U $name\$" | sed 's/^/    /'
	bad=1
done < <(symbols "$fsm" | grep -vE '^__(asan|ubsan|sanitizer)_' |
	comm -23 - <(defined "$fsm" "$store") |
	comm -23 - <(tr -s ' \n' '\n' <<<"$allowed" | sort -u))

# The sanitizers add some of their own.
if objdump -t "$fsm" | awk '
	/[[:space:]]O[[:space:]]/ && ($4 == ".data" || $4 == ".bss" ||
		$4 ~ /^\.(data|bss)\./ && $4 !~ /^\.data\.rel\.ro/) &&
		$NF !~ /^(__odr_asan|\.L|\*\.L|__asan|__ubsan)/' | grep .; then
	echo "fsm/ keeps the above: a global that can be written"
	bad=1
fi
[ "$(symbols "$fsm" | wc -l)" -gt 50 ] || {
	echo "$fsm: no symbols to look at"
	bad=1
}
exit $bad
