#!/bin/bash
# docs/tutorial.md, which is encap-tutorial(7): every command of it, in its
# order, does what is shown there.
# deadline: 300
. "$(dirname "$0")/lib.sh"

TUTORIAL=$SOURCE/docs/tutorial.md
token=

# One command, as typed; what it prints goes to $SCRATCH/printed.
typed() # HOST("": this machine) COMMAND
{
	local command=${2//TOKEN/$token}

	if [ -n "$1" ]; then
		on "$1" bash -c "$command"
	else
		(cd "$SOURCE" && bash -c "$command")
	fi >"$SCRATCH/printed" 2>"$SCRATCH/said" </dev/null
}

# Are the lines of $1 those of $2? A line of "…" alone stands for any number of
# lines, elsewhere in a line for any text.
same_lines() # SHOWN PRINTED
{
	python3 - "$1" "$2" <<-'PYTHON'
		import re, sys
		shown, printed = (open(f).read() for f in sys.argv[1:])
		lines = [r"(?:.*\n)*" if l == "…" else
		         ".*".join(map(re.escape, l.split("…"))) + r"\n"
		         for l in shown.splitlines()]
		sys.exit(not re.fullmatch("".join(lines), printed))
	PYTHON
}

check_one() # HOST COMMAND SHOWN-FILE
{
	echo "   ${1}# $2"
	typed "$1" "$2" || {
		local rc=$?
		cat "$SCRATCH/printed" "$SCRATCH/said"
		fail "the tutorial's '$1# $2' ends with $rc"
	}
	same_lines "$3" "$SCRATCH/printed" || {
		echo "-- shown:" && cat "$3"
		echo "-- printed:" && cat "$SCRATCH/printed" "$SCRATCH/said"
		fail "the tutorial's '$1# $2' prints something else"
	}
	[ "$2" != "encap cluster token" ] || token=$(<"$SCRATCH/printed")
}

# Of the indented lines each is a command, or shown by the one before it.
# Blocks without a command in them are excerpts.
host='' command='' shown=$SCRATCH/shown n=0

flush()
{
	[ -n "$command" ] || return 0
	check_one "$host" "$command" "$shown"
	command='' n=$((n + 1))
}

mapfile -t lines <"$TUTORIAL"
for line in "${lines[@]}"; do
	if [[ $line =~ ^'    '((hv|vm)[0-9])?'# '(.*)$ ]]; then
		match=("${BASH_REMATCH[@]}")
		flush
		host=${match[1]:-} command=${match[3]}
		: >"$shown"
	elif [[ $line == '    '* ]]; then
		[ -z "$command" ] || echo "${line#    }" >>"$shown"
	else
		flush
		[[ $line != '#'* ]] || step "${line##*# }"
	fi
done
flush
must "all of it was there (commands: $n)" [ $n -gt 35 ]
