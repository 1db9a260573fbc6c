#!/bin/sh
# One workstream of the example.
#
#   sh work.sh <id> [hours [pace]]
#
# It reads source/ and the out/ folders of the workstreams that <id> depends on,
# writes out/<id>/ and says what it did in one line of JSON on standard output.
# The same input gives the same bytes, however often it is run.
#
# The work itself takes milliseconds. So that a person can watch it and interrupt
# it, the script sleeps: <pace> seconds for each hour of the estimate (0: not at
# all), half of them before the work, half before its result becomes visible.
#
# Exit: 0 done; 64 no such workstream; 65 something that it needs is missing or
# wrong; anything else is a fault in these scripts.
set -eu
LC_ALL=C
export LC_ALL
umask 022
cd "$(dirname "$0")"

die() {
    code=$1
    shift
    echo "work.sh: $*" >&2
    exit "$code"
}

id=${1-}
hours=${2-0}
pace=${3-0}

. lib/common.sh
. tasks/core.sh
. tasks/errors.sh
. tasks/pipeline.sh
. tasks/uet.sh
. tasks/infrastructure.sh
. tasks/documentation.sh

case $id in
'' | *[!a-z0-9-]*) die 64 "usage: sh work.sh <id> [hours [pace]]" ;;
esac
task=task_$(printf '%s' "$id" | tr - _)
command -v "$task" > /dev/null || die 64 "there is no workstream '$id'"

begin
nap
"$task"
nap
publish
