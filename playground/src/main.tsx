// The playground: GraphiQL with examples as tabs, an explorer of fields, and subscriptions that list all events.
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
// Each by itself: together they have fonts in them, which are larger than all the rest.
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "@graphiql/plugin-explorer/style.css";
import "graphiql/graphiql.css";
import "./workers";
import "./style.css";
import { allExamples, EXAMPLES } from "./ExamplePanel";
import { fetcher } from "./fetcher";
import { MakeChange } from "./MakeChange";
import { isPhone } from "./phone";
import { useEditorLook } from "./theme";

const explorer = { ...explorerPlugin(), title: "Explorer" };
const PLUGINS = [EXAMPLES, explorer, HISTORY_PLUGIN];

function EditorLook() {
  useEditorLook();
  return null;
}

/** Who has tabs keeps them: the examples are tabs of newcomers only. */
function Playground() {
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={PLUGINS}
      defaultTabs={allExamples()}
      defaultEditorToolsVisibility={isPhone() ? undefined : "variables"}
      isHeadersEditorEnabled
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>{null}</GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, copy }) => <>{prettify}{copy}<MakeChange /></>}
      </GraphiQL.Toolbar>
      <EditorLook />
    </GraphiQL>
  );
}

const place = document.getElementById("graphiql");
if (place) createRoot(place).render(<Playground />);
