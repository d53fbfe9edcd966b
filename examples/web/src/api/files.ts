// Export and import, which are routes of the REST API.
import { docketUrl } from "./client";

export type Imported = { lists: number; labels: number; tasks: number; skipped: number };

export const exportUrl = (user: string, form: "export" | "export.ics") => docketUrl(`api/${user}/${form}`);

/** What the kinds of files are called, by the ends of their names. */
const TYPES: Record<string, string> = { json: "application/json", csv: "text/csv", ics: "text/calendar" };

/** Reads a file of the export, a table or a calendar; a dry run only says what it would do. */
export async function importFile(user: string, file: File, isDry: boolean): Promise<Imported | string> {
  const type = TYPES[file.name.split(".").at(-1)!.toLowerCase()];
  if (!type) return "its name must end in .json, .csv or .ics";
  const url = docketUrl(`api/${user}/import${isDry ? "?dry_run=true" : ""}`);
  const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: file });
  const answer = (await response.json().catch(() => ({}))) as Imported & { detail?: string | { msg: string }[] };
  if (response.ok) return answer;
  return (typeof answer.detail === "string" ? answer.detail : answer.detail?.[0]?.msg) ?? `Status ${response.status}`;
}
