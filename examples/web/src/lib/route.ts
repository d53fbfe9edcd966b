// The page that is shown is in the hash, so that a server needs to know one page only.
import { useMemo, useSyncExternalStore } from "react";

export type Page = "today" | "upcoming" | "all" | "list" | "label" | "trash" | "settings";
export type Route = { page: Page; id: string; task: string };

const PAGES: Page[] = ["today", "upcoming", "all", "list", "label", "trash", "settings"];

function parse(hash: string): Route {
  const [path = "", query] = hash.replace(/^#\//, "").split("?");
  const [page, id = ""] = path.split("/");
  const known = PAGES.find((it) => it === page) ?? "today";
  return { page: known, id, task: new URLSearchParams(query).get("task") ?? "" };
}

export function hrefOf({ page, id, task }: { page: Page; id?: string; task?: string }): string {
  return `#/${page}${id ? `/${id}` : ""}${task ? `?task=${task}` : ""}`;
}

export const go = (to: Parameters<typeof hrefOf>[0]) => void (location.hash = hrefOf(to));

const listen = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

export function useRoute(): Route {
  const hash = useSyncExternalStore(listen, () => location.hash);
  return useMemo(() => parse(hash), [hash]);
}
