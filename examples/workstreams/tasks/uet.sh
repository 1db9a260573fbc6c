# uet: templates for orders to whoever does the work, from loose files to one order for each section.

# What is there before anything is touched: checksum, size, lines, path.
task_ws_uet_a() {
    for file in $(list source); do
        echo "$(cksum < "source/$file") $(count "source/$file") $file"
    done | tr ' ' '\t' > "$new/inventory.tsv"
    list source/uet -name '*.tpl' > "$new/templates.txt"
    summary="$(count "$new/inventory.tsv") files to start from, $(count "$new/templates.txt") of them templates"
}

# unchanged: the old tree is still the one of the inventory
unchanged() {
    for file in $(cut -f 4 out/ws-uet-a/inventory.tsv); do
        [ -f "source/$file" ] || die 65 "source/$file is gone since the inventory: run ws-uet-a again"
        echo "$(cksum < "source/$file") $(count "source/$file") $file"
    done | tr ' ' '\t' > "$new/now"
    diff out/ws-uet-a/inventory.tsv "$new/now" > /dev/null ||
        die 65 "source has changed since the inventory: run ws-uet-a again"
    rm -f "$new/now"
}

task_ws_uet_b() {
    need ws-uet-a
    while read -r file; do
        tr -c 'A-Z$' '\n' < "source/uet/$file" | grep '^\$[A-Z][A-Z]*$' | sort | uniq -c |
            awk -v file="$file" '{ print file "\t" substr($2, 2) "\t" $1 }'
    done < out/ws-uet-a/templates.txt > "$new/params.tsv"
    summary="$(cut -f 2 "$new/params.tsv" | sort -u | wc -l | tr -d ' ') parameters"
}

task_ws_uet_c() {
    need ws-uet-a
    mkdir -p "$new/templates"
    while read -r file; do
        awk -v dir=source/uet '
            function put(path,    line) {
                if (++depth > 8) { print path ": includes itself" > "/dev/stderr"; exit 65 }
                while ((got = (getline line < path)) > 0) {
                    if (line ~ /^%include /) put(dir "/" substr(line, 10))
                    else print line
                }
                if (got < 0) { print path ": not there" > "/dev/stderr"; exit 65 }
                close(path)
                depth--
            }
            BEGIN { put(ARGV[1]); exit }
        ' "source/uet/$file" > "$new/templates/$file"
    done < out/ws-uet-a/templates.txt
    summary="includes are in place"
}

# Which parameters have a default, and which must be given.
task_ws_uet_d() {
    need ws-uet-b ws-uet-c
    awk '/^[A-Z]/ { name = $1; sub(/^[^=]*= */, ""); print name "\t" $0 }' source/uet/defaults.txt > "$new/defaults.tsv"
    awk -F '\t' '
        FILENAME == ARGV[1] { has[$1] = 1; next }
        !($2 in seen) { seen[$2] = 1; print $2 "\t" ($2 in has ? "default" : "given") }
    ' "$new/defaults.tsv" out/ws-uet-b/params.tsv | sort > "$new/parameters.tsv"
    copy out/ws-uet-c/templates "$new/templates"
    cut -f 2 out/ws-uet-b/params.tsv | sort -u > "$new/used"
    cut -f 1 "$new/defaults.tsv" | sort -u | comm -23 - "$new/used" > "$new/unused.txt"
    rm -f "$new/used"
    unused=$(count "$new/unused.txt")
    summary="$(count "$new/parameters.tsv") parameters, $unused defaults for none of them"
    figures="\"unused\":$unused"
}

# One order for each section: what, where to, and who wrote it and can be asked.
task_ws_uet_e() {
    need ws-01 ws-02 ws-uet-d
    mkdir -p "$new/orders"
    for section in $(cut -f 3 out/ws-01/names.tsv | sed 's|/.*||' | sort -u); do
        for template in refactor check report; do
            awk -F '\t' -v section="$section" -f lib/order.awk \
                out/ws-uet-d/defaults.tsv out/ws-01/names.tsv out/ws-02/owners.tsv \
                "out/ws-uet-d/templates/$template.tpl" > "$new/orders/$section-$template.txt"
        done
    done
    open=$(cat "$new"/orders/*.txt | grep -c '\$[A-Z]' || :)
    summary="$(list "$new/orders" | wc -l | tr -d ' ') orders, $open lines with a parameter left open"
    figures="\"open\":$open"
}
