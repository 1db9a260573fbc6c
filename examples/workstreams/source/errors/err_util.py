##############################################################
# MODULE : err_util
# AUTHOR : E. Brandt
# DATE   : 2005-01-11
# PURPOSE: small things that every checker needs
##############################################################
from errors.err_base import Problem


def numbered(text):  
    return list(enumerate(text.split("\n"), 1))


def worst_first(problems):
    return sorted(problems, key=lambda p: (p.code, p.where))


def once(problems):
    seen = set()
    kept = []
    for problem in problems:
        if problem.line() not in seen:
            seen.add(problem.line())
            kept.append(problem)
    return kept


def nothing(name):
    return Problem("E1001", (name, 1), "the file is empty")
