// An account to try things with, with lists, labels and tasks that are due around today. It is made by the public API.
const LISTS = [["Home", "#4c9f70"], ["Work", "#3a6ea5"], ["Trip to Lisbon", "#c98a2b"]];
const LABELS = ["errand", "phone", "writing", "urgent", "weekly"];
/** Of each list: title, days from now (an hour of the day too, if there is one), labels, and whether it is done. */
const TASKS = [
  [
    ["Water the plants", 0, [4]],
    ["Fix the dripping tap", -3, []],
    ["Book the chimney sweep", 9, [1]],
    ["Return the library books", -1, [0]],
    ["Call grandmother", [0, 18], [1, 4]],
    ["Descale the kettle", null, [], true],
  ],
  [
    ["Write the release notes", 1, [2]],
    ["Review the migration plan", [1, 10], [3]],
    ["Answer the auditors", -2, [2, 3]],
    ["Prepare the retrospective", 6, []],
    ["Order a second monitor", null, [0], true],
  ],
  [
    ["Renew the passport", 14, [0, 1]],
    ["Reserve the night train", [5, 9], []],
    ["Learn twenty words of Portuguese", null, [4]],
    ["Pack the bag", 20, [], false, ["Rain jacket", "Charger", "Reading glasses"]],
  ],
];

/** Signs up, and fills the account. `call` asks an account route. */
export async function createDemoAccount(call, graphql) {
  const mark = uuid();
  const { token } = await call("sign-up/email", { name: "Demo", email: `demo-${mark.slice(0, 8)}@docket.example`, password: mark });
  if (!token) throw new Error("This server mails a link before anybody can sign in, so there is no demo account.");
  const data = demoData();
  const response = await fetch(graphql, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: mutation(), variables: data }),
  });
  const { errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
}

/** One document, whose fields are executed one after the other. */
function mutation() {
  const parameters = [
    ...LISTS.map((_, at) => `$list${at}: CreateTaskListInput!`),
    ...LABELS.map((_, at) => `$label${at}: CreateLabelInput!`),
    "$tasks: [CreateTaskInput!]!",
    "$subtasks: [CreateTaskInput!]!",
  ];
  const fields = [
    ...LISTS.map((_, at) => `list${at}: createTaskList(input: $list${at}) { revision }`),
    ...LABELS.map((_, at) => `label${at}: createLabel(input: $label${at}) { revision }`),
    "createTasks(input: { tasks: $tasks }) { revision }",
    "subtasks: createTasks(input: { tasks: $subtasks }) { revision }",
  ];
  return `mutation DemoData(${parameters.join(", ")}) { ${fields.join(" ")} }`;
}

function demoData() {
  const lists = LISTS.map(([name, color]) => ({ id: uuid(), name, color }));
  const labels = LABELS.map((name) => ({ id: uuid(), name }));
  const all = TASKS.flatMap((ofList, at) => ofList.flatMap((task) => withSubtasks(task, lists[at].id, labels)));
  const variables = { tasks: all.filter((it) => !it.parentId), subtasks: all.filter((it) => it.parentId) };
  lists.forEach((list, at) => (variables[`list${at}`] = list));
  labels.forEach((label, at) => (variables[`label${at}`] = label));
  return variables;
}

function withSubtasks([title, when, labelsOfTask, completed = false, subtasks = []], listId, labels) {
  const labelIds = labelsOfTask.map((at) => labels[at].id);
  const priority = labelsOfTask.includes(3) ? "URGENT" : when === null ? "LOW" : "MEDIUM";
  const parent = { id: uuid(), title, completed, priority, due: due(when), listId, labelIds };
  return [parent, ...subtasks.map((name) => ({ title: name, parentId: parent.id }))];
}

function due(when) {
  if (when === null) return null;
  const [days, hour] = [when].flat();
  const at = new Date();
  at.setDate(at.getDate() + days);
  if (hour === undefined) {
    const two = (value) => String(value).padStart(2, "0");
    return { date: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}` };
  }
  at.setHours(hour, 0, 0, 0);
  return { at: { instant: at.toISOString(), timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC" } };
}

/** `crypto.randomUUID` is not there on pages without https. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
