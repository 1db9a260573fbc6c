# catalogue.tsv, twice -> file, old code, new code for each place whose code means something else elsewhere.
FNR == NR {
    taken[$1] = 1
    if (!($3 in high) || $1 > high[$3]) high[$3] = $1
    # who has it: the first file by name
    if (!($1 in owner) || $3 < owner[$1]) { owner[$1] = $3; means[$1] = $2 }
    next
}
means[$1] != $2 && !(($3, $1) in done) {
    done[$3, $1] = 1
    number = substr(high[$3], 2) + 0
    while (("E" number) in taken) number++
    taken["E" number] = 1
    print $3 "\t" $1 "\tE" number
}
