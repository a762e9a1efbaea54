"""The picture of the README, from the page of the demo: ``make run``, then ``python resources/picture.py``."""

import re
import sys
from pathlib import Path

page = Path(sys.argv[1] if len(sys.argv) > 1 else "results/report.html").read_text(encoding="utf-8")
section = page[page.index('<section id="drops"') :]
svg = re.search(r"<svg .*?</svg>", section, re.S)[0]
models = re.findall(r'style="background:(#\w+)"></span>([^<]+)</li>', section[: section.index("</ul>")])
width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
step, legend = width / len(models), ""
for i, (colour, model) in enumerate(models):
    legend += f'<rect x="{i * step + 8:.0f}" y="{height + 8:.0f}" width="14" height="4" fill="{colour}"/>'
    legend += f'<text x="{i * step + 26:.0f}" y="{height + 13:.0f}" font-size="8.5" fill="#333333">{model}</text>'
size = f'width="{width}" height="{height + 22}" viewBox="0 0 {width} {height + 22}"'
inside = svg[svg.index(">") + 1 : -len("</svg>")]
whole = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans, Arial, sans-serif">'
whole += f'<rect width="{width}" height="{height + 22}" fill="#ffffff"/>{inside}{legend}</svg>\n'
target = Path(__file__).parents[1] / "docs" / "drops.svg"
target.write_text(whole, encoding="utf-8")
print(target)
