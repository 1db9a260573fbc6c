# shared.tsv (name, body) + one module -> the module without these functions, importing them instead.
BEGIN { FS = "\t" }

FILENAME == ARGV[1] { shared[$1] = $2; next }

{ text[++n] = $0 }

END {
    for (i = 1; i <= n; i++) {
        if (text[i] ~ /^def /) {
            name = text[i]
            sub(/^def /, "", name)
            sub(/\(.*/, "", name)
            body = text[i]
            for (j = i + 1; j <= n && text[j] !~ /^[^ ]/; j++) body = body "\001" text[j]
            sub(/\001+$/, "", body)
            if (name in shared && shared[name] == body) {
                names = names (names == "" ? "" : ", ") name
                i = j - 1
                continue
            }
        }
        kept[++m] = text[i]
    }
    at = place()
    for (i = 1; i <= m; i++) {
        if (kept[i] == "") { blanks++; continue }
        if (i > 1) for (; blanks > 0; blanks--) print ""
        blanks = 0
        print kept[i]
        if (i == at && names != "") {
            if (kept[i] !~ /^from /) print ""
            print "from foreman.shared.helpers import " names
            if (kept[i] !~ /^from / && kept[i + 2] ~ /^(def|class) /) print ""
        }
    }
}

# the line after which the import goes: the last import, else the end of the docstring
function place(    i, found) {
    for (i = 1; i <= m; i++) if (kept[i] ~ /^(from|import) /) found = i
    if (found) return found
    for (i = 2; i <= m; i++) if (kept[i] == "\"\"\"") return i
    return 1
}
