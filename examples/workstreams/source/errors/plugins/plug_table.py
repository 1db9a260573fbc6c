##############################################################
# MODULE : plug_table
# AUTHOR : C. Moreau
# DATE   : 2006-08-21
# PURPOSE: tables with a tab between two cells
##############################################################
from errors.err_base import Problem
from errors.err_util import numbered, nothing


def check(name, text):
    if not text.strip():
        return [nothing(name)]
    found = []
    wide = len(text.split("\n")[0].split("\t"))
    for number, line in numbered(text.rstrip("\n")):
        cells = line.split("\t")
        if len(cells) != wide:
            found.append(Problem("E1301", (name, number), "not as many cells as the first row"))
        if cells != [cell.strip() for cell in cells]:
            found.append(Problem("E1302", (name, number), "a blank at the edge of a cell"))
    return found
