// Requests that are made up: mostly what a schema allows, here and there what it does not, and some with tokens
// dropped, added or changed. The same seed makes the same requests.
import { Lexer, Source, TokenKind, getNamedType, isAbstractType, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType } from "graphql";

const TOKENS = [
  "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "=", "&", "|", "on", "query", "mutation", "fragment", "extend", "null", "true", "1", "-1", "1.5", "01", "1a",
  '"s"', '"\\u{1F600}"', '"\\q"', '"""b"""', "$v0", "id", "F0", "__typename", "@include(if: true)", "@skip(if: $v0)", "#c\n", "\uFEFF", "é", "\n", ",",
];
const LITERALS = ["1", '"x"', "true", "LOW", "[]", "{}", "1.5", "[1]", '"""b"""', "null"];
const VALUES = [1, "x", true, [], {}, 1.5, [null], 2147483648, null];
const SCALARS = {
  Int: ["0", "5", "99"], Boolean: ["true", "false"], ID: ['"a"', "5", '"00000000-0000-0000-0000-000000000000"'], BigInt: ["5", '"5"', "99999999999"],
  Date: ['"2026-01-02"', '"x"'], DateTime: ['"2026-01-02T00:00:00Z"', '"x"'],
};
const DEEPEST = 3;

/** So many requests for a schema. */
export function* requests(schema, seed, count) {
  const random = generator(seed);
  for (let made = 0; made < count; made++) yield new Request(schema, random).made();
}

