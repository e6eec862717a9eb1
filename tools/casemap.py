#!/usr/bin/env python3
"""Makes src/Search/Reading/casemap.txt out of UnicodeData.txt (Debian: package unicode-data).

Each code point above ASCII is brought to title case by its one-letter mapping and is then decomposed by its property, with
or without a tag, until nothing is left to decompose (RFC 5051 section 2). Those that stay as they are, and Hangul syllables,
which CaseMap computes, are left out. A line is  FIRST-LAST MAPPED...  in hexadecimal; of a run, each code point after the
first has the mapping before it, the last code point of it raised by one.

Usage: tools/casemap.py /usr/share/unicode/UnicodeData.txt > src/Search/Reading/casemap.txt
"""
import sys


def read(path):
    title, decomposed = {}, {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            field = line.rstrip("\n").split(";")
            point = int(field[0], 16)
            # An empty title case is the upper case (UnicodeData's own rule).
            if field[14] or field[12]:
                title[point] = int(field[14] or field[12], 16)
            if field[5]:
                decomposed[point] = [int(word, 16) for word in field[5].split() if not word.startswith("<")]
    return title, decomposed


def expand(point, decomposed):
    if point not in decomposed:
        return [point]
    return [end for part in decomposed[point] for end in expand(part, decomposed)]


def main():
    title, decomposed = read(sys.argv[1])
    runs = []
    for point in sorted(title.keys() | decomposed.keys()):
        mapped = expand(title.get(point, point), decomposed)
        if point < 0x80 or mapped == [point]:
            continue
        if runs and runs[-1][1] == point - 1:
            first, last, start = runs[-1]
            if mapped == start[:-1] + [start[-1] + point - first]:
                runs[-1] = (first, point, start)
                continue
        runs.append((point, point, mapped))
    for first, last, mapped in runs:
        ends = f"{first:04X}" if first == last else f"{first:04X}-{last:04X}"
        print(ends, *(f"{point:04X}" for point in mapped))


main()
