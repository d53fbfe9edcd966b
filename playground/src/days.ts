// Dates and ids for examples, so that what they make is due around today.

/** The local date so many days from now, as `YYYY-MM-DD`. */
export function dateIn(days: number): string {
  const at = new Date();
  at.setDate(at.getDate() + days);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The instant of a local hour so many days from now, in RFC 3339. */
export function instantIn(days: number, hour: number): string {
  const at = new Date();
  at.setDate(at.getDate() + days);
  at.setHours(hour, 0, 0, 0);
  return at.toISOString().replace(/\.\d+/, "");
}

/** The IANA name of the browser's time zone. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

/** A random UUID. `crypto.randomUUID` is not there on pages without https. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
