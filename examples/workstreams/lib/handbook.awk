# references.tsv + texts -> the texts one level deeper, with a word after each reference that leads nowhere.
FILENAME == ARGV[1] { if ($3 == "no") gone[$2] = 1; next }
/^# / && n++ { print "" }
/^#/ { $0 = "#" $0 }
{
    for (name in gone) {
        at = index($0, "`" name "`")
        if (at) {
            end = at + length(name) + 2
            $0 = substr($0, 1, end - 1) " (no longer there)" substr($0, end)
        }
    }
    print
}
