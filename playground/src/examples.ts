// The examples: what each shows, its document and its variables. They are tabs for newcomers, and all work together by
// ids that are chosen here.
import create from "../examples/create.graphql?raw";
import edit from "../examples/edit.graphql?raw";
import errors from "../examples/errors.graphql?raw";
import filters from "../examples/filters.graphql?raw";
import firstLook from "../examples/first-look.graphql?raw";
import pages from "../examples/pages.graphql?raw";
import pull from "../examples/pull.graphql?raw";
import push from "../examples/push.graphql?raw";
import search from "../examples/search.graphql?raw";
import subscribe from "../examples/subscribe.graphql?raw";
import { dateIn, instantIn, timeZone, uuid } from "./days";

export interface Example {
  about: string;
  query: string;
  /** JSON; absent where the document has none. */
  variables?: string;
}

const json = (value: unknown) => JSON.stringify(value, null, 2);

function madeTasks(passport: string, listId: string) {
  const titles = [
    { id: passport, title: "Renew the passport", priority: "HIGH", due: { date: dateIn(14) } },
    { title: "Reserve the night train", due: { at: { instant: instantIn(2, 18), timeZone } } },
    { title: "Print the passport photographs", due: { date: dateIn(-1) } },
    { title: "Learn twenty words of Portuguese", description: "Numbers first, then food.", priority: "LOW" },
    { title: "Ask the neighbours to water the plants", due: { date: dateIn(5) } },
  ];
  return titles.map((task) => ({ id: uuid(), ...task, listId }));
}

/** All examples, with new ids. */
export function makeExamples(): Example[] {
  const [passport, list, label, pushed] = [uuid(), uuid(), uuid(), uuid()];
  const state = { completed: false, priority: "MEDIUM", listId: list, labelIds: [] };
  const rows = [
    { task: { id: pushed, state: { ...state, title: "Pack the bag", due: { date: dateIn(6) } } } },
    { task: { id: passport, expectedRevision: 0, state: { ...state, title: "Renew both passports", due: null } } },
  ];
  return [
    { about: "First look: who you are, lists, and what is due next", query: firstLook },
    {
      about: "Create a list and tasks with ids of your own",
      query: create,
      variables: json({ list: { id: list, name: "Trip to Lisbon", color: "#c98a2b" }, tasks: { tasks: madeTasks(passport, list) } }),
    },
    {
      about: "Edit, and settle a conflict",
      query: edit,
      variables: json({ id: passport, seen: 0, elsewhere: true, title: "Renew the passport at the town hall" }),
    },
    { about: "Read page after page", query: pages, variables: json({ first: 3, after: null }) },
    {
      about: "Filter and order",
      query: filters,
      variables: json({ from: instantIn(0, 0), to: instantIn(7, 0), timeZone }),
    },
    { about: "Search for words, or for a text", query: search, variables: json({ words: "pass ren", text: "port" }) },
    {
      about: "Subscribe: see changes as they happen",
      query: subscribe,
      variables: json({ after: null, kinds: ["TASK", "TASK_LIST", "LABEL"] }),
    },
    { about: "Sync: pull what has changed", query: pull, variables: json({ first: 20, after: null }) },
    { about: "Sync: push what was changed offline", query: push, variables: json({ input: { changes: rows } }) },
    {
      about: "Errors, and what their codes are",
      query: errors,
      variables: json({ task: passport, absent: uuid(), label }),
    },
  ];
}
