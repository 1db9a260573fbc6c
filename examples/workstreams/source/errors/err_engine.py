##############################################################
# MODULE : err_engine
# AUTHOR : E. Brandt
# DATE   : 2005-02-02
# PURPOSE: let every checker look at a text and collect what they find
##############################################################
from errors.err_base import Broken
from errors.err_state import State
from errors.err_util import once, worst_first


def look(checkers, name, text, limit=100):
    if not checkers:
        raise Broken("E1902", "there is no checker for this file")
    state = State(limit)
    found = []
    for checker in checkers:
        for problem in checker.check(name, text):
            found.append(problem)
    found = worst_first(once(found))
    for problem in found:
        state.count(problem)
    return found, state


def report(found):
    return "\n".join(problem.line() for problem in found)
