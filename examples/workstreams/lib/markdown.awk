# The old markup -> Markdown.  .H1 .H2 headings, .P a paragraph, .L a list item, .X module name a reference.
$1 == ".H1" || $1 == ".H2" {
    if (FNR > 1) print ""
    sub(/^\.H1/, "#")
    sub(/^\.H2/, "##")
    print
    last = "heading"
    next
}
$1 == ".P" || $1 == ".L" {
    kind = $1
    if (!(kind == ".L" && last == ".L")) print ""
    text = kind == ".L" ? "-" : ""
    for (i = 2; i <= NF; i++) {
        word = $i
        if (word == ".X") {
            word = "`" $(i + 1) "." $(i + 2) "`"
            i += 2
        }
        text = text (text == "" ? "" : " ") word
    }
    print text
    last = kind
    next
}
{
    print FILENAME ":" FNR ": no such mark: " $1 > "/dev/stderr"
    exit 65
}
