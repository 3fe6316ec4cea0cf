"""Parses a drawn graph and holds it against the same graph for Graphviz: check_svg.py FILE.svg FILE.dot"""

import re
import sys
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
root = ElementTree.parse(sys.argv[1]).getroot()
dot = open(sys.argv[2]).read()
x0, y0, width, height = map(float, root.get("viewBox").split())

nodes, edges, boxes = [], 0, {}
for function in root.findall(f"{SVG}g"):
    dx, dy = map(float, re.fullmatch(r"translate\((\S+) (\S+)\)", function.get("transform")).groups())
    edges += len(function.findall(f"{SVG}path"))
    own = []
    for group in function.findall(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        x, y, w, h = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        lines = [text.text for text in group.findall(f"{SVG}text")]
        assert 7.2 * max(map(len, lines)) <= w and 15 * len(lines) <= h, f"{lines} leave their box"
        assert 0 <= x + dx and x + w + dx <= width and 0 <= y + dy and y + h + dy <= height, lines
        for a, b, c, d, other in own:
            assert x >= a + c or a >= x + w or y >= b + d or b >= y + h, f"{lines} meets {other}"
        own.append((x, y, w, h, lines))
    # What is not in a region lies outside of its box.
    for box in function.findall(f"{SVG}rect[@class='cluster']"):
        x, y, w, h = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        inside = [n for n in own if x <= n[0] and n[0] + n[2] <= x + w and y <= n[1] and n[1] + n[3] <= y + h]
        touched = [n for n in own if n[0] < x + w and n[0] + n[2] > x and n[1] < y + h and n[1] + n[3] > y]
        assert inside == touched and len(inside) > 3, "a node lies on the border of a region"
        boxes[len(boxes)] = len(inside)
    nodes += own

labels = re.findall(r'^ *n\d+ \[label="(.*)", shape', dot, re.M)
assert len(nodes) == len(labels) > 10, (len(nodes), len(labels))
unescape = lambda text: re.sub(r"\\([^n])", r"\1", text)
assert sorted("\\n".join(n[4]) for n in nodes) == sorted(map(unescape, labels)), "other nodes than --emit=dot"
assert edges == len(re.findall(r"-> n\d+ \[", dot)), "other edges than --emit=dot"
print(f"{len(nodes)} nodes, {edges} edges, {len(boxes)} regions")
