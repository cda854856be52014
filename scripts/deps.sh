#!/bin/sh
# What the tests need beside Go, a line each. Does nothing where all of it is there. On Debian, as root, it installs what is
# missing; elsewhere it says so, and the tests that need it are skipped.
set -eu

missing=""
need() { # command, Debian package
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need node nodejs               # tests/polyglot: a participant in another language
need npm npm                   # its packages
need ip iproute2               # tests/network: hosts in network namespaces
need iptables-restore iptables # what goes wrong between them
need mkfs.ext4 e2fsprogs       # tests/disk: file systems whose power can be cut
need losetup mount             # their loop devices
need fusermount3 fuse3         # file systems that fail
need strace strace             # system calls that fail
need spin spin                 # tests/model: searches every state of the model
need gcc "gcc libc6-dev"       # compiles what spin makes of it
need redis-server redis-server # tests/stores: each test starts its own server
need mariadbd mariadb-server   # the same
# Debian keeps PostgreSQL's programs out of the path.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql # the same
# Where only root looks.
[ -x /usr/sbin/rabbitmq-server ] || need rabbitmq-server rabbitmq-server # the same
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: missing:$missing: tests that need one of them are skipped" >&2
	exit 0
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Tests start their own servers: those that come with the packages are not started. What is there already stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	echo "deps: no service is started"
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
fi
if ! apt-get update -q; then
	echo "deps: no package lists to be had: the tests go without$missing" >&2
	exit 0
fi
# shellcheck disable=SC2086 # the names are separate words
apt-get install -q -y --no-install-recommends $missing
