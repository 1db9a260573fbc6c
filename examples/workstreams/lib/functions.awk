# Functions at the outermost level of Python files -> name, file, body (its lines joined by \001).
# -v root=<folder to leave off>
function flush() {
    if (name != "") {
        sub(/\001+$/, "", body)
        print name "\t" file "\t" body
    }
    name = ""
}
FNR == 1 { flush(); file = substr(FILENAME, length(root) + 2) }
/^[^ ]/ { flush() }
/^def / {
    name = $0
    sub(/^def /, "", name)
    sub(/\(.*/, "", name)
    body = $0
    next
}
name != "" { body = body "\001" $0 }
END { flush() }
