# moves.tsv + one old module -> the module as it is written today:
# a docstring for the banner, four blanks for a tab, no blanks at the end of a line,
# imports by the new names. -v old=<path>; an import that nobody has moved yet is an error (65).
BEGIN { FS = "\t" }

FILENAME == ARGV[1] { moved[$1] = $2; next }

/^####/ {
    rules++
    if (rules == 2) docstring()
    next
}
rules == 1 && /^# [A-Z]+ *:/ {
    key = $0
    sub(/^# /, "", key)
    sub(/ *:.*/, "", key)
    value = $0
    sub(/^[^:]*: */, "", value)
    head[key] = value
    next
}
{
    line = $0
    sub(/[ \t]+$/, "", line)
    indent = ""
    while (substr(line, 1, 1) == "\t") {
        indent = indent "    "
        line = substr(line, 2)
    }
    line = indent line
    if (line ~ /^from [a-z_.]+ import /) line = import(line)
    print line
}

function docstring() {
    text = toupper(substr(head["PURPOSE"], 1, 1)) substr(head["PURPOSE"], 2)
    printf "\"\"\"%s.\n\nWas %s, by %s, %s.\n\"\"\"\n\n", text, old, head["AUTHOR"], head["DATE"]
}

function import(line,    from, names, n, i, part, package, out) {
    from = line
    sub(/^from /, "", from)
    sub(/ import .*/, "", from)
    names = line
    sub(/^.* import /, "", names)
    if (from in moved) return "from " moved[from] " import " names
    # from a package: each name is a module, and keeps its old name in this file
    n = split(names, part, /, */)
    for (i = 1; i <= n; i++) {
        if (!((from "." part[i]) in moved)) {
            print old ":" FNR ": nobody has moved " from " yet (" part[i] ")" > "/dev/stderr"
            exit 65
        }
        package = moved[from "." part[i]]
        out = out (i > 1 ? ", " : "") last(package) " as " part[i]
        sub(/\.[^.]*$/, "", package)
    }
    return "from " package " import " out
}

function last(module) {
    sub(/^.*\./, "", module)
    return module
}
