#!/bin/bash
# Many edits from five places, through kills and cuts: each that was
# acknowledged is in the history, on every member the same.
#     ENCAP_TEST_EDITS=1000 tests/hosts/13-many-edits.sh
# deadline: 300
. "$(dirname "$0")/lib.sh"

readonly EDITS=${ENCAP_TEST_EDITS:-150}
places=(hv1 hv2 hv3 vm1 vm1)

# editor NUMBER HOST COUNT: its own key, so that what conflicts is a mistake.
editor()
{
	local i rc

	for i in $(seq "$3"); do
		rc=0
		timeout 15 "$SOURCE/deploy/try" sh "$2" encap set web \
			"env.k$1=$i" --comment "place $1 edit $i" \
			>>"$SCRATCH/out.$1" 2>>"$SCRATCH/err.$1" || rc=$?
		echo "$i $rc" >>"$SCRATCH/log.$1"
		[ $rc = 0 ] || sleep 0.3
	done
}

acknowledged() { cat "$SCRATCH"/log.? | awk '$2 == 0' | wc -l; }
finished() { cat "$SCRATCH"/log.? | wc -l; }

# A line for each revision that is kept: number, id, comment.
revisions() # HOST
{
	timeout 15 "$SOURCE/deploy/try" sh "$1" encap history web -o json |
		python3 -c '
import json, sys
for r in json.load(sys.stdin)["revs"]:
    print(r["n"], r["rev"], r.get("comment", ""))'
}

# Not all are kept to the end, so they are looked at on the way as well.
look()
{
	revisions "$1" >"$SCRATCH/now" 2>/dev/null && [ -s "$SCRATCH/now" ] &&
		cat "$SCRATCH/now" >>"$SCRATCH/seen" || :
}

wanted()
{
	local n

	for n in 0 1 2 3 4; do
		awk -v n=$n '$2 == 0 { print "place " n " edit " $1 }' \
			"$SCRATCH/log.$n"
	done | sort
}

edits_in() { sed -n 's/.*\(place [0-9] edit [0-9]*\)$/\1/p' "$1" | sort; }

all_found()
{
	edits_in "$SCRATCH/seen" | uniq >"$SCRATCH/found"
	wanted >"$SCRATCH/wanted"
	[ -z "$(comm -23 "$SCRATCH/wanted" "$SCRATCH/found")" ] || {
		echo "acknowledged and not in the history:"
		comm -23 "$SCRATCH/wanted" "$SCRATCH/found"
		return 1
	}
}

# What was seen on the way is there at the end, but for what is too old.
kept()
{
	awk 'NR == FNR { there[$0]; if (!low || $1 < low) low = $1; next }
		$1 >= low && !($0 in there) { print "gone: " $0; bad = 1 }
		END { exit bad }' "$SCRATCH/final" "$SCRATCH/seen"
}

once()
{
	sort -u "$SCRATCH/seen" >"$SCRATCH/all"
	[ -z "$(edits_in "$SCRATCH/all" | uniq -d)" ] || {
		edits_in "$SCRATCH/all" | uniq -d
		return 1
	}
}

same_history() # HOST
{
	[ "$(on hv1 encap history web -o json)" = \
		"$(on "$1" encap history web -o json)" ]
}

try up
on hv1 encap set web env.k0=0 env.k1=0 env.k2=0 env.k3=0 env.k4=0
step "$EDITS edits"
begin=$(now_ms)
touch "$SCRATCH"/log.{0,1,2,3,4} "$SCRATCH/seen"
for n in 0 1 2 3 4; do
	in_background editor $n "${places[n]}" $((EDITS / 5))
done
RANDOM=$$
faults=0
until [ "$(finished)" -ge $((EDITS / 5 * 5)) ]; do
	hv=hv$((RANDOM % 3 + 1))
	case $((RANDOM % 3)) in
	0)
		try cut $hv
		sleep 2
		try heal $hv
		;;
	1)
		pid=$(agent_pid $hv) && on $hv kill -KILL "$pid" || :
		sleep 1
		;;
	2)
		pid=$(agent_pid vm1) && on vm1 kill -KILL "$pid" || :
		sleep 1
		;;
	esac
	faults=$((faults + 1))
	sleep 1
	look hv$((RANDOM % 3 + 1))
	[ $(($(now_ms) - begin)) -lt 280000 ] || fail "not finished in time"
done
echo "   $(acknowledged) of $(finished) acknowledged, $faults faults," \
	"$((($(now_ms) - begin) / 1000)) s"
must "some were acknowledged" [ "$(acknowledged)" -gt $((EDITS / 4)) ]
for host in hv2 hv3 vm1; do
	within 20000 "$host has the same history" same_history $host
done
revisions hv1 >"$SCRATCH/final"
look hv1
must "what was in it on the way is in it" kept
must "all that were acknowledged are in it" all_found
must "none is in it twice" once
