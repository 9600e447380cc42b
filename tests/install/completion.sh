#!/bin/bash
# completion.sh ENCAP SHELL: the script for bash, zsh or fish offers what encap
# says may come next. Nobody answers as agent: names are tested elsewhere.
set -euo pipefail

encap=$1 shell=$2
here=$(cd "$(dirname "$0")" && pwd)
scripts=$here/../../deploy/completion
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
command -v "$shell" >/dev/null || {
	echo "$shell is not installed"
	exit 77
}
PATH=$(dirname "$encap"):$PATH
export PATH HOME=$home ENCAP_SOCKET=/nowhere
cd "$home"
touch some.conf
bad=0

# expect LINE CANDIDATES: what is offered for the line, sorted; a blank between
# two.
expect()
{
	local got

	got=$("offers_$shell" "$1" | LC_ALL=C sort | xargs)
	[ "$got" = "$2" ] || {
		echo "$shell: '$1': expected '$2', got '$got'"
		bad=1
	}
}

# As readline calls it, words parted by its own rules.
offers_bash()
{
	bash --norc -c '
		. "$0/encap.bash"
		COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
		COMP_WORDBREAKS=$'"' \t\n\"'\\''><=;|&(:'"'
		_encap
		printf "%s\n" "${COMPREPLY[@]}"' "$scripts" "$1"
}

offers_fish()
{
	fish --no-config -c "source $scripts/encap.fish; complete -C '$1'" |
		cut -f1
}

# A line is typed at a terminal; what then stands there is what was completed.
offers_zsh()
{
	python3 "$here/type.py" "$1" zsh -f -i <<-TEXT
		fpath=($home \$fpath)
		autoload -U compinit && compinit -u -D
		setopt no_auto_menu no_list_beep; unsetopt zle_bracketed_paste
		PS1='%% '
	TEXT
}

cp "$scripts/encap.zsh" "$home/_encap"
case $shell in
zsh)
	# One candidate, so that the line itself shows it.
	expect 'encap stat' 'encap status'
	expect 'encap node fr' 'encap node freeze'
	expect 'svcmgr -s web print sta' 'svcmgr -s web print status'
	expect 'encap start web --no-' 'encap start web --no-wait'
	expect 'encap set web DEF' 'encap set web DEFAULT.'
	expect 'encap create web --config so' \
		'encap create web --config some.conf'
	;;
*)
	expect 'encap st' 'start status stop'
	expect 'encap node ' 'confirm-down drain fence freeze label ls rm thaw undrain'
	expect 'encap start web --no-' '--no-wait'
	expect 'svcmgr -s web print ' 'config resource schedule status'
	expect 'encap create web --config so' some.conf
	expect 'encap xyzzy ' ''
	;;
esac
# Behind a = bash replaces no more than what follows it.
[ "$shell" != bash ] || expect 'encap status --output=te' text
exit $bad
