# names.tsv + a text -> the text with old module names and old paths replaced, longest first.
# A name counts only where it stands alone: not inside a longer word, path or name.
BEGIN { FS = "\t" }

FILENAME == ARGV[1] {
    add($1, $2)
    add($3, $4)
    # the folder of a module, as in gui/*.py
    from = $3; sub(/[^\/]*$/, "*", from)
    to = $4; sub(/[^\/]*$/, "*", to)
    if (!(from in new)) add(from, to)
    next
}

{
    line = $0
    out = ""
    before = ""
    while (line != "") {
        hit = ""
        if (before !~ /[A-Za-z0-9_\/.]/) {
            for (i = 1; i <= n; i++) {
                if (length(old[i]) > length(hit) && substr(line, 1, length(old[i])) == old[i] &&
                    substr(line, length(old[i]) + 1, 1) !~ /[A-Za-z0-9_\/]/) hit = old[i]
            }
        }
        if (hit != "") {
            out = out new[hit]
            line = substr(line, length(hit) + 1)
            before = "x"
        } else {
            before = substr(line, 1, 1)
            out = out before
            line = substr(line, 2)
        }
    }
    print out
}

function add(from, to) {
    old[++n] = from
    new[from] = to
}
