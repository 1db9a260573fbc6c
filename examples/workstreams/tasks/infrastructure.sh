# infrastructure: names, owners, an index, and the proof at the end.

# The new name of every old module, before any of them has moved.
task_ws_01() {
    need ws-uet-a
    unchanged
    cut -f 4 out/ws-uet-a/inventory.tsv | grep '\.py$' | grep -v '^tests/' | awk -f lib/moves.awk > "$new/names.tsv"
    twice=$(cut -f 2 "$new/names.tsv" | sort | uniq -d | wc -l | tr -d ' ')
    [ "$twice" = 0 ] || die 65 "two modules would get the same name"
    summary="$(count "$new/names.tsv") modules have a new name"
}

# From the banners: who wrote what; from the lines: which habits.
task_ws_02() {
    need ws-uet-a
    unchanged
    for file in $(cut -f 4 out/ws-uet-a/inventory.tsv | grep '\.py$'); do
        awk -v file="$file" '
            /^# AUTHOR *:/ { sub(/^[^:]*: */, ""); author = $0 }
            /^# DATE *:/ { date = $NF }
            END { print file "\t" author "\t" date }
        ' "source/$file" >> "$new/owners.tsv"
        awk -v file="$file" '
            /^\t/ { tabs++ }
            /[ \t]$/ { blanks++ }
            length($0) > 100 { long++ }
            / % / { percent++ }
            END { printf "%s\t%d\t%d\t%d\t%d\n", file, tabs, blanks, long, percent }
        ' "source/$file" >> "$new/habits.tsv"
    done
    awk -F '\t' '
        FILENAME == ARGV[1] { who[$1] = $2; next }
        { for (i = 2; i <= 5; i++) sum[who[$1], i] += $i; files[who[$1]]++ }
        END { for (w in files) printf "%s\t%d\t%d\t%d\t%d\t%d\n", w, files[w], sum[w, 2], sum[w, 3], sum[w, 4], sum[w, 5] }
    ' "$new/owners.tsv" "$new/habits.tsv" | sort > "$new/people.tsv"
    summary="$(count "$new/people.tsv") people wrote $(count "$new/owners.tsv") files"
}

# Every function, class and method of the old tree.
task_ws_inf_a() {
    need ws-uet-a
    unchanged
    for file in $(cut -f 4 out/ws-uet-a/inventory.tsv | grep '\.py$' | grep -v '^tests/'); do
        awk -v file="$file" -f lib/index.awk "source/$file"
    done > "$new/index.tsv"
    cut -f 3 "$new/index.tsv" | sort | uniq -d > "$new/namesakes.txt"
    summary="$(count "$new/index.tsv") definitions, $(count "$new/namesakes.txt") names used more than once"
}

# Nothing got lost: every definition of the old core is in the new one, or shared.
task_ws_inf_b() {
    need ws-01 ws-09 ws-inf-a
    for file in $(list out/ws-09/foreman); do
        awk -v file="foreman/$file" -f lib/index.awk "out/ws-09/foreman/$file"
    done > "$new/index.tsv"
    awk -F '\t' '
        FILENAME == ARGV[1] { new[$3] = $4; next }
        FILENAME == ARGV[2] { there[$1, $3] = 1; next }
        new[$1] ~ /^foreman\/(meta|gui|infra|aim|pm|spec)\// {
            where = (new[$1], $3) in there ? new[$1] : \
                ("foreman/shared/helpers.py", $3) in there ? "foreman/shared/helpers.py" : "lost"
            print $1 "\t" $3 "\t" where
        }
    ' out/ws-01/names.tsv "$new/index.tsv" out/ws-inf-a/index.tsv > "$new/found.tsv"
    lost=$(grep -c '	lost$' "$new/found.tsv" || :)
    summary="$(count "$new/found.tsv") definitions looked for, $lost lost"
    figures="\"lost\":$lost"
}

# The gate: everything that was made, in one tree, with a manifest of all of out/.
task_ws_21() {
    need ws-20 ws-30 ws-inf-b ws-uet-e
    for file in plan/*.json; do
        other=$(basename "$file" .json)
        [ "$other" = "$id" ] || need "$other"
    done
    tree=$new/tree
    copy out/ws-30/foreman "$tree/foreman"
    for dep in ws-17 ws-19 ws-30; do
        copy "out/$dep/tests" "$tree/tests"
    done
    copy out/ws-18/scripts "$tree/scripts"
    copy out/ws-20/docs "$tree/docs"
    copy out/ws-22/schema "$tree/schema"
    copy out/ws-25/prompts "$tree/prompts"
    copy out/ws-uet-e/orders "$tree/orders"
    cat out/ws-20/MAP.tsv > "$tree/MAP.tsv"
    # what was mapped must be there
    unresolved=0
    for file in $(cut -f 2 "$tree/MAP.tsv" | sort -u); do
        [ -f "$tree/$file" ] || { unresolved=$((unresolved + 1)); echo "work.sh: $file is not in the tree" >&2; }
    done
    # and must parse as what it is, as far as a shell can tell
    for file in "$tree"/scripts/*.sh; do
        sh -n "$file" || unresolved=$((unresolved + 1))
    done
    manifest=$({
        for file in plan/*.json; do
            other=$(basename "$file" .json)
            [ "$other" = "$id" ] || sums "out/$other" | sed "s| \([^ ]*\)\$| $other/\1|"
        done
        sums "$new" | sed "s| \([^ ]*\)\$| $id/\1|"
    } | sort -k 3)
    printf '%s\n' "$manifest" > "$new/MANIFEST"
    summary="$(count "$new/MANIFEST") files in the manifest, $unresolved mapped paths missing"
    figures="\"unresolved\":$unresolved"
}
