// page: light, dark, or as the system has it; remembered in this browser.

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'ackspan-theme';

export function storedTheme(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    // Storage may be forbidden: then nothing is remembered.
    return 'auto';
  }
}

/** Shows the theme, and tells those who draw by hand. */
export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
  dispatchEvent(new Event('themechange'));
}

/** A colour of the theme that is shown now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls back whenever colours change: by hand or by the system. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  addEventListener('themechange', listener);
  system.addEventListener('change', listener);
  return () => {
    removeEventListener('themechange', listener);
    system.removeEventListener('change', listener);
  };
}
