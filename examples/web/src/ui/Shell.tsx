// The frame: pages at the left, the page in the middle, the task that is open at the right; on small screens one of them.
import { useEffect, useRef, useState } from "react";
import type { User } from "../api/auth";
import { go, useRoute } from "../lib/route";
import { useMedia } from "../lib/useMedia";
import { Banner } from "./Banner";
import { Details } from "./Details";
import { GroupDialog, type Group } from "./GroupDialog";
import { Icon } from "./icons";
import { Help } from "./Help";
import { Settings } from "./Settings";
import { Sidebar } from "./Sidebar";
import { TaskPage } from "./TaskPage";
import { Trash } from "./Trash";
import { useSnapshot, useStatus, useWorkspace } from "./context";

/** Whether a key is for what has the focus. */
const isTyping = ({ target }: KeyboardEvent) => target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, dialog *");

export function Shell({ onLeave, onUser }: { onLeave: () => Promise<void>; onUser: (user: User | null) => void }) {
  const route = useRoute();
  const all = useSnapshot();
  const { undo } = useWorkspace();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [group, setGroup] = useState<Group | null>(null);
  const task = all.byId.get(route.task);
  const status = useStatus();
  const isSmall = useMedia("(max-width: 760px)");
  const menuButton = useRef<HTMLButtonElement>(null);
  const closeMenu = () => {
    setMenuOpen(false);
    requestAnimationFrame(() => menuButton.current?.focus());
  };

  useEffect(() => setMenuOpen(false), [route]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z" && !isTyping(event)) return void (event.preventDefault(), undo());
      if (document.querySelector("dialog[open]") || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const field = { n: "#new-task", "/": "#search" }[event.key];
      if (field) {
        event.preventDefault();
        document.querySelector<HTMLElement>(field)?.focus();
      } else if (["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) && document.activeElement === document.body) {
        // Nothing has the focus: the list goes on where it was.
        const link = document.querySelector<HTMLElement>(".row-link[tabindex='0']") ?? document.querySelector<HTMLElement>(".row-link");
        link?.focus();
        event.preventDefault();
      } else if (event.key === "?") setHelpOpen(true);
      else if (event.key === "Escape" && isMenuOpen) closeMenu();
      else if (event.key === "Escape" && route.task) go({ page: route.page, id: route.id });
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [route, undo, isMenuOpen]);

  const menu = <button type="button" className="icon-button only-small" aria-label={status === "offline" ? "Menu, offline" : "Menu"} data-status={status} aria-expanded={isMenuOpen} ref={menuButton} onClick={() => setMenuOpen(true)}><Icon name="menu" size={20} /></button>;
  return (
    <div className="shell" data-menu={isMenuOpen} data-details={Boolean(task)}>
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content")?.focus(); }}>Skip to the tasks</a>
      <Sidebar route={route} onEdit={setGroup} onHelp={() => setHelpOpen(true)} isOpen={isMenuOpen} onClose={closeMenu} />
      {isMenuOpen && <div className="scrim" onClick={closeMenu} />}
      <main className="page" id="content" tabIndex={-1} inert={isSmall && (isMenuOpen || task !== undefined)}>
        <Banner onUser={onUser} />
        {route.page === "trash" ? <Trash menu={menu} />
          : route.page === "settings" ? <Settings menu={menu} onLeave={onLeave} />
          : <TaskPage key={`${route.page}/${route.id}`} route={route} menu={menu} onEdit={setGroup} />}
      </main>
      {task && <Details key={task.id} task={task} onClose={() => go({ page: route.page, id: route.id })} />}
      {group && <GroupDialog group={group} onClose={() => setGroup(null)} />}
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
    </div>
  );
}

