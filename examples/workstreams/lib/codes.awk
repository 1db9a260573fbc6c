# A Python file -> code, text, file, line for each Problem("E1234", ..., "text") and Broken("E1234", "text").
/(Problem|Broken)\("E[0-9]+"/ {
    code = $0
    sub(/^.*(Problem|Broken)\("/, "", code)
    text = code
    sub(/".*/, "", code)
    sub(/"\)*$/, "", text)
    sub(/^.*"/, "", text)
    print code "\t" text "\t" file "\t" FNR
}
