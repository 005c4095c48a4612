// House: where the picture stands in ARCHITECTURE.md.
const BEGIN = '<!-- house: begin (written by `npm run house -- --write`) -->';
const END = '<!-- house: end -->';

/** The page with the picture between its markers. Throws where they are missing. */
export function withPicture(page: string, picture: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md has no place for the house: ${BEGIN} … ${END}`);
  return `${page.slice(0, from)}${BEGIN}\n\`\`\`\n${picture}\n\`\`\`\n${page.slice(to)}`;
}
