// docs: lines of a terminal as an SVG picture: text stays text, and the colours follow the reader's light or dark.

const [CELL, LINE, PAD] = [8.4, 19, 16];

/** `lines` are runs of `{ text, tone }`; `title` is read aloud. */
export function svgOf(lines, columns, title) {
  const width = Math.ceil(columns * CELL + 2 * PAD);
  const height = lines.length * LINE + 2 * PAD;
  const rows = lines.map((runs, i) => {
    let x = 0;
    const spans = runs.map(({ text, tone }) => {
      const at = PAD + x * CELL;
      x += text.length;
      if (text.trim() === '') return '';
      const kind = tone === '' ? '' : ` class="${tone}"`;
      return `<tspan x="${round(at)}"${kind} textLength="${round(text.length * CELL)}">${escaped(text)}</tspan>`;
    });
    return `<text y="${round(PAD + (i + 0.75) * LINE)}">${spans.join('')}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
  rect { fill: #fbfbfa; stroke: #d8d8d4; }
  text { fill: #24292f; font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
  .good { fill: #1a7f37; } .bad { fill: #b42318; } .warning { fill: #8a6100; } .doubt { fill: #8250df; } .link { fill: #0b6a80; }
  .faint { fill: #6a737d; } .strong { font-weight: 700; }
  @media (prefers-color-scheme: dark) {
    rect { fill: #16191d; stroke: #30363d; }
    text { fill: #d7dde4; }
    .good { fill: #56d364; } .bad { fill: #ff7b72; } .warning { fill: #e3b341; } .doubt { fill: #d2a8ff; } .link { fill: #76d0e6; }
    .faint { fill: #8b949e; }
  }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${rows.join('\n')}
</svg>
`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
