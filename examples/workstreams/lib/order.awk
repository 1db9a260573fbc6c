# defaults.tsv, names.tsv, owners.tsv + a template -> the order for -v section
FILENAME == ARGV[1] { value[$1] = $2; next }
FILENAME == ARGV[2] { if (index($3, section "/") == 1) modules = modules (modules == "" ? "" : ", ") $2; next }
FILENAME == ARGV[3] {
    if (index($1, section "/") == 1 && ++files[$2] > most) { most = files[$2]; reviewer = $2 }
    next
}
FNR == 1 {
    value["SECTION"] = section
    value["PACKAGE"] = "foreman." section
    value["MODULES"] = modules
    value["REVIEWER"] = reviewer
}
{
    line = $0
    out = ""
    while (match(line, /[$][A-Z]+/)) {
        name = substr(line, RSTART + 1, RLENGTH - 1)
        out = out substr(line, 1, RSTART - 1) (name in value ? value[name] : "$" name)
        line = substr(line, RSTART + RLENGTH)
    }
    print out line
}
