#compdef encap svcmgr nodemgr svcmon
# Completion for zsh: encap itself knows what may come next.

local line word help
local -a typed whole open whole_help

typed=("${(@Q)words[1,CURRENT - 1]}" "${(Q)PREFIX}")
for line in "${(@f)$(encap __complete "${typed[@]}" 2>/dev/null)}"; do
	word=${line%%$'\t'*}
	help=${line#*$'\t'}
	if [[ $word == :file ]]; then
		_files
	elif [[ $word == *[.=,] ]]; then
		# More of the same word follows: no blank.
		open+=("$word")
	elif [[ -n $word ]]; then
		whole+=("$word")
		if [[ $help == $line ]]; then
			whole_help+=("$word")
		else
			whole_help+=("${(r:20:)word} $help")
		fi
	fi
done
compadd -Q -l -d whole_help -a whole
compadd -Q -S '' -a open
