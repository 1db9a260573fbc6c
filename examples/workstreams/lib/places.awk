# fields.tsv + a prompt -> file, record.field, yes or no: each {{place}}, and whether there is such a field.
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { has[$1 "." $2] = 1; next }
{
    line = $0
    while (match(line, /[{][{][a-z.]+[}][}]/)) {
        place = substr(line, RSTART + 2, RLENGTH - 4)
        print file "\t" place "\t" (place in has ? "yes" : "no")
        line = substr(line, RSTART + RLENGTH)
    }
}
