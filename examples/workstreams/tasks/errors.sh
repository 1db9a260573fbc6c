# error_engine: the checkers, the engine that calls them, and one catalogue of their codes.

task_ws_12() {
    refactor errors/err_base.py errors/err_util.py
    summary="what every checker needs is in its new shape"
}

task_ws_13() {
    need ws-12
    known ws-12
    refactor $(cd source && ls errors/plugins/*.py)
    summary="$(list "$new/foreman/errors/plugins" | wc -l | tr -d ' ') checkers in their new shape"
}

task_ws_14() {
    need ws-12
    known ws-12
    refactor errors/err_engine.py errors/err_state.py
    summary="the engine and its state are in their new shape"
}

# codes <folder>: code, text, file, line of each problem that is raised there
codes() {
    for file in $(list "$1" -name '*.py'); do
        awk -v file="$file" -f lib/codes.awk "$1/$file"
    done
}

# Codes were given out by hand, so some mean two things. The first place (by name)
# keeps the code, every other gets the next free one above its own highest.
task_ws_15() {
    need ws-12 ws-13 ws-14
    for dep in ws-12 ws-13 ws-14; do
        codes "out/$dep"
    done | sort > "$new/catalogue.tsv"
    awk -F '\t' -f lib/conflicts.awk "$new/catalogue.tsv" "$new/catalogue.tsv" > "$new/renumber.tsv"
    codes=$(cut -f 1 "$new/catalogue.tsv" | sort -u | wc -l | tr -d ' ')
    conflicts=$(count "$new/renumber.tsv")
    summary="$codes codes, $conflicts of them used for a second thing"
    figures="\"codes\":$codes,\"conflicts\":$conflicts"
}

# The catalogue with the new numbers, on the standard output.
renumbered() {
    awk -F '\t' '
        BEGIN { OFS = FS }
        FILENAME == ARGV[1] { to[$1, $2] = $3; next }
        ($3, $1) in to { $1 = to[$3, $1] }
        { print }
    ' out/ws-15/renumber.tsv out/ws-15/catalogue.tsv | sort
}

task_ws_16() {
    need ws-15
    renumbered > "$new/codes"
    awk '$1 == ".L" && $2 ~ /^E[0-9]+$/ { print $2 }' source/docs/errors.txt | sort -u > "$new/documented"
    cut -f 1 "$new/codes" | sort -u > "$new/raised"
    comm -13 "$new/documented" "$new/raised" > "$new/undocumented.txt"
    comm -23 "$new/documented" "$new/raised" > "$new/stale.txt"
    awk -F '\t' '
        BEGIN { print "# Error codes\n\n| code | meaning | found in |\n|---|---|---|" }
        { printf "| %s | %s | `%s` line %s |\n", $1, $2, $3, $4 }
    ' "$new/codes" > "$new/ERRORS.md"
    rm -f "$new/codes" "$new/documented" "$new/raised"
    undocumented=$(count "$new/undocumented.txt")
    stale=$(count "$new/stale.txt")
    summary="$undocumented codes were not documented, $stale documented ones do not exist"
    figures="\"undocumented\":$undocumented,\"stale\":$stale"
}

# The whole of foreman/errors with the new numbers, and its tests.
task_ws_17() {
    need ws-12 ws-13 ws-14 ws-15
    known ws-12 ws-13 ws-14
    for dep in ws-12 ws-13 ws-14; do
        for file in $(list "out/$dep/foreman"); do
            mkdir -p "$new/foreman/$(dirname "$file")"
            awk -F '\t' -v file="foreman/$file" '
                FILENAME == ARGV[1] { if ($1 == file) to["\"" $2 "\""] = "\"" $3 "\""; next }
                { for (code in to) if ((at = index($0, code)) > 0)
                      $0 = substr($0, 1, at - 1) to[code] substr($0, at + length(code)) }
                { print }
            ' out/ws-15/renumber.tsv "out/$dep/foreman/$file" > "$new/foreman/$file"
        done
    done
    codes "$new" | sort > "$new/catalogue.tsv"
    twice=$(cut -f 1,2 "$new/catalogue.tsv" | sort -u | cut -f 1 | uniq -d | wc -l | tr -d ' ')
    refactor_test test_errors.py
    summary="every code means one thing; the tests import the new modules"
    figures="\"conflicts\":$twice"
}
