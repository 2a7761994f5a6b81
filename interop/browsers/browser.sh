#!/bin/sh
# A browser that does not outlive who started it, however that ended.
exec setpriv --pdeathsig KILL -- "$BROWSER" "$@"
