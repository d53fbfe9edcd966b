// Where something stands until the server has said so: a text between two others, byte by byte.
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz~";
const value = (text: string, at: number) => DIGITS.indexOf(text[at] ?? "0");

/** Behind everything that the server gives out. */
export const atTheEnd = () => `~${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

/** A place between two others; an absent one is the start or the end. */
export function between(before = "", behind?: string): string {
  let place = "";
  for (let at = 0; ; at++) {
    const low = value(before, at);
    const high = behind === undefined ? DIGITS.length : value(behind, at);
    if (high - low > 1) return place + DIGITS[Math.floor((low + high) / 2)];
    place += DIGITS[low];
    if (high > low) behind = undefined;
    // Two equal places leave no room.
    if (at > 300) return `${before}i`;
  }
}
