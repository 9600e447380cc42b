# power - machines that are switched off and on by what runs on the others.
# shellcheck shell=bash

# The power switch: requests lie in /shared/power as HOST.ACTION and are gone
# when they are carried out. Nothing of it is in any of the machines.
switch_power()
{
	local file host action

	while sleep 0.05; do
		for file in "$STATE"/shared/power/*.ask; do
			[ -e "$file" ] || continue
			file=${file%.ask}
			host=${file##*/} action=${host#*.} host=${host%%.*}
			case $action in
			off | reboot) try kill "$host" || : ;;
			esac
			case $action in
			on | reboot) try boot "$host" || : ;;
			esac
			rm -f "$file.ask"
		done
	done >/dev/null 2>&1
}

# An agent that keeps the conventions of fence-agents and asks that switch.
fence_install()
{
	mkdir -p "$STATE/shared/power"
	cat >"$STATE/shared/fence_try" <<-'TEXT'
		#!/bin/bash
		exec 9>>/shared/power/log
		while IFS='=' read -r name value; do
			case $name in
			action) action=$value ;;
			plug) plug=$value ;;
			password) password=$value ;;
			esac
		done
		echo "$(hostname): $action $plug: $# arguments" >&9
		[ "$password" = s3cret-of-plug ] || {
			echo "wrong password: $password" >&2
			exit 1
		}
		case $action in
		status | monitor)
			grep -q . "/shared/power/$plug.off" 2>/dev/null && exit 2
			exit 0
			;;
		off | on | reboot) ;;
		*) exit 1 ;;
		esac
		touch "/shared/power/$plug.$action.ask"
		for ((i = 0; i < 600; i++)); do
			[ -e "/shared/power/$plug.$action.ask" ] || exit 0
			sleep 0.05
		done
		exit 1
	TEXT
	cat >"$STATE/shared/fence_hang" <<-'TEXT'
		#!/bin/bash
		echo "$(hostname): hang" >>/shared/power/log
		exec sleep 1000
	TEXT
	chmod +x "$STATE"/shared/fence_*
}

fence_state() # HOST(to ask) NODE FIELD
{
	on "$1" encap fence ls -o json | python3 -c '
import json, sys
for n in json.load(sys.stdin)["nodes"]:
    if n["name"] == sys.argv[1]:
        f = n.get("fence", {})
        print(n.get("sure", "-") if sys.argv[2] == "sure" else
              n["state"] if sys.argv[2] == "node" else
              f.get(sys.argv[2], "-"))' "$2" "$3"
}
