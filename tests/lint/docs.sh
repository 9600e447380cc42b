#!/bin/bash
# Every file that the documents at the top name is there.
set -euo pipefail

cd "$(dirname "$0")/../.."
bad=0
while IFS=: read -r document path; do
	path=${path%/}
	case $path in
	*[A-Z]*_* | NAME* | *\** | *NN*) continue ;; # a pattern, not a file
	esac
	[ -e "$path" ] || {
		echo "$document names $path, which is not there"
		bad=1
	}
done < <(
	grep -oHE '\]\([^):]+\)' ./*.md docs/*.md docs/decisions/*.md |
		sed -E 's/\]\(//; s/\)$//; s/#.*//' |
		while IFS=: read -r document path; do
			echo "$document:$(dirname "$document")/$path"
		done
	grep -oHE '`(cli|cluster|deploy|docs|drivers|fsm|store|tests)/[^` ]*`' \
		./*.md docs/*.md docs/decisions/*.md | tr -d '`'
)
exit $bad
