// Formats variables and headers. GraphiQL would load two parts of Prettier for that, which are half a megabyte; this is what
// they are replaced by: a parser of "jsonc" whose result is its text, formatted by what is loaded anyway, and its printer.
import { applyEdits, format } from "jsonc-parser";

interface Formatted { text: string }

const FORMAT = "formatted-json";

export const parsers = {
  jsonc: {
    astFormat: FORMAT,
    parse: (text: string): Formatted => ({ text: applyEdits(text, format(text, undefined, { tabSize: 2, insertSpaces: true })) }),
    locStart: () => 0,
    locEnd: ({ text }: Formatted) => text.length,
  },
};

export const printers = { [FORMAT]: { print: ({ node }: { node: Formatted }) => node.text } };
