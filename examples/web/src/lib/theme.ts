// Light, dark, or as the system has it.
export type Theme = "system" | "light" | "dark";

const KEY = "docket.theme";

export const theme = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? "system";

export function applyTheme(next?: Theme): void {
  if (next) localStorage.setItem(KEY, next);
  document.documentElement.dataset.theme = next ?? theme();
}
