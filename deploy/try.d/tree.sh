# tree - file trees of hosts and containers: the machine's /usr, the rest own.
# shellcheck shell=bash

# What of the machine's /etc its programs need to run, and nothing about it.
readonly TREE_ETC=(ld.so.cache ld.so.conf ld.so.conf.d alternatives
	bash.bashrc inputrc localtime login.defs lxc/default.conf mime.types
	mke2fs.conf nanorc profile protocols python3 python3.11 rpc services
	ssl/openssl.cnf terminfo vim xattr.conf)

# /bin and the like are links into /usr, on every Debian 12.
tree_links()
{
	local link

	for link in /bin /sbin /lib /lib32 /lib64 /libx32; do
		if [ -L "$link" ]; then
			ln -sfn "$(readlink "$link")" "$1$link"
		elif [ -d "$link" ]; then
			die "$link is a directory, not a link into /usr:" \
				"apt-get install usrmerge"
		fi
	done
}

tree_users()
{
	cat >"$1/passwd" <<-TEXT
		root:x:0:0:root:/root:/bin/bash
		daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
		www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	TEXT
	cat >"$1/group" <<-TEXT
		root:x:0:
		daemon:x:1:
		tty:x:5:
		disk:x:6:
		www-data:x:33:
		nogroup:x:65534:
	TEXT
	printf '%s:*:19000:0:99999:7:::\n' root daemon www-data nobody >"$1/shadow"
	chmod 600 "$1/shadow"
}

tree_names()
{
	local n

	echo "127.0.0.1 localhost"
	echo "::1 localhost ip6-localhost"
	for n in $(seq "$TRY_MAX_HOSTS"); do
		echo "$NET_4.$n hv$n"
	done
}

# tree_etc DIR HOSTNAME
tree_etc()
{
	local file

	mkdir -p "$1"
	for file in "${TREE_ETC[@]}"; do
		[ ! -e "/etc/$file" ] || (cd /etc && cp -a --parents "$file" "$1")
	done
	tree_users "$1"
	tree_names >"$1/hosts"
	echo "$2" >"$1/hostname"
	tr -d - </proc/sys/kernel/random/uuid >"$1/machine-id"
	printf '%s: files\n' passwd group shadow >"$1/nsswitch.conf"
	echo "hosts: files dns" >>"$1/nsswitch.conf"
	touch "$1/resolv.conf" "$1/fstab"
}

tree_var()
{
	mkdir -p "$1"/{cache,lib,log,spool}
	mkdir -p "$1/tmp"
	chmod 1777 "$1/tmp"
	ln -sfn /run "$1/run"
	ln -sfn /run/lock "$1/lock"
}

# The disks of a new host.
tree_host()
{
	local dir=$TRY/$1

	mkdir -p "$dir"/{mnt,root,srv}
	chmod 700 "$dir/root"
	tree_etc "$dir/etc" "$1"
	tree_var "$dir/var"
}

# Its /usr, /run and the like are mounted by its configuration, as
# sample/web.conf shows.
tree_container()
{
	local dir=$TRY/shared/$1

	[[ $1 =~ ^[a-z0-9][a-z0-9.-]*$ ]] || die "'$1' is no host name"
	[ -d "$TRY/shared" ] || die "there is no cluster: deploy/try up"
	mkdir -p "$dir"/{dev,proc,root,run,srv,sys,tmp,usr}
	chmod 700 "$dir/root"
	chmod 1777 "$dir/tmp"
	tree_links "$dir"
	tree_etc "$dir/etc" "$1"
	tree_var "$dir/var"
}
