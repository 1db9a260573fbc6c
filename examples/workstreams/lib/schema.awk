# records.txt -> one JSON Schema for each record in -v dir, and record, field, type, required on the output.
$1 == "RECORD" {
    record = $2
    note = rest(3)
    properties = required = ""
}
$1 == "FIELD" {
    if ($4 != "required" && $4 != "optional") {
        print FILENAME ":" FNR ": neither required nor optional" > "/dev/stderr"
        exit 65
    }
    properties = properties (properties == "" ? "" : ",\n") \
        sprintf("    \"%s\": { %s, \"description\": \"%s\" }", $2, type($3), rest(5))
    if ($4 == "required") required = required (required == "" ? "" : ", ") "\"" $2 "\""
    print record "\t" $2 "\t" $3 "\t" $4
}
$1 == "END" {
    file = dir "/" record ".json"
    printf "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n" > file
    printf "  \"title\": \"%s\",\n  \"description\": \"%s\",\n  \"type\": \"object\",\n", record, note > file
    printf "  \"required\": [%s],\n  \"additionalProperties\": false,\n", required > file
    printf "  \"properties\": {\n%s\n  }\n}\n", properties > file
    close(file)
}

function rest(from,    i, text) {
    for (i = from; i <= NF; i++) text = text (i > from ? " " : "") $i
    return text
}

function type(word) {
    if (word == "text") return "\"type\": \"string\""
    if (word == "number") return "\"type\": \"integer\""
    if (word == "flag") return "\"type\": \"boolean\""
    sub(/^one-of:/, "", word)
    gsub(",", "\", \"", word)
    return "\"enum\": [\"" word "\"]"
}
