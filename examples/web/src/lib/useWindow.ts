// Which rows of a long list are drawn: those that can be seen, and some around them. All rows are equally high.
import { type RefObject, useLayoutEffect, useState } from "react";

const AROUND = 8;

export function useWindow(scroller: RefObject<HTMLElement | null>, count: number, height: number): { start: number; end: number } {
  const [range, setRange] = useState({ start: 0, end: 40 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      const first = Math.floor(element.scrollTop / height);
      // In steps, so that not every pixel draws.
      const start = Math.max(0, Math.floor((first - AROUND) / 6) * 6);
      const end = Math.ceil((first + element.clientHeight / height + AROUND) / 6) * 6;
      setRange((was) => (was.start === start && was.end === end ? was : { start, end }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [scroller, height]);
  return { start: Math.min(range.start, Math.max(0, count - 1)), end: Math.min(range.end, count) };
}
