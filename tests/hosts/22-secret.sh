#!/bin/bash
# A secret reaches the processes that it is for, and nothing else: no file, no
# log, no answer has it; a container gets those of its own service alone.
# deadline: 90
. "$(dirname "$0")/lib.sh"

readonly VALUE=correct-horse-battery

has_it() # HOST
{
	on vm1 grep -qz "^PW=$1\$" \
		"/proc/$(on vm1 pgrep -f 'http.server' | head -n 1)/environ"
}

# Wherever the clear text lies on a disk or is told by a command.
leaks() # TEXT
{
	! grep -rlF "$1" "$STATE" --exclude-dir=proc --exclude-dir=sys \
		--exclude-dir=local 2>/dev/null || return 0
	for m in hv1 hv2 hv3 vm1; do
		on "$m" encap events web -o json
		on "$m" encap status web -o json
		on "$m" encap config web --eval --as vm1
		on "$m" encap secret ls web -o json
	done | grep -F "$1"
}

try up
step "set, and used at the next start"
on hv2 encap secret set web pw <<<"$VALUE"
must "its name is known" contains pw on hv3 encap secret ls web
on hv1 encap set web app#1.secrets_environment=PW=pw
on hv1 encap set web app#1.comment=no-secret-at-all
must "what is none is found in many places" leaks no-secret-at-all
on hv1 encap restart web --slaves
within 15000 "the application has it" has_it "$VALUE"
must "nothing else has" differs leaks "$VALUE"

step "from inside the container"
on vm1 encap secret set web pw <<<"changed"
on vm1 encap restart web
within 15000 "the application has the new one" has_it changed

step "one that is missing"
on hv3 encap secret unset web pw
on hv1 encap restart web --slaves --timeout 20s || :
within 10000 "the start says what to do" contains "encap secret set web pw" \
	on hv2 encap status web -o json
on hv2 encap secret set web pw <<<"$VALUE"
on hv1 encap start web --timeout 30s
within 15000 "and then it runs" has_it "$VALUE"

step "on another node"
on hv1 encap move web hv2
within 15000 "it has it there" has_it "$VALUE"
must "nothing else has" differs leaks "$VALUE"

step "bad ones"
must_fail 3 "no such service" on hv1 encap secret set nix pw <<<x
must_fail 2 "a name that is none" on hv1 encap secret set web "a b" <<<x
must_fail 2 "an empty value" on hv1 encap secret set web pw </dev/null
must_fail 3 "no such secret" on hv1 encap secret unset web nix
