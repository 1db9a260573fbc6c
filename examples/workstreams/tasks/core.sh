# core_refactor: the six sections of the core, one after another, then what they share.

section() {
    refactor $(cd source && ls "$1"/*.py)
    summary="$1: $(list "$new" -name '*.py' | wc -l | tr -d ' ') modules in their new shape"
}

task_ws_03() { section meta; }
task_ws_04() { section gui; }
task_ws_05() { section infra; }

task_ws_06() {
    need ws-03 ws-04 ws-05
    known ws-03 ws-04 ws-05
    section aim
}

task_ws_07() {
    need ws-03 ws-04
    known ws-03 ws-04
    section pm
}

task_ws_08() {
    need ws-03 ws-05
    known ws-03 ws-05
    section spec
}

# The same helper in several modules becomes one, in foreman/shared/helpers.py.
task_ws_09() {
    need ws-03 ws-04 ws-05 ws-06 ws-07 ws-08
    known ws-03 ws-04 ws-05 ws-06 ws-07 ws-08
    old=$new/old
    for dep in ws-03 ws-04 ws-05 ws-06 ws-07 ws-08; do
        copy "out/$dep/foreman" "$old/foreman"
    done
    modules=$(list "$old")
    for file in $modules; do
        awk -v root="$old" -f lib/functions.awk "$old/$file"
    done | sort > "$new/functions"
    awk -F '\t' '
        { many[$1 "\t" $3]++ }
        END { for (key in many) if (many[key] > 1) print key }
    ' "$new/functions" | sort > "$new/shared"
    # same name, another body: for a person to decide
    awk -F '\t' '
        NR == FNR { bodies[$1] += !(($1, $3) in seen); seen[$1, $3] = 1; next }
        bodies[$1] > 1 { print $1 "\t" $2 }
    ' "$new/functions" "$new/functions" > "$new/twins.tsv"
    awk -F '\t' '
        NR == FNR { shared[$1 "\t" $2] = 1; next }
        ($1 "\t" $3) in shared { print $1 "\t" $2 }
    ' "$new/shared" "$new/functions" > "$new/merged.tsv"
    mkdir -p "$new/foreman/shared"
    awk -F '\t' '
        BEGIN { print "\"\"\"What several sections had a copy of.\"\"\"" }
        { gsub("\001", "\n", $2); printf "\n\n%s\n", $2 }
    ' "$new/shared" > "$new/foreman/shared/helpers.py"
    for file in $modules; do
        mkdir -p "$new/$(dirname "$file")"
        awk -f lib/unshare.awk "$new/shared" "$old/$file" > "$new/$file"
    done
    copies=$(count "$new/merged.tsv")
    helpers=$(count "$new/shared")
    rm -rf "$old" "$new/functions" "$new/shared"
    summary="$copies copies of $helpers helpers are now one each"
    figures="\"copies\":$copies,\"helpers\":$helpers"
}

# Scripts: the new names, and no back-ticks.
task_ws_18() {
    need ws-01 ws-09
    mkdir -p "$new/scripts"
    for file in $(list source/scripts); do
        sed -e 's/`dirname \$0`/$(dirname "$0")/' \
            -e 's|grep -q '\''	'\'' \$file|grep -q '\''	'\'' "$file"|' \
            "source/scripts/$file" | awk -f lib/rename.awk out/ws-01/names.tsv - > "$new/scripts/$file"
        sh -n "$new/scripts/$file" || die 65 "scripts/$file is no longer a script"
    done
    # what a script names must be in the core, or planned for another track
    for file in $(list "$new/scripts"); do
        tr -c 'A-Za-z0-9_/.' '\n' < "$new/scripts/$file" | grep '^foreman/.*\.py$' | sort -u |
            while read -r path; do
                if [ -f "out/ws-09/$path" ]; then
                    echo "$file	$path	there"
                else
                    echo "$file	$path	planned"
                fi
            done
    done > "$new/mentions.tsv"
    summary="$(list "$new/scripts" | wc -l | tr -d ' ') scripts speak of the new names"
}

task_ws_19() {
    need ws-09
    known ws-09
    refactor_test test_core.py
    summary="the tests of the core import the new modules"
}

# refactor_test <file>: a test keeps its name
refactor_test() {
    [ -f "source/tests/$1" ] || die 65 "$id needs source/tests/$1, and it is not there"
    mkdir -p "$new/tests"
    awk -v old="tests/$1" -f lib/modernise.awk "$new/moves.tsv" "source/tests/$1" > "$new/tests/$1" || exit 65
}

# The map from each old path to the new one, and the handbook by the new names.
task_ws_20() {
    need ws-01 ws-18 ws-19 ws-doc-b
    {
        awk -F '\t' '{ print $3 "\t" $4 }' out/ws-01/names.tsv
        for dir in scripts tests; do
            list "source/$dir" | awk -v dir="$dir" '{ print dir "/" $0 "\t" dir "/" $0 }'
        done
        list source/docs | awk '{ print "docs/" $0 "\tdocs/HANDBOOK.md" }'
    } | sort > "$new/MAP.tsv"
    for file in out/ws-18/scripts/*.sh out/ws-19/tests/*.py; do
        name=$(echo "$file" | sed 's|^out/[^/]*/||')
        grep -q "	$name\$" "$new/MAP.tsv" || die 65 "$file is not on the map"
    done
    mkdir -p "$new/docs"
    awk -f lib/rename.awk out/ws-01/names.tsv out/ws-doc-b/HANDBOOK.md > "$new/docs/HANDBOOK.md"
    left=$(awk -F '\t' '
        NR == FNR { old[$1] = 1; next }
        { for (name in old) if (index($0, "`" name ".") || index($0, "`" name "`")) n++ }
        END { print n + 0 }
    ' out/ws-01/names.tsv "$new/docs/HANDBOOK.md")
    summary="$(count "$new/MAP.tsv") paths mapped, $left old names left in the handbook"
    figures="\"left\":$left"
}
