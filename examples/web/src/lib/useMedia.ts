// Whether the screen is as a media query says.
import { useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
  const listen = (listener: () => void) => {
    const list = matchMedia(query);
    list.addEventListener("change", listener);
    return () => list.removeEventListener("change", listener);
  };
  return useSyncExternalStore(listen, () => matchMedia(query).matches);
}
