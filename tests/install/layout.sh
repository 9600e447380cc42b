#!/bin/bash
# layout.sh BUILD: `cmake --install` puts everything where programs look for it.
set -euo pipefail

build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
bad=0

complain()
{
	echo "$*"
	bad=1
}

# A name below the root; a link also to where it leads.
there() # PATH [LINK]
{
	if [ ! -e "$root/$1" ]; then
		complain "/$1 is not installed"
	elif [ $# -gt 1 ] && [ "$(readlink "$root/$1")" != "$2" ]; then
		complain "/$1 is no link to $2"
	fi
}

DESTDIR=$root cmake --install "$build" --prefix /usr >"$root.log" 2>&1 || {
	cat "$root.log"
	rm -f "$root.log"
	exit 1
}
rm -f "$root.log"

there usr/bin/encap
there usr/sbin/encapd
there usr/sbin/encap-guard
there usr/libexec/encap/encap-simulate
for name in svcmgr nodemgr svcmon; do
	there usr/bin/$name encap
	there usr/share/bash-completion/completions/$name encap
	there usr/share/fish/vendor_completions.d/$name.fish encap.fish
	there usr/share/man/man1/$name.1
done
there usr/share/bash-completion/completions/encap
there usr/share/fish/vendor_completions.d/encap.fish
there usr/share/zsh/site-functions/_encap
there usr/lib/systemd/system/encapd.service
there usr/share/man/man1/encap.1
there usr/share/man/man5/env.5
there usr/share/man/man7/encap-tutorial.7
there usr/share/man/man8/encapd.8

# A page for each command that the program itself lists.
commands=$("$root/usr/bin/encap" help | sed -nE 's/^  ([a-z]+( [a-z-]+)?) .*/\1/p')
[ "$(wc -l <<<"$commands")" -gt 20 ] || complain "encap help lists too little"
while read -r command; do
	there "usr/share/man/man1/encap-${command// /-}.1"
done <<<"$commands"

# The unit starts what is installed, and has the folders that it needs made.
unit=$root/usr/lib/systemd/system/encapd.service
program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
[ "${program##*/}" = encapd ] || complain "the unit starts $program"
for line in ConfigurationDirectory=encap StateDirectory=encap \
	RuntimeDirectory=encap Type=notify KillMode=process; do
	grep -qx "$line" "$unit" || complain "the unit has no line $line"
done

# Where systemd is at hand it finds nothing wrong with the unit, whose program
# stands below the root.
if command -v systemd-analyze >/dev/null; then
	mkdir "$root/check"
	sed "s|^ExecStart=.*|ExecStart=$root/usr/sbin/encapd|" "$unit" \
		>"$root/check/encapd.service"
	said=$(systemd-analyze verify --man=no --recursive-errors=no \
		"$root/check/encapd.service" 2>&1) || :
	[ -z "$said" ] || complain "systemd-analyze: $said"
	rm -r "$root/check"
fi

# Nothing else, and nothing of a test.
while read -r file; do
	case $file in
	usr/bin/* | usr/sbin/encapd | usr/sbin/encap-guard | \
		usr/libexec/encap/encap-simulate | usr/share/man/man[1578]/* | \
		usr/share/doc/encap/* | usr/lib/systemd/system/encapd.service | \
		usr/share/bash-completion/completions/* | \
		usr/share/fish/vendor_completions.d/* | \
		usr/share/zsh/site-functions/_encap) ;;
	*) complain "/$file is installed, and nobody knows why" ;;
	esac
done < <(cd "$root" && find . ! -type d -printf '%P\n')
exit $bad
