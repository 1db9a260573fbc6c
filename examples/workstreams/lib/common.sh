# What every workstream uses. Sourced by work.sh.
#
#   new      the folder to write into; nobody else looks there
#   summary  what to say in the outcome, plain words without quotes
#   figures  further members of the outcome, as JSON: '"codes":12,"conflicts":2'

figures=

# A fresh folder to write into. What a killed try has left behind goes first, in one step:
# should that try still be alive (only its conductor was killed), it misses the mark `whole`
# at its end and publishes nothing.
begin() {
    work=out/.tmp/$id.$$
    new=$work/made
    trap 'rm -rf "$work"' EXIT
    for left in "out/.tmp/$id."*; do
        [ -d "$left" ] || continue
        mkdir -p "out/.tmp/$id.left.$$"
        [ "$left" = "out/.tmp/$id.left.$$" ] || mv "$left" "out/.tmp/$id.left.$$/" 2> /dev/null || :
    done
    rm -rf "out/.tmp/$id.left.$$"
    mkdir -p "$new"
    : > "$work/whole"
}

# Sleep for half of this workstream's share. Not every sleep takes a fraction.
nap() {
    half=$(awk -v hours="$hours" -v pace="$pace" 'BEGIN { printf "%.3f", hours * pace / 2 }')
    [ "$half" = 0.000 ] && return
    sleep "$half" 2> /dev/null || sleep "$(awk -v s="$half" 'BEGIN { printf "%d", s + 0.999 }')"
}

# need <id>...: the workstreams whose results this one reads
need() {
    for dep; do
        [ -d "out/$dep" ] || die 65 "$id needs out/$dep, and it is not there: has $dep been done?"
    done
}

# list <folder> [find's conditions]: the files below it, by name, without the folder itself
list() {
    (
        cd "$1" || exit 65
        shift
        find . -type f ! -path '*/__pycache__/*' "$@" | sed 's|^\./||' | sort
    )
}

# count <file>: its lines, as a bare number
count() {
    wc -l < "$1" | tr -d ' '
}

# copy <from> <to>: all files below one folder into another, over what is there
copy() {
    for file in $(list "$1"); do
        mkdir -p "$2/$(dirname "$file")"
        cat "$1/$file" > "$2/$file"
    done
}

# sums <folder>: checksum, size and name of each file below it
sums() {
    (cd "$1" && find . -type f -exec cksum {} + | sed 's|\./||' | sort -k 3)
}

# refactor <file in source>...: moves.tsv, and each file in its new shape and place.
# Names from elsewhere are looked up in "$new/moves.tsv", where `known` has put them.
known() {
    for dep; do
        cat "out/$dep/moves.tsv"
    done | sort -u > "$new/moves.tsv"
}

refactor() {
    for file; do
        [ -f "source/$file" ] || die 65 "$id needs source/$file, and it is not there"
    done
    printf '%s\n' "$@" | awk -f lib/moves.awk >> "$new/moves.tsv"
    sort -u "$new/moves.tsv" > "$new/moves.new"
    mv "$new/moves.new" "$new/moves.tsv"
    for file; do
        to=$new/$(awk -F '\t' -v old="$file" '$3 == old { print $4 }' "$new/moves.tsv")
        mkdir -p "$(dirname "$to")"
        awk -v old="$file" -f lib/modernise.awk "$new/moves.tsv" "source/$file" > "$to" || exit 65
    done
}

# Make the result visible in one step, and say what it is. When the same result is
# there already (an earlier try was killed after this point), that one stays.
publish() {
    [ -f "$work/whole" ] || die 75 "another try of $id has begun, this one gives way"
    all=$(sums "$new")
    files=$(printf '%s\n' "$all" | wc -l | tr -d ' ')
    lines=$(find "$new" -type f -exec cat {} + | wc -l | tr -d ' ')
    digest=$(printf '%s\n' "$all" | cksum | tr ' ' -)
    if [ ! -d "out/$id" ] || ! diff -r "$new" "out/$id" > /dev/null; then
        [ ! -d "out/$id" ] || mv "out/$id" "$work/before"
        mv "$new" "out/$id"
        rm -rf "out/$id/made"    # had another try been faster by a hair: into its folder
    fi
    printf '{"summary":"%s","files":%d,"lines":%d,"digest":"%s"%s}\n' \
        "$summary" "$files" "$lines" "$digest" "${figures:+,$figures}"
}
