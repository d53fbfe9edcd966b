// A button of the toolbar that creates a task, so that a subscription has something to show.
import { ToolbarButton } from "@graphiql/react";
import { ask } from "./fetcher";

const query = "mutation MakeChange($title: String!) { createTask(input: { title: $title }) { task { id } } }";

export function MakeChange() {
  const make = () => ask({ query, variables: { title: `Made at ${new Date().toLocaleTimeString("en-GB")}` } });
  return (
    <ToolbarButton label="Make a change: create a task, for a subscription to see" onClick={make}>
      <svg className="graphiql-toolbar-icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
        <path d="M13 2.5 5 13.5h6l-1 8 8-11h-6z" />
      </svg>
    </ToolbarButton>
  );
}
