# pipeline_plus: first the schema, then the parts that use it, then the whole.

# Each RECORD becomes a JSON Schema; fields.tsv has all of them for the later phases.
task_ws_22() {
    mkdir -p "$new/schema"
    awk -v dir="$new/schema" -f lib/schema.awk source/pipeline/records.txt > "$new/fields.tsv"
    summary="$(list "$new/schema" | wc -l | tr -d ' ') records, $(count "$new/fields.tsv") fields"
}

# uses <record> <file>: the fields that a new module uses, and whether the record has them
uses() {
    awk -v record="$1" -v file="$2" -f lib/uses.awk out/ws-22/fields.tsv "$new/$2" | sort -u >> "$new/fields.tsv"
    undeclared=$(grep -c '	no$' "$new/fields.tsv" || :)
    figures="\"undeclared\":$undeclared"
}

task_ws_23() {
    need ws-22
    refactor pipeline/pipe_queue.py
    uses task foreman/pipeline/queue.py
    summary="the queue, checked against the task record"
}

task_ws_24() {
    need ws-22
    refactor pipeline/pipe_audit.py
    uses audit foreman/pipeline/audit.py
    summary="the audit, checked against its record"
}

# @record.field@ becomes {{record.field}}
task_ws_25() {
    need ws-12 ws-22 ws-23
    known ws-12 ws-23
    refactor pipeline/pipe_prompt.py
    mkdir -p "$new/prompts"
    for file in $(list source/prompts); do
        sed 's/@\([a-z]*\.[a-z]*\)@/{{\1}}/g' "source/prompts/$file" > "$new/prompts/$file"
        awk -v file="prompts/$file" -f lib/places.awk out/ws-22/fields.tsv "$new/prompts/$file"
    done | sort -u > "$new/fields.tsv"
    undeclared=$(grep -c '	no$' "$new/fields.tsv" || :)
    summary="prompts with $(count "$new/fields.tsv") places, $undeclared of them for fields that no record has"
    figures="\"undeclared\":$undeclared"
}

task_ws_26() {
    need ws-12 ws-22 ws-24
    known ws-12 ws-24
    refactor pipeline/pipe_patch.py
    uses patch foreman/pipeline/patch.py
    summary="patches, checked against their record"
}

task_ws_27() {
    need ws-14 ws-23
    known ws-14 ws-23
    refactor pipeline/pipe_adapter.py
    summary="the adapter, on the new queue and the new error state"
}

# The parts in one package, with the breaker; every code they speak of must exist.
task_ws_28() {
    need ws-15 ws-23 ws-24 ws-25 ws-26 ws-27
    known ws-23 ws-24 ws-25 ws-26 ws-27
    refactor pipeline/pipe_breaker.py
    for dep in ws-23 ws-24 ws-25 ws-26 ws-27; do
        copy "out/$dep/foreman" "$new/foreman"
    done
    { cat out/ws-15/catalogue.tsv; codes "$new"; } | cut -f 1 | sort -u > "$new/known"
    for file in $(list "$new/foreman"); do
        tr -c 'A-Z0-9' '\n' < "$new/foreman/$file" | grep '^E[0-9][0-9][0-9][0-9]$' || :
    done | sort -u > "$new/codes.txt"
    unknown=$(comm -13 "$new/known" "$new/codes.txt" | wc -l | tr -d ' ')
    rm -f "$new/known"
    summary="the pipeline speaks of $(count "$new/codes.txt") codes, $unknown of them unknown"
    figures="\"unknown\":$unknown"
}

task_ws_29() {
    need ws-09 ws-17 ws-28
    known ws-09 ws-17 ws-28
    refactor pipeline/pipe_main.py
    copy out/ws-28/foreman "$new/foreman"
    summary="the way through the pipeline, on top of core and errors"
}

# The whole package, and proof that every import in it leads somewhere.
task_ws_30() {
    need ws-09 ws-17 ws-29
    known ws-09 ws-17 ws-29
    for dep in ws-09 ws-17 ws-29; do
        copy "out/$dep/foreman" "$new/foreman"
    done
    refactor_test test_pipeline.py
    for file in $(list "$new" -name '*.py'); do
        awk -v file="$file" -f lib/imports.awk "$new/$file"
    done | sort -u > "$new/imports"
    while IFS='	' read -r file module name; do
        path=$(echo "$module" | tr . /)
        if [ -f "$new/$path.py" ] &&
            grep -q -e "^def $name(" -e "^class ${name}[(:]" -e "^$name = " -e "import.*[ ,]$name\$" -e "import.* $name," "$new/$path.py"; then
            echo "$file	$module	$name	yes"
        elif [ -f "$new/$path/$name.py" ]; then
            echo "$file	$module	$name	yes"
        else
            echo "$file	$module	$name	no"
        fi
    done < "$new/imports" > "$new/imports.tsv"
    rm -f "$new/imports"
    unresolved=$(grep -c '	no$' "$new/imports.tsv" || :)
    summary="$(list "$new/foreman" | wc -l | tr -d ' ') modules, $(count "$new/imports.tsv") imports, $unresolved of them lead nowhere"
    figures="\"unresolved\":$unresolved"
}
