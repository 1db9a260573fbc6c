# index.tsv + a new module -> its purpose, and its public definitions with their places in the old tree.
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { at[$1, $3] = $4; copies[$3]++; next }
FNR == 1 {
    module = file
    sub(/\.py$/, "", module)
    gsub("/", ".", module)
    purpose = $0
    gsub("\"\"\"", "", purpose)
    printf "\n## %s\n\n%s\n\n", module, purpose
}
/^Was / { old = $0; sub(/^Was /, "", old); sub(/,.*/, "", old) }
/^(def [a-z]|class )/ {
    kind = /^class/ ? "class " : ""
    sub(/^(def|class) /, "")
    sub(/:$/, "")
    name = $0
    sub(/\(.*/, "", name)
    if (old == "") place = "of " copies[name] " copies"
    else place = "old line " at[old, name]
    print "- " kind "`" $0 "` (" place ")"
}
