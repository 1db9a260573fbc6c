#!/bin/sh
# Is out/ whole? Every file of the manifest must be there with its checksum and size,
# and nothing else may be there. Exit 0 and OK, or 1 and what is wrong.
#
#   sh verify.sh [folder, else out]
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")"
out=${1-out}
manifest=$out/ws-21/MANIFEST

if [ ! -f "$manifest" ]; then
    echo "not finished: there is no $manifest yet" >&2
    exit 1
fi

now=$(
    cd "$out"
    find . -type f ! -path './.tmp/*' ! -path ./ws-21/MANIFEST -exec cksum {} + | sed 's|\./||' | sort -k 3
)
if difference=$(printf '%s\n' "$now" | diff "$manifest" -); then
    folders=$(cut -d ' ' -f 3 "$manifest" | sed 's|/.*||' | sort -u | wc -l | tr -d ' ')
    whole=$(cksum < "$manifest" | tr ' ' -)
    echo "OK: $(printf '%s\n' "$now" | wc -l | tr -d ' ') files of $folders workstreams, manifest $whole"
else
    echo "not what the manifest says (< expected, > found):" >&2
    printf '%s\n' "$difference" | grep '^[<>]' >&2
    exit 1
fi
