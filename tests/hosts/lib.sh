# lib - what the tests with hosts share.
# shellcheck shell=bash
#
# A test is a script that reads like a list of what is done and what must then
# be so. It works on a cluster of its own, made by deploy/try, which is removed
# when the script ends, however it ends. The first thing that is not as it
# should be ends the test: its last line says what, after what the hosts have
# to say.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
SOURCE=$(readlink -f "$HERE/../..")
# As tests/run has it, so that checkouts do not meet.
export ENCAP_TRY_NAME=${ENCAP_TRY_NAME:-test$(cd "$SOURCE" && pwd | cksum |
	cut -d' ' -f1)}
export ENCAP_TRY_BUILD=${ENCAP_TRY_BUILD:-$SOURCE/build/dev}
STATE=/var/lib/encap-try-$ENCAP_TRY_NAME
SCRATCH=$(mktemp -d)
background=()
exec {output}>&1 # what fails may have its own output elsewhere

try() { "$SOURCE/deploy/try" "$@"; }
on() { try sh "$@"; }

now_ms()
{
	local t=$EPOCHREALTIME

	echo $((${t/[.,]/} / 1000))
}

step() { echo "== $*"; }

fail()
{
	trap - ERR
	{
		diagnose || :
		echo "FAILED: $*"
	} >&"$output" 2>&1
	exit 1
}

skip()
{
	echo "$*"
	exit 77
}

# must "SENTENCE" COMMAND...: the sentence is true.
must()
{
	local what=$1

	shift
	"$@" >"$SCRATCH/must" 2>&1 || {
		local rc=$?
		fail "$what ($*: exit code $rc):" \
			"$(tail -n 3 "$SCRATCH/must" | paste -sd " ")"
	}
	echo "   ok: $what"
}

# must_fail CODE "SENTENCE" COMMAND...: it ends with that exit code, and what
# it says is in $SCRATCH/said.
must_fail()
{
	local code=$1 what=$2 rc=0

	shift 2
	"$@" >"$SCRATCH/said" 2>&1 || rc=$?
	[ $rc = "$code" ] || {
		cat "$SCRATCH/said"
		fail "$what ($*: exit code $rc, not $code)"
	}
	echo "   ok: $what: $(tail -n 1 "$SCRATCH/said")"
}

# must_say CODE COMMAND...: it ends with that exit code; for within.
must_say()
{
	local code=$1 rc=0

	shift
	"$@" || rc=$?
	[ $rc = "$code" ]
}

# within MILLISECONDS "SENTENCE" COMMAND...: it becomes true in that time.
within()
{
	local limit=$1 what=$2 begin

	shift 2
	begin=$(now_ms)
	until "$@" >"$SCRATCH/within" 2>&1; do
		if [ $(($(now_ms) - begin)) -gt "$limit" ]; then
			fail "$what: not within $limit ms ($*):" \
				"$(tail -n 3 "$SCRATCH/within" | paste -sd " ")"
		fi
		sleep 0.02
	done
	echo "   ok: $what ($(($(now_ms) - begin)) ms)"
}

# While "COMMAND..." runs nothing else is looked at: it must hold throughout.
throughout()
{
	local limit=$1 what=$2 begin

	shift 2
	begin=$(now_ms)
	while [ $(($(now_ms) - begin)) -lt "$limit" ]; do
		"$@" >"$SCRATCH/throughout" 2>&1 || {
			cat "$SCRATCH/throughout"
			fail "$what: not after $(($(now_ms) - begin)) ms ($*)"
		}
		sleep 0.05
	done
	echo "   ok: $what (for $limit ms)"
}

equal() # EXPECTED COMMAND...
{
	local want=$1 got

	shift
	got=$("$@") || return
	[ "$got" = "$want" ] || {
		echo "expected: $want"
		echo "got:      $got"
		return 1
	}
}

contains() # TEXT COMMAND...
{
	local want=$1 got

	shift
	got=$("$@") || return
	[[ $got == *"$want"* ]] || {
		echo "expected: ...$want..."
		echo "got:      $got"
		return 1
	}
}

