// Dates in the words and the zone of whoever looks at them. A calendar date stays the date it is, wherever that is.
import type { Due } from "../data/types";

export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const pad = (number: number) => String(number).padStart(2, "0");
const DAY = 86_400_000;

/** The calendar date of an instant here, as `YYYY-MM-DD`. */
export const dayOf = (instant: Date) => `${instant.getFullYear()}-${pad(instant.getMonth() + 1)}-${pad(instant.getDate())}`;
export const timeOf = (instant: Date) => `${pad(instant.getHours())}:${pad(instant.getMinutes())}`;
export const today = () => dayOf(new Date());

/** Midnight of a calendar date here. */
const midnight = (day: string) => new Date(`${day}T00:00`);
/** How many days a date is behind another; summer time makes no difference. */
const daysBetween = (one: string, other: string) => Math.round((Date.parse(other) - Date.parse(one)) / DAY);
export const addDays = (day: string, days: number) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);

export const dueDay = (due: Due) => ("date" in due ? due.date : dayOf(new Date(due.at.instant)));
export const dueTime = (due: Due) => ("date" in due ? null : timeOf(new Date(due.at.instant)));

export function makeDue(day: string, time: string): Due | null {
  if (!day) return null;
  if (!time) return { date: day };
  return { at: { instant: new Date(`${day}T${time}`).toISOString().replace(".000", ""), timeZone } };
}

export const isOverdue = (due: Due, now = new Date()) =>
  "date" in due ? due.date < dayOf(now) : Date.parse(due.at.instant) < now.getTime();

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const inYear = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const withYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const capital = (text: string) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** Yesterday, today, tomorrow, a weekday of the next six days, or the date. */
export function formatDay(day: string, now = today()): string {
  const days = daysBetween(now, day);
  if (Math.abs(days) <= 1) return capital(relative.format(days, "day"));
  if (days > 1 && days < 7) return capital(weekday.format(midnight(day)));
  return (day.slice(0, 4) === now.slice(0, 4) ? inYear : withYear).format(midnight(day));
}

export function formatDue(due: Due): string {
  const day = formatDay(dueDay(due));
  return "date" in due ? day : `${day}, ${time.format(new Date(due.at.instant))}`;
}

export const formatInstant = (instant: string) => full.format(new Date(instant));
