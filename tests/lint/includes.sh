#!/bin/bash
# Who may include whom: each folder itself, and what stands beside it here.
set -euo pipefail

cd "$(dirname "$0")/../.."
bad=0

may() # FOLDER OTHER...
{
	local folder=$1 pattern

	# A file of ours is included by its path from the top.
	pattern="^#[[:space:]]*include \"($(tr ' ' '|' <<<"$*"))/"
	while read -r line; do
		echo "$line: $folder may include $* only"
		bad=1
	done < <(grep -rnE --include='*.[ch]' '^#[[:space:]]*include "' \
		"$folder" | grep -vE "^[^:]+:[0-9]+:${pattern#^}")
	found=$((found + $(grep -rlE --include='*.[ch]' "$pattern" "$folder" |
		wc -l)))
}

found=0
may store
may fsm store
may drivers fsm store
may cluster drivers fsm store
may cli fsm store
[ $found -gt 100 ] || {
	echo "only $found files include anything: is the pattern right?"
	bad=1
}
# The state machine sees the database and the error value, not the log.
if grep -rnE --include='*.[ch]' '^#include "store/' fsm |
	grep -vE '"store/(db|err|plant)\.h"'; then
	echo "fsm may include store/db.h, err.h and plant.h only"
	bad=1
fi
exit $bad
