# A Python file -> file, module, name for each name imported from this project.
/^from foreman/ {
    module = $2
    names = $0
    sub(/^.* import /, "", names)
    n = split(names, part, /, */)
    for (i = 1; i <= n; i++) {
        sub(/ as .*/, "", part[i])
        print file "\t" module "\t" part[i]
    }
}
