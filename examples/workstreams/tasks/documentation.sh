# documentation: old markup to Markdown, references checked, one handbook.

task_ws_10() {
    need ws-uet-a
    unchanged
    mkdir -p "$new/docs"
    for file in $(list source/docs); do
        awk -f lib/markdown.awk "source/docs/$file" > "$new/docs/${file%.txt}.md"
    done
    summary="$(list "$new/docs" | wc -l | tr -d ' ') texts are Markdown"
}

# Does every reference lead to a definition, is every word of the glossary used?
task_ws_11() {
    need ws-10 ws-inf-a
    for file in $(list source/docs); do
        awk -v file="${file%.txt}.md" '
            FILENAME == ARGV[1] {
                module = $1; sub(/\.py$/, "", module); gsub("/", ".", module)
                there[module "." $3] = 1
                next
            }
            { for (i = 1; i + 2 <= NF; i++) if ($i == ".X") {
                  name = $(i + 1) "." $(i + 2)
                  print file "\t" name "\t" (name in there ? "yes" : "no") } }
        ' out/ws-inf-a/index.tsv "source/docs/$file"
    done > "$new/references.tsv"
    for term in $(awk '$1 == ".L" { sub(/:$/, "", $2); print $2 }' source/docs/glossary.txt); do
        uses=$(cat $(list out/ws-10/docs | grep -v '^glossary' | sed 's|^|out/ws-10/docs/|') | grep -c -i "$term" || :)
        echo "$term	$uses"
    done > "$new/terms.tsv"
    dangling=$(grep -c '	no$' "$new/references.tsv" || :)
    summary="$(count "$new/references.tsv") references, $dangling lead nowhere; $(grep -c '	0$' "$new/terms.tsv" || :) words of the glossary are not used"
    figures="\"dangling\":$dangling"
}

task_ws_doc_a() {
    need ws-09 ws-inf-a
    {
        echo "# Modules of the core"
        for file in $(list out/ws-09/foreman); do
            awk -v file="foreman/$file" -f lib/reference.awk out/ws-inf-a/index.tsv "out/ws-09/foreman/$file"
        done
    } > "$new/MODULES.md"
    summary="a reference with $(grep -c '^- ' "$new/MODULES.md") definitions"
}

task_ws_doc_b() {
    need ws-10 ws-11 ws-16 ws-doc-a
    texts="out/ws-10/docs/overview.md out/ws-10/docs/core.md out/ws-10/docs/pipeline.md out/ws-10/docs/errors.md
        out/ws-16/ERRORS.md out/ws-doc-a/MODULES.md out/ws-10/docs/glossary.md"
    cat $texts | awk -F '\t' -f lib/handbook.awk out/ws-11/references.tsv - > "$new/body"
    {
        echo "# Foreman: the handbook"
        echo
        awk '
            /^##* / {
                depth = index($0, " ") - 2
                title = substr($0, depth + 3)
                link = tolower(title)
                gsub(/[^a-z0-9 _-]/, "", link)
                gsub(/ /, "-", link)
                printf "%s- [%s](#%s)\n", (depth > 1 ? "  " : ""), title, link
            }
        ' "$new/body"
        echo
        cat "$new/body"
    } > "$new/HANDBOOK.md"
    rm -f "$new/body"
    summary="one handbook with $(grep -c '^##* ' "$new/HANDBOOK.md") headings"
}