differs() { ! "$@"; }

# -- what is there ------------------------------------------------------------

# A value of a status document: field web avail; field web instances.hv1.avail
field() # HOST SERVICE PATH
{
	on "$1" encap status "$2" -o json | python3 -c '
import json, sys
d = json.load(sys.stdin)
for part in sys.argv[1].split("/"):
    d = d.get(part) if isinstance(d, dict) else None
print(d if d is not None else "-")' "$3"
}

# The hosts on which processes of a container are, by their control groups and
# whatever any agent says.
container_on() # NAME
{
	"$HERE/watch.py" --once "$STATE" "$1"
}

# The processes of a container that an agent must not touch: all but itself and
# what its init waits with. A line each: pid, start time, name.
processes() # CONTAINER
{
	local pid stat name

	for pid in $(on "$1" ps -e -o pid=,comm= |
		awk '$2 !~ /^(encapd|sleep|ps)$/ { print $1 }'); do
		stat=$(on "$1" cat "/proc/$pid/stat" 2>/dev/null) || continue
		name=${stat#*(}
		# shellcheck disable=SC2086 # its words
		set -- "$1" ${stat##*) }
		echo "$pid ${21} ${name%)*}"
	done
}

# The agent of a host or in a container, as numbered there.
agent_pid() # HOST
{
	on "$1" pgrep -P 1 -x encapd
}

agent_is_new() # HOST OLD-PID
{
	local pid

	pid=$(agent_pid "$1") && [ "$pid" != "$2" ] &&
		on "$1" encap status >/dev/null
}

up_at() # HOST(to ask) NODE [SERVICE]
{
	equal up field "$1" "${3:-web}" "instances/$2/avail"
}

agent_log() { cat "$STATE/$1/var/log/encapd.log"; }

# -- clusters -------------------------------------------------------------------

# The sample with more lines from standard input, and where its first node is
# one that is given.
sample() # NODES
{
	sed "s/^nodes = .*/nodes = $1/" "$SOURCE/deploy/sample/web.conf"
	[ -t 0 ] || cat
}

# A container's tree, and a service in the cluster that is up, from $1.
create() # FILE
{
	try tree vm1
	mkdir -p "$STATE/shared/vm1/var/www"
	on hv1 encap create web --config - <"$1"
	on hv1 encap start web --timeout 60s
}

# -- at the end ---------------------------------------------------------------

in_background()
{
	"$@" &
	background+=($!)
}

diagnose()
{
	local host file

	echo "-- what there is"
	try status 2>&1 || :
	for host in "$STATE"/hv*; do
		echo "-- the agent of ${host##*/}"
		tail -n 25 "$host/var/log/encapd.log" 2>/dev/null || :
	done
	for file in "$STATE"/shared/*/var/log/encapd.log; do
		[ -e "$file" ] || continue
		echo "-- the agent in ${file#"$STATE/shared/"}"
		tail -n 25 "$file"
	done
}

# What the sanitizers found, in any agent that ran.
sanitized()
{
	! grep -n -A 25 -E 'ERROR: [A-Za-z]+Sanitizer|runtime error:' \
		"$STATE"/hv*/var/log/encapd.log \
		"$STATE"/shared/*/var/log/encapd.log 2>/dev/null
}

ended()
{
	local rc=$? pid

	trap - EXIT ERR INT TERM
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null || :
	done
	if [ -d "$STATE" ] && [ $rc = 0 ] && ! sanitized; then
		echo "FAILED: a sanitizer reported the above"
		rc=1
	fi
	if [ -n "${ENCAP_TEST_KEEP:-}" ] && [ $rc != 0 ]; then
		echo "kept: ENCAP_TRY_NAME=$ENCAP_TRY_NAME deploy/try status"
	elif ! try down && [ $rc = 0 ]; then
		echo "FAILED: down"
		rc=1
	fi
	rm -rf "$SCRATCH"
	exit $rc
}

trap ended EXIT
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
trap 'exit 130' INT TERM
set -E
[ "$(id -u)" = 0 ] || skip "needs root"
try down
