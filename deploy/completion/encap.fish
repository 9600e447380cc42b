# Completion for fish: encap itself knows what may come next.

function __encap_complete
	set -l current (commandline -ct)
	for line in (encap __complete (commandline -opc) "$current" 2>/dev/null)
		if test "$line" = :file
			__fish_complete_path "$current"
		else
			echo $line
		end
	end
end

for program in encap svcmgr nodemgr svcmon
	complete -c $program -f -a '(__encap_complete)'
end
