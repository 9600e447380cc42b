#!/bin/bash
# manual.sh DIR: the manual pages that the build made are of every command, and
# groff has nothing to say about them.
set -euo pipefail

dir=$1
command -v groff >/dev/null || {
	echo "groff is not installed"
	exit 77
}
bad=0
pages=("$dir"/man*/*)
[ ${#pages[@]} -gt 30 ] || {
	echo "only ${#pages[@]} pages in $dir"
	bad=1
}
for page in "${pages[@]}"; do
	said=$(groff -ww -man -Tutf8 -K utf8 -rLL=80n -z "$page" 2>&1) || :
	[ -z "$said" ] || {
		echo "$said"
		bad=1
	}
	for part in NAME DESCRIPTION "SEE ALSO"; do
		grep -q "^\.SH \"$part\"$" "$page" || {
			echo "$page has no part $part"
			bad=1
		}
	done
done
exit $bad
