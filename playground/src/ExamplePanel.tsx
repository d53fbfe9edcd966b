// The panel with the examples: each opens as a tab of its own, whatever tabs there are already.
import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { type Example, makeExamples } from "./examples";
import { isPhone } from "./phone";

let examples: Example[] | undefined;

/** The same ids for as long as the page is open, so that the examples find what the others have made. */
export const allExamples = (): Example[] => (examples ??= makeExamples());

function ExampleList() {
  const { addTab, changeTab, setVisiblePlugin } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL((state) => ({
    tabs: state.tabs,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));
  const open = (example: Example) => {
    if (isPhone()) setVisiblePlugin(null);
    const index = tabs.findIndex((tab) => tab.query === example.query);
    if (index >= 0) return changeTab(index);
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(example.variables ?? "");
  };
  return (
    <section aria-label="Examples">
      <h2 className="panel-title">Examples</h2>
      <p>They build on each other: the list and tasks of the second are those that the others work on.</p>
      <ol className="examples">
        {allExamples().map((example) => (
          <li key={example.about}>
            <button type="button" onClick={() => open(example)}>{example.about}</button>
          </li>
        ))}
      </ol>
    </section>
  );
}

export const EXAMPLES: GraphiQLPlugin = { title: "Examples", icon: ExamplesIcon, content: ExampleList };

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" aria-hidden="true">
      <path d="M9 6h12M9 12h12M9 18h12M3.5 6h1M3.5 12h1M3.5 18h1" />
    </svg>
  );
}
