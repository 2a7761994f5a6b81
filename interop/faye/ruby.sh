#!/bin/sh
# Debian's Ruby where its packages were unpacked: `ruby.sh FOLDER arguments ..`. What it would look for
# below /usr it is told to look for there.
root=$1
shift
join() { (IFS=:; echo "$*"); }
RUBYLIB=$(join "$root"/usr/lib/ruby/vendor_ruby "$root"/usr/lib/*-linux-*/ruby/vendor_ruby/* \
    "$root"/usr/lib/ruby/[0-9]* "$root"/usr/lib/*-linux-*/ruby/[0-9]* \
    "$root"/usr/share/rubygems-integration/all/gems/*/lib \
    "$root"/usr/lib/*-linux-*/rubygems-integration/*/gems/*/lib \
    "$root"/usr/lib/*-linux-*/rubygems-integration/*/extensions/*/*/*)
LD_LIBRARY_PATH=$(join "$root"/usr/lib/*-linux-*)
export RUBYLIB LD_LIBRARY_PATH
exec "$root"/usr/bin/ruby[0-9]* "$@"
