# Path of an old module -> old module, new module, old path, new path (tab between two).
#   meta/meta_info.py -> meta.meta_info  foreman.meta.info  meta/meta_info.py  foreman/meta/info.py
BEGIN { FS = "/"; OFS = "\t" }
{
    old = $0
    sub(/\.py$/, "", old)
    new = "foreman"
    for (i = 1; i < NF; i++) new = new "/" $i
    base = $NF
    sub(/^[^_]*_/, "", base)
    sub(/\.py$/, "", base)
    new = new "/" base
    path = new ".py"
    gsub("/", ".", old)
    gsub("/", ".", new)
    print old, new, $0, path
}
