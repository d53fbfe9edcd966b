// How long texts may be, in characters as the server counts them.
export const LIMITS = { title: 200, description: 1000, list: 100, label: 30, name: 100 } as const;

export type Limited = keyof typeof LIMITS;

const NAMES: Record<Limited, string> = { title: "title", description: "description", list: "name", label: "name", name: "name" };

/** What to say of a text that is too long; nothing otherwise. White space around it does not count. */
export function tooLong(what: Limited, text: string): string {
  const [length, most] = [[...text.trim()].length, LIMITS[what]];
  return length > most ? `The ${NAMES[what]} is too long to be saved: it has ${length} characters, and may have ${most}.` : "";
}
