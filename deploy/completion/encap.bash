# Completion for bash: encap itself knows what may come next.
# shellcheck shell=bash

_encap()
{
	local line=${COMP_LINE:0:COMP_POINT} current word words kept=0
	local -a candidates

	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	current=${words[-1]}
	mapfile -t candidates < <(encap __complete "${words[@]}" 2>/dev/null)

	# Of a word with one of these in it, bash replaces what stands behind the
	# last one only.
	for ((word = 0; word < ${#current}; word++)); do
		[[ $COMP_WORDBREAKS != *"${current:word:1}"* ]] ||
			kept=$((word + 1))
	done
	COMPREPLY=()
	for word in "${candidates[@]%%$'\t'*}"; do
		if [ "$word" = :file ]; then
			compopt -o filenames 2>/dev/null
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
				compgen -f -- "${current:kept}")
			continue
		fi
		[[ $word != *[.=,] ]] || compopt -o nospace 2>/dev/null
		COMPREPLY+=("${word:kept}")
	done
}

complete -F _encap encap svcmgr nodemgr svcmon