/** Mulberry32: numbers from 0 to 1. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Request {
  definitions = [];
  variables = {};
  fragments = [];

  constructor(schema, random) {
    this.schema = schema;
    this.random = random;
  }

  made() {
    const [kind, root] = this.chance(0.8) ? ["query", this.schema.getQueryType()] : ["mutation", this.schema.getMutationType()];
    const body = this.selection(root, 0);
    const definitions = this.definitions.length > 0 ? `(${this.definitions.join(", ")})` : "";
    let query = `${kind} Op${definitions} ${body} ${this.fragments.join(" ")}`;
    const isOneOfTwo = this.chance(0.05);
    if (isOneOfTwo) query += " query Other { __typename }";
    const operationName = isOneOfTwo ? this.pick(["Op", "Other", "None", undefined]) : undefined;
    return { query: this.chance(0.35) ? this.broken(query) : query, variables: this.variables, operationName };
  }

  chance(share) {
    return this.random() < share;
  }

  pick(values) {
    return values[Math.floor(this.random() * values.length)];
  }

  selection(type, depth) {
    if (isLeafType(type)) return this.chance(0.01) ? "{ x }" : "";
    const parts = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => this.selected(type, depth));
    return `{ ${parts.join(" ")} }`;
  }

  selected(type, depth) {
    const which = this.random();
    if (which < 0.06) return `__typename${this.directive()}`;
    if (which < 0.14) return this.inlineFragment(type, depth);
    if (which < 0.2 && this.fragments.length < 4) {
      const at = this.fragments.push("") - 1;
      this.fragments[at] = `fragment F${at} on ${type.name} ${this.selection(type, depth + 1)}`;
      return `...F${at}${this.directive()}`;
    }
    if (which < 0.22 && this.fragments.length > 0) return `...F${Math.floor(this.random() * this.fragments.length)}`;
    return this.field(type, depth);
  }

  inlineFragment(type, depth) {
    const near = isAbstractType(type) && this.chance(0.7) ? this.pick(this.schema.getPossibleTypes(type)) : type;
    const on = this.chance(0.9) ? near : this.schema.getType(this.pick(["Task", "Query", "User", "Label", "TaskList"]));
    return `... ${this.chance(0.8) ? `on ${on.name}` : ""}${this.directive()} ${this.selection(on, depth + 1)}`;
  }

  field(type, depth) {
    const fields = Object.values(type.getFields?.() ?? {}).filter((it) => depth < DEEPEST || isLeafType(getNamedType(it.type)));
    if (fields.length === 0) return "__typename";
    const field = this.pick(fields);
    const given = field.args.filter((it) => this.chance(isNonNullType(it.type) && it.defaultValue === undefined ? 0.98 : 0.25));
    const list = given.map((it) => `${it.name}: ${this.value(it.type, 0)}`).join(", ");
    const alias = this.chance(0.15) ? `${this.pick(["a", "b", "id"])}: ` : "";
    return `${alias}${field.name}${list && `(${list})`}${this.directive()} ${this.selection(getNamedType(field.type), depth + 1)}`;
  }

  directive() {
    if (!this.chance(0.06)) return "";
    const value = this.chance(0.8) ? this.pick(["true", "false"]) : this.value(this.schema.getDirective("skip").args[0].type, 0);
    return ` @${this.pick(["include", "include", "skip", "skip", "nothing"])}(if: ${value})`;
  }

  /** A literal or a variable. */
  value(type, depth) {
    if (!this.chance(0.12)) return this.literal(type, depth);
    const name = `v${this.definitions.length}`;
    const declared = this.chance(0.1) ? this.pick(["Int", "String!", "[ID!]", "Boolean", "TaskFilter"]) : String(type);
    const at = this.definitions.push("") - 1;
    this.definitions[at] = `$${name}: ${declared}${this.chance(0.2) ? ` = ${this.constant(type)}` : ""}`;
    if (this.chance(0.9)) this.variables[name] = this.json(type);
    return `$${name}`;
  }

  literal(type, depth, value = (of, below) => this.value(of, below)) {
    if (isNonNullType(type)) return this.literal(type.ofType, depth, value);
    if (this.chance(0.08)) return this.pick(LITERALS);
    if (isListType(type)) {
      if (this.chance(0.3)) return value(type.ofType, depth);
      return `[${Array.from({ length: Math.floor(this.random() * 3) }, () => value(type.ofType, depth)).join(", ")}]`;
    }
    if (isEnumType(type)) return this.pick(type.getValues()).name;
    if (!isInputObjectType(type)) return this.pick(SCALARS[type.name] ?? ['"x"', '"\\u00e9"', '"""a\n b"""']);
    const fields = Object.values(type.getFields());
    const given = type.isOneOf ? [this.pick(fields)] : fields.filter((it) => this.chance(isNonNullType(it.type) ? 0.97 : 0.25));
    return depth > 2 ? "{}" : `{ ${given.map((it) => `${it.name}: ${value(it.type, depth + 1)}`).join(", ")} }`;
  }

  constant(type, depth = 0) {
    return this.literal(type, depth, (of, below) => this.constant(of, below));
  }

  json(type) {
    if (this.chance(0.08)) return this.pick(VALUES);
    if (isNonNullType(type)) return this.json(type.ofType);
    if (isListType(type)) return this.chance(0.2) ? this.json(type.ofType) : [this.json(type.ofType)];
    if (isEnumType(type)) return this.pick(type.getValues()).name;
    if (!isInputObjectType(type)) return { Int: 5, Boolean: true }[type.name] ?? "x";
    const given = Object.values(type.getFields()).filter((it) => isNonNullType(it.type) || this.chance(0.15));
    return Object.fromEntries(given.map((it) => [it.name, this.json(it.type)]));
  }

  /** The text with one or two of its tokens dropped, added, changed or swapped. */
  broken(text) {
    const tokens = [];
    const lexer = new Lexer(new Source(text));
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) tokens.push(text.slice(token.start, token.end));
    for (let times = this.pick([1, 2]); times > 0; times--) {
      const [at, other] = [0, 0].map(() => Math.floor(this.random() * tokens.length));
      const change = this.pick(["drop", "add", "change", "swap"]);
      if (change === "drop") tokens.splice(at, 1);
      else if (change === "add") tokens.splice(at, 0, this.pick(TOKENS));
      else if (change === "change") tokens[at] = this.pick(TOKENS);
      else [tokens[at], tokens[other]] = [tokens[other], tokens[at]];
    }
    return tokens.join(" ");
  }
}
