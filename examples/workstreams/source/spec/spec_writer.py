##############################################################
# MODULE : spec_writer
# AUTHOR : E. Brandt
# DATE   : 2004-05-19
# PURPOSE: write a specification in the form the reader takes
##############################################################
from meta.meta_info import PROJECT
from spec.spec_reader import read_blocks


def pad(text, width):
    text = str(text)
    return text + " " * (width - len(text))


def write_blocks(blocks):
    parts = []
    for block in blocks:
        width = max(len(key) for key in block) + 1
        parts.append("\n".join(pad(k + ":", width) + " " + block[k] for k in sorted(block)))
    return "\n\n".join(parts) + "\n"


def same(text):
    return read_blocks(write_blocks(read_blocks(text))) == read_blocks(text)


def signed(text):
    return text + "by: " + PROJECT + "\n"
