##############################################################
# MODULE : pipe_patch
# AUTHOR : S. Iyer
# DATE   : 2011-10-10
# PURPOSE: change one line of a text, if it is what we think it is
##############################################################
from errors.err_base import Broken


def apply(lines, patch):
    at = patch["line"] - 1
    if at < 0 or at >= len(lines):
        raise Broken("E2201", "the patch is for a longer text")
    if lines[at] != patch["old"]:
        raise Broken("E2202", "the line has changed since the patch was made")
    return lines[:at] + [patch["new"]] + lines[at + 1:]


def undo(lines, patch):
    back = {"file": patch["file"], "line": patch["line"], "old": patch["new"], "new": patch["old"]}
    return apply(lines, back)
