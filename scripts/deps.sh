#!/bin/sh
# What the tests need beside Go: Node.js and npm, for the participant in another language (tests/polyglot). Does nothing
# where they are there. On Debian, as root, it installs them; elsewhere it says so, and those tests are skipped.
set -eu

missing=""
command -v node >/dev/null 2>&1 || missing=" nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: missing:$missing: install them to run tests/polyglot, which is skipped without them" >&2
	exit 0
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
if ! apt-get update -q; then
	echo "deps: no package lists to be had: tests/polyglot goes without$missing" >&2
	exit 0
fi
# shellcheck disable=SC2086 # the names are separate words
apt-get install -q -y --no-install-recommends $missing
