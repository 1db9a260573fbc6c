# A Python file -> file, kind, name, line: functions, classes, and the methods of a class as Class.method.
/^def / { print file "\tfunction\t" name($0) "\t" FNR }
/^class / { class = name($0); print file "\tclass\t" class "\t" FNR }
/^[ \t]+def / { if ($0 ~ /^(\t|    )def /) print file "\tmethod\t" class "." name($0) "\t" FNR }
function name(line) {
    sub(/^[ \t]*(def|class) /, "", line)
    sub(/[(:].*/, "", line)
    return line
}
