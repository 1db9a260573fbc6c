##############################################################
# MODULE : plug_shell
# AUTHOR : C. Moreau
# DATE   : 2006-07-04
# PURPOSE: habits that bite in shell scripts
##############################################################
from errors.err_base import Problem
from errors.err_util import numbered, nothing


def check(name, text):
    if not text.strip():
        return [nothing(name)]
    found = []
    if not text.startswith("#!"):
        found.append(Problem("E1201", (name, 1), "no interpreter line"))
    for number, line in numbered(text):
        if "`" in line:
            found.append(Problem("E1202", (name, number), "back-ticks do not nest"))
        if "rm -rf $" in line:
            found.append(Problem("E1203", (name, number), "an unquoted variable after rm -rf"))
        if "==" in line and "[ " in line:
            found.append(Problem("E1204", (name, number), "one equals sign is enough for test"))
    return found
