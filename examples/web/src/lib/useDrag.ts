// Dragging a row of a list of equally high rows, with mouse, pen or finger. Whoever uses a keyboard has Alt and arrows.
import { type PointerEvent, type RefObject, useRef, useState } from "react";

export type Drag = { from: number; to: number; offset: number };

type Options = {
  scroller: RefObject<HTMLElement | null>;
  height: number;
  /** The nearest index at which the row may be put down. */
  fit: (from: number, to: number) => number;
  onDrop: (from: number, to: number) => void;
};

export function useDrag({ scroller, height, fit, onDrop }: Options) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const latest = useRef<Drag | null>(null);
  const show = (next: Drag | null) => {
    latest.current = next;
    setDrag(next);
  };

  const onPointerDown = (event: PointerEvent<HTMLElement>, from: number) => {
    if (event.button !== 0 || !scroller.current) return;
    const element = scroller.current;
    const grip = event.currentTarget;
    grip.setPointerCapture(event.pointerId);
    const start = event.clientY + element.scrollTop;
    let pointer = event.clientY;
    let frame = 0;
    const place = () => {
      const box = element.getBoundingClientRect();
      // Near an edge the list scrolls.
      const push = pointer < box.top + 48 ? -8 : pointer > box.bottom - 48 ? 8 : 0;
      if (push) element.scrollTop += push;
      const offset = pointer + element.scrollTop - start;
      show({ from, to: fit(from, from + Math.round(offset / height)), offset });
      frame = requestAnimationFrame(place);
    };
    const move = (moved: globalThis.PointerEvent) => void (pointer = moved.clientY);
    const end = (ended: globalThis.PointerEvent) => {
      cancelAnimationFrame(frame);
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", end);
      grip.removeEventListener("pointercancel", end);
      const at = latest.current;
      show(null);
      if (at && ended.type === "pointerup" && at.to !== from) onDrop(from, at.to);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end);
    grip.addEventListener("pointercancel", end);
    place();
  };

  return { drag, onPointerDown };
}
