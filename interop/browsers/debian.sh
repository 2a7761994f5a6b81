#!/bin/sh
# Debian's packages for those of these programs that are not here: LOCK PROGRAM=PACKAGE ..
# LOCK is a file that whoever asks Debian what there is holds, for apt does not wait for another.
set -e
lock=$1
shift
packages=
for pair in "$@"; do
    command -v "${pair%%=*}" > /dev/null || packages="$packages ${pair#*=}"
done
[ -z "$packages" ] && exit
if [ "$(id -u)" != 0 ]; then
    echo "not here, and only root may install:$packages" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $packages > /dev/null; }
install || { flock "$lock" apt-get update -qq && install; }
