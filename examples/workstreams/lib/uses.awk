# fields.tsv + a module -> file, field, yes or no: each ["field"] and each "field": of a dictionary,
# and whether -v record has it.
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { if ($1 == record) has[$2] = 1; next }
{
    line = $0
    while (match(line, /(\["[a-z]+"\])|([{,] *"[a-z]+":)/)) {
        field = substr(line, RSTART, RLENGTH)
        gsub(/[^a-z]/, "", field)
        print file "\t" field "\t" (field in has ? "yes" : "no")
        line = substr(line, RSTART + RLENGTH)
    }
}
