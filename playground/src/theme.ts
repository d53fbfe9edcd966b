// What the editors look like, which style sheets do not reach: the colors of Docket, and lines that are not cut off.
import { useGraphiQL, useMonaco } from "@graphiql/react";
import { useEffect } from "react";

interface Palette { panel: string; accent: string; soft: string; text: string; keyword: string; name: string; string: string; number: string; comment: string }

const LIGHT: Palette = {
  panel: "#fffefc", accent: "#1c6b54", soft: "#1c6b5422", text: "#1d1f21",
  keyword: "#1c6b54", name: "#7a3e9d", string: "#9a4a12", number: "#1f5f99", comment: "#5f646a",
};
const DARK: Palette = {
  panel: "#1c1f20", accent: "#74cbaa", soft: "#74cbaa22", text: "#eae8e3",
  keyword: "#74cbaa", name: "#c9a6ee", string: "#e8b184", number: "#8fc4f2", comment: "#9aa0a4",
};

/** GraphiQL gives its themes to Monaco under these names; they are given again, with other colors. */
export function useEditorLook(): void {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    monaco?.editor.defineTheme("graphiql-LIGHT", { base: "vs", inherit: true, ...colorsOf(LIGHT) });
    monaco?.editor.defineTheme("graphiql-DARK", { base: "vs-dark", inherit: true, ...colorsOf(DARK) });
  }, [monaco]);
  useEffect(() => {
    // GraphiQL looks at the system's theme once, and chooses by it where nobody has chosen one.
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      const isChosen = ["graphiql-light", "graphiql-dark"].some((it) => document.body.classList.contains(it));
      if (!isChosen) monaco?.editor.setTheme(system.matches ? "graphiql-DARK" : "graphiql-LIGHT");
    };
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [monaco]);
  const [queryEditor, variableEditor] = useGraphiQL((state) => [state.queryEditor, state.variableEditor]);
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor]) editor?.updateOptions({ wordWrap: "on", wrappingIndent: "indent" });
  }, [queryEditor, variableEditor]);
}

function colorsOf({ panel, accent, soft, text, ...of }: Palette) {
  const widgets = ["editorHoverWidget", "editorSuggestWidget", "editorWidget", "menu", "quickInput"];
  const accents = ["focusBorder", "textLink.foreground", "textLink.activeForeground", "editorLink.activeForeground", "list.highlightForeground", "list.focusHighlightForeground", "editorSuggestWidget.highlightForeground", "pickerGroup.foreground"];
  const softs = ["list.hoverBackground", "editorSuggestWidget.selectedBackground", "quickInputList.focusBackground", "menu.selectionBackground", "toolbar.hoverBackground"];
  const texts = ["editor.foreground", "editorSuggestWidget.selectedForeground", "menu.selectionForeground", "quickInputList.focusForeground"];
  const of_all = (names: string[], color: string) => names.map((name) => [name, color] as const);
  const colors = Object.fromEntries([
    ["editor.background", "#ffffff00"],
    ["scrollbar.shadow", "#ffffff00"],
    ...of_all(widgets.map((it) => `${it}.background`), panel),
    ...of_all(accents, accent),
    ...of_all(softs, soft),
    ...of_all(texts, text),
  ]);
  const rule = (token: string, color: string) => ({ token, foreground: color.slice(1) });
  const rules = [
    ...["keyword", "keyword.gql"].map((it) => rule(it, of.keyword)),
    ...["type.identifier.gql", "annotation.gql", "string.key.json"].map((it) => rule(it, of.name)),
    rule("key.identifier.gql", text),
    rule("argument.identifier.gql", of.number),
    ...["string.gql", "string.value.json", "string.quote.gql"].map((it) => rule(it, of.string)),
    ...["number", "number.json", "keyword.json"].map((it) => rule(it, of.number)),
    ...["comment", "comment.gql"].map((it) => rule(it, of.comment)),
  ];
  return { colors, rules };
}
